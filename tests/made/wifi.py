"""Packets of Wi-Fi by IEEE 802.11-2020, sec. 17.3, at any rate: preamble and random symbols."""

import numpy as np

from edgespec.dsp.wifi.training import LONG_SUBCARRIERS, SPACING_HZ, long_sequence

#: Signs of the short sequence at the subcarriers -24, -20, ... 24 without 0 (equation 17-6).
SHORT = [1, -1, 1, -1, -1, 1, -1, -1, 1, 1, 1, 1]
SHORT_SUBCARRIERS = np.delete(np.arange(-24, 25, 4), 6)


def packet(rng, n_symbols, rate_hz=20e6, *, start_s=0.0, prefix_s=0.8e-6):
    """complex64 of mean power 1: from the first sample at or after ``start_s`` of the packet."""
    pieces = [
        (8e-6, 0.0, SHORT_SUBCARRIERS, np.array(SHORT) * (1 + 1j) * np.sqrt(13 / 6)),
        (8e-6, 1.6e-6, LONG_SUBCARRIERS, long_sequence()),
    ]
    for _ in range(n_symbols):
        values = rng.choice([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], 52) / np.sqrt(2)
        pieces.append((3.2e-6 + prefix_s, prefix_s, LONG_SUBCARRIERS, values))
    total_s = sum(length for length, *_ in pieces)
    t = start_s + np.arange(round((total_s - start_s) * rate_hz)) / rate_hz
    out = np.zeros(len(t), complex)
    begin = 0.0
    for length, prefix, subcarriers, values in pieces:
        here = (t >= begin - 1e-12) & (t < begin + length - 1e-12)
        turns = np.outer(t[here] - begin - prefix, subcarriers * SPACING_HZ)
        out[here] = np.exp(2j * np.pi * turns) @ values / np.sqrt(52)
        begin += length
    return out.astype(np.complex64)
