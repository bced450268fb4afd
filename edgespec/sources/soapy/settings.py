"""What a radio behind SoapySDR is set to."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from edgespec.errors import UsageError
from edgespec.sources.ranges import frequency_in, rate_in
from edgespec.sources.request import Request, Tuning
from edgespec.sources.tuner import DEFAULT_RATE_HZ, first_of
from edgespec.sources.uri import SourceUri

__all__ = ["SOAPY_KEYS", "SoapySettings", "soapy_settings"]

_LOG = logging.getLogger(__name__)

#: Options of an address that say what a radio is set to.
SOAPY_KEYS = (
    *("center_freq", "sample_rate", "gain", "gains", "ppm", "antenna", "channel", "bandwidth"),
    *("bias_tee", "settings"),
)


@dataclass(frozen=True, slots=True)
class SoapySettings:
    """What is asked of a radio.

    Args:
        device: pairs that SoapySDR finds it by, ``driver=uhd,serial=1``; '' is the first there is.
        center_freq_hz: where it is tuned.
        sample_rate_hz: its rate.
        gain_db: of the whole receiver, fixed; None leaves it to ``gains`` or to the radio.
        gains: dB by stage, for who knows the radio better.
        ppm: frequency error of its crystal.
        antenna: name of the port; '' is the radio's own choice.
        channel: which receiver of several.
        bandwidth_hz: of its analogue filter; None is the radio's own choice.
        bias_tee: whether it feeds an amplifier at the antenna.
        settings: its own, by key.
        later: what it will be tuned to later.
    """

    device: str
    center_freq_hz: float
    sample_rate_hz: float
    gain_db: float | None = None
    gains: Mapping[str, float] = field(default_factory=dict)
    ppm: float = 0.0
    antenna: str = ""
    channel: int = 0
    bandwidth_hz: float | None = None
    bias_tee: bool = False
    settings: Mapping[str, str] = field(default_factory=dict)
    later: tuple[Tuning, ...] = ()

    def tuned(self, tuning: Tuning) -> "SoapySettings":
        """Return the settings behind a tuning."""
        gain_db = first_of(tuning.gain_db, self.gain_db)
        return replace(self, center_freq_hz=tuning.center_freq_hz, gain_db=gain_db)


def soapy_settings(uri: SourceUri, request: Request) -> SoapySettings:
    """Return what an address says, and where it says nothing, what the configuration does.

    Raises:
        UsageError: no frequency or no gain is given, or a value cannot be understood.
    """
    for pair in filter(None, uri.rest.split(",")):
        if not all(pair.partition("=")) or "&" in pair:
            # SoapySDR would take no notice of it, and open another radio.
            raise UsageError(
                f"{pair!r:.40} in {uri.text!r} is no pair that names a radio: write them as "
                "soapy:driver=uhd,serial=1, and options behind a ?, as in soapy:driver=uhd?gain=30"
            )
    frequency_hz = first_of(frequency_in(uri), request.center_freq_hz)
    if frequency_hz is None:
        raise UsageError(
            f"{uri.text!r} does not say what to tune to; add center_freq=806e6 to the query "
            "or set it in the configuration"
        )
    gains = {name: _decibels(uri, name, text) for name, text in _pairs(uri, "gains").items()}
    gain_db = None if uri.is_gain_automatic else first_of(uri.number("gain"), request.gain_db)
    if uri.is_gain_automatic:
        _LOG.warning(
            "the radio sets its gain itself: where a signal makes it step, that may look like "
            "interference; gain=30 in the address keeps it"
        )
    elif gain_db is None and not gains:
        raise UsageError(
            f"{uri.text!r} does not say the gain, and radios have no usual one; add gain=30 (dB), "
            "gains=LNA=20,VGA=10 by stage, or gain=auto, which may look like interference"
        )
    ppm = first_of(uri.number("ppm"), request.ppm) or 0.0
    rate_hz = first_of(rate_in(uri), request.sample_rate_hz) or DEFAULT_RATE_HZ
    if frequency_hz <= 0 or rate_hz <= 0 or abs(ppm) > 1000 or abs(gain_db or 0.0) > 200:
        raise UsageError(
            f"{frequency_hz:g} Hz, {rate_hz:g} samples/s, {gain_db or 0.0:g} dB and {ppm:g} ppm "
            "cannot be set: frequency and rate are above 0, a gain is between -200 and 200 dB, a "
            "crystal off by at most 1000 ppm"
        )
    return SoapySettings(
        uri.rest,
        frequency_hz,
        rate_hz,
        gain_db,
        gains,
        ppm,
        uri.options.get("antenna", ""),
        uri.whole("channel") or 0,
        uri.number("bandwidth"),
        uri.flag("bias_tee"),
        _pairs(uri, "settings"),
        request.later,
    )


def _pairs(uri: SourceUri, key: str) -> dict[str, str]:
    """Return ``KEY=VALUE,KEY=VALUE`` of an option."""
    pairs = {}
    for item in filter(None, uri.options.get(key, "").split(",")):
        name, equals, value = item.partition("=")
        if not (name and equals):
            raise UsageError(f"{item!r:.40} in {key} of {uri.text!r} is no pair: write KEY=VALUE")
        pairs[name] = value
    return pairs


def _decibels(uri: SourceUri, name: str, text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) <= 200:
        raise UsageError(
            f"the gain {name!r:.40} in {uri.text!r} is {text!r:.40}; it must be a number of dB "
            "between -200 and 200"
        )
    return value
