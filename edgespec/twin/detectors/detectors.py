"""The detectors by their names in a site file."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.detector import Detector
from edgespec.twin.detectors.energy import Energy
from edgespec.twin.detectors.likelihood import Likelihood
from edgespec.twin.detectors.lof import LocalOutlierFactor
from edgespec.twin.detectors.matched import Matched
from edgespec.twin.propagation.path_gain import CellGrid
from edgespec.twin.site import Site

__all__ = ["DETECTOR_MAKERS", "make_detector", "needs_samples", "thinned"]

FloatArray = NDArray[np.float64]

#: Cells that tell whether there is a source; where it is takes all.
_ENOUGH_CELLS = 100

#: Whether each detector compares with normal samples themselves; names as in options.
DETECTOR_MAKERS: dict[str, Callable[[Site, CellGrid, FloatArray | None], Detector]] = {
    "energy": lambda site, grid, samples: Energy(),
    "matched": lambda site, grid, samples: Matched(),
    "likelihood": lambda site, grid, samples: Likelihood(
        thinned(grid, _ENOUGH_CELLS),
        site.n_subbands,
        site.detect.source_power_dbm,
        site.propagation.gain_error_db,
    ),
    "lof": lambda site, grid, samples: LocalOutlierFactor(
        np.empty((0, 0)) if samples is None else samples
    ),
}


def needs_samples(name: str) -> bool:
    """Whether a detector of this name compares with normal samples themselves."""
    return name == "lof"


def make_detector(
    name: str, site: Site, grid: CellGrid, samples_db: FloatArray | None = None
) -> Detector:
    """Return the detector of a name; ``samples_db`` ``(n, n_units)`` are normal plain residuals."""
    return DETECTOR_MAKERS[name](site, grid, samples_db)


def thinned(grid: CellGrid, n_enough: int) -> CellGrid:
    """Return every n-th cell of each axis, so that about ``n_enough`` of them stay."""
    stride = int(np.ceil(np.sqrt(len(grid.index) / n_enough)))
    if stride <= 1:
        return grid
    _, n_y, n_x = grid.shape
    y, x = np.divmod(grid.index % (n_y * n_x), n_x)
    kept = (x % stride == stride // 2) & (y % stride == stride // 2)
    if not kept.any():
        return grid
    return CellGrid(
        grid.xyz_m[kept],
        grid.gain_db[kept],
        grid.shape,
        grid.index[kept],
        grid.cell_m * stride,
    )
