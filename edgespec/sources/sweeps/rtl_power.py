"""The table of ``rtl_power``, which soapy_power and hackrf_sweep write as well: a row a hop.

``date, time, lower Hz, upper Hz, step Hz, samples, dB, dB, ...``: times are local. rtl_power gives
all hops of a sweep one time, the others give each its own.
"""

from collections.abc import Iterator
from datetime import datetime
from math import nan

from edgespec.sources.sweeps.hop import Hop, TornError, hop_of, number_of
from edgespec.sources.sweeps.octets import Octets
from edgespec.sources.sweeps.wall_clock import WallClock

__all__ = ["rtl_power_hops"]

_N_BEFORE = 6


def rtl_power_hops(octets: Octets, clock: WallClock) -> Iterator[Hop | TornError]:
    """Yield the hops of a table, and in their place the rows that cannot be read."""
    for number, line in octets.lines():
        text = line.decode("ascii", "replace").strip()
        if not text or text.startswith("#"):
            continue
        try:
            yield _hop(text.split(","), number, clock)
        except TornError as error:
            yield error


def _hop(fields: list[str], number: int, clock: WallClock) -> Hop:
    if len(fields) <= _N_BEFORE:
        raise TornError(
            f"line {number} has {len(fields)} fields; a row of rtl_power has date, time, lower, "
            "upper, step, samples and at least one level"
        )
    stamp = f"{fields[0].strip()} {fields[1].strip()}"
    try:
        wall = datetime.fromisoformat(stamp)
    except ValueError:
        raise TornError(
            f"line {number} begins with {stamp!r:.40}; a row of rtl_power begins with a date and "
            "a time such as 2026-11-28, 12:31:45"
        ) from None
    lower_hz, upper_hz, step_hz = (number_of(field, number) for field in fields[2:5])
    levels_db = [number_of(field, number) if field.strip() else nan for field in fields[6:]]
    utc_s = wall.timestamp() if wall.tzinfo is not None else clock.utc_s(wall, number)
    return hop_of(utc_s, (lower_hz, upper_hz), step_hz, levels_db, number)
