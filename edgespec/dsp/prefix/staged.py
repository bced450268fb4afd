"""Samples of earlier blocks that the slots to come still need."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FrameFlag, SampleFormat

__all__ = ["N_EARLY", "N_SLOTS", "N_STAGED", "N_TAKEN", "STAGED_START", "Staged"]

#: Places in the counts that both ways of cancelling keep: samples that are staged, and the number
#: of the first of them in the stream;
N_STAGED, STAGED_START = 0, 1
#: samples of the present block that are staged already; slots of the last call, and how many of
#: them, the first, were computed from what is staged.
N_TAKEN, N_SLOTS, N_EARLY = 2, 3, 4


class Staged:
    """The end of a stream so far, as much of it as the next slot reaches back to.

    Args:
        sample_format: of the samples.
        reach: samples from the first to behind the last that a slot looks at.

    Attributes:
        samples: in the format, the first :data:`N_STAGED` of the counts of them.
        counts: int64 ``(5,)``.
        flags: of the blocks that they came in.
    """

    def __init__(self, sample_format: SampleFormat, reach: int) -> None:
        # Two slots: the one that waits, and as much of a block as completes it.
        self.samples = sample_format.empty(2 * reach + 2)
        self.counts = np.zeros(5, np.int64)
        self.flags = FrameFlag.VALID

    def drop(self) -> None:
        """Forget all of them."""
        self.counts[N_STAGED] = 0
        self.flags = FrameFlag.VALID

    def bring(self, samples: NDArray[Any], n_wanted: int) -> None:
        """Stage those of a block up to ``n_wanted`` that are not."""
        n_taken = int(self.counts[N_TAKEN])
        if n_wanted > n_taken:
            self._add(samples[n_taken:n_wanted])
            self.counts[N_TAKEN] = n_wanted

    def keep(self, samples: NDArray[Any], start: int, needed: int) -> None:
        """Keep what is needed from the sample ``needed`` on, of these and of a block.

        Args:
            samples: of the block.
            start: number of its first sample.
            needed: number of a sample.
        """
        counts = self.counts
        if needed < start:
            n, n_gone = int(counts[N_STAGED]), needed - int(counts[STAGED_START])
            self.samples[: n - n_gone] = self.samples[n_gone:n]
            counts[N_STAGED] -= n_gone
            self._add(samples[int(counts[N_TAKEN]) :])
        else:
            counts[N_STAGED] = 0
            self._add(samples[needed - start :])
        counts[STAGED_START] = needed

    def _add(self, samples: NDArray[Any]) -> None:
        n = int(self.counts[N_STAGED])
        self.samples[n : n + len(samples)] = samples
        self.counts[N_STAGED] += len(samples)
