"""What a scan computes on every hop, and the two ways to do it."""

from typing import Any, Protocol

from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.scan import plain
from edgespec.records import FloatArray

__all__ = ["Arithmetic", "open_arithmetic"]

_Doubles = NDArray[Any]
_Integers = NDArray[Any]


class Arithmetic(Protocol):
    """Steps over buffers of :class:`edgespec.detect.scan.memory.Memory`; none allocates much."""

    def scan_residual(
        self,
        residual: FloatArray,
        power: FloatArray,
        place: _Integers,
        flags: _Integers,
        tables: _Doubles,
        unit: float,
        terms: _Doubles,
        ratio: FloatArray,
        heard: _Doubles,
        counts: _Integers,
        sums: _Doubles,
        blocks: _Doubles,
        open_: _Doubles,
        spreads: _Doubles,
        skew: float,
        runs: _Integers,
        bands: _Doubles,
        lanes: _Doubles,
        best: _Doubles,
        /,
    ) -> int:
        """Write the terms of slots (:mod:`edgespec.detect.scan.terms`), :meth:`scan` them.

        Slots with one of :data:`edgespec.detect.scan.terms.UNHEARD` in their flags, or that are not
        finite, are left out.

        Args:
            residual: ``(n_slots, n_bands)``, at most :data:`MOST_NEW` slots.
            power: of the same shape.
            place: ``(n_slots,)`` in the frame.
            flags: uint8 ``(n_slots,)``.
            tables: float64 ``(4, 20, n_bands)``: noise, leakage and one over the spread at each
                place, and the largest power that leaks.
            unit: of power.
            terms: float64 ``(MOST_NEW, N_TERMS, n_bands)``, written.
            ratio: float32 ``(n_recent, n_bands)``: measured over expected, moved on; at least as
                many as the slots.
            heard: float64 ``(n_bands,)``: measured over expected is added to it.
            counts: as what follows, of :meth:`scan`.

        Returns:
            How many slots were heard.
        """
        ...

    def scan(
        self,
        terms: _Doubles,
        n_new: int,
        counts: _Integers,
        sums: _Doubles,
        blocks: _Doubles,
        open_: _Doubles,
        spreads: _Doubles,
        skew: float,
        runs: _Integers,
        bands: _Doubles,
        lanes: _Doubles,
        best: _Doubles,
        /,
    ) -> None:
        """Take slots into the memory and write the largest deviations of windows that end in them.

        A long length keeps its deviation until its next block is full.

        Args:
            terms: of the slots, in the first rows.
            n_new: number of the slots, at most :data:`MOST_NEW`.
            counts: as ``sums``, ``blocks``, ``open_``, ``bands``, ``lanes`` and ``best`` of the
                memory.
            spreads: float64 ``(2, n_lengths, n_runs)``: ``c`` and ``f`` of the law.
            skew: spread of one slot's ratio.
            runs: int64 ``(2, n_runs)``: first band of each run, and the one behind its last.
        """
        ...


def open_arithmetic(computing: Computing = Computing.PLAIN) -> Arithmetic:
    """Return the arithmetic, ready to run."""
    if computing is Computing.COMPILED:
        from edgespec.detect.scan import loops

        loops.load()
        return loops
    return plain
