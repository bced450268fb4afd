"""Where observers stand: a table that somebody writes, since none knows its own place."""

import csv
import io
import math
from collections.abc import Collection, Sequence
from pathlib import Path

from edgespec.decode.text import read_bounded
from edgespec.door import brief, door
from edgespec.errors import ConfigError
from edgespec.fleet.tables import Row

__all__ = ["read_places"]

_ACCEPTED = "a heading and rows of node,latitude,longitude in degrees (WGS 84), broker if several"
_MAX_BYTES = 16 << 20
_COLUMNS = ("node", "latitude", "longitude")


def read_places(path: Path, brokers: Sequence[str]) -> list[Row]:
    """Return the rows of a file with a heading: node, latitude, longitude, and perhaps broker.

    Raises:
        ConfigError: it cannot be read, or a row of it is no place.
    """
    advice = f"name a file with {_ACCEPTED}"
    data = read_bounded(path, ConfigError, advice, _MAX_BYTES)
    with door(str(path), ConfigError, advice):
        rows = _rows(path, data.decode("utf-8-sig"), brokers)
    known: set[tuple[object, ...]] = set()
    for row in rows:
        if row.key in known:
            raise ConfigError(f"{path} has the place of {row.values['node']!r} twice: keep one")
        known.add(row.key)
    return rows


def _rows(path: Path, text: str, brokers: Sequence[str]) -> list[Row]:
    table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    names = [name.strip().lower() for name in table.fieldnames or ()]
    if not set(_COLUMNS) <= set(names):
        raise ConfigError(f"{path} has the columns {brief(names)}; it must have {_ACCEPTED}")
    table.fieldnames = names
    return [_place(path, at, cells, brokers) for at, cells in enumerate(table, 2)]


def _place(path: Path, at: int, cells: dict[str, str | None], brokers: Collection[str]) -> Row:
    node = (cells["node"] or "").strip()
    broker = (cells.get("broker") or "").strip() or next(iter(brokers))
    if not node or broker not in brokers:
        raise ConfigError(
            f"{path}, line {at}: the observer is {brief(node, 60)!r} of broker "
            f"{brief(broker, 60)!r}; brokers are {', '.join(brokers)}"
        )
    values = [_degrees(path, at, cells, *one) for one in (("latitude", 90.0), ("longitude", 180.0))]
    return Row(
        "places",
        {"broker": broker, "node": node, "latitude_deg": values[0], "longitude_deg": values[1]},
    )


def _degrees(path: Path, at: int, cells: dict[str, str | None], name: str, most: float) -> float:
    text = (cells[name] or "").strip()
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        swapped = " (are latitude and longitude swapped?)" if abs(value) <= 180.0 else ""
        raise ConfigError(
            f"{path}, line {at}: {name} is {brief(text, 40)!r}; it must be -{most:g} to {most:g} "
            f"degrees{swapped}"
        )
    return value
