"""Sample rates and frequencies that are believed of a recording, whatever says them."""

from collections.abc import Callable

from edgespec.door import brief
from edgespec.errors import UsageError
from edgespec.option import MOST_HZ
from edgespec.sources.uri import SourceUri

__all__ = [
    "FREQS_HZ",
    "FREQS_SAID",
    "RATES_HZ",
    "RATES_SAID",
    "frequency_in",
    "is_frequency",
    "is_sample_rate",
    "rate_in",
]

#: Sample rates. Above 6.5e8 a hop of usual frames has more samples than any front end takes.
RATES_HZ = (1.0, 6e8)
#: Centre frequencies, those of SigMF: at each the bins of the lowest rate still differ in float64.
FREQS_HZ = (-MOST_HZ, MOST_HZ)
RATES_SAID = "from 1 to 6e8 S/s"
FREQS_SAID = "from -1e12 to 1e12 Hz"


def is_sample_rate(rate_hz: float) -> bool:
    """Return whether a number can be a sample rate; NaN and infinity cannot."""
    return RATES_HZ[0] <= rate_hz <= RATES_HZ[1]


def is_frequency(freq_hz: float) -> bool:
    """Return whether a number can be a centre frequency; NaN and infinity cannot."""
    return FREQS_HZ[0] <= freq_hz <= FREQS_HZ[1]


def rate_in(uri: SourceUri) -> float | None:
    """Return the option ``sample_rate`` of an address in Hz, None where it is not given.

    Raises:
        UsageError: no recording has it.
    """
    return _number_in(uri, "sample_rate", is_sample_rate, RATES_SAID)


def frequency_in(uri: SourceUri) -> float | None:
    """Return the option ``center_freq`` of an address in Hz, None where it is not given.

    Raises:
        UsageError: no recording has it.
    """
    return _number_in(uri, "center_freq", is_frequency, FREQS_SAID)


def _number_in(
    uri: SourceUri, key: str, is_believed: Callable[[float], bool], said: str
) -> float | None:
    value = uri.number(key)
    if value is not None and not is_believed(value):
        raise UsageError(f"{key} in {brief(repr(uri.text), 160)} is {value:g}; it must be {said}")
    return value
