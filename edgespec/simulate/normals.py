"""Noise of the receiver: normal draws, added where they are wanted."""

from typing import Protocol

import numpy as np

from edgespec.computing import loops_are_quick
from edgespec.records import FloatArray

__all__ = ["Normals", "PlainNormals", "open_normals"]


class Normals(Protocol):
    """A stream of normal draws of NumPy."""

    def add_to(self, values: FloatArray, scale: np.float32) -> None:
        """Add ``scale`` times the next draws to ``values``, float32 ``(n,)``, in place."""
        ...


class PlainNormals:
    """The draws of NumPy's generator itself."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)

    def add_to(self, values: FloatArray, scale: np.float32) -> None:
        """See :class:`Normals`."""
        draws = self._rng.standard_normal(len(values), np.float32)
        draws *= scale
        values += draws


def open_normals(seed: int) -> Normals:
    """Return the draws of a seed, in compiled loops where there is a compiler: the same ones."""
    if not loops_are_quick():
        return PlainNormals(seed)
    from edgespec.simulate.normal_loops import LoopNormals

    return LoopNormals(seed)
