"""Local outlier factor of the sorted residuals, for novelty."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.window import Window

__all__ = ["LocalOutlierFactor"]

FloatArray = NDArray[np.float64]

#: Added to mean distances before they are inverted: samples may coincide.
_SMALLEST = 1e-10


class LocalOutlierFactor:
    """Density around a sample's neighbours divided by the density around it (Breunig et al. 2000).

    Trained on normal samples alone; a new sample is compared with them and not with itself. The
    residuals are sorted first (Schoesser et al. 2024, sec. IV-B1), so which unit is off does not
    matter. Unlike there, each unit's median is taken off before: what is always wrong with a unit
    would else move it in the order. About 1 is normal, more is anomalous.

    Args:
        normal_db: float64 ``(n_samples, n_units)``.
        n_neighbours: as in the paper; at most ``n_samples - 1``.
        is_centred: whether medians are taken off; the paper's LOF leaves them.
    """

    least_excess = 0.0

    def __init__(
        self, normal_db: FloatArray, n_neighbours: int = 100, is_centred: bool = True
    ) -> None:
        normal_db = np.asarray(normal_db, np.float64)
        self._middle_db = np.median(normal_db, axis=0) * float(is_centred)
        self._points = np.sort(normal_db - self._middle_db, axis=1)
        self._usual_db = np.median(self._points, axis=0)
        self._squares = (self._points**2).sum(axis=1)
        self._n = max(1, min(n_neighbours, len(self._points) - 1))
        distance, index = self._nearest(self._points, self._n + 1)
        own = index == np.arange(len(index))[:, None]
        # A twin sample may have taken the place of the sample itself.
        own[~own.any(axis=1), -1] = True
        distance = distance[~own].reshape(-1, self._n)
        index = index[~own].reshape(-1, self._n)
        self._reach = distance[:, -1]
        self._density = self._density_of(distance, index)

    def factors(self, residual_db: FloatArray) -> FloatArray:
        """Return the factor of each sample ``(n, n_units)``: float64 ``(n,)``."""
        return self._factors(np.asarray(residual_db, np.float64) - self._middle_db)

    def _factors(self, centred_db: FloatArray) -> FloatArray:
        samples = np.sort(centred_db, axis=1)
        distance, index = self._nearest(samples, self._n)
        density = self._density_of(distance, index)
        return np.asarray(self._density[index].mean(axis=1) / density)

    def score(self, window: Window) -> float:
        """Return the factor of one window; what is missing counts as usual."""
        heard = np.sort((window.total_db - self._middle_db)[window.is_heard])
        n_units = self._points.shape[1]
        if len(heard) < n_units:
            places = np.linspace(0.0, n_units - 1.0, n_units - len(heard)).round().astype(int)
            heard = np.concatenate([heard, self._usual_db[places]])
        return float(self._factors(heard[None, :])[0])

    def _nearest(self, samples: FloatArray, n: int) -> tuple[FloatArray, NDArray[np.int64]]:
        """Return distances to and indices of the nearest normal samples, nearest first."""
        squares = (samples**2).sum(axis=1)[:, None] + self._squares - 2.0 * samples @ self._points.T
        near = np.argpartition(squares, n - 1, axis=1)[:, :n]
        # Exact distances for the few: the squares above suffer from cancellation.
        difference = samples[:, None, :] - self._points[near]
        distance = np.sqrt((difference**2).sum(axis=2))
        order = np.argsort(distance, axis=1, kind="stable")
        return np.take_along_axis(distance, order, 1), np.take_along_axis(near, order, 1)

    def _density_of(self, distance: FloatArray, index: NDArray[np.int64]) -> FloatArray:
        """Return the local reachability density of samples with these neighbours."""
        return np.asarray(1.0 / (np.maximum(distance, self._reach[index]).mean(axis=1) + _SMALLEST))
