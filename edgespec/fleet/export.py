"""A store as files of Parquet, one a table, for whoever asks more of it."""

import importlib.util
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Boolean, Connection, Double, Table, func, select

from edgespec.errors import ConfigError
from edgespec.fleet.tables import ABOUT, TABLES
from edgespec.newfile import check_new, unwritable

__all__ = ["EXPORTED", "export_store"]

#: Names of the tables that are exported.
EXPORTED = tuple(table.name for table in TABLES if table is not ABOUT)
_ROWS = 10_000
#: By this a table is asked for a time; the others hold what is known now, all of it.
_WHEN = {
    "events": "first_ns", "site_events": "first_ns", "states": "heard_ns",
    "verdicts": "heard_ns", "actions": "heard_ns",
}  # fmt: skip


def export_store(
    base: Connection,
    folder: Path,
    names: tuple[str, ...],
    since_ns: int | None,
    until_ns: int | None,
    tell: Callable[[str, float | None], None],
) -> dict[str, int]:
    """Write tables as ``FOLDER/NAME.parquet`` and return their numbers of rows.

    Times become UTC in nanoseconds. A file is there when all of it is, and none is replaced.

    Raises:
        ConfigError: pyarrow is not installed, or a file exists or cannot be written.
    """
    if importlib.util.find_spec("pyarrow") is None:
        raise ConfigError("Parquet needs pyarrow: pip install 'edgespec[fleet]'")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be made ({error.strerror}): name another") from None
    for name in names:
        check_new(folder / f"{name}.parquet")
    found = {}
    for table in TABLES:
        if table.name in names:
            found[table.name] = _export(base, table, folder, since_ns, until_ns, tell)
    return found


def _export(
    base: Connection,
    table: Table,
    folder: Path,
    since_ns: int | None,
    until_ns: int | None,
    tell: Callable[[str, float | None], None],
) -> int:
    import pyarrow
    import pyarrow.parquet

    path = folder / f"{table.name}.parquet"
    beside = path.with_name(f".{path.name}.part")
    schema = pyarrow.schema([(column.name, _kind(column)) for column in table.columns])
    asked = select(table)
    if (when := _WHEN.get(table.name)) is not None:
        asked = asked.where(table.c[when] >= since_ns) if since_ns is not None else asked
        asked = asked.where(table.c[when] < until_ns) if until_ns is not None else asked
    n_all = base.execute(select(func.count()).select_from(asked.subquery())).scalar_one()
    asked = asked.order_by(*table.primary_key)
    n = 0
    try:
        with pyarrow.parquet.ParquetWriter(beside, schema, compression="zstd") as writer:
            for columns in _columns(base, asked, table):
                batch = pyarrow.table(columns, schema=schema)
                writer.write_table(batch)
                n += batch.num_rows
                tell(f"{table.name}: {n} of {n_all} rows", n / max(n_all, 1))
        beside.replace(path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        beside.unlink(missing_ok=True)
    return n


def _columns(base: Connection, asked: Any, table: Table) -> Iterator[dict[str, list[Any]]]:
    """Yield columns of some rows at a time."""
    names = [column.name for column in table.columns]
    found = base.execution_options(stream_results=True, yield_per=_ROWS).execute(asked)
    for rows in found.partitions(_ROWS):
        yield dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))


def _kind(column: Any) -> Any:
    import pyarrow

    if isinstance(column.type, BigInteger):
        is_time = column.name.endswith("_ns")
        return pyarrow.timestamp("ns", tz="UTC") if is_time else pyarrow.int64()
    if isinstance(column.type, Boolean):
        return pyarrow.bool_()
    return pyarrow.float64() if isinstance(column.type, Double) else pyarrow.string()
