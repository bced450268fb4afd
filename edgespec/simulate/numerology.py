"""The fixed numbers of LTE at 5 MHz (3GPP TS 36.211, sec. 6): one definition for every file."""

import numpy as np

from edgespec.lte.numerology import BASIC_RATE_HZ, PREFIX_UNITS, SLOT_UNITS, SUBCARRIER_HZ

__all__ = [
    "FRAME_SAMPLES",
    "N_FFT",
    "N_RBG",
    "N_SUBCARRIERS",
    "N_SYMBOLS",
    "PREFIX_SAMPLES",
    "RBG_OF_SUBCARRIER",
    "SAMPLE_RATE_HZ",
    "SUBCARRIERS_HZ",
    "SUBCARRIER_HZ",
    "SUBFRAMES_PER_FRAME",
    "SYMBOL_SAMPLES",
    "SYMBOL_START",
    "UNITS_PER_SAMPLE",
]

SAMPLE_RATE_HZ = 7.68e6
UNITS_PER_SAMPLE = int(BASIC_RATE_HZ / SAMPLE_RATE_HZ)
N_FFT = 512
N_SUBCARRIERS = 300
#: Offset of every subcarrier from the centre; there is none at the centre itself.
SUBCARRIERS_HZ = SUBCARRIER_HZ * np.delete(np.arange(-150.0, 151.0), 150)
#: Resource-block groups of 2 blocks of 12 subcarriers; the 13th has one block.
N_RBG = 13
RBG_OF_SUBCARRIER = np.arange(N_SUBCARRIERS) // 24

#: OFDM symbols in a subframe of 1 ms, and their prefixes: 40, then six of 36, twice.
N_SYMBOLS = 14
PREFIX_SAMPLES = np.array(PREFIX_UNITS["normal"] * 2) // UNITS_PER_SAMPLE
SUBFRAMES_PER_FRAME = 10
FRAME_SAMPLES = SUBFRAMES_PER_FRAME * 2 * SLOT_UNITS // UNITS_PER_SAMPLE

SYMBOL_SAMPLES = np.tile(PREFIX_SAMPLES + N_FFT, SUBFRAMES_PER_FRAME)
#: First sample of every symbol of a frame.
SYMBOL_START = np.concatenate([[0], np.cumsum(SYMBOL_SAMPLES)[:-1]])
