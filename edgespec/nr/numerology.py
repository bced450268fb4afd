"""The fixed numbers of 5G NR in time (3GPP TS 38.211, sec. 4.2 and 5.3.1), normal prefix."""

from edgespec.errors import UsageError
from edgespec.lte.numerology import PREFIX_UNITS, SLOT_UNITS, USEFUL_UNITS

__all__ = ["SPACINGS_HZ", "prefix_units", "symbols_per_slot", "useful_start", "useful_units"]

#: Subcarrier spacings of the bands below 3 GHz and up to 7 GHz: 2^mu times 15 kHz, mu 0 and 1.
SPACINGS_HZ = (15e3, 30e3)


def symbols_per_slot(spacing_hz: float) -> int:
    """Return how many symbols 0.5 ms hold: 7 with 15 kHz, 14 with 30 kHz."""
    return 7 << _mu(spacing_hz)


def prefix_units(spacing_hz: float) -> tuple[int, ...]:
    """Return the length of each prefix in 0.5 ms, in units of 1/30.72 MHz.

    ``144 / 2^mu``, and 16 more for the first symbol of every 0.5 ms (sec. 5.3.1); with 15 kHz
    these are LTE's.
    """
    short = PREFIX_UNITS["normal"][1] >> _mu(spacing_hz)
    return (short + 16, *[short] * (symbols_per_slot(spacing_hz) - 1))


def useful_units(spacing_hz: float) -> int:
    """Return the length of a symbol without its prefix, in units of 1/30.72 MHz."""
    return USEFUL_UNITS >> _mu(spacing_hz)


def useful_start(spacing_hz: float, symbol: int) -> int:
    """Return where the useful part of a symbol begins, in units of 1/30.72 MHz.

    ``symbol`` and the units count from where a half frame begins.
    """
    slot, place = divmod(symbol, symbols_per_slot(spacing_hz))
    lengths = prefix_units(spacing_hz)
    return slot * SLOT_UNITS + sum(lengths[: place + 1]) + place * useful_units(spacing_hz)


def _mu(spacing_hz: float) -> int:
    if spacing_hz not in SPACINGS_HZ:
        known = " and ".join(f"{one:g}" for one in SPACINGS_HZ)
        raise UsageError(f"the subcarrier spacing is {spacing_hz:g} Hz; known are {known}")
    return SPACINGS_HZ.index(spacing_hz)
