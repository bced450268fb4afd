"""Columns of a table in memory, by name."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import pyarrow

__all__ = ["Frame"]


class Frame:
    """Equally long arrays by name; texts are numpy strings, so that they compare at once."""

    def __init__(self, columns: Mapping[str, NDArray[Any]]) -> None:
        self.columns = dict(columns)

    @classmethod
    def from_arrow(cls, table: "pyarrow.Table") -> "Frame":
        """Return the table's columns; nulls become NaN in numbers and '' in texts."""
        import pyarrow

        columns = {}
        for name in table.column_names:
            column = table.column(name).combine_chunks()
            if pyarrow.types.is_string(column.type) or pyarrow.types.is_large_string(column.type):
                coded = column.fill_null("").dictionary_encode()
                words = np.asarray(coded.dictionary.to_pylist() or [""], dtype=np.str_)
                columns[name] = words[coded.indices.to_numpy(zero_copy_only=False)]
            else:
                columns[name] = column.to_numpy(zero_copy_only=False)
        return cls(columns)

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self.columns[name]

    def __contains__(self, name: object) -> bool:
        return name in self.columns

    def where(self, mask: NDArray[np.bool_]) -> "Frame":
        """Return the rows that the mask picks."""
        return Frame({name: column[mask] for name, column in self.columns.items()})

    def distinct(self, name: str) -> list[Any]:
        """Return the values of a column, each once, in order; NaN is left out."""
        values = np.unique(self.columns[name])
        return [value for value in values.tolist() if value == value]

    def keys(self, *names: str) -> list[tuple[Any, ...]]:
        """Return what identifies each row: its values in some columns."""
        return list(zip(*(self.columns[name].tolist() for name in names), strict=True))

    def numbered(self, *names: str) -> tuple[list[tuple[Any, ...]], NDArray[np.int64]]:
        """Return the distinct keys in order, and for each row which of them it has."""
        codes = np.zeros(len(self), np.int64)
        for name in names:
            _, part = np.unique(self.columns[name], return_inverse=True)
            codes = codes * (int(part.max(initial=0)) + 1) + part
        _, first, numbers = np.unique(codes, return_index=True, return_inverse=True)
        found: list[tuple[Any, ...]] = self.where(_picked(first, len(self))).keys(*names)
        order = np.argsort(np.argsort(first))
        return [found[i] for i in order], numbers


def _picked(rows: Sequence[int] | NDArray[np.int64], n: int) -> NDArray[np.bool_]:
    mask = np.zeros(n, np.bool_)
    mask[rows] = True
    return mask
