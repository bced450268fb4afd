"""One fault every minute: of a radio, the broker, the disk or the clock."""

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from benchmarks.chaos.parties import Broker
from benchmarks.chaos.soak.air import Radio
from benchmarks.chaos.soak.stepped import step_clock

__all__ = ["Faults", "Yard"]

_EVERY_S, _SPREAD_S = 60.0, 20.0


@dataclass(frozen=True, slots=True)
class Yard:
    """What may go wrong: two radios, a broker, a small disk and a clock.

    ``disk`` is the observer's, None where none may be mounted; ``clock`` is the file that steps it.
    """

    radios: tuple[Radio, ...]
    broker: Broker
    disk: Path | None
    clock: Path

    def faults(self) -> dict[str, Callable[[], None]]:
        """Return what can be done, by name."""
        one, *others = self.radios
        every: dict[str, Callable[[], None]] = {
            "radio stalls for 1 s": lambda: _silence(one, 1.0),
            "radio stalls for 4 s": lambda: _silence(one, 4.0),
            "radio leaves out 0.3 s": lambda: one.drop(0.3),
            "radio hangs up for 3 s": lambda: _send_away((one,), 3.0),
            "both radios hang up for 5 s": lambda: _send_away((one, *others), 5.0),
            "broker killed for 4 s": lambda: _kill(self.broker, 4.0),
            "broker hangs for 6 s": lambda: self.broker.hang(6.0),
        }
        if self.disk is not None:
            disk = self.disk
            every["disk full for 15 s"] = lambda: _fill(disk, 15.0)
        for hours in (1, -1):
            every[f"clock steps by {hours:+} h for 12 s"] = partial(
                _step, self.clock, 3600.0 * hours
            )
        return every


@dataclass
class Faults:
    """Does one of them every minute, each as often as the others, in an order by chance."""

    yard: Yard
    seed: int
    done: list[tuple[float, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def start(self) -> None:
        """Begin: the first one comes within a minute."""
        self._thread.start()

    def close(self) -> None:
        """End it, once the last fault is over."""
        self._over.set()
        self._thread.join(60.0)

    def _work(self) -> None:
        chance, known = random.Random(self.seed), self.yard.faults()
        deck: list[str] = []
        begun_s = time.monotonic()
        for number in range(1_000_000):
            at_s = begun_s + number * _EVERY_S + 30.0 + chance.uniform(0.0, _SPREAD_S)
            if self._over.wait(max(at_s - time.monotonic(), 0.0)):
                return
            if not deck:
                deck = sorted(known)
                chance.shuffle(deck)
            name = deck.pop()
            self.done.append((time.monotonic(), name))
            known[name]()


def _silence(radio: Radio, seconds: float) -> None:
    radio.is_silent = True
    time.sleep(seconds)
    radio.is_silent = False


def _send_away(radios: tuple[Radio, ...], seconds: float) -> None:
    for radio in radios:
        radio.is_away = True
    time.sleep(seconds)
    for radio in radios:
        radio.is_away = False


def _kill(broker: Broker, seconds: float) -> None:
    broker.kill()
    time.sleep(seconds)
    broker.start()


def _step(clock: Path, seconds: float) -> None:
    step_clock(clock, seconds)
    time.sleep(12.0)
    step_clock(clock, 0.0)


def _fill(disk: Path, seconds: float) -> None:
    path = disk / "filler"
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 16))
        except OSError:
            pass
    time.sleep(seconds)
    path.unlink()
