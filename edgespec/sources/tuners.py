"""The tuners of dongles, by the number that rtl_tcp greets with, and what they are made for."""

import struct
from dataclasses import dataclass

from edgespec.units import format_hz

__all__ = ["Tuner", "tuner_of"]


@dataclass(frozen=True, slots=True)
class Tuner:
    """A chip, and its lowest and highest frequency in Hz, as its data sheet has them."""

    name: str
    range_hz: tuple[float, float]

    def why_not(self, center_freq_hz: float) -> str:
        """Return why it may not hear a frequency; '' where it is made for it."""
        lower_hz, upper_hz = self.range_hz
        if lower_hz <= center_freq_hz <= upper_hz:
            return ""
        return (
            f"its tuner is an {self.name}, made for {format_hz(lower_hz)} to {format_hz(upper_hz)}:"
            f" at {format_hz(center_freq_hz)} it may hear nothing, or go on with what it heard "
            "before, and rtl_tcp does not say so"
        )


#: Osmocom's enumeration of tuners; the first four have gone out of production.
_TUNERS = {
    1: Tuner("E4000", (52e6, 2200e6)),
    2: Tuner("FC0012", (22e6, 948.6e6)),
    3: Tuner("FC0013", (22e6, 1100e6)),
    4: Tuner("FC2580", (146e6, 924e6)),
    5: Tuner("R820T", (24e6, 1766e6)),
    6: Tuner("R828D", (24e6, 1766e6)),
}


def tuner_of(greeting: bytes) -> Tuner | None:
    """Return the tuner that a greeting of rtl_tcp names; None for one that is not known."""
    return _TUNERS.get(struct.unpack_from(">I", greeting, 4)[0])
