"""What a site was like at first and at each hour, kept over a restart: one small file a band."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.slow.commissioned import Commissioned
from edgespec.detect.slow.hours import MOST_BLOCKS, HourLevels
from edgespec.detect.slow.levels import SiteLevels
from edgespec.detect.slow.looks import Levels
from edgespec.dsp.stream import is_near_range
from edgespec.errors import ModelError
from edgespec.observer.kept.band_file import LearntKind, learnt_file
from edgespec.observer.kept.kept_arrays import load_arrays, range_of, save_arrays

__all__ = ["KeptSite", "SiteFile", "load_kept_site", "save_kept_site", "site_file"]

#: 24 hours of 13,000 bins; what is longer was not written here.
MAX_BYTES = 4_000_000
_ROWS = ("low_dbfs", "high_dbfs", "spread_db", "step_square")
_OF_HOURS = ("hours_low_dbfs", "hours_high_dbfs", "hours_n_blocks")


@dataclass(frozen=True, slots=True)
class SiteFile:
    """Where it is kept, and of what: levels mean nothing at another source or gain."""

    path: Path
    source: str
    gain_db: float


@dataclass(frozen=True, slots=True, eq=False)
class KeptSite:
    """What was known of a site at ``utc_ns``, in the cell of a label; '' where there was none."""

    utc_ns: int
    source: str
    gain_db: float
    range_hz: tuple[float, float]
    first: Commissioned
    hours: HourLevels
    cell: str = ""

    @classmethod
    def of(
        cls,
        file: SiteFile,
        utc_ns: int,
        range_hz: tuple[float, float],
        levels: SiteLevels,
        cell: str = "",
    ) -> "KeptSite":
        """Return what is known of a site now, in arrays of its own."""
        if levels.first is None:
            raise ModelError("nothing is known of the site yet: wait until it is commissioned")
        first, hours = levels.first.copy(), levels.hours.copy()
        return cls(utc_ns, file.source, file.gain_db, range_hz, first, hours, cell)

    def is_of(self, file: SiteFile, range_hz: tuple[float, float], n_bins: int) -> bool:
        """Whether it can be compared with what is heard now."""
        learnt = (self.source, self.gain_db, len(self.first.spread_db))
        is_same_range = is_near_range(self.range_hz, range_hz)
        return is_same_range and learnt == (file.source, file.gain_db, n_bins + 1)


def site_file(folder: Path, band: str, source: str, gain_db: float | None) -> SiteFile | None:
    """Return the file of a band; None where a receiver sets its own gain: levels mean nothing."""
    if gain_db is None:
        return None
    return SiteFile(learnt_file(LearntKind.SITE, folder, band), source, gain_db)


def save_kept_site(path: Path, kept: KeptSite) -> None:
    """Put it in the place of the file in one step; a disk that refuses costs the file alone."""
    head = {
        "utc_ns": kept.utc_ns,
        "source": kept.source,
        "gain_db": kept.gain_db,
        "range_hz": list(kept.range_hz),
        "cell": kept.cell,
    }
    first, hours = kept.first, kept.hours
    rows = (first.levels.low_dbfs, first.levels.high_dbfs, first.spread_db, first.step_square)
    of_hours = (hours.low_dbfs, hours.high_dbfs, hours.n_blocks.astype(np.float32))
    arrays = dict(zip((*_ROWS, *_OF_HOURS), (*rows, *of_hours), strict=True))
    save_arrays(path, head, arrays, unkept="what is known of the site is not kept")


def load_kept_site(path: Path) -> KeptSite | None:
    """Return what was kept, None where there is nothing or nothing that can be read."""
    what = "what was known of a site"
    return load_arrays(path, MAX_BYTES, _parse, label=what, unlike=f"not {what}")


def _parse(head: Any, arrays: Mapping[str, NDArray[Any]]) -> KeptSite:
    low, high, spread_db, step_square = (arrays[name].astype(np.float32) for name in _ROWS)
    hours = HourLevels(len(low))
    hours_low, hours_high, n_blocks = (arrays[name] for name in _OF_HOURS)
    if not (n_blocks >= 0).all() or not (n_blocks <= MOST_BLOCKS).all():
        raise ValueError("an hour was not heard for as long as it says")
    for kept, new in (
        (hours.low_dbfs, hours_low), (hours.high_dbfs, hours_high), (hours.n_blocks, n_blocks),
    ):  # fmt: skip
        if new.shape != kept.shape:
            raise ValueError(f"an array of its hours is of shape {new.shape}")
        kept[:] = new
    shapes = {row.shape for row in (low, high, spread_db, step_square)}
    if shapes != {(len(low),)} or len(low) < 2:
        raise ValueError(f"its arrays are of shapes {sorted(shapes)}")
    range_hz = range_of(head)
    gain_db = float(head["gain_db"])
    of_levels = (low, high, spread_db, step_square, hours.low_dbfs, hours.high_dbfs)
    if not all(np.isfinite(values).all() for values in (*of_levels, range_hz, gain_db)):
        raise ValueError("a number is not finite")
    if min(spread_db.min(), step_square.min()) < 0.0:
        raise ValueError("a spread is negative")
    first = Commissioned(Levels(low, high), spread_db, step_square)
    source, cell = str(head["source"]), str(head.get("cell", ""))
    return KeptSite(int(head["utc_ns"]), source, gain_db, range_hz, first, hours, cell)
