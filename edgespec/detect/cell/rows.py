"""Slots of the reference plane as rows of levels: the active ones, unflagged, with their timing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.cell.arithmetic import PLAIN, CellArithmetic
from edgespec.lte.reference_slots import ReferenceSlots

__all__ = ["LevelRows", "RowMaker"]


@dataclass(frozen=True, slots=True)
class LevelRows:
    """One row for each active slot, linear, a symbol.

    Attributes:
        level: float64 ``(n_rows, n_bins)``: power of the reference signals without noise; noise
            leaves a spread around it, also below zero.
        noise: float64 ``(n_rows, n_bins)``: all else that was there, likewise.
        coherence: float64 ``(n_rows,)``: of the whole band, 0 to 1.
        tick: int64 ``(n_rows,)``.
    """

    level: NDArray[np.float64]
    noise: NDArray[np.float64]
    coherence: NDArray[np.float64]
    tick: NDArray[np.int64]

    @classmethod
    def empty(cls, n_rows: int, n_bins: int) -> "LevelRows":
        """Return room for rows."""
        shape = (n_rows, n_bins)
        return cls(np.zeros(shape), np.zeros(shape), np.zeros(n_rows), np.zeros(n_rows, np.int64))

    def first(self, n_rows: int) -> "LevelRows":
        """Return the first rows, as views."""
        return LevelRows(
            self.level[:n_rows], self.noise[:n_rows], self.coherence[:n_rows], self.tick[:n_rows]
        )

    def copy(self) -> "LevelRows":
        """Return rows of their own."""
        return LevelRows(
            self.level.copy(), self.noise.copy(), self.coherence.copy(), self.tick.copy()
        )


class RowMaker:
    """Makes rows of slots, in buffers that grow to what was asked for at most.

    Args:
        arithmetic: how they are computed.
    """

    def __init__(self, arithmetic: CellArithmetic = PLAIN) -> None:
        # A function: who copies this cannot copy a module.
        self._write = arithmetic.level_rows
        self._room = LevelRows.empty(0, 0)

    def rows(self, slots: ReferenceSlots) -> LevelRows:
        """Return the rows of the slots that are active and have no flag; the next call overwrites.

        Where timing is off, and the cell heard clearly, the angle between pilots is turned back:
        samples lost unseen are no change of level.
        """
        n_slots, n_bins = slots.product.shape
        room = self._room
        if len(room.tick) < n_slots or room.level.shape[1] != n_bins:
            room = self._room = LevelRows.empty(n_slots, n_bins)
        n_rows = self._write(
            slots.product, slots.power, slots.count, slots.flags, slots.tick_start,
            room.level, room.noise, room.coherence, room.tick,
        )  # fmt: skip
        return room.first(n_rows)
