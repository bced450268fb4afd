"""Many segments as arrays: what a baseline is given to learn from and to score."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.baselines.iq import IqStatistics
from edgespec.dsp.transform import SCALE_FLOOR_DB
from edgespec.errors import UsageError
from edgespec.records import FloatArray, Geometry

__all__ = ["Segments", "concatenated", "context_scaling", "standardise"]

#: Segments that are worked on at once: temporary arrays stay below some 10 MB each.
_CHUNK_SEGMENTS = 128


@dataclass(frozen=True, slots=True)
class Segments:
    """``n`` segments of one geometry.

    ``context`` float32 ``(n, n_context, n_bins)`` and ``target`` ``(n, n_horizon, n_bins)`` in
    dBFS, as the front end gives them: nothing is standardised yet. ``iq`` holds what the
    baselines that look at samples need of each horizon, or None where only frames are at hand.
    """

    geometry: Geometry
    context: FloatArray
    target: FloatArray
    iq: IqStatistics | None = None

    def __post_init__(self) -> None:
        geometry, n = self.geometry, len(self.context)
        wanted = {
            "context": (n, geometry.n_context, geometry.n_bins),
            "target": (n, geometry.n_horizon, geometry.n_bins),
        }
        for name, shape in wanted.items():
            if getattr(self, name).shape != shape:
                raise UsageError(
                    f"{name} is {getattr(self, name).shape}; {n} segments of this geometry are "
                    f"{shape}"
                )
        if self.iq is not None and len(self.iq) != n:
            raise UsageError(f"there are IQ statistics of {len(self.iq)} segments, not of {n}")

    def __len__(self) -> int:
        return len(self.context)

    def take(self, index: slice | NDArray[Any]) -> "Segments":
        """Return some of the segments: views for a slice, copies for numbers."""
        return replace(
            self,
            context=self.context[index],
            target=self.target[index],
            iq=None if self.iq is None else self.iq.take(index),
        )

    def chunks(self) -> Iterator[tuple[slice, "Segments"]]:
        """Yield all segments, some at a time, each time with their place."""
        for first in range(0, len(self), _CHUNK_SEGMENTS):
            where = slice(first, min(first + _CHUNK_SEGMENTS, len(self)))
            yield where, self.take(where)

    def iq_statistics(self, name: str) -> IqStatistics:
        """Return the statistics of the samples, for the baseline of that name.

        Raises:
            UsageError: there are none.
        """
        if self.iq is None:
            raise UsageError(
                f"the baseline {name!r} looks at samples, but these segments hold frames only: "
                "make them with iq_statistics, or leave it out"
            )
        return self.iq


def concatenated(parts: Sequence[Segments]) -> Segments:
    """Return the segments of all parts as one; statistics of samples if every part has them."""
    iqs = [part.iq for part in parts if part.iq is not None]
    iq = IqStatistics.joined(iqs) if iqs and len(iqs) == len(parts) else None
    return Segments(
        parts[0].geometry,
        np.concatenate([part.context for part in parts]),
        np.concatenate([part.target for part in parts]),
        iq,
    )


def context_scaling(context: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return mean and standard deviation of each context in dB, float32 ``(n, 1, 1)``.

    The same as :func:`edgespec.dsp.transform.standardise` finds, for many contexts at once.
    """
    mean_db = context.mean(axis=(1, 2), dtype=np.float64, keepdims=True).astype(np.float32)
    centred = (context - mean_db).reshape(len(context), -1)
    variance = np.einsum("nk,nk->n", centred, centred) / centred.shape[1]
    scale_db = np.maximum(np.sqrt(variance), np.float32(SCALE_FLOOR_DB))
    return mean_db, scale_db[:, None, None]


def standardise(segments: Segments) -> tuple[FloatArray, FloatArray]:
    """Return context and target as ``(power - mean) / scale``, both by the context's scaling.

    The target takes no part in its own normalisation: the device does not know the future.
    """
    mean_db, scale_db = context_scaling(segments.context)
    return (segments.context - mean_db) / scale_db, (segments.target - mean_db) / scale_db
