"""What every runtime can do with a model."""

from typing import Protocol

from edgespec.records import FloatArray

__all__ = ["Backend"]


class Backend(Protocol):
    """A loaded model, one window at a time, without state between windows."""

    name: str

    def predict(self, window: FloatArray) -> FloatArray:
        """Return the model's output for one standardised window.

        Args:
            window: float32 ``(n_frames, n_bins)``, zero mean and unit variance: the context for a
                forecasting model, the target for a reconstructing one.

        Returns:
            float32 ``(n_horizon, n_bins)`` in a buffer that the next call overwrites.
        """
        ...
