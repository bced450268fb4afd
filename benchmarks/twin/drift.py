"""Receivers that changed between seasons, found without knowing where the transmitter was.

A map of July's readings locates readings of November. What a receiver then reads above what a fix
by all others expects of it is held against what it reads above the map at the true place.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.twin.campus import BLOCK_M, Campus
from converter.report.markdown_table import markdown_table
from edgespec.twin.walk.blocks import folds_of
from edgespec.twin.walk.fit import axes_of, fit_map
from edgespec.twin.walk.learn import POWER_ERROR_DB
from edgespec.twin.walk.left_out import left_out_db
from edgespec.twin.walk.posterior import Fixer
from edgespec.twin.walk.shadowing import Lengths
from edgespec.twin.walk.walk import Walk

__all__ = ["DriftFound", "drift_of"]

FloatArray = NDArray[np.float64]

#: So many readings of each season are located.
_READINGS = 80
#: A receiver that was heard in fewer of them is not judged.
_FEWEST = 15
#: Beyond this a receiver is said to have changed; ``detect.implausible_db`` of a site, too.
_MOVED_DB = 10.0
_WEIGHT = 0.6


@dataclass(frozen=True, slots=True, eq=False)
class DriftFound:
    """A row for each receiver and season: with labels, without, and how often it was heard."""

    rows: list[dict[str, Any]]

    def text(self) -> list[str]:
        """Return the section of the page."""
        moved = [row for row in self.rows if abs(row["labelled_db"] or 0.0) > _MOVED_DB]
        said = [row for row in self.rows if abs(row["left_out_db"]) > _MOVED_DB]
        hits = [row for row in said if row in moved]
        shown = sorted(self.rows, key=lambda row: -abs(row["left_out_db"]))[:8]
        known = [row for row in self.rows if row["labelled_db"] is not None]
        one, other = (
            np.array([row[key] for row in known]) for key in ("labelled_db", "left_out_db")
        )
        return [
            "## Receivers that changed, without labels",
            "",
            "A map of July's walks without one part in five locates that part, and the walk of "
            "November. Each receiver is left out once, and its level held against what a fix by "
            f"all others expects; medians over {_READINGS} readings a season.",
            "",
            markdown_table(
                ("receiver", "season", "heard", "without labels, dB", "with labels, dB"),
                [
                    (
                        row["receiver"],
                        row["season"],
                        row["n"],
                        f"{row['left_out_db']:+.1f}",
                        "" if row["labelled_db"] is None else f"{row['labelled_db']:+.1f}",
                    )
                    for row in shown
                ],
                right_from=2,
            ),
            "",
            f"By labels {len(moved)} of {len(self.rows)} are off by more than {_MOVED_DB:g} dB; "
            f"without, {len(said)} are said to be, {len(hits)} of them rightly. Both differ by "
            f"{np.sqrt(np.mean((one - other) ** 2)):.1f} dB (RMS), correlation "
            f"{np.corrcoef(one, other)[0, 1]:.2f}.",
        ]


def drift_of(campus: Campus, lengths: Lengths) -> DriftFound:
    """Return how far each receiver is off in each season, with labels and without."""
    walk = campus.rest
    folds = folds_of(walk.places_m, BLOCK_M)
    is_late = walk.days == walk.days.max()
    learnt = walk.chosen(~is_late & (folds != 0))
    walk_map = fit_map(campus.site, learnt, lengths, axes_of(campus.site)).walk_map
    fixer = Fixer(walk_map, POWER_ERROR_DB, _WEIGHT)
    rows = []
    for season, chosen in (("July", ~is_late & (folds == 0)), ("November", is_late)):
        asked = _some(walk.chosen(chosen))
        cells = walk_map.cells_of(asked.places_m)
        true_db = asked.levels_db - walk_map.levels_db()[cells]
        found_db = np.array([left_out_db(fixer, levels) for levels in asked.levels_db])
        for unit, node in enumerate(campus.site.nodes):
            heard = np.isfinite(found_db[:, unit])
            if heard.sum() < _FEWEST:
                continue
            rows.append(
                {
                    "receiver": node,
                    "season": season,
                    "n": int(heard.sum()),
                    "left_out_db": round(float(np.median(found_db[heard, unit])), 2),
                    "labelled_db": round(float(np.median(true_db[heard, unit])), 2),
                }
            )
    return DriftFound(rows)


def _some(walk: Walk) -> Walk:
    step = max(1, len(walk) // _READINGS)
    return walk.chosen(np.arange(len(walk)) % step == 0)
