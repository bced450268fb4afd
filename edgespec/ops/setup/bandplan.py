"""Bands by name: where their middle is, and what is heard there."""

from dataclasses import dataclass

from edgespec.errors import UsageError
from edgespec.nearest import nearest
from edgespec.units import format_hz, parse_quantity

__all__ = ["BANDS", "NamedBand", "band_of"]


@dataclass(frozen=True, slots=True)
class NamedBand:
    """A band that people know by its name. ``words`` say what is there, for whom where it differs.

    Middles of downlinks are those of 3GPP TS 36.101, table 5.5-1; a single carrier may lie
    elsewhere in it.
    """

    name: str
    center_freq_hz: float
    words: str


BANDS = {
    band.name: band
    for band in (
        NamedBand("fm", 98.0e6, "broadcasting, 87.5 to 108 MHz"),
        NamedBand("airband", 127.0e6, "voice of aircraft, 118 to 137 MHz"),
        NamedBand("ais", 162.0e6, "positions of ships"),
        NamedBand("tetra", 392.5e6, "public safety in Europe, downlink"),
        NamedBand("ism433", 433.92e6, "sensors and remote controls in Europe"),
        NamedBand("pmr446", 446.1e6, "hand-held radios in Europe"),
        NamedBand("lte-b28", 780.5e6, "LTE band 28, downlink"),
        NamedBand("lte-b20", 806.0e6, "LTE band 20, downlink, Europe"),
        NamedBand("ism868", 868.3e6, "sensors in Europe"),
        NamedBand("lte-b5", 881.5e6, "LTE band 5, downlink, America and Asia"),
        NamedBand("ism915", 915.0e6, "sensors and meters in America"),
        NamedBand("gsm900", 947.5e6, "GSM 900 and LTE band 8, downlink"),
        NamedBand("adsb", 1090.0e6, "positions of aircraft"),
        NamedBand("lte-b3", 1842.5e6, "LTE band 3, downlink; beyond most dongles"),
        NamedBand("lte-b1", 2140.0e6, "LTE band 1, downlink; beyond most dongles"),
        NamedBand("lte-b7", 2655.0e6, "LTE band 7, downlink; beyond most dongles"),
    )
}


def band_of(text: str) -> NamedBand:
    """Return a band by its name, or the one around a frequency such as ``806M`` or ``433.92 MHz``.

    Raises:
        UsageError: it is neither.
    """
    word = text.strip().lower()
    if word in BANDS:
        return BANDS[word]
    try:
        frequency_hz = parse_quantity(text, "a frequency")
    except UsageError:
        frequency_hz = 0.0
    if not 1e3 <= frequency_hz <= 1e11:
        near = nearest(word, list(BANDS))
        hint = f": did you mean {near!r}?" if near else ""
        raise UsageError(
            f"{text!r:.60} is neither a band nor a frequency{hint or '.'} Write one such as 806M, "
            f"or one of {', '.join(BANDS)}"
        )
    return NamedBand("band0", frequency_hz, format_hz(frequency_hz))
