"""Segments of a swept band with what was before them: for training, as the device would see it."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from converter.data.side_inputs import side_rows
from converter.data.sweeps.band_sweeps import BandSweeps
from converter.data.sweeps.windows import window_starts
from edgespec.dsp.transform import apply, standardise
from edgespec.errors import SourceError
from edgespec.records import FloatArray, Scaling
from edgespec.side_input import SideInput

__all__ = ["SweepWindows"]


class SweepWindows:
    """Segments of some splits of a band, in the order of the recordings.

    No segment reaches over a gap, or from one split into another; means of hours and days come from
    all sweeps of the same file before it, as they do on the device. All is standardised by the
    context. Nothing is left out as noise: many a swept band is hardly more.

    Args:
        band: the sweeps.
        splits: which of their splits.
        sides: what the network is given beside its context.
        hop_frames: sweeps from one segment to the next; default: that of the band.
        n_windows: take no more than so many, chosen at random; None takes all.
        seed: of that choice.

    Attributes:
        known: for each side input, by name, which share of it was known; the mean of the context
            stands in for the rest.

    Raises:
        SourceError: there is not one segment, or a recording cannot be read.
    """

    def __init__(
        self,
        band: BandSweeps,
        splits: Sequence[str],
        sides: Sequence[SideInput] = (),
        *,
        hop_frames: int | None = None,
        n_windows: int | None = None,
        seed: int = 0,
    ) -> None:
        self.geometry = replace(band.geometry, hop_frames=hop_frames or band.geometry.hop_frames)
        self.n_noise_only = 0
        parts = [part for name in splits for part in band.split(name)]
        n_context = self.geometry.n_context
        tables = [band.load(part) for part in parts]
        starts = []
        for part, table in zip(parts, tables, strict=True):
            own = replace(
                table,
                utc_s=table.utc_s[part.first_sweep :],
                levels_db=table.levels_db[part.first_sweep :],
            )
            geometry = self.geometry
            found = window_starts(own, n_context, geometry.n_horizon, geometry.hop_frames)
            starts.append(found + part.first_sweep)
        self._levels = [table.levels_db for table in tables]
        self._index = np.concatenate(
            [np.empty((0, 2), np.int64)]
            + [np.stack([np.full_like(some, at), some], axis=1) for at, some in enumerate(starts)]
        )
        if not len(self._index):
            raise SourceError(self._too_short(band, splits, [part.n_sweeps for part in parts]))
        if n_windows is not None and n_windows < len(self._index):
            order = np.random.default_rng(seed).permutation(len(self._index))
            self._index = self._index[np.sort(order[:n_windows])]
        rows = [
            side_rows(table, sides, self._index[self._index[:, 0] == at, 1], n_context)
            for at, table in enumerate(tables)
        ]
        self._sides = tuple(
            np.concatenate([one.rows_db[number] for one in rows]) for number in range(len(sides))
        )
        shares = np.concatenate([one.known for one in rows]).mean(axis=0)
        self.known = {
            side.name: round(float(share), 4) for side, share in zip(sides, shares, strict=True)
        }
        self._scalings = self._own_scalings()

    def __len__(self) -> int:
        return len(self._index)

    def segment(self, number: int) -> tuple[FloatArray, FloatArray]:
        """Return context and target of one segment in dB, as views."""
        table, start = self._index[number]
        sweeps = self._levels[table][start : start + self.geometry.n_segment]
        return sweeps[: self.geometry.n_context], sweeps[self.geometry.n_context :]

    def gather(self, numbers: NDArray[np.int64]) -> tuple[FloatArray, FloatArray]:
        """Return contexts and targets of some segments, standardised by their contexts.

        float32 ``(n, n_context, n_points)`` and ``(n, n_horizon, n_points)``.
        """
        geometry = self.geometry
        batch = np.empty((len(numbers), geometry.n_segment, geometry.n_bins), np.float32)
        for row, number in enumerate(numbers):
            table, start = self._index[number]
            sweeps = self._levels[table][start : start + geometry.n_segment]
            apply(sweeps, self._scalings[number], batch[row])
        return batch[:, : geometry.n_context], batch[:, geometry.n_context :]

    def sides(self, numbers: NDArray[np.int64]) -> tuple[FloatArray, ...]:
        """Return the side inputs of some segments, standardised as their contexts are."""
        found = tuple(np.empty((len(numbers), *side.shape[1:]), np.float32) for side in self._sides)
        for side, out in zip(self._sides, found, strict=True):
            for row, number in enumerate(numbers):
                apply(side[number], self._scalings[number], out[row])
        return found

    def _own_scalings(self) -> list[Scaling]:
        scratch = np.empty((self.geometry.n_context, self.geometry.n_bins), np.float32)
        return [
            standardise(np.ascontiguousarray(self.segment(number)[0]), scratch)
            for number in range(len(self))
        ]

    def _too_short(self, band: BandSweeps, splits: Sequence[str], lengths: list[int]) -> str:
        geometry = self.geometry
        least_s = geometry.n_segment * geometry.frame_s
        there = (
            f"its {len(lengths)} recordings have {', '.join(map(str, lengths[:8]))} sweeps"
            if lengths
            else "there is no recording"
        )
        return (
            f"the band {band.band!r} of {str(band.folder)!r} has no segment of "
            f"{geometry.n_context} + {geometry.n_horizon} sweeps without a gap or a hole for "
            f"{' or '.join(splits)}: {there}; give at least {geometry.n_segment} in a row "
            f"({least_s:.4g} s) to that split, or a shorter --context and --horizon"
        )
