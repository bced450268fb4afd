"""The newest samples of a stream, kept from when they are asked for: nothing before."""

from typing import Any

from numpy.typing import NDArray

from edgespec.records import IqBlock, SampleFormat

__all__ = ["KeptSamples"]


class KeptSamples:
    """Copies of the last samples, by their number on the stream's clock.

    Whatever the blocks are, the same samples are there: those from the number that :meth:`keep`
    named on, as far as they go back. While none are asked for, a block costs a reference.

    Args:
        sample_format: what the blocks hold.
        max_block_samples: longest block.
    """

    def __init__(self, sample_format: SampleFormat, max_block_samples: int) -> None:
        self._format = sample_format
        self._max_block_samples = max_block_samples
        self._block: IqBlock | None = None
        self._kept: NDArray[Any] = sample_format.empty(0)
        # Numbers of the first sample that is kept and of the one behind the last; None: none are.
        self._span: tuple[int, int] | None = None

    def take(self, block: IqBlock) -> None:
        """Take the next block; it must stay as it is until the next one."""
        self._block = block
        if self._span is not None:
            self._append(block.samples, block.sample_start)

    def keep(self, first: int, n_back: int) -> None:
        """Keep samples from a number on that lies in the newest block, or right behind it.

        Where they are kept already, they go on being kept.

        Args:
            first: number of the first one.
            n_back: how far back they are wanted from anywhere in a later block.
        """
        block = self._block
        if self._span is not None or block is None:
            return
        if not len(self._kept):
            self._kept = self._format.empty(n_back + self._max_block_samples)
        begin = max(first, block.sample_start)
        self._span = (begin, begin)
        self._append(block.samples[begin - block.sample_start :], begin)

    def let_go(self) -> None:
        """Keep no more."""
        self._span = None

    def samples(self, first: int, n_samples: int) -> NDArray[Any] | None:
        """Return so many samples from a number on, as a view; None where not all are kept."""
        if self._span is None:
            return None
        begin, end = self._span
        if not begin <= first <= first + n_samples <= end:
            return None
        return self._kept[first - begin : first - begin + n_samples]

    def _append(self, samples: NDArray[Any], first: int) -> None:
        begin, end = self._span or (first, first)
        if first != end:
            # Behind a gap.
            begin = end = first
        n_old, n_new = end - begin, len(samples)
        n_lost = max(n_old + n_new - len(self._kept), 0)
        if n_lost:
            self._kept[: n_old - n_lost] = self._kept[n_lost:n_old].copy()
            n_old -= n_lost
            begin += n_lost
        self._kept[n_old : n_old + n_new] = samples
        self._span = (begin, first + n_new)
