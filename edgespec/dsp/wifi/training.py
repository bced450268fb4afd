"""What every OFDM packet of Wi-Fi begins with (IEEE 802.11-2020, sec. 17.3.3)."""

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "LONG_S",
    "LONG_START_S",
    "LONG_SUBCARRIERS",
    "PREAMBLE_S",
    "SHORT_LONG_S",
    "SHORT_S",
    "SPACING_HZ",
    "long_sequence",
    "long_wave",
]

#: Ten short symbols of 0.8 us, a prefix of 1.6 us, and two long symbols of 3.2 us.
SHORT_S, SHORT_LONG_S = 0.8e-6, 8e-6
LONG_S = 3.2e-6
LONG_START_S = SHORT_LONG_S + 1.6e-6
PREAMBLE_S = LONG_START_S + 2 * LONG_S
SPACING_HZ = 312.5e3
LONG_SUBCARRIERS = np.delete(np.arange(-26, 27), 26)
#: Signs of the 52 subcarriers of a long symbol, the lowest frequency first (equation 17-8).
_LONG = (
    "++--++-+-++++++--++-+-++++"
    "+--++-+-+-----++--+-+-++++"
)  # fmt: skip


def long_sequence() -> NDArray[np.float32]:
    """Return the long training sequence, float32 ``(52,)``, 1 and -1."""
    return np.array([1.0 if sign == "+" else -1.0 for sign in _LONG], np.float32)


def long_wave(sample_rate_hz: float) -> NDArray[np.complex64]:
    """Return a long symbol at a rate, of energy 1."""
    seconds = np.arange(round(LONG_S * sample_rate_hz)) / sample_rate_hz
    turns = np.outer(seconds, LONG_SUBCARRIERS * SPACING_HZ)
    wave = np.exp(2j * np.pi * turns) @ long_sequence()
    return np.asarray(wave / np.linalg.norm(wave), np.complex64)
