"""A board at work: what it takes, how hot it gets, and whether it slows down meanwhile."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from edgespec.board import Board, BoardState
from edgespec.power import PowerMeter

__all__ = ["Load", "watch_load"]

_EVERY_S = 0.25


@dataclass(frozen=True, slots=True)
class Load:
    """What a board was seen to do while one core worked without a pause.

    Attributes:
        seconds: how long.
        n_hops: hops that were handled meanwhile.
        start_c: temperature before, by the name of the thermal zone.
        max_c: the highest of it.
        troubles: what held the board back meanwhile, in words.
        since_boot: what had held it back before.
        clock_hz: lowest and highest of the first processor, None where it is not told.
        power_of: what the watts are of, '' where the board tells none.
        idle_w: mean before.
        load_w: mean meanwhile.
        mj_per_hop: energy of one hop, all that the board takes.
        extra_mj_per_hop: what it takes more than idle.
    """

    seconds: float
    n_hops: int
    start_c: dict[str, float]
    max_c: dict[str, float]
    troubles: tuple[str, ...]
    since_boot: tuple[str, ...]
    clock_hz: tuple[float, float] | None
    power_of: str = ""
    idle_w: float | None = None
    load_w: float | None = None
    mj_per_hop: float | None = None
    extra_mj_per_hop: float | None = None


def watch_load(
    one_hop: Callable[[], object],
    duration_s: float,
    board: Board,
    meter: PowerMeter,
    *,
    idle_s: float = 2.0,
    every_s: float = _EVERY_S,
) -> Load:
    """Do nothing for ``idle_s``, then hops for ``duration_s``, and say how the board was.

    A thread looks at the board meanwhile, so nothing else should be timed.
    """
    power_of = meter.what
    idle = _Watch(board, meter, every_s)
    idle.look()
    until = time.monotonic() + idle_s
    while time.monotonic() < until:
        time.sleep(min(every_s, max(0.0, until - time.monotonic())))
        idle.look()
    begun_s, n_hops = time.monotonic(), 1
    # What is seen before the first hop is idle.
    one_hop()
    with _Watch(board, meter, every_s) as load:
        while time.monotonic() - begun_s < duration_s:
            one_hop()
            n_hops += 1
        # ... and so is what is seen behind the last.
        load.look()
        seconds = time.monotonic() - begun_s
    before, idle_w, load_w = idle.states[0], idle.mean_w, load.mean_w
    return Load(
        seconds,
        n_hops,
        dict(before.temperatures_c),
        _hottest([*idle.states, *load.states]),
        _troubles(before, load.states),
        before.since_boot,
        _clocks(load.states),
        power_of,
        idle_w,
        load_w,
        None if load_w is None else 1e3 * load_w * seconds / n_hops,
        None if load_w is None or idle_w is None else 1e3 * (load_w - idle_w) * seconds / n_hops,
    )


class _Watch:
    """Looks at a board when it is told to, and from time to time where it is entered."""

    def __init__(self, board: Board, meter: PowerMeter, every_s: float) -> None:
        self._board, self._meter, self._every_s = board, meter, every_s
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on, name="board", daemon=True)
        self.states: list[BoardState] = []
        self._watts: list[float] = []

    def __enter__(self) -> "_Watch":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def mean_w(self) -> float | None:
        return float(np.mean(self._watts)) if self._watts else None

    def look(self) -> None:
        self.states.append(self._board.read())
        if (watts := self._meter.read_w()) is not None:
            self._watts.append(watts)

    def _go_on(self) -> None:
        while not self._is_over.wait(self._every_s):
            self.look()


def _hottest(states: list[BoardState]) -> dict[str, float]:
    hottest: dict[str, float] = {}
    for state in states:
        for zone, celsius in state.temperatures_c:
            hottest[zone] = max(celsius, hottest.get(zone, celsius))
    return hottest


def _clocks(states: list[BoardState]) -> tuple[float, float] | None:
    clocks = [state.clock_hz for state in states if state.clock_hz is not None]
    return (min(clocks), max(clocks)) if clocks else None


def _troubles(before: BoardState, states: list[BoardState]) -> tuple[str, ...]:
    """Return what held the board back, also between two looks: counters and latches tell that."""
    words = [word for state in states for word in state.troubles]
    words += [word for word in states[-1].since_boot if word not in before.since_boot]
    counted = dict(before.n_over_current)
    words += [word for word, n in states[-1].n_over_current if n > counted.get(word, 0)]
    return tuple(dict.fromkeys(words))
