"""A walk as a file of comma-separated values: one row a place, or one row a reading."""

import csv
import math
import re
from array import array
from collections.abc import Iterator
from datetime import UTC, datetime
from io import BytesIO, TextIOWrapper
from pathlib import Path

import numpy as np

from edgespec.decode.sheet import SAYS_SEPARATOR, separator_of
from edgespec.decode.text import read_bounded
from edgespec.door import brief, door
from edgespec.errors import ConfigError
from edgespec.twin.site import Site
from edgespec.twin.walk.columns import Columns, columns_of
from edgespec.twin.walk.ground import Ground
from edgespec.twin.walk.levels import check_levels
from edgespec.twin.walk.walk import Walk

__all__ = ["read_walk"]

_ADVICE = "it must be text of comma-separated values; docs/twin.md shows one"
_NAME_ONE = "name a file of comma-separated values; docs/twin.md shows one"
_AS_UTF8 = "save it in UTF-8, which spreadsheets call 'CSV UTF-8'"
_FEWER = f"{_ADVICE}, without other columns, or with every second row"
_MOST_BYTES = 256 * 1024 * 1024
_DAY_S = 86_400.0
#: The year 10000, behind which there are no dates.
_END_S = 253_402_300_800.0
#: What stands for 'not measured'.
_NOTHING = frozenset(("", "nan", "na", "n/a", "null", "none", "-", "#n/a"))
#: A remark, which '#N/A' is not, and the first line of a spreadsheet, which says what separates.
_SAYS_NOTHING = re.compile(rf'#(?!N/A)|"?{SAYS_SEPARATOR}\s*$', re.IGNORECASE)
#: Days since 1900, as spreadsheets count them, of this century.
_FIRST_SERIAL, _LAST_SERIAL = 36_526.0, 73_050.0

#: Key of a place and time, for readings that belong together.
_Key = tuple[float, float, float]


def read_walk(path: Path, site: Site) -> Walk:
    """Return the walk in a file, each unit's levels in the order of the site.

    Raises:
        ConfigError: the file cannot be read, or says something that is not accepted; the message
            names file, line and value.
    """
    with door(str(path), ConfigError, _ADVICE):
        data = read_bounded(path, ConfigError, _NAME_ONE, _MOST_BYTES, _FEWER)
        try:
            return _Reader(path, site, data).walk()
        except UnicodeDecodeError:
            raise ConfigError(f"{path} is not in UTF-8: {_AS_UTF8}") from None


class _Reader:
    """Reads one file; what is wrong is said with its line."""

    def __init__(self, path: Path, site: Site, data: bytes) -> None:
        self._path, self._site = path, site
        #: Where the semicolon separates, the comma is the point of numbers.
        self._point = "."
        self._rows = self._lines(data)
        _, header = next(self._rows, (0, None))
        if header is None:
            raise ConfigError(f"{path} is empty; {_ADVICE}")
        self._columns: Columns = columns_of(header, site, str(path))
        self._ground = Ground(site, str(path))
        self._nodes = {node: unit for unit, node in enumerate(site.nodes)}
        self._n_unplaced = self._n_repeated = 0

    def walk(self) -> Walk:
        """Return what the file holds."""
        # A walk of a day at ten readings a second is a million rows: no object for each number.
        keys, levels, numbers = array("d"), array("d"), array("q")
        read = self._wide if self._columns.node is None else self._long
        for number, key, row in read():
            numbers.append(number)
            keys.extend(key)
            levels.extend(row)
        if not keys:
            raise ConfigError(
                f"{self._path} has no row with a position and a level; {self._n_unplaced} have no "
                "position"
            )
        times_places = np.array(keys).reshape(-1, 3)
        levels_db = np.array(levels).reshape(-1, len(self._site.unit))
        places = np.ascontiguousarray(times_places[:, 1:])
        places_m = self._ground.places_m(places, self._columns.is_geographic, numbers)
        check_levels(levels_db, self._site, str(self._path), numbers)
        days = np.floor(times_places[:, 0] / _DAY_S).astype(np.int64)
        return Walk(places_m, levels_db, days, self._n_repeated, self._n_unplaced)

    def _lines(self, data: bytes) -> Iterator[tuple[int, list[str]]]:
        """Yield number and fields of the lines that hold something; ``#`` begins a remark."""
        first = next(filter(_holds_something, _text(data, None)), "")
        delimiter = separator_of(first)
        self._point = "," if delimiter == ";" else "."
        reader = csv.reader(_text(data, ""), delimiter=delimiter)
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                raise ConfigError(
                    f"{self._path}, line {reader.line_num}: {error}; {_ADVICE}"
                ) from None
            if _holds_something(delimiter.join(fields)):
                yield reader.line_num, fields

    def _placed(self) -> Iterator[tuple[int, list[str], _Key]]:
        """Yield number, fields, and time and place of each row that has one."""
        columns = self._columns
        for number, fields in self._rows:
            if len(fields) != columns.n:
                raise ConfigError(
                    f"{self._path}, line {number} has {len(fields)} fields and the header "
                    f"{columns.n}; every line must have as many"
                )
            first, second = (self._number(number, fields[i]) for i in columns.place)
            if math.isnan(first) or math.isnan(second):
                self._n_unplaced += 1
                continue
            time_s = 0.0 if columns.time is None else self._time(number, fields[columns.time])
            yield number, fields, (time_s, first, second)

    def _wide(self) -> Iterator[tuple[int, _Key, list[float]]]:
        n_units = len(self._site.unit)
        units = self._columns.units.items()
        seen: set[tuple[_Key, tuple[str, ...]]] = set()
        is_timed = self._columns.time is not None
        for number, fields, key in self._placed():
            row = [math.nan] * n_units
            for column, unit in units:
                row[unit] = self._number(number, fields[column])
            # Without times, equal rows may be two readings of one place.
            if is_timed:
                whole = key, tuple(fields[column] for column in self._columns.units)
                if whole in seen:
                    self._n_repeated += 1
                    continue
                seen.add(whole)
            if not all(map(math.isnan, row)):
                yield number, key, row

    def _long(self) -> Iterator[tuple[int, _Key, list[float]]]:
        """Yield one row a time and place, with all that was read there."""
        columns, n_units = self._columns, len(self._site.unit)
        assert columns.node is not None
        assert columns.level is not None
        rows: dict[tuple[_Key, int], tuple[int, list[float]]] = {}
        counts: dict[tuple[_Key, int], int] = {}
        for number, fields, key in self._placed():
            unit = self._unit(number, fields[columns.node])
            level = self._number(number, fields[columns.level])
            if math.isnan(level):
                continue
            nth = counts.get((key, unit), 0)
            if nth and columns.time is not None:
                was = rows[key, 0][1][unit]
                if was != level:
                    raise ConfigError(
                        f"{self._path}, line {number}: unit {self._site.nodes[unit]!r} has two "
                        f"levels at one time and place, {was:g} and {level:g}; keep one"
                    )
                self._n_repeated += 1
                continue
            counts[key, unit] = nth + 1
            row = rows.setdefault((key, nth), (number, [math.nan] * n_units))
            row[1][unit] = level
        for (key, _), (number, levels) in rows.items():
            yield number, key, levels

    def _unit(self, number: int, text: str) -> int:
        node = text.strip()
        if node not in self._nodes:
            known = brief(", ".join(self._nodes), 160)
            raise ConfigError(
                f"{self._path}, line {number}: site {self._site.name!r} has no unit "
                f"{brief(node)!r}; its units are {known}. Correct the name, remove its rows, or "
                "add the unit to the site"
            )
        return self._nodes[node]

    def _number(self, number: int, text: str) -> float:
        text = text.strip()
        if text.lower() in _NOTHING:
            return math.nan
        try:
            value = float(self._pointed(text))
        except ValueError:
            value = math.inf
        if math.isinf(value):
            raise ConfigError(
                f"{self._path}, line {number}: {brief(text)!r} is no number; write it as -71.5, "
                "and nothing where nothing was measured"
            )
        return value

    def _pointed(self, text: str) -> str:
        """Return a number as Python reads it: with its point, and the minus of keyboards."""
        return text.replace(self._point, ".").replace("\N{MINUS SIGN}", "-")

    def _time(self, number: int, text: str) -> float:
        text, is_number = text.strip(), False
        try:
            seconds = self._pointed(text)
            is_number = seconds.replace(".", "", 1).isdigit()
            time_s = float(seconds) if is_number else _iso_s(text)
        except (ValueError, OverflowError):
            time_s = math.inf
        if is_number and _FIRST_SERIAL <= time_s < _LAST_SERIAL:
            raise ConfigError(
                f"{self._path}, line {number}: {brief(text)!r} is a day of a spreadsheet, not "
                "seconds since 1970: give the column the format yyyy-mm-ddThh:mm:ss before it is "
                "saved, or leave the column out"
            )
        if 0.0 <= time_s < _END_S:
            return time_s
        raise ConfigError(
            f"{self._path}, line {number}: {brief(text)!r} is no time; write it as "
            "2026-11-29T16:20:00Z, or in seconds since 1970 (no milliseconds)"
        )


def _holds_something(line: str) -> bool:
    """Return whether a line is none of nothing but separators, no remark, and not ``sep=;``."""
    return bool(line.strip(' \t,;\r\n"')) and not _SAYS_NOTHING.match(line)


def _text(data: bytes, newline: str | None) -> TextIOWrapper:
    return TextIOWrapper(BytesIO(data), "utf-8-sig", newline=newline)


def _iso_s(text: str) -> float:
    """Return seconds since 1970; a time without a zone is UTC."""
    time = datetime.fromisoformat(text)
    return (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
