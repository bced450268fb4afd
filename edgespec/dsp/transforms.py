"""The transform by whatever means: plain, or in compiled loops."""

from typing import Protocol

from edgespec.computing import Computing
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


def open_transform(computing: Computing = Computing.PLAIN) -> Transform:
    """Return the transform, compiled or plain."""
    if computing is Computing.COMPILED:
        from edgespec.dsp import compiled_transform

        compiled_transform.load()
        return compiled_transform
    return transform
