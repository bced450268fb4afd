"""What holds a small board back: voltage, heat and current, as the kernel tells it in ``/sys``.

On a Raspberry Pi that is what ``vcgencmd get_throttled`` says, on a Jetson the counters of
``soctherm_oc``, on both the thermal zones and what cools them. All of it is tested with trees of
files; no board was there to test with.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "TROUBLES",
    "Board",
    "BoardState",
    "BoardWatch",
    "number_in",
    "throttled_words",
    "word_in",
]

_LOG = logging.getLogger(__name__)
_SYS = Path("/sys")

#: Bits of ``get_throttled`` that say what is, and what was since boot (Raspberry Pi documentation,
#: vcgencmd).
_NOW = {0: "undervoltage", 1: "clock capped", 2: "throttled", 3: "too hot"}
_SINCE_BOOT = {16: "undervoltage", 17: "clock capped", 18: "throttled", 19: "too hot"}
#: What the events of a Jetson mean (Jetson Linux, Platform Power and Performance).
_JETSON = {"oc1": "undervoltage", "oc2": "average overcurrent", "oc3": "peak overcurrent"}
#: Every word for what holds a board back.
TROUBLES = tuple(dict.fromkeys((*_NOW.values(), *_JETSON.values())))
_FIRMWARE = ("devices/platform/soc*/*firmware*/get_throttled",
             "devices/platform/*firmware*/get_throttled")  # fmt: skip
#: What slows a processor down to cool it; a fan does not.
_SLOWING = ("cpufreq", "throttle")


@dataclass(frozen=True, slots=True)
class BoardState:
    """How a board is.

    Args:
        troubles: what holds it back now, in words.
        since_boot: what held it back since it was started.
        temperatures_c: by the name of the thermal zone.
        n_over_current: how often the supply was too weak since boot, by what was wrong; a Jetson.
        clock_hz: of the first processor, None where it is not told.
    """

    troubles: tuple[str, ...] = ()
    since_boot: tuple[str, ...] = ()
    temperatures_c: tuple[tuple[str, float], ...] = ()
    n_over_current: tuple[tuple[str, int], ...] = ()
    clock_hz: float | None = None

    @property
    def words(self) -> tuple[str, ...]:
        """What holds or held it back, each with the time."""
        now = tuple(f"{trouble} now" for trouble in self.troubles)
        before = (trouble for trouble in self.since_boot if trouble not in self.troubles)
        return (*now, *(f"{trouble} since boot" for trouble in before))


class Board:
    """The files in which the kernel tells; those that are there are looked for once.

    Args:
        sys_dir: the kernel's tree of devices.
    """

    def __init__(self, sys_dir: Path = _SYS) -> None:
        hwmons = sorted((sys_dir / "class/hwmon").glob("hwmon*"))
        self._firmware = [path for glob in _FIRMWARE for path in sorted(sys_dir.glob(glob))][:1]
        self._voltage = [
            path / "in0_lcrit_alarm" for path in hwmons if word_in(path / "name") == "rpi_volt"
        ]
        self._over_current = [
            (words, path / f"{name}_event_cnt")
            for path in hwmons
            if word_in(path / "name") == "soctherm_oc"
            for name, words in _JETSON.items()
        ]
        thermal = sys_dir / "class/thermal"
        self._zones = [
            (word_in(path / "type") or path.name, path / "temp")
            for path in sorted(thermal.glob("thermal_zone*"))
        ]
        self._slowing = [
            path / "cur_state"
            for path in sorted(thermal.glob("cooling_device*"))
            if any(name in word_in(path / "type").lower() for name in _SLOWING)
        ]
        self._clock = sys_dir / "devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"

    @property
    def tells(self) -> bool:
        """Whether the kernel tells of what may hold it back."""
        return bool(self._firmware or self._voltage or self._over_current or self._slowing)

    def read(self) -> BoardState:
        """Return how the board is now; what cannot be read is left out."""
        bits = next((value for path in self._firmware if (value := number_in(path, 16))), 0)
        troubles, since_boot = [*_named(bits, _NOW)], [*_named(bits, _SINCE_BOOT)]
        if any(number_in(path) for path in self._voltage):
            troubles.insert(0, "undervoltage")
        if any(number_in(path) for path in self._slowing):
            troubles.append("throttled")
        counts = [(words, n) for words, path in self._over_current if (n := number_in(path))]
        since_boot += [words for words, _ in counts]
        clock_khz = number_in(self._clock)
        return BoardState(
            tuple(dict.fromkeys(troubles)),
            tuple(dict.fromkeys(since_boot)),
            tuple(
                (name, milli / 1e3)
                for name, path in self._zones
                if (milli := number_in(path)) is not None
            ),
            tuple(counts),
            None if clock_khz is None else 1e3 * clock_khz,
        )


class BoardWatch:
    """Looks at a board once in a while, whoever asks how often, and logs what begins and ends.

    Args:
        board: the board.
        every_s: how old what it says may be.
        clock: seconds, of a clock that never steps.
    """

    def __init__(
        self, board: Board, every_s: float = 10.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._board = board
        self._every_s = every_s
        self._clock = clock
        self._read_s = -every_s
        self._troubles: tuple[str, ...] = ()
        self._n_over_current: dict[str, int] = {}
        self._since_boot: set[str] = set()

    def troubles(self) -> tuple[str, ...]:
        """Return what holds the board back, in words; what was over between two looks for one.

        A supply that is too weak breaks in for milliseconds. A file that cannot be read for once
        makes nothing new of what it has said before.
        """
        now_s = self._clock()
        if now_s - self._read_s < self._every_s:
            return self._troubles
        is_first, self._read_s = self._read_s < 0, now_s
        state = self._board.read()
        counts = dict(state.n_over_current)
        new = [words for words, n in counts.items() if n > self._n_over_current.get(words, 0)]
        new += [words for words in state.since_boot if words not in self._since_boot]
        troubles = (*state.troubles, *([] if is_first else new))
        self._n_over_current |= counts
        self._since_boot |= {*state.since_boot}
        troubles, before = tuple(dict.fromkeys(troubles)), self._troubles
        self._troubles = troubles
        begun = [words for words in troubles if words not in before]
        if begun:
            _LOG.warning(
                "the board is held back: %s; see to its power supply and its cooling",
                ", ".join(begun),
            )
        elif before and not troubles:
            _LOG.info("the board is not held back any more")
        return troubles


def throttled_words(answer: str) -> tuple[str, ...]:
    """Return what ``vcgencmd get_throttled`` says, ``throttled=0x50005``, in words."""
    try:
        bits = int(answer.partition("=")[2], 16)
    except ValueError:
        return ()
    return BoardState(_named(bits, _NOW), _named(bits, _SINCE_BOOT)).words


def _named(bits: int, names: dict[int, str]) -> tuple[str, ...]:
    return tuple(words for bit, words in names.items() if bits >> bit & 1)


def word_in(path: Path) -> str:
    """Return what a file of the kernel holds; '' where it cannot be read."""
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def number_in(path: Path, base: int = 10) -> int | None:
    """Return the whole number in a file, None where there is none."""
    try:
        return int(word_in(path), base)
    except ValueError:
        return None
