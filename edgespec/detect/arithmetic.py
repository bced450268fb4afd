"""What detectors compute on every segment, and the two ways to do it.

Compiled, each step is one pass over the arrays; plainly it is several. Both write to buffers of the
caller and give the same within float32 (tests/edgespec/detect/test_arithmetic.py).
"""

from typing import Any, Protocol

from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect import plain
from edgespec.records import FloatArray

__all__ = ["Arithmetic", "open_arithmetic"]

_Doubles = NDArray[Any]


class Arithmetic(Protocol):
    """Steps over ``(n_horizon, n_bins)`` arrays in dB, float32 and contiguous."""

    def residual(
        self, target_db: FloatArray, expected_db: FloatArray, error_db: FloatArray, /
    ) -> float:
        """Write ``target - expected`` and return ``sqrt(mean((target - expected)^2))``."""
        ...

    def mean_power(self, power_db: FloatArray, linear: FloatArray, /) -> float:
        """Return the mean of ``10 ** (power / 10)``; ``linear`` is scratch of the same shape."""
        ...

    def shape_extremes(
        self,
        power_db: FloatArray,
        expected_db: FloatArray,
        shape_db: FloatArray,
        levels_db: FloatArray,
        frame_db: FloatArray,
        /,
    ) -> None:
        """Write largest and smallest shape of each bin, and the shape less the expected one.

        The shape of a frame is what is left when its mean over the bins is taken away.

        Args:
            power_db: ``(n_horizon, n_bins)``.
            expected_db: ``(n_bins,)``.
            shape_db: ``(n_horizon, n_bins)``, written: ``shape - expected``.
            levels_db: ``(2, n_bins)``, written: the largest and the smallest shape in the horizon.
            frame_db: ``(n_horizon, 1)``, scratch.
        """
        ...

    def shape_mean(
        self,
        power_db: FloatArray,
        expected_db: FloatArray,
        shape_db: FloatArray,
        mean_db: FloatArray,
        frame_db: FloatArray,
        /,
    ) -> None:
        """Write the mean shape ``(n_bins,)`` over the horizon instead of its extremes."""
        ...

    def farthest(
        self, levels_db: FloatArray, mean_db: FloatArray, std_db: FloatArray, scratch: FloatArray, /
    ) -> float:
        """Return the largest ``(levels - mean) / std``, in the first row by its absolute value.

        All are ``(n_levels, n_bins)``.
        """
        ...

    def learn_mean(
        self,
        rows: FloatArray,
        count: int,
        mean: _Doubles,
        sum_squares: _Doubles,
        scratch: _Doubles,
        /,
    ) -> None:
        """Take the mean over the rows as the ``count``-th vector of running statistics.

        ``mean`` and ``sum_squares`` (of deviations from the mean) are float64 ``(n_values,)`` and
        updated after Welford 1962; ``scratch`` is float64 ``(2, n_values)``.
        """
        ...


def open_arithmetic(computing: Computing = Computing.PLAIN) -> Arithmetic:
    """Return the arithmetic, ready to run."""
    if computing is Computing.COMPILED:
        from edgespec.detect import compiled

        compiled.load()
        return compiled
    return plain
