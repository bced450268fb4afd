"""What a dongle is set to, and how rtl_tcp is told."""

import logging
import struct
from dataclasses import dataclass, replace

from edgespec.errors import SourceError, UsageError
from edgespec.sources.request import Request, Tuning
from edgespec.sources.uri import SourceUri

__all__ = [
    "DEFAULT_GAIN_DB",
    "DEFAULT_RATE_HZ",
    "TUNER_KEYS",
    "TUNER_SCHEMES",
    "TunerSettings",
    "first_of",
    "settings_of",
]

_LOG = logging.getLogger(__name__)

#: Sources that are a tuner of this kind.
TUNER_SCHEMES = ("rtl_tcp", "rtlsdr")
#: Options of an address that say what a tuner is set to.
TUNER_KEYS = ("center_freq", "sample_rate", "gain", "ppm", "agc", "bias_tee", "direct_sampling")
DEFAULT_GAIN_DB = 29.7
#: Every dongle keeps up with it, and it is the rate of LTE's middle.
DEFAULT_RATE_HZ = 1.92e6
_FREQUENCY, _RATE, _GAIN_MODE, _GAIN, _PPM, _AGC = 1, 2, 3, 4, 5, 8
_DIRECT_SAMPLING, _BIAS_TEE = 9, 14
#: Which pins are sampled without the tuner, for frequencies below it.
_PINS = {"": 0, "i": 1, "q": 2}
#: What the RTL2832U can be set to, in Hz.
_RATES_HZ = ((225_001, 300_000), (900_001, 3_200_000))


@dataclass(frozen=True, slots=True)
class TunerSettings:
    """What the server is told.

    A gain of None is the tuner's own: each of its steps may look like an anomaly.
    ``direct_sampling`` is ``i`` or ``q``, the pins that are sampled without the tuner; ``bias_tee``
    feeds an amplifier at the antenna.
    """

    center_freq_hz: float
    sample_rate_hz: float
    gain_db: float | None = DEFAULT_GAIN_DB
    ppm: int = 0
    agc: bool = False
    bias_tee: bool = False
    direct_sampling: str = ""

    def __post_init__(self) -> None:
        rate = self.sample_rate_hz
        if not any(low <= rate <= high for low, high in _RATES_HZ):
            raise SourceError(
                f"an RTL-SDR cannot sample at {rate:g} Hz; it takes 225001 to 300000 and 900001 "
                "to 3200000, for example 1.92e6 or 2.4e6"
            )
        if not 0 < self.center_freq_hz < 2**32:
            raise SourceError(
                f"a centre frequency of {self.center_freq_hz:g} Hz cannot be tuned; it must be "
                "between 0 and 4.29 GHz"
            )
        if self.direct_sampling not in _PINS:
            raise SourceError(
                f"direct_sampling is {self.direct_sampling!r:.40}; it must be i or q, the pins"
            )
        gain_db = self.gain_db or 0.0
        if not (abs(gain_db) <= 200.0 and abs(self.ppm) <= 1000):
            raise SourceError(
                f"a gain of {gain_db:g} dB and {self.ppm} ppm cannot be set; a gain is "
                "between -200 and 200 dB, a crystal off by at most 1000 ppm"
            )

    def tuned(self, tuning: Tuning) -> "TunerSettings":
        """Return the settings behind a tuning."""
        gain_db = first_of(tuning.gain_db, self.gain_db)
        return replace(self, center_freq_hz=tuning.center_freq_hz, gain_db=gain_db)

    @staticmethod
    def commands_of(tuning: Tuning) -> bytes:
        """Return the commands that tune, and leave all else.

        The gain goes first: it is there before the loop of the new frequency has locked.
        """
        frequency = _command(_FREQUENCY, round(tuning.center_freq_hz))
        return frequency if tuning.gain_db is None else _gain_command(tuning.gain_db) + frequency

    def commands(self) -> bytes:
        """Return the commands that bring a tuner to these settings."""
        pairs = [
            (_RATE, round(self.sample_rate_hz)),
            (_FREQUENCY, round(self.center_freq_hz)),
            (_PPM, self.ppm),
            (_AGC, int(self.agc)),
            (_GAIN_MODE, int(self.gain_db is not None)),
        ]
        told = [_command(code, value) for code, value in pairs]
        if self.gain_db is not None:
            told.append(_gain_command(self.gain_db))
        # Servers that do not know these are not told of what they do not do.
        if self.direct_sampling:
            told.append(_command(_DIRECT_SAMPLING, _PINS[self.direct_sampling]))
        if self.bias_tee:
            told.append(_command(_BIAS_TEE, 1))
        return b"".join(told)


def settings_of(uri: SourceUri, request: Request) -> TunerSettings:
    """Return what an address says, and where it says nothing, what the configuration does.

    ``gain`` is in dB, or ``auto``.

    Raises:
        UsageError: no frequency is given, or a value cannot be understood.
        SourceError: a dongle cannot be set to it.
    """
    frequency_hz = first_of(uri.number("center_freq"), request.center_freq_hz)
    if frequency_hz is None:
        raise UsageError(
            f"{uri.text!r} does not say what to tune to; add center_freq=806e6 to the query "
            "or set it in the configuration"
        )
    settings = TunerSettings(
        frequency_hz,
        first_of(uri.number("sample_rate"), request.sample_rate_hz) or DEFAULT_RATE_HZ,
        _gain_db(uri, request.gain_db),
        round(first_of(uri.number("ppm"), request.ppm) or 0),
        uri.flag("agc"),
        uri.flag("bias_tee"),
        uri.options.get("direct_sampling", "").lower(),
    )
    for later in request.later:
        settings.tuned(later)
    return settings


def _command(code: int, value: int) -> bytes:
    return struct.pack(">BI", code, value & 0xFFFFFFFF)


def _gain_command(gain_db: float) -> bytes:
    return _command(_GAIN, round(10 * gain_db))


def _gain_db(uri: SourceUri, configured_db: float | None) -> float | None:
    """Return the gain to set; None where the tuner is to choose it."""
    if uri.is_gain_automatic:
        _LOG.warning(
            "the tuner sets its gain itself: where a signal makes it step, that may look like "
            "interference; gain=%g in the address keeps it",
            DEFAULT_GAIN_DB,
        )
        return None
    return first_of(uri.number("gain"), configured_db, DEFAULT_GAIN_DB)


def first_of(*values: float | None) -> float | None:
    """Return the first value that is given."""
    return next((value for value in values if value is not None), None)
