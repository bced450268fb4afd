"""The text of ``rtl_power_fftw``, which soapy_power writes as well: a line a point.

Comments, of which one says ``# Acquisition start: ...``, then ``frequency level`` on each line, and
an empty line behind each hop. rtl_power_fftw says UTC, soapy_power local time.
"""

from collections.abc import Iterator
from datetime import datetime

from edgespec.door import brief
from edgespec.sources.sweeps.hop import Hop, TornError, hop_of, number_of
from edgespec.sources.sweeps.octets import Octets
from edgespec.sources.sweeps.wall_clock import WallClock

__all__ = ["fftw_text_hops"]

_START = "# acquisition start:"
#: More lines than a hop can have points.
_MOST_LINES = 1 << 16


def fftw_text_hops(octets: Octets, clock: WallClock) -> Iterator[Hop | TornError]:
    """Yield the hops of a text, and in their place those that cannot be read."""
    begun_s: float | None = None
    points: list[tuple[float, float]] = []
    torn: TornError | None = None
    number = 0
    for number, line in octets.lines():
        text = line.decode("ascii", "replace").strip()
        try:
            if text.lower().startswith(_START):
                begun_s = _time(text[len(_START) :], number, clock)
            elif text and not text.startswith("#"):
                frequency, _, level = text.partition(" ")
                points.append((number_of(frequency, number), number_of(level, number)))
        except TornError as error:
            torn = torn or error
        if (not text or len(points) > _MOST_LINES) and (points or torn):
            yield torn or _hop(points, begun_s, number)
            points, torn = [], None
    if points or torn:
        yield torn or _hop(points, begun_s, number)


def _time(text: str, number: int, clock: WallClock) -> float:
    words = text.strip()
    is_utc = words.endswith("UTC")
    try:
        wall = datetime.fromisoformat(words.removesuffix("UTC").strip())
    except ValueError:
        raise TornError(
            f"line {number} says that it began at {brief(repr(words), 40)}; a date and a time are "
            "such as 2026-11-28 12:31:45 UTC"
        ) from None
    if is_utc:
        wall = datetime.fromisoformat(f"{wall.isoformat()}+00:00")
    return wall.timestamp() if wall.tzinfo is not None else clock.utc_s(wall, number)


def _hop(points: list[tuple[float, float]], begun_s: float | None, number: int) -> Hop | TornError:
    if begun_s is None or len(points) < 2:
        return TornError(
            f"the hop that ends at line {number} has {len(points)} points and "
            f"{'a' if begun_s is not None else 'no'} line '# Acquisition start: ...'; it takes two "
            "points and that line"
        )
    lower_hz, step_hz = points[0][0], (points[-1][0] - points[0][0]) / (len(points) - 1)
    try:
        return hop_of(
            begun_s,
            (lower_hz, points[-1][0] + step_hz),
            step_hz,
            [level for _, level in points],
            number,
        )
    except TornError as error:
        return error
