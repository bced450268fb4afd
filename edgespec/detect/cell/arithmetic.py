"""What the watch of a cell computes on every slot, and the two ways to do it.

Both write to buffers of the caller and give the same but for the order of sums
(tests/edgespec/detect/cell/test_arithmetic.py).
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.cell import plain

__all__ = ["PLAIN", "CellArithmetic", "open_cell_arithmetic"]

_Doubles = NDArray[np.float64]


class CellArithmetic(Protocol):
    """Loops over slots."""

    def level_rows(
        self,
        product: NDArray[np.complex64],
        power: NDArray[np.float32],
        count: NDArray[np.uint8],
        flags: NDArray[np.uint8],
        tick_start: NDArray[np.int64],
        level: _Doubles,
        noise: _Doubles,
        coherence: _Doubles,
        tick: NDArray[np.int64],
        /,
    ) -> int:
        """Write a row for each slot that is active and has no flag, and return how many there are.

        ``level = Re(product t) / count``, where ``t`` turns the sum of the products to the real
        axis if the cell is clear and its timing off, else 1; ``noise`` is the mean power of two
        neighbours less the level, and ``coherence`` the modulus of the sum over that of the powers.

        Args:
            product: with ``power``, ``count``, ``flags`` and ``tick_start`` of
                :class:`~edgespec.lte.reference_slots.ReferenceSlots`.
            level: float64 ``(n_slots, n_bins)`` or more rows, written, as are ``noise``,
                ``coherence`` and ``tick``.
        """
        ...

    def step_deviations(
        self,
        level: _Doubles,
        starts: NDArray[np.int64],
        stops: NDArray[np.int64],
        usual: _Doubles,
        mean: _Doubles,
        past: _Doubles,
        trace: _Doubles,
        scale: _Doubles,
        logs: _Doubles,
        errors: _Doubles,
        largest: _Doubles,
        /,
    ) -> None:
        """Write how far a step before each row stands out, by the matched filter over the errors.

        Args:
            level: ``(n_rows, n_bins)``.
            starts: with ``stops``, ``usual``, ``mean``, ``past``, ``trace`` and ``scale`` of a
                :class:`~edgespec.detect.cell.step_model.StepModel`.
            logs: ``(n_rows, n_parts)``, written: ``log(max(sum / usual, floor) + offset)``.
            errors: ``(n_rows, n_parts)``, scratch.
            largest: ``(n_rows,)``, written: ``max over parts of |sum_k trace[k] error[t + k]| /
                scale``; 0 in the first ``N_HISTORY``.
        """
        ...


PLAIN: CellArithmetic = plain


def open_cell_arithmetic(computing: Computing = Computing.PLAIN) -> CellArithmetic:
    """Return the arithmetic, ready to run."""
    if computing is Computing.COMPILED:
        from edgespec.detect.cell import loops

        loops.load()
        return loops
    return PLAIN
