"""The house as SVG: a box a room, those above import from those below."""

from dataclasses import dataclass
from html import escape

from benchmarks.house.rooms import (
    HOUSES,
    SHELF,
    Graph,
    imports,
    levels,
    loose_modules,
    nearest,
)

__all__ = ["drawing"]

_COLOURS = {"edgespec": "#0072B2", "converter": "#009E73", "benchmarks": "#D55E00"}
_ABOUT = {
    "edgespec": "on the board and at the central unit",
    "converter": "where models are made",
    "benchmarks": "what measures both",
}
_BOX = (104, 34)
_GAP, _FLOOR, _MARGIN, _BETWEEN = 14, 74, 24, 46
_FONT = "font-family='DejaVu Sans, Verdana, sans-serif'"


@dataclass(frozen=True, slots=True)
class _Box:
    x: float
    y: float
    width: float
    height: float

    @property
    def above(self) -> tuple[float, float]:
        """Middle of the upper edge."""
        return self.x + self.width / 2, self.y

    @property
    def below(self) -> tuple[float, float]:
        """Middle of the lower edge."""
        return self.x + self.width / 2, self.y + self.height


def drawing() -> str:
    """Return the SVG, the same for the same imports."""
    graph = imports()
    boxes, widths = _placed(graph)
    width = _MARGIN * 2 + sum(widths.values()) + _BETWEEN * (len(HOUSES) - 1)
    height = max(box.y + box.height for box in boxes.values()) + _MARGIN
    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {width:g} {height:g}' {_FONT}>",
        f"<rect width='{width:g}' height='{height:g}' fill='white'/>",
    ]
    x = float(_MARGIN)
    for house, wide in widths.items():
        parts += _house(house, x, wide, height)
        x += wide + _BETWEEN
    for room, used in sorted(nearest(graph).items()):
        parts += [_arrow(boxes[room], boxes[other], room) for other in sorted(used)]
    parts += [_room(room, box) for room, box in sorted(boxes.items())]
    return "\n".join([*parts, "</svg>\n"])


def _placed(graph: Graph) -> tuple[dict[str, _Box], dict[str, float]]:
    """Return the box of every room, and the width of every house."""
    floors = levels(graph)
    top = max(floors.values())
    boxes: dict[str, _Box] = {}
    widths: dict[str, float] = {}
    x = float(_MARGIN)
    for house in HOUSES:
        by_floor: dict[int, list[str]] = {}
        for room in graph:
            if room.startswith(f"{house}."):
                by_floor.setdefault(floors[room], []).append(room)
        most = max(map(len, by_floor.values()))
        widths[house] = most * (_BOX[0] + _GAP) - _GAP
        for floor, rooms in by_floor.items():
            of_row = len(rooms) * (_BOX[0] + _GAP) - _GAP
            left = x + (widths[house] - of_row) / 2
            for number, room in enumerate(rooms):
                y = _MARGIN + 44 + (top - floor) * _FLOOR
                is_shelf = room.endswith(f".{SHELF}")
                tall = 16 + 12 * len(loose_modules(house)) if is_shelf else _BOX[1]
                boxes[room] = _Box(left + number * (_BOX[0] + _GAP), y, _BOX[0], tall)
        x += widths[house] + _BETWEEN
    return boxes, widths


def _house(house: str, x: float, width: float, height: float) -> list[str]:
    colour, middle = _COLOURS[house], x + width / 2
    return [
        f"<rect x='{x - 12:g}' y='8' width='{width + 24:g}' height='{height - 16:g}' rx='8' "
        f"fill='{colour}' fill-opacity='.05' stroke='{colour}' stroke-opacity='.4'/>",
        f"<text x='{middle:g}' y='30' font-size='16' font-weight='bold' text-anchor='middle' "
        f"fill='{colour}'>{house}</text>",
        f"<text x='{middle:g}' y='45' font-size='10' text-anchor='middle' fill='#555'>"
        f"{escape(_ABOUT[house])}</text>",
    ]


def _room(room: str, box: _Box) -> str:
    house, _, name = room.partition(".")
    lines = loose_modules(house) if name == SHELF else [name]
    size = 9.5 if name == SHELF else 12
    first = box.y + (17 if name == SHELF else box.height / 2 + 4)
    x = box.x + box.width / 2
    words = "".join(
        f"<tspan x='{x:g}' y='{first + 12 * number:g}'>{escape(line)}</tspan>"
        for number, line in enumerate(lines)
    )
    return (
        f"<g id='{room}'><rect x='{box.x:g}' y='{box.y:g}' width='{box.width:g}' "
        f"height='{box.height:g}' rx='4' fill='white' stroke='{_COLOURS[house]}'/>"
        f"<text font-size='{size:g}' text-anchor='middle'>{words}</text></g>"
    )


def _arrow(above: _Box, below: _Box, room: str) -> str:
    colour = _COLOURS[room.partition(".")[0]]
    (x0, y0), (x1, y1) = above.below, below.above
    bend = (y1 - y0) / 2
    return (
        f"<path d='M{x0:g} {y0:g}C{x0:g} {y0 + bend:g} {x1:g} {y1 - bend:g} {x1:g} {y1 - 5:g}"
        f"m-3 -1l3 6l3 -6' fill='none' stroke='{colour}' stroke-opacity='.55'/>"
    )
