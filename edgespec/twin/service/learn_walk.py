"""What ``edgespec twin train --walk`` does, and what it says of it."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.twin.site import Site
from edgespec.twin.walk.checks import check_walk
from edgespec.twin.walk.file import save_map
from edgespec.twin.walk.learn import HeldOut, LearntMap, check_size, learn_map
from edgespec.twin.walk.table import read_walk
from edgespec.twin.walk.walk import Walk

__all__ = ["WalkLearnt", "learn_from_walk"]

#: A unit that is off by more than this on a day was moved or changed, in dB.
_MOVED_DB = 6.0


@dataclass(frozen=True, slots=True, eq=False)
class WalkLearnt:
    """A walk, the map that it taught, and what is hardly right with its units, in words."""

    site: Site
    walk: Walk
    learnt: LearntMap
    doubts: tuple[str, ...]

    @property
    def unknown(self) -> tuple[str, ...]:
        """Units that the walk taught nothing of."""
        is_known = self.learnt.fitted.walk_map.is_known
        return tuple(self.site.nodes[unit] for unit in np.flatnonzero(~is_known))

    def warnings(self) -> list[str]:
        """Return what the user should look at."""
        said = [f"{doubt}" for doubt in self.doubts]
        if self.unknown:
            said.append(
                f"{', '.join(self.unknown)}: heard at too few places to be learnt; they take no "
                "part in locating"
            )
        for node, days_db in self.learnt.fitted.days_db.items():
            for day, off_db in days_db.items():
                if abs(off_db) > _MOVED_DB:
                    date = datetime.fromtimestamp(day * 86_400, UTC).date()
                    which = "more" if off_db > 0 else "less"
                    said.append(
                        f"{node} read {abs(off_db):.0f} dB {which} on {date} than over the walk: "
                        "it was moved, or its gain was changed"
                    )
        return said

    def summary(self, output: Path) -> dict[str, Any]:
        """Return the object of schema ``edgespec.twin-walk-training/1``."""
        check = self.learnt.check
        return {
            "schema": "edgespec.twin-walk-training/1",
            "site": self.site.name,
            "file": str(output),
            "n_readings": len(self.walk),
            "n_repeated": self.walk.n_repeated,
            "n_unplaced": self.walk.n_unplaced,
            "units_unknown": list(self.unknown),
            "cell_m": round(self.learnt.fitted.walk_map.cell_m, 3),
            "near_m": self.learnt.lengths.near_m,
            "weight": round(self.learnt.fitted.walk_map.weight, 3),
            "held_out": None if check is None else _figures(check),
            "warnings": self.warnings(),
        }

    def line(self, output: Path) -> str:
        """Return what a person reads."""
        known = len(self.site.unit) - len(self.unknown)
        left_out = f", {self.walk.n_repeated} repeated and {self.walk.n_unplaced} without a place"
        text = (
            f"{output}: {self.site.name} learnt from {len(self.walk)} readings of {known} units"
            f"{left_out if self.walk.n_repeated or self.walk.n_unplaced else ''}"
        )
        check = self.learnt.check
        if check is None:
            text += "; the walk is too small to hold parts of it out, so its errors are unknown"
        else:
            found = _figures(check)
            text += (
                f"; parts held out were located to {found['median_m']:.3g} m (median; 90% within "
                f"{found['p90_m']:.3g} m), {100 * found['share_held']:.0f}% were in their 90% "
                f"regions of {found['median_area_m2']:.3g} m2"
            )
        return (
            f'{text}; next: [propagation] model = "walk", file = "{output}" in the site file, and '
            "edgespec twin run"
        )


def learn_from_walk(
    site: Site,
    path: Path,
    output: Path,
    power_dbm: float,
    tell: Callable[[str, float | None], None],
) -> WalkLearnt:
    """Learn a site from a walk and write its map.

    Raises:
        ConfigError: the walk cannot be read, is too small, or does not belong to the site; or
            the map cannot be written.
    """
    tell("reading", None)
    walk = read_walk(path, site)
    check_size(site, walk)
    doubts = check_walk(site, walk)
    learnt = learn_map(site, walk, tell)
    save_map(output, learnt.fitted.walk_map, site, power_dbm)
    return WalkLearnt(site, walk, learnt, doubts)


def _figures(check: HeldOut) -> dict[str, float]:
    return {
        "n": len(check.error_m),
        "median_m": round(float(np.median(check.error_m)), 2),
        "p90_m": round(float(np.percentile(check.error_m, 90.0)), 2),
        "share_held": round(float(check.is_held.mean()), 3),
        "median_area_m2": round(float(np.median(check.area_m2)), 1),
        "error_db": round(float(np.sqrt(np.nanmean(check.residual_db**2))), 2),
    }
