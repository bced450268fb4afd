"""Rows of a page's planes, for tests."""

from collections.abc import Iterable, Iterator

from edgespec.web.axes import Axes
from edgespec.web.plane_memory import Batch

AXES = Axes(1, 16, 8e8, 8.1e8, -124.0, 0.5, 1.0 / 60.0)


def rows_in(batches: Iterable[Batch]) -> Iterator[tuple[int, bytes]]:
    """Yield each row of batches, by its number."""
    for batch in batches:
        n = batch.axes.n_columns
        for at in range(batch.n_rows):
            yield batch.first + at, batch.values[at * n : (at + 1) * n]
