"""What a dongle is set to, and how rtl_tcp is told."""

import struct
from dataclasses import dataclass

from edgespec.errors import SourceError

__all__ = ["DEFAULT_GAIN_DB", "DEFAULT_RATE_HZ", "TunerSettings"]

DEFAULT_GAIN_DB = 29.7
#: Every dongle keeps up with it, and it is the rate of LTE's middle.
DEFAULT_RATE_HZ = 1.92e6
_FREQUENCY, _RATE, _GAIN_MODE, _GAIN, _PPM, _AGC = 1, 2, 3, 4, 5, 8
#: What the RTL2832U can be set to, in Hz.
_RATES_HZ = ((225_001, 300_000), (900_001, 3_200_000))


@dataclass(frozen=True, slots=True)
class TunerSettings:
    """What the server is told.

    A gain of None is the tuner's own: each of its steps may look like an anomaly.
    """

    center_freq_hz: float
    sample_rate_hz: float
    gain_db: float | None = DEFAULT_GAIN_DB
    ppm: int = 0
    agc: bool = False

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

        gain_db = self.gain_db or 0.0
        if not (abs(gain_db) <= 200.0 and abs(self.ppm) <= 1000):
            raise SourceError(
                f"a gain of {gain_db:g} dB and {self.ppm} ppm cannot be set; a gain is "
                "between -200 and 200 dB, a crystal off by at most 1000 ppm"
            )

    def commands(self) -> bytes:
        """Return the commands that bring a tuner to these settings."""
        pairs = [
            (_RATE, round(self.sample_rate_hz)),
            (_FREQUENCY, round(self.center_freq_hz)),
            (_PPM, self.ppm),
            (_AGC, int(self.agc)),
            (_GAIN_MODE, int(self.gain_db is not None)),
        ]
        if self.gain_db is not None:
            pairs.append((_GAIN, round(10 * self.gain_db)))
        return b"".join(struct.pack(">BI", code, value & 0xFFFFFFFF) for code, value in pairs)
