"""What every source of samples can do."""

from typing import Any, Protocol

from numpy.typing import NDArray

from edgespec.records import IqBlock, SourceInfo

__all__ = ["Source"]


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
