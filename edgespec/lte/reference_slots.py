"""How strong a cell's reference signals are, slot by slot, as the plane hands it to detectors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid, Span

__all__ = ["ReferenceSlots"]


@dataclass(frozen=True, slots=True)
class ReferenceSlots:
    """Sums over the active reference symbols of each slot of 0.5 ms, linear.

    A pilot is the DFT of one symbol at one reference element, over its length and without its
    sequence: one subcarrier that is a full scale exponential has power 1. ``level`` of a window is
    ``product.real.sum(0) / count.sum()``: noise, traffic and other cells have no mean in it.

    Attributes:
        product: complex64 ``(n_slots, n_pilots - 1)``: each pilot times the conjugate of the next
            one up in the same symbol; real where timing is right.
        power: float32 ``(n_slots, n_pilots)``: squared modulus of each pilot, noise included.
        count: uint8 ``(n_slots,)``: symbols that were summed; 0 where the cell is silent (TDD).
        slot: int64 ``(n_slots,)``, 0 to 19: place in the radio frame.
        flags: uint8 ``(n_slots,)`` of :class:`~edgespec.records.FrameFlag`.
        tick_start: int64 ``(n_slots,)``: sample of the source at which each slot begins.
        grid: the products as bins, at the mean frequency of their pilots; a frame is a slot, a tick
            a sample.
        span: the input that completed these slots.
    """

    product: NDArray[np.complex64]
    power: NDArray[np.float32]
    count: NDArray[np.uint8]
    slot: NDArray[np.int64]
    flags: NDArray[np.uint8]
    tick_start: NDArray[np.int64]
    grid: Grid
    span: Span

    @property
    def n_slots(self) -> int:
        """Number of slots."""
        return len(self.slot)
