"""Tables of results: Parquet files with flat columns, read together as one table."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edgespec.errors import SourceError

if TYPE_CHECKING:
    import pyarrow

__all__ = ["columns_of", "read_table", "write_table"]


def columns_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Return rows as columns, in the order in which they come up; None where a row lacks one."""
    rows = list(rows)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def write_table(path: Path, columns: Mapping[str, Any]) -> int:
    """Write columns to a Parquet file and return the number of rows.

    Scores are float32, other numbers as they come; a column is a list or an array.
    """
    import pyarrow
    import pyarrow.parquet

    arrays = {
        name: pyarrow.array(values, pyarrow.float32() if name.startswith("score:") else None)
        for name, values in columns.items()
    }
    table = pyarrow.table(arrays)
    path.parent.mkdir(parents=True, exist_ok=True)
    pyarrow.parquet.write_table(table, path, compression="zstd")
    return int(table.num_rows)


def read_table(folder: Path) -> "pyarrow.Table":
    """Return all Parquet files below a folder, or one file, as one table, in order of their names.

    Columns that some files lack are null there.

    Raises:
        SourceError: there is none, or one is damaged.
    """
    import pyarrow
    import pyarrow.parquet

    paths = [folder] if folder.is_file() else sorted(folder.rglob("*.parquet"))
    if not paths:
        raise SourceError(f"{str(folder)!r} holds no table: run edgespec-converter evaluate first")
    tables = []
    for path in paths:
        try:
            tables.append(pyarrow.parquet.ParquetFile(path).read())
        except (OSError, pyarrow.ArrowException) as error:
            raise SourceError(
                f"table {str(path)!r} cannot be read ({error}): remove it and its marker, and run "
                "edgespec-converter evaluate again"
            ) from error
    return pyarrow.concat_tables(tables, promote_options="permissive")
