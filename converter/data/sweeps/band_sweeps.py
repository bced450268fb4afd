"""One band of a data set of sweeps, and how its sweeps become segments."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from converter.data.sweeps.sweep_dataset import (
    SweepDataset,
    SweepPart,
    load_sweep_dataset,
    load_sweep_part,
)
from converter.data.sweeps.windows import N_FUTURE, N_PAST, interval_of
from edgespec.dsp.sweep_plane import SweepPlane
from edgespec.errors import SourceError, UsageError
from edgespec.nearest import nearest
from edgespec.records import Geometry
from edgespec.sweep_block import SweepBlock, sweep_grid
from edgespec.sweep_recipe import SweepRecipe
from edgespec.sweep_table import SweepTable

__all__ = ["BandSweeps", "open_band"]


@dataclass(frozen=True, slots=True)
class BandSweeps:
    """The recordings of one ``band``, all of which are sweeps as the ``recipe`` says."""

    dataset: SweepDataset
    band: str
    recipe: SweepRecipe

    @property
    def folder(self) -> Path:
        """Where they are."""
        return self.dataset.folder

    @property
    def sha256(self) -> str:
        """That of the index."""
        return self.dataset.sha256

    @property
    def geometry(self) -> Geometry:
        """How sweeps become segments."""
        return self.recipe.geometry

    @property
    def split_method(self) -> Mapping[str, Any]:
        """How the splits are kept apart, as the card of a model has it."""
        parts = [part for part in self.dataset.parts if part.band == self.band]
        is_cut = len({part.file for part in parts}) < len(parts)
        return {"kind": "time" if is_cut else "recording", "band": self.band}

    def split(self, name: str) -> tuple[SweepPart, ...]:
        """Return the parts of one split."""
        return self.dataset.split(name, self.band)

    def load(self, part: SweepPart) -> SweepTable:
        """Return the sweeps of a part, behind those that come before it in its file.

        Holes are as the device has them: few have the level before, and a sweep of which more is
        missing has no level at all.

        Raises:
            SourceError: the file cannot be read, or its sweeps are of another kind.
        """
        table = load_sweep_part(self.dataset, part)
        others = self.recipe.misfit(table.freqs_hz, interval_of(table))
        if others:
            raise SourceError(
                f"recording {part.name!r} of {str(self.folder)!r} has {others}, where the band "
                f"{self.band!r} has {self.recipe.words}: give it as another band"
            )
        return table if np.isfinite(table.levels_db).all() else _mended(table)


def open_band(
    folder: Path,
    band: str | None = None,
    recipe: SweepRecipe | None = None,
    *,
    n_context: int = N_PAST,
    n_horizon: int = N_FUTURE,
    hop_frames: int | None = None,
) -> BandSweeps:
    """Return a band of the data set in a folder.

    Args:
        folder: what ``dataset-sweeps`` or ``simulate-sweeps`` has written.
        band: name of the band; None where there is only one.
        recipe: what the segments of a model are; None: that of the first recording, by the next.
        n_context: sweeps that a network sees.
        n_horizon: sweeps that it forecasts.
        hop_frames: sweeps from one segment that is judged to the next; None: the horizon.

    Raises:
        SourceError: there is no such data set, or its first recording cannot be read.
        UsageError: it has no such band, or several and none is named.
    """
    dataset = load_sweep_dataset(folder)
    name = _band_named(dataset, band)
    if recipe is None:
        first = next(part for part in dataset.parts if part.band == name)
        table = load_sweep_part(dataset, first)
        recipe = SweepRecipe(
            start_hz=float(table.freqs_hz[0]),
            stop_hz=float(table.freqs_hz[-1]),
            n_points=table.n_points,
            interval_s=round(interval_of(table), 6),
            n_context=n_context,
            n_horizon=n_horizon,
            hop_frames=n_horizon if hop_frames is None else hop_frames,
        )
    elif hop_frames is not None:
        recipe = replace(recipe, hop_frames=hop_frames)
    return BandSweeps(dataset, name, recipe)


def _mended(table: SweepTable) -> SweepTable:
    grid = sweep_grid(table.freqs_hz, interval_of(table))
    block = SweepBlock(table.levels_db, grid.tick_hz, 0.0, 0, 0, grid=grid)
    frames = SweepPlane(grid).process(block)
    bad = frames.flags[:, None] != 0
    return replace(table, levels_db=np.where(bad, np.float32(np.nan), frames.power_dbfs))


def _band_named(dataset: SweepDataset, band: str | None) -> str:
    if not dataset.bands:
        raise SourceError(f"the data set {str(dataset.folder)!r} has no recording: make it again")
    if band is None and len(dataset.bands) == 1:
        return dataset.bands[0]
    listed = ", ".join(dataset.bands)
    if band is None:
        raise UsageError(
            f"the data set {str(dataset.folder)!r} has the bands {listed}, and a network learns "
            "one: name it with --band"
        )
    if band not in dataset.bands:
        near = nearest(band, dataset.bands)
        hint = f", did you mean {near!r}?" if near else ""
        raise UsageError(
            f"the data set {str(dataset.folder)!r} has no band {band!r}{hint} It has {listed}"
        )
    return band
