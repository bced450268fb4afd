"""A jump of a cell's timing, seen in the samples of one block: some were lost, nobody said so."""

import math
from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from edgespec.dsp.prefix.steering import late_by
from edgespec.records import SampleFormat

__all__ = ["EDGES", "Edges", "PrefixEdges"]

#: Blocks that the usual edges are learnt from.
_N_LEARN = 16
#: A jump is undone by one that brings edges back to within so many samples.
_BACK_SAMPLES = 1
#: Usual edges are learnt of a cell that is there: the coherence in its prefixes is so much more
#: than outside, ...
_CLEAR = 0.25
#: ... and falls within so many samples of where prefixes should end: timing is pulled in.
_IN_PLACE_SAMPLES = 1.0


class Edges(Protocol):
    """What is computed of the edges of prefixes, for ``n_prefix`` samples of one."""

    def coherence(
        self,
        samples: NDArray[Any],
        sample_start: int,
        clock: SlotClock,
        phase: float,
        out: NDArray[np.float64],
    ) -> bool:
        """Write that of the samples from 3 prefixes before the end of one to 2 behind it.

        The mean over all prefixes that lie in the block with their copies, each by the share of its
        power; those without power, or with samples that are not finite, are left out.

        Args:
            samples: of the block, in the format, contiguous.
            sample_start: the first of them.
            clock: of the slots, as it is behind the block.
            phase: that a carrier turns from a prefix to its copy, in radians.
            out: ``(5 n_prefix,)``, -1 to 1.

        Returns:
            Whether there is any.
        """
        ...

    def jump(self, found: NDArray[np.float64], usual: NDArray[np.float64]) -> int:
        """Return by how many samples later edges are as they usually are, 0 where they are not.

        Args:
            found: ``(5 n_prefix,)`` of a block.
            usual: ``(3 n_prefix,)`` in the middle of it.
        """
        ...


def _compiled(plan: PrefixPlan, n_prefix: int, sample_format: SampleFormat) -> Edges:
    from edgespec.dsp.prefix.jump_loops import CompiledEdges

    return CompiledEdges(plan, n_prefix, sample_format)


def _plain(plan: PrefixPlan, n_prefix: int, sample_format: SampleFormat) -> Edges:
    from edgespec.dsp.prefix.jump_plain import PlainEdges

    return PlainEdges(plan, n_prefix, sample_format)


EDGES: dict[Computing, Callable[[PrefixPlan, int, SampleFormat], Edges]] = {
    Computing.COMPILED: _compiled,
    Computing.PLAIN: _plain,
}


class PrefixEdges:
    """Where prefixes are coherent with their copies, sample by sample.

    Of every prefix in a block the lag product ``conj(x[n]) x[n + lag]`` is averaged about where it
    should end, over its power. It rises where echoes of the last symbol are over, stays, and falls
    behind the end. An interferer lowers it, wherever that is; lost samples move it. One that moved
    has the usual shape at another place; where the shape is another, someone else is heard.

    Args:
        plan: of the prefixes.
        sample_format: what the blocks hold.
        computing: how it is computed.
    """

    def __init__(self, plan: PrefixPlan, sample_format: SampleFormat, computing: Computing) -> None:
        ends = plan.prefix_ends
        n_prefix = self._n_prefix = math.floor(ends[1] - ends[0] - plan.lag_samples + 0.5)
        self._edges = EDGES[computing](plan, n_prefix, sample_format)
        # A prefix before the one and one behind, as room for jumps to either side.
        self._found, self._usual = np.zeros(5 * n_prefix), np.zeros(3 * n_prefix)
        self._n_learnt = 0
        #: The jump since which edges were not as usual, and the last that was not taken back.
        self._jumped = self._last = 0
        #: Jumps that were taken back, and what edges had moved the clock by at the last.
        self._others: set[int] = set()
        self._steered_at = 0.0

    @property
    def is_ready(self) -> bool:
        """Whether the usual edges are learnt, and were as usual since the last jump."""
        return self._n_learnt == _N_LEARN and not self._jumped

    @property
    def is_jump_unsure(self) -> bool:
        """Whether edges were not as usual since the last jump."""
        return self._jumped != 0

    def learn(
        self, samples: NDArray[Any], sample_start: int, clock: SlotClock, phase: float
    ) -> None:
        """Take a usual block; see :meth:`jump`."""
        self._jumped = 0
        if self._n_learnt == _N_LEARN:
            return
        if self._edges.coherence(samples, sample_start, clock, phase, self._found):
            part = self._found[self._n_prefix : 4 * self._n_prefix]
            part /= _N_LEARN
            self._usual += part
            self._n_learnt += 1
        if self._n_learnt == _N_LEARN and not self._is_cell():
            self._usual[:] = 0.0
            self._n_learnt = 0

    def _is_cell(self) -> bool:
        """Whether what was learnt are the edges of a cell, where the clock has them.

        What is learnt while it fades, or is pulled in, would be a jump later, again and again.
        """
        n = self._n_prefix
        # The begin of a prefix is that of its echoes, too, and what is behind its end theirs.
        level = float(self._usual[n + n // 2 : 2 * n - 1].mean())
        outside = float(self._usual[: n - 1].mean())
        if level - outside < _CLEAR:
            return False
        about = self._usual[2 * n - n // 2 : 2 * n + n // 2]
        heights = (about - outside) / (level - outside)
        return abs(late_by(heights)) <= _IN_PLACE_SAMPLES

    def jump(
        self,
        samples: NDArray[Any],
        sample_start: int,
        clock: SlotClock,
        phase: float,
        steered: float = 0.0,
    ) -> int:
        """Return how many samples later prefixes end than they should, 0 where they do not.

        Until the edges were as usual again behind a jump, only the way back counts: somebody whose
        prefixes come within those of the cell, and who is louder, took its place while he was on.
        Where that was, as with a neighbour cell whenever the cell fades, is no jump any more. Nor
        is one that edges steered the clock back from.

        Args:
            samples: of the block, in the format, contiguous.
            sample_start: the first of them.
            clock: of the slots, as it is behind the block.
            phase: that a carrier turns from a prefix to its copy, in radians.
            steered: samples by which edges have moved the clock since it began.
        """
        if self._n_learnt < _N_LEARN:
            return 0
        if not self._edges.coherence(samples, sample_start, clock, phase, self._found):
            return 0
        jump = self._edges.jump(self._found, self._usual)
        if not jump:
            return 0
        if self._last and abs(steered - self._steered_at + self._last) <= _BACK_SAMPLES:
            # The clock is where it was: so is the cell.
            self._others.add(self._last)
            self._last = 0
        is_back = bool(self._last) and abs(jump + self._last) <= _BACK_SAMPLES
        if is_back:
            # No samples are lost and found again: somebody else was there, and will be.
            self._others.add(self._last)
        elif self._jumped or any(abs(jump - one) <= _BACK_SAMPLES for one in self._others):
            return 0
        self._jumped = self._last = 0 if is_back else jump
        self._steered_at = steered
        return jump
