"""Where observers stand: a table that somebody writes, since none knows its own place."""

import csv
import io
import math
import re
from collections.abc import Collection, Sequence
from pathlib import Path

from edgespec.decode.sheet import SAYS_SEPARATOR, separator_of
from edgespec.decode.text import read_bounded
from edgespec.door import brief, door
from edgespec.errors import ConfigError
from edgespec.fleet.tables import Row
from edgespec.option import NODE_ID

__all__ = ["read_places"]

_ACCEPTED = "a heading and rows of node,latitude,longitude in degrees (WGS 84), broker if several"
_MAX_BYTES = 16 << 20
_COLUMNS = ("node", "latitude", "longitude")
#: What stands behind the last column of the heading.
_MORE = "more cells"
_NODE = re.compile(str(NODE_ID["pattern"]))
_SAYS_WHAT = re.compile(rf'\A"?{SAYS_SEPARATOR}\r?\n')


def read_places(path: Path, brokers: Sequence[str]) -> list[Row]:
    """Return the rows of a file with a heading: node, latitude, longitude, and perhaps broker.

    Raises:
        ConfigError: it cannot be read, or a row of it is no place.
    """
    advice = f"name a file with {_ACCEPTED}"
    data = read_bounded(path, ConfigError, advice, _MAX_BYTES)
    with door(str(path), ConfigError, advice):
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is not in UTF-8: save it as 'CSV UTF-8'") from None
        rows = _rows(path, text, brokers)
    known: set[tuple[object, ...]] = set()
    for row in rows:
        if row.key in known:
            raise ConfigError(f"{path} has the place of {row.values['node']!r} twice: keep one")
        known.add(row.key)
    return rows


def _rows(path: Path, text: str, brokers: Sequence[str]) -> list[Row]:
    # What separates is said in a line of its own by some spreadsheets, and seen in the heading.
    text = _SAYS_WHAT.sub("", text)
    delimiter = separator_of(text.lstrip("\r\n").partition("\n")[0])
    table = csv.DictReader(
        io.StringIO(text, newline=""), restkey=_MORE, strict=True, delimiter=delimiter
    )
    names = [name.strip().lower() for name in table.fieldnames or ()]
    if not set(_COLUMNS) <= set(names):
        raise ConfigError(f"{path} has the columns {brief(names)}; it must have {_ACCEPTED}")
    table.fieldnames = names
    # Rows of nothing but separators are how spreadsheets write empty ones.
    return [
        _place(path, table.line_num, cells, brokers)
        for cells in table
        if any(cells[name] for name in _COLUMNS)
    ]


def _place(path: Path, at: int, cells: dict[str, str | None], brokers: Collection[str]) -> Row:
    if _MORE in cells:
        raise ConfigError(
            f"{path}, line {at} has more cells than the heading: a decimal comma is written as a "
            "point where commas separate"
        )
    node = (cells["node"] or "").strip()
    broker = (cells.get("broker") or "").strip() or next(iter(brokers))
    if not _NODE.fullmatch(node):
        raise ConfigError(
            f"{path}, line {at}: the observer is {brief(ascii(node), 60)}; its id must be "
            f"{NODE_ID['pattern_text']}"
        )
    if broker not in brokers:
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
        # A comma that separates no cells is the point of a number.
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not abs(value) <= most:
        swapped = " (are latitude and longitude swapped?)" if abs(value) <= 180.0 else ""
        raise ConfigError(
            f"{path}, line {at}: {name} is {brief(text, 40)!r}; it must be -{most:g} to {most:g} "
            f"degrees{swapped}"
        )
    return value
