"""What a soak came to: events, samples, memory, signs of life and latencies."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.chaos.soak.air import RATE_HZ, Outage, Visit
from benchmarks.chaos.soak.watched import WATCHDOG_S
from edgespec.kinds import (
    DROPPED,
    GAIN_STEP,
    OVERLOAD,
    RECEIVER,
    TEST,
    THROTTLED,
    UNDERVOLTAGE,
)

__all__ = ["BandFindings", "judge_band", "memory_slope", "pauses", "percentiles"]

#: A visit is judged where the band was heard for so long before it: a cell is searched anew.
_HEARD_BEFORE_S = 5.0
#: An event belongs to a visit during which it is read, or so soon behind it.
_LATE_S = 0.3
#: What is no news about the band.
_TROUBLES = (DROPPED, OVERLOAD, RECEIVER, GAIN_STEP, TEST, UNDERVOLTAGE, THROTTLED)
#: Nothing is said of memory before caches are full.
_SETTLED_SHARE = 1 / 2


@dataclass(frozen=True, slots=True)
class BandFindings:
    """What became of one band.

    ``n_found`` of ``n_judged`` visits were found; others began less than 5 s behind an outage, of
    which ``n_found_else`` of ``n_else`` were. ``n_strangers`` events belong to no visit.
    ``error_ms`` are the begins of events less those of their visits, by the observer's own count of
    samples and less that of the first: what it counts as dropped too much or too little stays.
    ``counted`` and ``on_air`` are all its samples, those it calls dropped among them, and what was
    on the air.
    ``told_ms`` are from the last sample to the alarm, as the observer says.
    """

    band: str
    n_judged: int
    n_found: int
    n_else: int
    n_found_else: int
    n_strangers: int
    counted: int
    on_air: int
    n_dropped: int
    n_not_sent: int
    error_ms: tuple[float, ...]
    told_ms: tuple[float, ...]


def judge_band(
    band: str,
    events: Sequence[tuple[float, dict[str, Any]]],
    state: dict[str, Any],
    visits: Sequence[Visit],
    outages: Sequence[Outage],
    on_air: int,
    begun_s: float,
) -> BandFindings:
    """Return the findings of a band.

    Args:
        band: its id.
        events: all messages of the observer, with the time when they were read.
        state: its last state.
        visits: that were over.
        outages: of the radio.
        on_air: samples, when the observer ended.
        begun_s: when the first of them was on the air, by the clock of these times.
    """
    begun = [
        (read_s - begun_s, one)
        for read_s, one in events
        if one["band"] == band and one["event_type"] == "new" and one["kind"] not in _TROUBLES
    ]
    taken: set[int] = set()
    found = {True: 0, False: 0}
    n_visits = {True: 0, False: 0}
    errors_ms: list[float] = []
    for visit in visits:
        start_s, stop_s = visit.start / RATE_HZ, visit.stop / RATE_HZ
        since = visit.start - round(_HEARD_BEFORE_S * RATE_HZ)
        is_heard = since > 0 and not any(
            one.start < visit.stop and one.stop > since for one in outages
        )
        own = [
            number for number, (at_s, _) in enumerate(begun) if start_s < at_s < stop_s + _LATE_S
        ]
        taken.update(own)
        n_visits[is_heard] += 1
        found[is_heard] += bool(own)
        if is_heard and own:
            begin = begun[own[0]][1]["core:sample_start"]
            errors_ms.append(1e3 * (begin - visit.start) / RATE_HZ)
    return BandFindings(
        band,
        n_visits[True],
        found[True],
        n_visits[False],
        found[False],
        len(begun) - len(taken),
        state["n_samples"] + state["n_dropped"],
        on_air,
        state["n_dropped"],
        sum(one.stop - one.start for one in outages),
        # The observer counts from the first sample that it read.
        tuple(round(one - errors_ms[0], 2) for one in errors_ms),
        tuple(one["latency_ms"] for _, one in begun),
    )


def percentiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Return median, 99th percentile and maximum; 0 where there are none."""
    if not values:
        return 0.0, 0.0, 0.0
    half, most = np.percentile(values, [50.0, 99.0])
    return float(half), float(most), float(max(values))


def memory_slope(memory: Sequence[tuple[float, float]]) -> tuple[float, float, float]:
    """Return the slope in MB an hour and the least and most MB, once it has settled."""
    settled = memory[round(_SETTLED_SHARE * len(memory)) :]
    if len(settled) < 3:
        return 0.0, 0.0, 0.0
    times_s, values = (np.array(column) for column in zip(*settled, strict=True))
    slope = float(np.polyfit(times_s - times_s[0], values, 1)[0]) * 3600.0
    return slope, float(values.min()), float(values.max())


def pauses(signs_s: Sequence[float], ended_s: float) -> tuple[float, bool]:
    """Return the longest pause between signs of life, and whether systemd would have waited."""
    times_s = [*signs_s, ended_s]
    longest = max((b - a for a, b in itertools.pairwise(times_s)), default=WATCHDOG_S)
    return longest, longest < WATCHDOG_S
