"""Slots of the reference plane, kept until there are enough to look at together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.lte.reference_slots import ReferenceSlots

__all__ = ["SlotBatch"]


class SlotBatch:
    """Copies slots that the plane overwrites, and gives them back many at once.

    A look at 100 slots costs less than two at 13.

    Args:
        n_slots: to be looked at together.
        n_most: most slots that are added at once.
    """

    def __init__(self, n_slots: int, n_most: int) -> None:
        self._n_slots = n_slots
        self._n_room = n_slots + n_most
        self._arrays: tuple[NDArray[Any], ...] = ()
        self._n = 0

    def add(self, slots: ReferenceSlots) -> ReferenceSlots | None:
        """Take slots; return all so far once there are enough, as views until the next call."""
        if not self._arrays:
            self._arrays = tuple(
                np.zeros((self._n_room, *one.shape[1:]), one.dtype) for one in _arrays_of(slots)
            )
        n_new = slots.n_slots
        for kept, new in zip(self._arrays, _arrays_of(slots), strict=True):
            kept[self._n : self._n + n_new] = new
        self._n += n_new
        if self._n < self._n_slots:
            return None
        product, power, count, slot, flags, tick_start = (one[: self._n] for one in self._arrays)
        self._n = 0
        return ReferenceSlots(
            product, power, count, slot, flags, tick_start, slots.grid, slots.span
        )


def _arrays_of(slots: ReferenceSlots) -> tuple[NDArray[Any], ...]:
    return (slots.product, slots.power, slots.count, slots.slot, slots.flags, slots.tick_start)
