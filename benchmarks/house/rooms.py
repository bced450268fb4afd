"""Rooms and who imports whom: folders below the three packages, and shelves of loose modules."""

from collections.abc import Mapping
from functools import cache

import grimp

from benchmarks.record import ROOT

__all__ = ["HOUSES", "SHELF", "Graph", "imports", "levels", "loose_modules", "nearest", "room_of"]

HOUSES = ("edgespec", "converter", "benchmarks")
#: What the loose modules of a package are called together.
SHELF = "shelf"

Graph = Mapping[str, frozenset[str]]


def room_of(module: str) -> str:
    """Return the room of a module: ``edgespec.dsp``, or ``edgespec.shelf`` for a loose one."""
    house, _, rest = module.partition(".")
    name = rest.partition(".")[0]
    if name in ("cli", "__main__"):
        return f"{house}.cli"
    return f"{house}.{name if (ROOT / house / name).is_dir() and name else SHELF}"


def loose_modules(house: str) -> list[str]:
    """Return the modules that lie in a package itself, but for the command line."""
    names = (path.stem for path in (ROOT / house).glob("*.py"))
    return sorted(name for name in names if not name.startswith("__") and name != "cli")


@cache
def imports() -> Graph:
    """Return for every room those that it imports from, of all three packages."""
    graph = grimp.build_graph(*HOUSES, cache_dir=None)
    found: dict[str, set[str]] = {}
    for module in graph.modules:
        if module in HOUSES:
            continue
        used = {
            room_of(other)
            for other in graph.find_modules_directly_imported_by(module)
            if other not in HOUSES
        }
        found.setdefault(room_of(module), set()).update(used)
    return {room: frozenset(used - {room}) for room, used in sorted(found.items())}


def nearest(graph: Graph) -> Graph:
    """Return the imports that no way over other rooms implies: the arrows worth drawing."""
    reached: dict[str, frozenset[str]] = {}

    def reach(room: str) -> frozenset[str]:
        if room not in reached:
            reached[room] = graph[room].union(*(reach(used) for used in graph[room]))
        return reached[room]

    return {
        room: used - frozenset().union(*(reach(other) for other in used))
        for room, used in graph.items()
    }


def levels(graph: Graph) -> dict[str, int]:
    """Return the floor of every room: 0 if it imports none, else one above the highest of them."""
    floor: dict[str, int] = {}

    def level(room: str) -> int:
        if room not in floor:
            floor[room] = 1 + max(map(level, graph[room]), default=-1)
        return floor[room]

    return {room: level(room) for room in graph}
