"""Times of several calls that take turns, so that whatever else the machine does meets all."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import numpy as np

__all__ = ["Times", "take_turns", "turns_by_bins"]


@dataclass(frozen=True, slots=True)
class Times:
    """Processor time of one call in seconds: smallest, median, and over how many calls."""

    min_s: float
    median_s: float
    n_calls: int


def take_turns(
    calls: Mapping[str, Callable[[int], object]], n_rounds: int, turn_s: float, seed: int = 0
) -> dict[str, Times]:
    """Return the times of each call; each is given its own count of calls so far.

    A turn lasts about ``turn_s`` and at least three calls, of which the first, in the caches that
    the others have left, is not counted; the order of a round is random. What is counted is the
    processor time of the whole process: a library that works on threads of its own pays for them,
    and a process that takes the core away in between costs nobody anything.
    """
    rng = np.random.default_rng(seed)
    names = list(calls)
    seconds: dict[str, list[float]] = {name: [] for name in names}
    numbers = {name: count() for name in names}
    for _ in range(n_rounds):
        for at in rng.permutation(len(names)):
            name = names[at]
            call, number, own = calls[name], numbers[name], seconds[name]
            call(next(number))
            until, least = time.process_time() + turn_s, len(own) + 2
            while len(own) < least or time.process_time() < until:
                n = next(number)
                begun = time.process_time()
                call(n)
                own.append(time.process_time() - begun)
    return {name: Times(min(own), float(np.median(own)), len(own)) for name, own in seconds.items()}


def turns_by_bins(
    make_calls: Callable[[int], Mapping[str, Callable[[int], object]]],
    n_bins: Sequence[int],
    n_rounds: int,
) -> tuple[list[dict[str, Any]], list[list[Any]]]:
    """Return the times of the calls that are made for each number of bins, in turns of 20 ms.

    As rows to save, in seconds; and as cells of a table: bins, what is called, smallest and median
    in microseconds.
    """
    rows: list[dict[str, Any]] = [
        {"n_bins": n, "what": what, **asdict(times)}
        for n in n_bins
        for what, times in take_turns(make_calls(n), n_rounds, 0.02).items()
    ]
    cells = [
        [row["n_bins"], row["what"], f"{row['min_s'] * 1e6:.1f}", f"{row['median_s'] * 1e6:.1f}"]
        for row in rows
    ]
    return rows, cells
