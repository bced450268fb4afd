"""Rows of a detection table in cells of mode, kind and ISR, and how to draw them anew."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.thresholds import observer_names
from edgespec.errors import UsageError

__all__ = [
    "ANOMALOUS_MODES",
    "BLOCK_SEGMENTS",
    "LEAST_SHARE",
    "MODES",
    "ArrowTable",
    "Cell",
    "Layout",
    "Pile",
    "columns_of",
]

#: Modes in which something is on the air during the horizon.
MODES = ("onset", "persistent", "lasting")
#: An onset that holds less of its horizon than this is a glimpse: nobody could tell it, so it
#: teaches nothing and counts in no mean.
LEAST_SHARE = 0.2
ANOMALOUS_MODES = (*MODES, "glimpse", "ended")
#: Consecutive segments that are drawn together: 0.1 s at the paper's geometry, ten subframes' worth
#: of schedule and longer than the coherence time of a walking observer.
BLOCK_SEGMENTS = 16

Float = NDArray[np.float64]
Index = NDArray[np.intp]


class ArrowTable(Protocol):
    """What is needed of a :class:`pyarrow.Table`."""

    @property
    def column_names(self) -> list[str]:
        """Names of the columns."""
        ...

    def column(self, name: str) -> Any:
        """Return a column, which has ``to_numpy``."""
        ...


@dataclass(frozen=True, slots=True)
class Cell:
    """What a figure is about: ``isr_db`` is NaN for faults."""

    mode: str
    kind: str
    isr_db: float


@dataclass(frozen=True, slots=True)
class Pile:
    """Rows of a table in the order of cell, observer and time, and where each of these begins.

    ``rows`` are numbers of table rows. ``block`` ``(n_rows,)`` numbers the blocks of consecutive
    segments, which do not reach over a stretch. ``block_start`` holds the first row of each block
    and ``cell_start`` the first block of each cell; ``stratum_*`` describe the blocks of one
    observer in one cell: first block, number of blocks, observer.
    """

    rows: Index
    block: Index
    block_start: Index
    cell_start: Index
    stratum_start: Index
    stratum_blocks: Index
    stratum_observer: Index

    @property
    def n_blocks(self) -> int:
        """Number of blocks."""
        return len(self.block_start)

    def by_block(self, values: Float) -> Float:
        """Return the sum over each block of values of the rows, ``(..., n_rows)``."""
        return np.add.reduceat(values, self.block_start, axis=-1)

    def by_cell(self, values: Float) -> Float:
        """Return the sum over each cell of values of the blocks, ``(..., n_blocks)``."""
        return np.add.reduceat(values, self.cell_start, axis=-1)

    def draw(self, times: Index, rng: np.random.Generator) -> Float:
        """Return how often each block is drawn where observers are drawn ``times``, once each.

        Every time that an observer is drawn, as many blocks as it has in a cell are drawn from
        them with replacement.
        """
        n_drawn = times[self.stratum_observer] * self.stratum_blocks
        first = np.repeat(self.stratum_start, n_drawn)
        width = np.repeat(self.stratum_blocks, n_drawn)
        drawn = first + (rng.random(len(first)) * width).astype(np.intp)
        return np.bincount(drawn, minlength=self.n_blocks).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Layout:
    """Test rows of a detection table: the normal ones, and the anomalous ones by cell.

    ``observers`` are the names of the test observers.
    """

    observers: tuple[str, ...]
    normal: Pile
    anomalous: Pile
    cells: tuple[Cell, ...]

    @classmethod
    def of(cls, columns: Mapping[str, Any]) -> "Layout":
        """Sort the test rows of a table.

        Raises:
            UsageError: there are no normal or no anomalous test rows.
        """
        mode = np.asarray(columns["mode"])
        is_test = np.asarray(columns["split"]) == "test"
        normal = np.flatnonzero(is_test & (mode == "normal"))
        anomalous = np.flatnonzero(is_test & np.isin(mode, ANOMALOUS_MODES))
        if not len(normal) or not len(anomalous):
            raise UsageError(
                f"the detection table has {len(normal)} normal and {len(anomalous)} anomalous "
                "rows of test observers; it takes some of both"
            )
        names, observer = np.unique(observer_names(columns), return_inverse=True)
        test, observer_of_test = np.unique(observer[is_test], return_inverse=True)
        observer[is_test] = observer_of_test
        cells, cell = _cells(columns, anomalous)
        return cls(
            tuple(str(name).removeprefix("test/") for name in names[test]),
            _pile(columns, normal, np.zeros(len(normal), np.intp), observer[normal]),
            _pile(columns, anomalous, cell, observer[anomalous]),
            cells,
        )

    def draws(self, n: int, rng: np.random.Generator) -> Iterator[tuple[Float, Float]]:
        """Yield ``n`` times how often each normal and each anomalous block is drawn."""
        n_observers = len(self.observers)
        for _ in range(n):
            drawn = rng.integers(n_observers, size=n_observers)
            times = np.bincount(drawn, minlength=n_observers)
            yield self.normal.draw(times, rng), self.anomalous.draw(times, rng)


def columns_of(table: ArrowTable | Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    """Return the columns of a table as arrays.

    Raises:
        UsageError: one that a detection table has is missing.
    """
    if isinstance(table, Mapping):
        columns = {name: np.asarray(values) for name, values in table.items()}
    else:
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
    needed = ("split", "seed", "observer", "mode", "kind", "isr_db", "stretch", "segment")
    missing = [name for name in needed if name not in columns]
    if missing:
        raise UsageError(
            f"the detection table lacks the column {missing[0]!r}; it has {[*columns]}"
        )
    return columns


def _cells(columns: Mapping[str, Any], rows: Index) -> tuple[tuple[Cell, ...], Index]:
    """Return the cells and, for each of ``rows``, the number of its own."""
    modes, mode = np.unique(np.asarray(columns["mode"])[rows].astype(str), return_inverse=True)
    kinds, kind = np.unique(np.asarray(columns["kind"])[rows].astype(str), return_inverse=True)
    isr = np.asarray(columns["isr_db"], np.float64)[rows]
    isrs, isr_number = np.unique(isr, return_inverse=True)
    key = (mode * len(kinds) + kind) * len(isrs) + isr_number
    keys, cell = np.unique(key, return_inverse=True)
    cells = tuple(
        Cell(
            str(modes[k // len(isrs) // len(kinds)]),
            str(kinds[k // len(isrs) % len(kinds)]),
            float(isrs[k % len(isrs)]),
        )
        for k in keys
    )
    return cells, cell


def _pile(columns: Mapping[str, Any], rows: Index, cell: Index, observer: Index) -> Pile:
    stretch = np.asarray(columns["stretch"])[rows]
    segment = np.asarray(columns["segment"])[rows]
    order = np.lexsort((segment, stretch, observer, cell))
    rows, cell, observer, stretch = rows[order], cell[order], observer[order], stretch[order]
    new_cell = _changes(cell)
    new_stratum = new_cell | _changes(observer)
    new_stretch = new_stratum | _changes(stretch)
    at = np.arange(len(rows))
    since = at - np.maximum.accumulate(np.where(new_stretch, at, 0))
    new_block = since % BLOCK_SEGMENTS == 0
    block = np.cumsum(new_block) - 1
    block_start = np.flatnonzero(new_block)
    stratum_start = block[new_stratum]
    return Pile(
        rows,
        block,
        block_start,
        block[new_cell],
        stratum_start,
        np.diff(np.append(stratum_start, len(block_start))),
        observer[new_stratum],
    )


def _changes(values: NDArray[Any]) -> NDArray[np.bool_]:
    out = np.ones(len(values), np.bool_)
    out[1:] = values[1:] != values[:-1]
    return out
