"""Times of symbols, and the places of the synchronisation signals."""

import pytest

from edgespec.lte.numerology import (
    BASIC_RATE_HZ,
    PREFIX_UNITS,
    SLOT_UNITS,
    SUBCARRIER_HZ,
    USEFUL_UNITS,
    SymbolPlace,
    sync_places,
    useful_units,
)


@pytest.mark.parametrize("prefix", PREFIX_UNITS)
def test_symbols_fill_a_slot_of_half_a_millisecond(prefix):
    lengths = PREFIX_UNITS[prefix]
    assert sum(lengths) + len(lengths) * USEFUL_UNITS == SLOT_UNITS == BASIC_RATE_HZ * 0.5e-3
    assert USEFUL_UNITS == BASIC_RATE_HZ / SUBCARRIER_HZ
    # The last useful part ends where the next slot begins.
    last = SymbolPlace(3, len(lengths) - 1)
    assert useful_units(prefix, last) + USEFUL_UNITS == 4 * SLOT_UNITS


@pytest.mark.parametrize(
    ("duplex", "prefix", "primary", "secondary"),
    # In samples at 1.92 MS/s: a symbol is 128, a slot 960. FDD ends at the end of the first slot.
    [
        ("fdd", "normal", 960 - 128, 960 - 2 * 128 - 9),
        ("fdd", "extended", 960 - 128, 960 - 2 * 128 - 32),
        ("tdd", "normal", 1920 + 10 + 9 + 9 + 2 * 128, 1920 - 128),
        ("tdd", "extended", 1920 + 3 * 32 + 2 * 128, 1920 - 128),
    ],
)
def test_places_of_the_synchronisation_signals(duplex, prefix, primary, secondary):
    units = [useful_units(prefix, place) for place in sync_places(duplex, prefix)]
    assert units == [16 * primary, 16 * secondary]
