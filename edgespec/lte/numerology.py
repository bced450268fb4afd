"""The fixed numbers of LTE in time (3GPP TS 36.211, sec. 4 and 6), in units of 1/30.72 MHz."""

from typing import NamedTuple

__all__ = [
    "BASIC_RATE_HZ",
    "FRAME_S",
    "PREFIX_UNITS",
    "SLOTS_PER_FRAME",
    "SLOT_S",
    "SLOT_UNITS",
    "SUBCARRIER_HZ",
    "SURE_SLOTS",
    "USEFUL_UNITS",
    "SymbolPlace",
    "reference_symbols",
    "sync_places",
    "useful_units",
]

#: The basic time unit of LTE is one sample at this rate.
BASIC_RATE_HZ = 30.72e6
SUBCARRIER_HZ = 15e3
FRAME_S, SLOTS_PER_FRAME = 0.01, 20
SLOT_S, SLOT_UNITS = 5e-4, 15_360
#: Slots of a frame that are downlink in every cell, with reference signals over all of the band:
#: those of subframes 0 and 5 (sec. 4.2 and 6.10.2.1).
SURE_SLOTS = (0, 1, 10, 11)
#: A symbol without its prefix: one period of the subcarrier spacing.
USEFUL_UNITS = 2048

#: Length of the prefix of every symbol in a slot, by the kind of prefix (table 6.12-1).
PREFIX_UNITS: dict[str, tuple[int, ...]] = {
    "normal": (160, 144, 144, 144, 144, 144, 144),
    "extended": (512, 512, 512, 512, 512, 512),
}


def reference_symbols(prefix: str) -> tuple[int, int]:
    """Return which symbols of a slot carry the reference signals of port 0 (sec. 6.10.1.2)."""
    return 0, len(PREFIX_UNITS[prefix]) - 3


class SymbolPlace(NamedTuple):
    """A slot of a half frame, 0 to 9, and a symbol of it from 0."""

    slot: int
    symbol: int


def useful_units(prefix: str, place: SymbolPlace) -> int:
    """Return where the useful part of a symbol begins, in units from the start of its half frame.

    The prefix of the symbol lies before it.
    """
    slot, symbol = place
    lengths = PREFIX_UNITS[prefix]
    return slot * SLOT_UNITS + sum(lengths[: symbol + 1]) + symbol * USEFUL_UNITS


def sync_places(duplex: str, prefix: str) -> tuple[SymbolPlace, SymbolPlace]:
    """Return where PSS and SSS lie in each half frame (TS 36.211, sec. 6.11.1.2 and 6.11.2.2).

    With ``fdd`` PSS is the last symbol of slot 0, and SSS the one before it. With ``tdd`` PSS is
    the third symbol of slot 2, and SSS the last of slot 1.
    """
    last = len(PREFIX_UNITS[prefix]) - 1
    if duplex == "fdd":
        return SymbolPlace(0, last), SymbolPlace(0, last - 1)
    return SymbolPlace(2, 2), SymbolPlace(1, last)
