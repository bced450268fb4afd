"""The campus as a map: where the walk went, how sure the map is, and some fixes of the test."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.twin.campus import Campus
from edgespec.figures import new_figure, save_figure
from edgespec.twin.walk.learn import POWER_ERROR_DB
from edgespec.twin.walk.posterior import Fixer
from edgespec.twin.walk.walk_map import WalkMap

__all__ = ["draw_campus"]

#: Readings of the test whose fixes are drawn: evenly over it.
_DRAWN = 60
_SHOWN = 200


def draw_campus(campus: Campus, walk_map: WalkMap, path: Path) -> None:
    """Write a PNG: one posterior, errors of many fixes, and how far the map may be off."""
    figure = new_figure(19.0, 6.0)
    panels = figure.subplots(1, 3)
    fixer = Fixer(walk_map, POWER_ERROR_DB)
    _posterior(figure, panels[0], campus, walk_map, fixer)
    _errors(panels[1], campus, fixer)
    _doubt(figure, panels[2], campus, walk_map)
    for panel in panels:
        panel.plot(*campus.site.units_xyz_m[:, :2].T, "o", color="white", mec="k", ms=6)
        panel.set_xlim(0.0, campus.site.size_m[0])
        panel.set_ylim(0.0, campus.site.size_m[1])
        panel.set_aspect("equal")
        panel.set_xlabel("x, m")
    panels[0].set_ylabel("y, m")
    save_figure(figure, path)


def _plane(
    figure: Any, panel: Any, walk_map: WalkMap, plane: NDArray[Any], label: str, colours: str
) -> None:
    half_m = 0.5 * walk_map.cell_m
    extent = (
        walk_map.x_m[0] - half_m, walk_map.x_m[-1] + half_m,
        walk_map.y_m[0] - half_m, walk_map.y_m[-1] + half_m,
    )  # fmt: skip
    drawn = panel.imshow(plane, origin="lower", extent=extent, cmap=colours)
    figure.colorbar(drawn, ax=panel, label=label, shrink=0.7)


def _posterior(figure: Any, panel: Any, campus: Campus, walk_map: WalkMap, fixer: Fixer) -> None:
    grid = campus.grid
    index = min(_SHOWN, len(grid) - 1)
    fix = fixer.fix(grid.levels_db[index])
    held = np.full(walk_map.signal_db.shape[:2], np.nan)
    held.ravel()[fix.cells[: fix.n_region]] = fix.weights[: fix.n_region]
    panel.plot(*campus.rest.places_m.T, ".", color="0.8", ms=2)
    _plane(figure, panel, walk_map, held, "posterior, a cell", "viridis")
    panel.plot(*grid.places_m[index], "r*", ms=14, mec="k")
    panel.plot(*fix.place_m, "rx", ms=10, mew=2.5)
    error_m = float(np.hypot(*(fix.place_m - grid.places_m[index])))
    panel.set_title(
        f"one fix, {error_m:.0f} m off, 90% region {fix.area_m2 / 1e6:.2f} km2; star: truth"
    )


def _errors(panel: Any, campus: Campus, fixer: Fixer) -> None:
    grid = campus.grid
    panel.plot(*campus.rest.places_m.T, ".", color="0.85", ms=2)
    for index in range(0, len(grid), max(1, len(grid) // _DRAWN)):
        found_m = fixer.fix(grid.levels_db[index]).place_m
        true_m = grid.places_m[index]
        panel.plot([true_m[0], found_m[0]], [true_m[1], found_m[1]], "-", color="tab:red", lw=1)
        panel.plot(*true_m, "k.", ms=4)
    panel.set_title("readings of the test (dots) and where they were located (lines)")


def _doubt(figure: Any, panel: Any, campus: Campus, walk_map: WalkMap) -> None:
    plane = np.median(walk_map.error_db[..., walk_map.is_known], axis=2)
    _plane(figure, panel, walk_map, plane, "dB", "magma")
    panel.plot(*campus.rest.places_m.T, ".", color="w", ms=1)
    panel.set_title("how far a level may be off the map (median of receivers), and the walk")
