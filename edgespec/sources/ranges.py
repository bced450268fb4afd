"""Sample rates and frequencies that are believed of a recording, whatever says them."""

from edgespec.door import brief
from edgespec.errors import UsageError
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
FREQS_HZ = (-1e12, 1e12)
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
    rate_hz = uri.number("sample_rate")
    if rate_hz is not None and not is_sample_rate(rate_hz):
        raise UsageError(
            f"sample_rate in {brief(repr(uri.text), 160)} is {rate_hz:g}; it must be {RATES_SAID}"
        )
    return rate_hz


def frequency_in(uri: SourceUri) -> float | None:
    """Return the option ``center_freq`` of an address in Hz, None where it is not given.

    Raises:
        UsageError: no recording has it.
    """
    freq_hz = uri.number("center_freq")
    if freq_hz is not None and not is_frequency(freq_hz):
        raise UsageError(
            f"center_freq in {brief(repr(uri.text), 160)} is {freq_hz:g}; it must be {FREQS_SAID}"
        )
    return freq_hz
