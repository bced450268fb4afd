"""Which column of a walk's file is what."""

from collections.abc import Sequence
from dataclasses import dataclass

from edgespec.door import brief
from edgespec.errors import ConfigError
from edgespec.nearest import nearest
from edgespec.twin.site import Site

__all__ = ["Columns", "columns_of"]

_X = ("x", "x_m", "east", "easting")
_Y = ("y", "y_m", "north", "northing")
_LATITUDE = ("lat", "latitude", "lat_deg", "latitude_deg")
_LONGITUDE = ("lon", "lng", "long", "longitude", "lon_deg", "longitude_deg")
_TIME = ("time", "timestamp", "utc", "datetime", "date")
_NODE = ("node", "unit", "receiver", "rx", "observer")
_LEVEL = tuple(
    f"{name}{unit}"
    for name in ("level", "rss", "rssi", "power")
    for unit in ("", "_db", "_dbm", "_dbfs")
)
#: What trackers write beside positions.
_IGNORED = (
    *("z", "z_m", "alt", "altitude", "elevation", "height", "speed", "heading", "course"),
    *("accuracy", "hdop", "satellites", "sequence", "row", "id", "index", ""),
)
#: What may stand beside the columns that are read: positions that are told twice, too.
_BESIDE = frozenset((*_IGNORED, *_X, *_Y, *_LATITUDE, *_LONGITUDE))


@dataclass(frozen=True, slots=True)
class Columns:
    """Numbers of the columns of a walk's file.

    ``place``: those of x and y, or of latitude and longitude where ``is_geographic``; ``time``
    or None. ``units`` of the wide form maps columns to units of the site; in the long form it is
    empty and ``node`` and ``level`` are the columns that say which unit heard what.
    """

    n: int
    place: tuple[int, int]
    is_geographic: bool
    time: int | None
    units: dict[int, int]
    node: int | None
    level: int | None


def columns_of(header: Sequence[str], site: Site, where: str) -> Columns:
    """Return what the columns of a header are; ``where`` names it in messages.

    Raises:
        ConfigError: no positions, a column twice, one that is no unit of the site, or none that is.
    """
    names = [name.strip() for name in header]
    lower = [name.lower() for name in names]
    nodes = {node: unit for unit, node in enumerate(site.nodes)}
    for name in names:
        if name and names.count(name) > 1:
            raise ConfigError(f"{where} has the column {brief(name)!r} twice; name each once")

    def find(known: Sequence[str]) -> int | None:
        # A unit may have any name, and then it is meant.
        found = [i for i, name in enumerate(lower) if name in known and names[i] not in nodes]
        return found[0] if found else None

    place, is_geographic = _place(find, names, where)
    time, node, level = find(_TIME), find(_NODE), find(_LEVEL)
    if node is not None and level is None and not set(names) & set(nodes):
        raise ConfigError(
            f"{where} has the column {names[node]!r} and none of what was read: name one level (or "
            "rss, rssi, power)"
        )
    if node is None or level is None:
        node = level = None
    used = {*place, time, node, level}
    units = {i: nodes[name] for i, name in enumerate(names) if name in nodes}
    if node is not None and units:
        raise ConfigError(
            f"{where} has a column for the unit {names[min(units)]!r} and columns "
            f"{names[node]!r} and {names[level or 0]!r}: write one column for each unit, or a row "
            "for each reading, not both"
        )
    for index, name in enumerate(names):
        if index in used or index in units or lower[index] in _BESIDE:
            continue
        raise ConfigError(_unknown(name, site, where))
    if node is None and not units:
        raise ConfigError(
            f"{where} has no column of a unit of site {site.name!r}, and none of readings: name a "
            f"column for each unit ({brief(', '.join(site.nodes), 120)}), or write a row for each "
            "reading with the columns node and level"
        )
    return Columns(len(names), place, is_geographic, time, units, node, level)


def _place(find: "object", names: Sequence[str], where: str) -> tuple[tuple[int, int], bool]:
    assert callable(find)
    for first, second, is_geographic in ((_X, _Y, False), (_LATITUDE, _LONGITUDE, True)):
        x, y = find(first), find(second)
        if x is not None and y is not None:
            return (x, y), is_geographic
    raise ConfigError(
        f"{where} has no columns of positions: its first line is {brief(', '.join(names), 120)!r}; "
        "it must name the columns, two of them x and y (metres from the origin of the site), or "
        "lat and lon (degrees)"
    )


def _unknown(name: str, site: Site, where: str) -> str:
    meant = nearest(name, site.nodes)
    known = f"did you mean {meant!r}?" if meant else f"its units are {', '.join(site.nodes)}."
    return (
        f"{where} has the column {brief(name)!r}, and site {site.name!r} has no such unit; "
        f"{brief(known, 160)} Correct the name, remove the column, or add the unit to the site"
    )
