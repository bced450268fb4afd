"""What every runtime can do with a model."""

from typing import Protocol

from edgespec.errors import ModelError
from edgespec.records import FloatArray, Scaling

__all__ = ["Backend", "StreamingBackend", "refuse_sides"]


class Backend(Protocol):
    """A loaded model, one window at a time, without state between windows."""

    name: str

    def predict(self, window: FloatArray, *sides: FloatArray) -> FloatArray:
        """Return the model's output for one standardised window.

        Args:
            window: float32 ``(n_frames, n_bins)``, zero mean and unit variance: the context for a
                forecasting model, the target for a reconstructing one.
            sides: the side inputs of the manifest in its order, each float32 ``(n_rows, n_bins)``,
                by the scaling of the window.

        Returns:
            float32 ``(n_horizon, n_bins)`` in a buffer that the next call overwrites.

        Raises:
            ModelError: something is missing, or of another shape than the model takes.
        """
        ...


def refuse_sides(sides: tuple[FloatArray, ...]) -> None:
    """Take no side inputs, as a runtime does whose networks have none.

    Raises:
        ModelError: there are some.
    """
    if sides:
        raise ModelError(
            f"{len(sides)} side inputs are given, but the model takes none: use the backend litert"
        )


class StreamingBackend(Backend, Protocol):
    """A backend that keeps what two windows of a stream have in common.

    It stays without state in what it returns: every result is that of ``predict`` for the same
    window, whatever came before, within the rounding of float32.
    """

    def predict_raw(self, window_db: FloatArray, scaling: Scaling) -> FloatArray:
        """Return the model's output for one window that is not standardised yet.

        Args:
            window_db: float32 ``(n_frames, n_bins)`` in dB. Where it begins ``hop_frames`` after
                the last one, the frames that both have are recognised by their values.
            scaling: what standardises it.

        Returns:
            The same as ``predict``, standardised, in a buffer that the next call overwrites.
        """
        ...
