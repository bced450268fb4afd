"""One layer of cells over a site, for models of propagation that need no cells themselves."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.propagation.path_gain import CellGrid
from edgespec.twin.propagation.walls import inside_any
from edgespec.twin.site import Site

__all__ = ["layer_of_cells"]

FloatArray = NDArray[np.float64]


def layer_of_cells(site: Site, gains_db: Callable[[FloatArray], FloatArray]) -> CellGrid:
    """Return square cells at the height of sources with their gains, walls left out."""
    options = site.propagation
    cell_m = options.cell_m
    n_x, n_y = (max(1, round(size / cell_m)) for size in site.size_m[:2])
    x_m, y_m = np.meshgrid((np.arange(n_x) + 0.5) * cell_m, (np.arange(n_y) + 0.5) * cell_m)
    height_m = np.full(x_m.size, options.source_height_m)
    xyz_m = np.stack([x_m.ravel(), y_m.ravel(), height_m], axis=1)
    index = np.flatnonzero(~inside_any(xyz_m, site.wall))
    return CellGrid(xyz_m[index], gains_db(xyz_m[index]), (1, n_y, n_x), index, cell_m)
