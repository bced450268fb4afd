"""What should be here: a mask of emissions, read from a table (CSV) or a band plan."""

import csv
import io
import math
import os
import re
from collections.abc import Iterable, Iterator, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from edgespec.config.band_plan import (
    PlanEntry,
    is_gqrx_row,
    json_entries,
    table_entries,
    xml_entries,
)
from edgespec.config.hours import Hours, local_time
from edgespec.decode.sheet import SAYS_SEPARATOR
from edgespec.decode.text import read_bounded
from edgespec.errors import ConfigError, EdgespecError
from edgespec.level_scale import UNCALIBRATED, LevelScale
from edgespec.nearest import advice
from edgespec.units import parse_quantity

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Mask", "MaskRow", "load_mask"]

_LEVELS = ("max_dbfs", "max_dbm", "min_dbfs", "min_dbm")
_NEEDED = ("start", "stop", "what")
_COLUMNS = (*_NEEDED, *_LEVELS, "hours")
_TEXTS = ("what", "hours")
_MAX_BYTES, _MOST_ROWS, _MOST_NAME = 1_000_000, 4096, 60
#: Below, nothing is allocated to radio.
_LOWEST_HZ = 8.3e3
_LOWEST_DB, _HIGHEST_DB = -300.0, 200.0
_ADVICE = "a mask is a table with commas, semicolons or tabs and the columns start, stop, what"
#: A line of one, as it is or with quotes around it, as spreadsheets write it; and what some of them
#: write first, to say what separates.
_COMMENT = re.compile(rf"^[ \t]*\"?[ \t]*(?:#.*|{SAYS_SEPARATOR})$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class MaskRow:
    """An emission that is meant to be here, from ``lower_hz`` to ``upper_hz``.

    ``max_dbfs`` and ``min_dbfs`` are powers in one bin, None where the table names none; it is
    listed in ``hours`` alone, always where there are none.
    """

    lower_hz: float
    upper_hz: float
    name: str
    max_dbfs: float | None = None
    min_dbfs: float | None = None
    hours: tuple[Hours, ...] = ()

    def reached_by(self, freqs_hz: "NDArray[np.float64]", bin_hz: float) -> "NDArray[np.bool_]":
        """Return which bins of a width, by their centres, show a part of it."""
        return (freqs_hz + bin_hz / 2.0 > self.lower_hz) & (freqs_hz - bin_hz / 2.0 < self.upper_hz)

    def holds(self, lower_hz: float, upper_hz: float, slack_hz: float = 0.0) -> bool:
        """Whether frequencies lie within it, give or take ``slack_hz``."""
        return self.lower_hz - slack_hz <= lower_hz and upper_hz <= self.upper_hz + slack_hz


@dataclass(frozen=True, slots=True)
class Mask:
    """What should be in a band; hours are those of ``time_zone``.

    ``is_plan``: it is a plan of far more than one band, and says nothing of levels.
    """

    rows: tuple[MaskRow, ...]
    time_zone: str = "UTC"
    is_plan: bool = False

    def at(self, utc_ns: int) -> tuple[MaskRow, ...]:
        """Return the rows that are listed at a time."""
        when = local_time(utc_ns, self.time_zone)
        return tuple(
            row for row in self.rows if not row.hours or any(one.hold(when) for one in row.hours)
        )

    def row_of(
        self, lower_hz: float, upper_hz: float, utc_ns: int, slack_hz: float = 0.0
    ) -> MaskRow | None:
        """Return the narrowest row that holds these frequencies; None where none does.

        Who reaches over two rows is neither: each row is one emission. Edges may be off by
        ``slack_hz``.
        """
        around = [row for row in self.at(utc_ns) if row.holds(lower_hz, upper_hz, slack_hz)]
        return min(around, key=lambda row: row.upper_hz - row.lower_hz, default=None)


def load_mask(path: Path, scale: LevelScale = UNCALIBRATED, time_zone: str = "UTC") -> Mask:
    """Return the mask that a table says, or a band plan of gqrx, SDR++ or SDR#.

    What is in it says which. Of a table, the first line names the columns; ``#`` begins a comment.
    Commas, semicolons or tabs are between them; with semicolons, as spreadsheets of some countries
    write them, a number may have a decimal comma. Entries of a band plan have no levels.

    Args:
        path: of the file, UTF-8.
        scale: what levels in dBm are here.
        time_zone: of its hours.

    Raises:
        ConfigError: it cannot be read, or a line of it cannot be understood; the message names it.
    """
    # Whoever opens a pipe waits until somebody writes into it.
    if os.access(path, os.R_OK) and path.is_fifo():
        raise ConfigError(f"{path} is a pipe; a mask must be a file, which can be read again")
    try:
        text = read_bounded(path, ConfigError, _ADVICE, _MAX_BYTES).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigError(
            f"{path} is no UTF-8 text at byte {error.start}; save it as UTF-8"
        ) from None
    try:
        return _read(text, scale, time_zone)
    except EdgespecError as error:
        raise ConfigError(f"{path}, {error}") from None


def _read(text: str, scale: LevelScale, time_zone: str) -> Mask:
    begin = text.lstrip()[:1]
    if begin == "{":
        return _mask_of_plan(json_entries(text))
    if begin == "<":
        return _mask_of_plan(xml_entries(text))
    # A quote in a comment begins no cell, and what separates its words separates no columns.
    text = _COMMENT.sub("", io.StringIO(text, newline=None).read())
    # Spreadsheets fill empty lines with separators.
    head = next((line for line in text.split("\n") if line.strip(" ,;\t")), "")
    separator = next((one for one in ";\t" if one in head), ",")
    lines = _lines(text, separator)
    if is_gqrx_row([cell.strip() for cell in head.split(separator)]):
        return _mask_of_plan(table_entries(lines))
    rows: list[MaskRow] = []
    columns: list[str] = []
    for number, cells in lines:
        try:
            if not columns:
                columns = _columns(cells)
            else:
                named = _named(columns, cells, has_decimal_commas=separator == ";")
                rows.append(_row(named, scale))
                _check_number(rows)
        except EdgespecError as error:
            raise ConfigError(f"line {number}: {error}") from None
    if not rows:
        raise ConfigError(f"which lists nothing: {_ADVICE}, and a line for each emission")
    return Mask(tuple(rows), time_zone)


def _mask_of_plan(entries: Iterable[PlanEntry]) -> Mask:
    rows: list[MaskRow] = []
    for entry in entries:
        try:
            lower_hz, upper_hz = _edges(entry.start, entry.stop)
            name = " ".join(entry.name.split()) or "no name"
            # A plan is written to be read elsewhere: of long names the begin is told.
            short = name if len(name) <= _MOST_NAME else f"{name[: _MOST_NAME - 3]}..."
            rows.append(MaskRow(lower_hz, upper_hz, _checked_name(short)))
            _check_number(rows)
        except EdgespecError as error:
            raise ConfigError(f"{entry.where}: {error}") from None
    if not rows:
        raise ConfigError("which is a band plan that lists nothing")
    return Mask(tuple(rows), is_plan=True)


def _check_number(rows: Sized) -> None:
    if len(rows) > _MOST_ROWS:
        raise ConfigError(f"there are more than {_MOST_ROWS} rows; leave some out")


def _lines(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the number and the cells of every line that says something."""
    reader = csv.reader(io.StringIO(text), delimiter=separator, strict=True)
    try:
        for cells in reader:
            cells = [cell.strip() for cell in cells]
            if any(cells):
                yield reader.line_num, cells
    except csv.Error as error:
        raise ConfigError(f"line {reader.line_num}: {error}; {_ADVICE}") from None


def _columns(cells: list[str]) -> list[str]:
    names = [cell.lower() for cell in cells]
    for name in names:
        if name not in _COLUMNS:
            raise ConfigError(f"there is no column {name!r:.60}: {advice(name, _COLUMNS)}")
    missing = [name for name in _NEEDED if name not in names]
    if missing or len({*names}) < len(names):
        raise ConfigError(
            f"the columns are {', '.join(names)}; they must be {', '.join(_NEEDED)}, and may be "
            f"{', '.join((*_LEVELS, 'hours'))}, each once"
        )
    return names


def _named(columns: list[str], cells: list[str], *, has_decimal_commas: bool) -> dict[str, str]:
    if len(cells) > len(columns):
        raise ConfigError(
            f"it has {len(cells)} cells, and there are {len(columns)} columns: put quotes around a "
            "cell with a comma"
        )
    return {
        name: cell.replace(",", ".") if has_decimal_commas and name not in _TEXTS else cell
        for name, cell in zip(columns, cells, strict=False)
        if cell
    }


def _row(cells: dict[str, str], scale: LevelScale) -> MaskRow:
    missing = [name for name in _NEEDED if name not in cells]
    if missing:
        raise ConfigError(f"{' and '.join(missing)} must not be empty")
    lower_hz, upper_hz = _edges(cells["start"], cells["stop"])
    if lower_hz == upper_hz:
        raise ConfigError(f"start and stop are {cells['start']!r:.30}; start must be below")
    name = _checked_name(cells["what"])
    most, least = (_level_dbfs(cells, which, scale) for which in ("max", "min"))
    if most is not None and least is not None and least >= most:
        raise ConfigError("its least level is not below its largest one")
    said = cells["hours"].split("+") if "hours" in cells else ()
    hours = tuple(Hours.parse(one.strip()) for one in said)
    return MaskRow(lower_hz, upper_hz, name, most, least, hours)


def _edges(start: str, stop: str) -> tuple[float, float]:
    """Return the edges of an entry in Hz; those of a single frequency are the same."""
    lower_hz, upper_hz = parse_quantity(start, "start"), parse_quantity(stop, "stop")
    if not 0.0 < lower_hz <= upper_hz < math.inf:
        raise ConfigError(f"start is {start!r:.30} and stop {stop!r:.30}; start must be below")
    if upper_hz < _LOWEST_HZ:
        raise ConfigError(
            f"it is from {start:.30} to {stop:.30} Hz, where nobody transmits: "
            f"write {start:.30}M for MHz"
        )
    return lower_hz, upper_hz


def _checked_name(name: str) -> str:
    if len(name) > _MOST_NAME or not name.isprintable():
        raise ConfigError(
            f"what is {name[:_MOST_NAME]!a}; it must be at most {_MOST_NAME} printable characters"
        )
    return name


def _level_dbfs(cells: dict[str, str], which: str, scale: LevelScale) -> float | None:
    """Return the ``max`` or ``min`` of a row in dBFS; None where it has none."""
    dbfs, dbm = (cells.get(f"{which}_{unit}") for unit in ("dbfs", "dbm"))
    if dbfs is not None and dbm is not None:
        raise ConfigError(f"it has {which}_dbfs and {which}_dbm; keep one of them")
    if dbm is None:
        return None if dbfs is None else _level(dbfs, f"{which}_dbfs")
    if scale.full_scale_dbm is None:
        raise ConfigError(
            f"{which}_dbm is {dbm:.30}, but nobody says what 0 dBFS is in dBm: write "
            f"full_scale_dbm in the [[band]], or {which}_dbfs here"
        )
    return _level(dbm, f"{which}_dbm") - scale.full_scale_dbm


def _level(text: str, name: str) -> float:
    try:
        level_db = float(text)
    except ValueError:
        level_db = math.nan
    if not _LOWEST_DB <= level_db <= _HIGHEST_DB:
        raise ConfigError(f"{name} is {text!r:.30}; it must be a number of dB such as -62.5")
    return level_db
