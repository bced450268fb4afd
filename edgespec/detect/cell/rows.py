"""Slots of the reference plane as rows of levels: the active ones, unflagged, with their timing."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.lte.reference_slots import ReferenceSlots

__all__ = ["LevelRows", "level_rows"]

#: Where timing is off by so much, cosine of the angle between pilots, and the cell is heard so
#: clearly, the angle is turned back: samples lost unseen are no change of level.
_TURNED, _CLEAR = 0.88, 0.3


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


def level_rows(slots: ReferenceSlots) -> LevelRows:
    """Return the rows of the slots that are active and have no flag."""
    good = (slots.count > 0) & (slots.flags == 0)
    count = slots.count[good].astype(np.float64)[:, None]
    product = slots.product[good] / count
    power = slots.power[good] / count
    total = product.sum(axis=1)
    size = np.abs(total)
    power = 0.5 * (power[:, :-1] + power[:, 1:])
    coherence = size / np.maximum(power.sum(axis=1), 1e-30)
    is_turned = (coherence > _CLEAR) & (total.real < _TURNED * size)
    turn = np.where(is_turned, total.conj() / np.maximum(size, 1e-30), 1.0)
    level = (product * turn[:, None]).real
    return LevelRows(level, power - level, coherence, slots.tick_start[good])
