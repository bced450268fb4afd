"""Slots of a cell: what is left of each when the cell is cancelled, and what there was."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import NO_SPAN, Grid, Span
from edgespec.records import FloatArray

__all__ = ["PrefixSlots"]


@dataclass(frozen=True, slots=True)
class PrefixSlots:
    """Slots of 0.5 ms, in linear power: a complex exponential of modulus 1 has power 1.

    ``residual`` float32 ``(n_slots, n_subbands)`` is half the power of the difference between each
    prefix and its copy: noise and interferer keep their power, the cell is gone. ``power``, of the
    same shape, is that of the same samples, the mean of prefix and copy. ``slot`` int64
    ``(n_slots,)`` is the place in the radio frame, 0 to 19; ``flags`` uint8 ``(n_slots,)`` of
    :class:`~edgespec.records.FrameFlag`; ``tick_start`` int64 ``(n_slots,)`` the sample of the
    source where each begins. Subbands are the bins of ``grid`` and slots its frames. ``span`` is
    the input that completed these slots.

    A slot that is flagged DROPPED stands for a gap; its place in the frame is that of the slot
    that was lost first. ``total_residual`` is the sum of ``residual``.
    """

    residual: FloatArray
    power: FloatArray
    slot: NDArray[np.int64]
    flags: NDArray[np.uint8]
    tick_start: NDArray[np.int64]
    total_residual: float
    grid: Grid
    span: Span = NO_SPAN

    @property
    def n_slots(self) -> int:
        """Number of slots."""
        return len(self.residual)
