"""The two ways of cancelling a cell, by name."""

from collections.abc import Callable
from typing import Any, Protocol

from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.prefix.plan import PrefixPlan, can_cancel
from edgespec.dsp.prefix.recipe import Recipe, Rows
from edgespec.dsp.prefix.staged import Staged
from edgespec.dsp.prefix.tracker import Tracker
from edgespec.dsp.quality import ClipLimits
from edgespec.nr.numerology import SPACINGS_HZ
from edgespec.records import SampleFormat

__all__ = ["CANCELLING", "Cancelling", "load_usual"]


class Cancelling(Protocol):
    """Computes slots, and adds what some of their symbols say to the sums of the tracker."""

    def compute(self, samples: NDArray[Any], start: int, row: int) -> None:
        """Write the next slots of the tracker's clock that are complete, until its next look.

        How many they are is in the counts of what is staged, what is left of them is added to the
        rows' total. Unless the tracker looks now, what the next slot needs is staged.

        Args:
            samples: complex64 ``(n_samples,)`` or integers ``(n_samples, 2)``, contiguous.
            start: sample of the stream that the first of them is.
            row: row of the first slot.
        """
        ...


def _compiled(recipe: Recipe, tracker: Tracker, rows: Rows, staged: Staged) -> Cancelling:
    from edgespec.dsp.prefix.cancel_compiled import CompiledCancelling

    return CompiledCancelling(recipe, tracker, rows, staged)


def _plain(recipe: Recipe, tracker: Tracker, rows: Rows, staged: Staged) -> Cancelling:
    from edgespec.dsp.prefix.cancel_plain import PlainCancelling

    return PlainCancelling(recipe, tracker, rows, staged)


CANCELLING: dict[Computing, Callable[[Recipe, Tracker, Rows, Staged], Cancelling]] = {
    Computing.COMPILED: _compiled,
    Computing.PLAIN: _plain,
}


def load_usual(sample_rate_hz: float, sample_format: SampleFormat, computing: Computing) -> None:
    """Compile or load now what cancels the usual cells of a rate, those with a normal prefix.

    A stream that waits for the compiler when its cell is found loses seconds of samples.
    """
    if computing is not Computing.COMPILED:
        return
    from edgespec.dsp.prefix.cancel_compiled import kernel_for
    from edgespec.dsp.prefix.jump_loops import coherence_kernel, jump_kernel

    coherence_kernel(sample_format)
    jump_kernel()
    for spacing_hz in SPACINGS_HZ:
        if can_cancel(sample_rate_hz * SPACINGS_HZ[0] / spacing_hz):
            plan = PrefixPlan(sample_rate_hz, spacing_hz=spacing_hz)
            kernel_for(Recipe.of(plan, sample_format, ClipLimits.of(sample_format, 0.1), "fdd"))
