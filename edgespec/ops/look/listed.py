"""What the mask of a band says of a look: how strong each entry is, and what it does not list."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.config.mask import Mask, MaskRow
from edgespec.level_scale import LevelScale
from edgespec.records import FloatArray

__all__ = ["Listed", "listed_in"]

#: How exactly edges are known.
_SLACK_BINS = 2


@dataclass(frozen=True, slots=True)
class Listed:
    """Entries that the band shows, each with its largest mean, and what is occupied beside them.

    ``rows`` are the entry and its level in dBFS; ``unlisted_hz`` edges of what no entry holds.
    """

    rows: tuple[tuple[MaskRow, float], ...]
    unlisted_hz: tuple[tuple[float, float], ...]

    @staticmethod
    def words_of(row: MaskRow, level_dbfs: float, scale: LevelScale) -> str:
        """Return what there is to say of the level of an entry."""
        if row.max_dbfs is not None and level_dbfs > row.max_dbfs:
            return f"{level_dbfs - row.max_dbfs:.1f} dB over its {scale.text(row.max_dbfs)}"
        if row.min_dbfs is not None and level_dbfs < row.min_dbfs:
            return f"not there: its least are {scale.text(row.min_dbfs)}"
        return "within its level"


def listed_in(
    mask: Mask,
    freqs_hz: NDArray[np.float64],
    max_dbfs: FloatArray,
    occupied_hz: list[tuple[float, float]],
    utc_ns: int,
) -> Listed:
    """Return what a mask says.

    Args:
        mask: of the band.
        freqs_hz: of its bins, ``(n_bins,)``.
        max_dbfs: the largest mean over a horizon of each.
        occupied_hz: edges of what is occupied.
        utc_ns: when that was; 0: nobody knows, and all hours hold.
    """
    bin_hz = float(np.median(np.diff(freqs_hz)))
    at = mask.at(utc_ns) if utc_ns else mask.rows
    rows = []
    for row in at:
        reached = row.reached_by(freqs_hz, bin_hz)
        if reached.any():
            rows.append((row, float(max_dbfs[reached].max())))
    slack_hz = _SLACK_BINS * bin_hz
    unlisted = [
        edges for edges in occupied_hz if not any(row.holds(*edges, slack_hz) for row in at)
    ]
    return Listed(tuple(rows), tuple(unlisted))
