"""The last dense layer's inputs, told from its outputs: any runtime gives them, whatever it hides.

With the singular value decomposition ``W = U S V'`` of its kernel ``(n_inputs, n_outputs)``, the
outputs ``y = x W + b`` hold all of ``x`` that the layer uses: ``z = (y - b) V = x U S``. What is
added to the outputs as ``z D + d`` is a change of the layer by ``U S D`` and ``d``, and back.
"""

import numpy as np

from edgespec.inference.network import Dense
from edgespec.records import FloatArray

__all__ = ["HeadSpace"]

#: Inputs that the layer uses less than this, of the one that it uses most, are left as they are.
_LEAST_SHARE = 1e-5


class HeadSpace:
    """The space of a last layer, and the way between its changes and those of its outputs.

    Attributes:
        head: the layer.
        directions: float32 ``(n_outputs, n_features)``, orthonormal: ``V``.
    """

    def __init__(self, head: Dense) -> None:
        self.head = head
        inputs, gains, outputs = np.linalg.svd(head.kernel.astype(np.float64), full_matrices=False)
        is_used = gains > _LEAST_SHARE * gains[0]
        self._inputs, self._gains = inputs[:, is_used], gains[is_used]
        self.directions: FloatArray = np.ascontiguousarray(outputs[is_used].T.astype(np.float32))

    @property
    def n_features(self) -> int:
        """Features: the rank of the kernel."""
        return len(self._gains)

    def features(self, output: FloatArray) -> FloatArray:
        """Return ``z`` ``(n_features,)`` of what the model returned, ``(n_outputs,)``."""
        return np.asarray((output - self.head.bias) @ self.directions, np.float32)

    def changed(self, slopes: FloatArray, offset: FloatArray) -> Dense:
        """Return the layer that adds ``z slopes + offset`` to what this one returns.

        ``slopes`` ``(n_features, n_outputs)`` and ``offset`` ``(n_outputs,)``.
        """
        kernel = self.head.kernel + (self._inputs * self._gains) @ slopes
        bias = self.head.bias + offset
        return Dense("linear", kernel.astype(np.float32), bias.astype(np.float32))

    def change_to(self, other: Dense) -> tuple[FloatArray, FloatArray]:
        """Return slopes and offset that make the outputs of this layer those of another.

        The other one came of :meth:`changed`, whatever it was rounded to since.
        """
        kernel = other.kernel.astype(np.float64) - self.head.kernel
        slopes = (self._inputs / self._gains).T @ kernel
        return slopes.astype(np.float32), other.bias - self.head.bias
