"""Samples of earlier blocks that the slots to come still need."""

from typing import Any

from numpy.typing import NDArray

from edgespec.records import FrameFlag, IqBlock, SampleFormat

__all__ = ["Staged"]


class Staged:
    """The end of a stream so far, as much of it as the next slot reaches back to.

    Args:
        sample_format: of the samples.
        reach: samples from the first to behind the last that a slot looks at.

    Attributes:
        samples: in the format, the first ``n`` of them.
        start: number of the first in the stream.
        flags: of the blocks that they came in.
    """

    def __init__(self, sample_format: SampleFormat, reach: int) -> None:
        # Two slots: the one that waits, and as much of a block as completes it.
        self.samples = sample_format.empty(2 * reach + 2)
        self.drop()

    def drop(self) -> None:
        """Forget all of them."""
        self.n = 0
        self.start = 0
        self.flags = FrameFlag.VALID

    def add(self, samples: NDArray[Any]) -> None:
        """Take what follows."""
        self.samples[self.n : self.n + len(samples)] = samples
        self.n += len(samples)

    def keep(self, block: IqBlock, samples: NDArray[Any], n_taken: int, needed: int) -> None:
        """Keep what is needed from the sample ``needed`` on, of these and of a block.

        Args:
            block: the block.
            samples: of the block, contiguous.
            n_taken: how many of them were added before.
            needed: number of a sample.
        """
        start = block.sample_start
        if needed < start:
            n_gone = needed - self.start
            self.n -= n_gone
            self.samples[: self.n] = self.samples[n_gone : n_gone + self.n]
            self.add(samples[n_taken:])
        else:
            self.n = 0
            self.flags = FrameFlag.VALID
            self.add(samples[needed - start :])
        if self.n:
            self.flags |= block.flags
        self.start = needed
