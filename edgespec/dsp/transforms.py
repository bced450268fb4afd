"""The transform by whatever means: plain, or in compiled loops."""

import importlib.util
from typing import Protocol

from edgespec.dsp import transform
from edgespec.records import FloatArray, Scaling

__all__ = ["Transform", "open_transform"]


class Transform(Protocol):
    """The functions of :mod:`edgespec.dsp.transform`, by whatever means."""

    def standardise(self, context: FloatArray, out: FloatArray, /) -> Scaling:
        """See :func:`edgespec.dsp.transform.standardise`."""
        ...

    def scaling_of(self, context: FloatArray, scratch: FloatArray, /) -> Scaling:
        """See :func:`edgespec.dsp.transform.scaling_of`."""
        ...

    def apply(self, power_db: FloatArray, scaling: Scaling, out: FloatArray, /) -> None:
        """See :func:`edgespec.dsp.transform.apply`."""
        ...

    def restore(self, standardised: FloatArray, scaling: Scaling, out: FloatArray, /) -> None:
        """See :func:`edgespec.dsp.transform.restore`."""
        ...


def open_transform(name: str) -> Transform:
    """Return the transform by ``numpy`` or ``numba``; ``auto`` is numba where it is installed."""
    if name == "numba" or (name == "auto" and importlib.util.find_spec("numba")):
        from edgespec.dsp import numba_transform

        numba_transform.load()
        return numba_transform
    return transform
