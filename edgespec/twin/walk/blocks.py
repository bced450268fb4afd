"""Parts of a walk that have little in common: readings seconds apart know each other."""

import numpy as np
from numpy.typing import NDArray

__all__ = ["FOLDS", "folds_of"]

#: Parts of a walk, each of which is held out once.
FOLDS = 5


def folds_of(
    places_m: NDArray[np.float64], block_m: float, n_folds: int = FOLDS, seed: int = 0
) -> NDArray[np.int64]:
    """Return of each place ``(n, 2)`` the part that it belongs to, ``(n,)`` from 0.

    Squares of ``block_m`` are dealt out whole; -1 for all where there are fewer than two a part.
    """
    keys = np.floor(places_m / block_m).astype(np.int64)
    found, inverse = np.unique(keys, axis=0, return_inverse=True)
    if len(found) < 2 * n_folds:
        return np.full(len(places_m), -1)
    dealt = np.random.default_rng(seed).permutation(len(found)) % n_folds
    return np.asarray(dealt[inverse.ravel()], np.int64)
