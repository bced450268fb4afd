"""What a board takes, in watts, where it tells: a Jetson's monitors of current, a Pi 5's regulator.

All of it is tested with trees of files and recorded answers; no board was there to test with.
"""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from edgespec.board import number_in, word_in

__all__ = ["PowerMeter", "pmic_rails"]

_SYS = Path("/sys")
#: Drivers of monitors of current and voltage (kernel, Documentation/hwmon).
_MONITORS = ("ina219", "ina226", "ina238", "ina2xx", "ina3221")
#: The rail through which all of a Jetson's power goes (Jetson Linux, Power Management).
_INPUT = "VDD_IN"
_ADC = ("vcgencmd", "pmic_read_adc")
#: One line each for current and voltage: ``VDD_CORE_A current(7)=0.84A``.
_READING = re.compile(r"(\w+)_([AV])(?:\s+\w+\(\d+\))?=(\d+(?:\.\d+)?)[AV]\s*$")


class PowerMeter:
    """Reads what a board takes, if it has anything to read.

    Args:
        run: returns what a program printed, None where it is not there or fails.
        sys_dir: the kernel's tree of devices.
    """

    def __init__(self, run: Callable[[Sequence[str]], str | None], sys_dir: Path = _SYS) -> None:
        self._run = run
        self._channels = [
            (word_in(folder / f"in{n}_label") or f"{word_in(folder / 'name')} {n}", folder, n)
            for folder in sorted((sys_dir / "class/hwmon").glob("hwmon*"))
            if word_in(folder / "name") in _MONITORS
            for n in (1, 2, 3)
        ]
        self._has_pmic = not self._channels and bool(pmic_rails(run(_ADC) or ""))

    @property
    def what(self) -> str:
        """What the watts are of, in words; '' where nothing tells."""
        rails = self.rails_w()
        if not rails:
            return ""
        if self._has_pmic:
            return f"{len(rails)} rails of the regulator, without its losses and the USB"
        if _INPUT in rails:
            return f"the whole board ({_INPUT})"
        return f"{len(rails)} rails: {', '.join(sorted(rails))}"

    def rails_w(self) -> dict[str, float]:
        """Return watts by rail; what cannot be read is left out."""
        if self._has_pmic:
            return pmic_rails(self._run(_ADC) or "")
        found = {}
        for name, folder, n in self._channels:
            milliamperes = number_in(folder / f"curr{n}_input")
            millivolts = number_in(folder / f"in{n}_input")
            if milliamperes is not None and millivolts is not None:
                found[name] = milliamperes * millivolts / 1e6
        return found

    def read_w(self) -> float | None:
        """Return the watts of the whole board where one rail is that, else the sum of the rails.

        None where nothing tells.
        """
        rails = self.rails_w()
        return rails.get(_INPUT, sum(rails.values())) if rails else None


def pmic_rails(answer: str) -> dict[str, float]:
    """Return watts by rail of what ``vcgencmd pmic_read_adc`` says.

    A rail of which it tells the voltage alone, such as the input's, has none.
    """
    told: dict[str, dict[str, float]] = {}
    for line in answer.splitlines():
        if found := _READING.match(line.strip()):
            told.setdefault(found[1], {})[found[2]] = float(found[3])
    return {rail: of["A"] * of["V"] for rail, of in told.items() if of.keys() == {"A", "V"}}
