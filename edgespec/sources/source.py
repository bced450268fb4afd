"""What every source of samples can do."""

from typing import Any, Protocol

from numpy.typing import NDArray

from edgespec.records import IqBlock, SourceInfo

__all__ = ["Source", "TunableSource"]


class Source(Protocol):
    """An open radio or recording.

    Its constructor opens it, or raises :class:`~edgespec.errors.SourceError`; from then on
    ``info`` says what it delivers.
    """

    @property
    def info(self) -> SourceInfo:
        """Rates and format of the samples."""
        ...

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` and return a block whose samples are a view ``out[:n]``; None at the end.

        Blocks until ``out`` is full, the source ends or ``close`` is called from another thread.
        A live source that paused returns what it has.

        Raises:
            SourceError: the source broke.
        """
        ...

    def close(self) -> None:
        """Release it; a second call does nothing. A ``read`` in another thread then returns."""
        ...


class TunableSource(Source, Protocol):
    """An open radio that can be tuned elsewhere while it streams.

    Attributes:
        n_reconnects: how often it was opened anew since.
    """

    n_reconnects: int

    @property
    def settle_s(self) -> float:
        """How long behind :meth:`tune` a sample may still be taken at the frequency before."""
        ...

    def tune(self, center_freq_hz: float, gain_db: float | None = None) -> None:
        """Tune it; blocks of later reads name the new centre at once, settled or not.

        Called between reads, by the thread that reads. A gain of None stays as it is.

        Raises:
            SourceError: it cannot be tuned there.
        """
        ...
