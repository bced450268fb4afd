"""``edgespec look`` at a band that is swept."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.config import Config
from edgespec.errors import SourceError
from edgespec.observer.kept.kept import kept_of, load_kept
from edgespec.observer.radio_opening import open_band_source
from edgespec.ops.silence import SILENT_S, while_it_speaks
from edgespec.records import FloatArray
from edgespec.sources.schemes import parse_source
from edgespec.sweep_block import SweepBlock
from edgespec.sweep_table import SweepTable
from edgespec.units import format_hz, format_utc

__all__ = ["FoundBefore", "SweepLook", "look_at_sweeps"]

#: Of a recording all are looked at, up to so many; of what comes live, so many.
MOST_SWEEPS, LIVE_SWEEPS = 4_000, 10
_N_SHOWN = 6
#: What stands so much above its quiet points is occupied.
_OCCUPIED_DB = 6.0


@dataclass(frozen=True, slots=True)
class FoundBefore:
    """An event that was kept with sweeps: its edges, and when it began and ended, in UTC text."""

    lower_hz: float
    upper_hz: float
    begin: str
    end: str
    kind: str


@dataclass(frozen=True, slots=True)
class SweepLook:
    """Some sweeps: ``usual_db`` float32 ``(n_points,)`` is what the last run learnt, if any."""

    source: str
    table: SweepTable
    n_dropped: int
    usual_db: FloatArray | None = None
    found: tuple[FoundBefore, ...] = ()

    @property
    def _levels(self) -> tuple[FloatArray, FloatArray]:
        levels_db = self.table.levels_db
        return np.nanmean(levels_db, axis=0), np.nanmax(levels_db, axis=0)

    @property
    def occupied_share(self) -> float:
        """Share of the points whose mean stands 6 dB above the quiet ones."""
        mean_db = self._levels[0]
        return float(np.mean(mean_db > np.nanquantile(mean_db, 0.05) + _OCCUPIED_DB))

    def strongest(self) -> list[tuple[float, float, float]]:
        """Return frequency, mean and largest level of the strongest points, none beside another."""
        mean_db, max_db = self._levels
        is_peak = np.ones(len(mean_db), np.bool_)
        is_peak[1:] &= mean_db[1:] >= mean_db[:-1]
        is_peak[:-1] &= mean_db[:-1] > mean_db[1:]
        peaks = sorted(np.flatnonzero(is_peak), key=lambda point: -float(mean_db[point]))
        return [
            (float(self.table.freqs_hz[point]), float(mean_db[point]), float(max_db[point]))
            for point in peaks[:_N_SHOWN]
        ]

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of schema ``edgespec.sweep_look/1``."""
        mean_db, max_db = self._levels
        return {
            "schema": "edgespec.sweep_look/1",
            "source": self.source,
            "utc": format_utc(round(self.table.utc_s[0] * 1e9)),
            "n_sweeps": self.table.n_sweeps,
            "n_dropped": self.n_dropped,
            "interval_s": self.table.sweep_s,
            "unit": self.table.unit,
            "occupied_share": self.occupied_share,
            "freqs_hz": self.table.freqs_hz.tolist(),
            "mean_db": [None if np.isnan(x) else round(float(x), 2) for x in mean_db],
            "max_db": [None if np.isnan(x) else round(float(x), 2) for x in max_db],
        }

    def as_text(self) -> str:
        """Return it in lines for people."""
        table = self.table
        lower, upper = (format_hz(float(table.freqs_hz[end])) for end in (0, -1))
        lost = f", {self.n_dropped} missing between them" if self.n_dropped else ""
        lines = [
            f"{self.source}: {table.n_sweeps} sweeps of {table.n_points} points, {lower} to "
            f"{upper}, one every {table.sweep_s:.3g} s{lost}",
            f"from {format_utc(round(table.utc_s[0] * 1e9))}; {self.occupied_share:.0%} of the "
            f"points stand {_OCCUPIED_DB:g} dB above the quiet ones",
        ]
        lines += [
            f"  {format_hz(freq_hz):>12}  {mean_db:7.1f} {table.unit} on average, {max_db:.1f} at "
            "most"
            for freq_hz, mean_db, max_db in self.strongest()
        ]
        return "\n".join(lines)


def look_at_sweeps(config: Config, n_sweeps: int | None = None) -> SweepLook:
    """Return what some sweeps of the first band look like.

    Args:
        config: of one band.
        n_sweeps: how many; None: those of a recording, the first ten of what comes live.

    Raises:
        SourceError: the source cannot be opened, or gives none.
    """
    source = open_band_source(config, [None])
    try:
        most = n_sweeps or (LIVE_SWEEPS if source.info.is_live else MOST_SWEEPS)
        blocks: list[SweepBlock] = []
        with while_it_speaks(source, max(SILENT_S, 3.0 / source.info.sample_rate_hz)) as hearing:
            while len(blocks) < most:
                block = source.read(source.info.empty(1))
                if not isinstance(block, SweepBlock):
                    break
                hearing.heard()
                if blocks and block.grid is not blocks[0].grid:
                    # What is looked at lies on one grid: the newest.
                    blocks.clear()
                blocks.append(block)
    finally:
        source.close()
    if not blocks:
        raise SourceError(f"the source {source.info.uri!r:.160} gave no sweep")
    grid = blocks[0].grid
    utc_s = np.array([block.utc_ns / 1e9 for block in blocks])
    for row in range(1, len(utc_s)):
        utc_s[row] = max(utc_s[row], utc_s[row - 1] + 1e-3)
    levels_db = np.concatenate([block.samples for block in blocks])
    # A point that was never measured has no level to show.
    is_there = np.isfinite(levels_db).any(axis=0)
    table = SweepTable(
        config.band[0].id,
        utc_s,
        grid.freqs_hz[is_there],
        levels_db[:, is_there],
        grid.frame_s,
        grid.rbw_hz,
    )
    usual_db = _usual_db(config, source.info.uri, grid.range_hz, grid.n_bins)
    return SweepLook(
        source.info.uri,
        table,
        sum(block.n_dropped for block in blocks[1:]),
        None if usual_db is None else usual_db[is_there],
        _found_before(config.source[0].address),
    )


def _usual_db(
    config: Config, uri: str, range_hz: tuple[float, float], n_bins: int
) -> FloatArray | None:
    file = kept_of(config, config.band[0], uri, None)
    kept = load_kept(file.path)
    if kept is None or not kept.is_of(file, range_hz, n_bins):
        return None
    return kept.normal_dbfs.astype(np.float32)


def _found_before(address: str) -> tuple[FoundBefore, ...]:
    """Return the events that were kept with a table around an alert; none of any other file."""
    path = Path(parse_source(address).rest)
    beside = path.with_suffix(".json")
    if not path.name.endswith(".sweeps.npz") or not beside.is_file():
        return ()
    try:
        events = json.loads(beside.read_text(encoding="utf-8"))["events"]
        return tuple(
            FoundBefore(
                float(one["freq_lower_hz"]),
                float(one["freq_upper_hz"]),
                str(one["begin"]),
                str(one["end"]),
                str(one["kind"])[:40],
            )
            for one in events
        )
    except (OSError, ValueError, LookupError, TypeError):
        return ()
