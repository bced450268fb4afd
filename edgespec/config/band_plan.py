"""Band plans of other programs, by what is in them: gqrx's table, SDR++'s JSON, SDR#'s XML."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from edgespec.decode.text import parse_object
from edgespec.errors import ConfigError

__all__ = ["PlanEntry", "is_gqrx_row", "json_entries", "table_entries", "xml_entries"]

_ADVICE = "a band plan of SDR++ has a list `bands` of objects with name, start and end in Hz"
#: minFrequency, maxFrequency, mode, step, color, name; its later version has three more.
_GQRX_CELLS, _GQRX_NAME = 6, 5
_XML_ROOT, _XML_ENTRY = "ArrayOfRangeEntry", "RangeEntry"


@dataclass(frozen=True, slots=True)
class PlanEntry:
    """An allocation as its file has it: where that says it, both edges in Hz as text, its name."""

    where: str
    start: str
    stop: str
    name: str


def is_gqrx_row(cells: Sequence[str]) -> bool:
    """Whether the first row of a table is one of gqrx's, which names no columns but in a comment.

    Source: gqrx, resources/bandplan.csv and src/qtgui/bandplan.cpp.
    """
    return len(cells) >= _GQRX_CELLS and all(cell.isdecimal() for cell in cells[:2])


def table_entries(lines: Iterator[tuple[int, list[str]]]) -> Iterator[PlanEntry]:
    """Yield the entries of gqrx's table.

    Raises:
        ConfigError: a line has too few cells.
    """
    for number, cells in lines:
        if len(cells) < _GQRX_CELLS:
            raise ConfigError(
                f"line {number}: it has {len(cells)} cells, and gqrx's band plans have at least "
                f"{_GQRX_CELLS}: minFrequency, maxFrequency, mode, step, color, name"
            )
        yield PlanEntry(f"line {number}", cells[0], cells[1], cells[_GQRX_NAME])


def json_entries(text: str) -> Iterator[PlanEntry]:
    """Yield the entries of a band plan of SDR++ (its folder root/res/bandplans).

    Raises:
        ConfigError: it is no JSON, or no such plan.
    """
    bands = parse_object(text, ConfigError, "it", _ADVICE).get("bands")
    if not isinstance(bands, list):
        raise ConfigError(f"it is JSON without a list of bands: {_ADVICE}")
    for number, band in enumerate(bands):
        where = f"bands[{number}]"
        values = [band.get(key) for key in ("start", "end")] if isinstance(band, dict) else []
        if not values or not all(map(_is_number, values)):
            raise ConfigError(f"{where}: {_ADVICE}")
        start, stop = map(str, values)
        yield PlanEntry(where, start, stop, str(band.get("name") or ""))


def xml_entries(text: str) -> list[PlanEntry]:
    """Return the entries of a band plan of SDR# (BandPlan.xml), each with its line.

    Raises:
        ConfigError: it is no XML, no such plan, or it defines entities, which none needs.
    """
    found: list[PlanEntry] = []
    open_entry: list[Any] = []
    parser = expat.ParserCreate()

    def begin(name: str, values: dict[str, str]) -> None:
        line = parser.CurrentLineNumber
        if name == _XML_ENTRY:
            missing = [key for key in ("minFrequency", "maxFrequency") if key not in values]
            if missing:
                raise ConfigError(f"line {line}: a {_XML_ENTRY} has no {missing[0]}")
            if open_entry:
                raise ConfigError(f"line {line}: a {_XML_ENTRY} within another")
            open_entry[:] = [line, values["minFrequency"], values["maxFrequency"], ""]
        elif name != _XML_ROOT:
            raise ConfigError(
                f"line {line}: it is XML with {name!r:.40}; SDR#'s band plans have {_XML_ROOT} and "
                f"{_XML_ENTRY}"
            )

    def say(words: str) -> None:
        if open_entry:
            open_entry[3] += words

    def end(name: str) -> None:
        if name == _XML_ENTRY:
            line, start, stop, words = open_entry
            open_entry.clear()
            found.append(PlanEntry(f"line {line}", start.strip(), stop.strip(), words))

    def refuse(*_: object) -> None:
        raise ConfigError(f"line {parser.CurrentLineNumber}: it has a DOCTYPE, which none needs")

    parser.StartElementHandler, parser.EndElementHandler = begin, end
    parser.CharacterDataHandler, parser.StartDoctypeDeclHandler = say, refuse
    try:
        parser.Parse(text, True)
    except expat.ExpatError as error:
        raise ConfigError(
            f"line {error.lineno}: it is no XML ({expat.ErrorString(error.code)})"
        ) from None
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
