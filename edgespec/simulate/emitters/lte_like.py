"""Transmissions with the numbers of LTE: unauthorised OFDM, and a second cell that deceives.

Frames of 10 ms are made at 7.68 MS/s, each from its own number, and brought to the rate of the
observer like those of the real cell.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.config import CellConfig, InterfererConfig
from edgespec.simulate.emitters.blocks import in_blocks
from edgespec.simulate.emitters.kind import Baseband
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_RBG,
    N_SUBCARRIERS,
    SUBCARRIER_HZ,
    SUBCARRIERS_HZ,
    SUBFRAMES_PER_FRAME,
)
from edgespec.simulate.resample import FrameResampler, band_edge, frame_samples
from edgespec.simulate.schedule import FrameSchedule
from edgespec.simulate.waveform import Downlink, modulate

__all__ = ["LTE_WIDTH_HZ", "deceptive", "unauthorised"]

ComplexArray = NDArray[np.complex64]

LTE_WIDTH_HZ = N_SUBCARRIERS * SUBCARRIER_HZ
_N_SYMBOLS = 140
_QPSK = np.array([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], np.complex64) / np.float32(np.sqrt(2))


def unauthorised(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """QPSK on all subcarriers of the bandwidth, with the symbols and prefixes of LTE."""
    n_half = max(1, min(N_SUBCARRIERS // 2, int(config.bandwidth_hz / SUBCARRIER_HZ / 2 + 1e-6)))
    used = slice(N_SUBCARRIERS // 2 - n_half, N_SUBCARRIERS // 2 + n_half)

    def grid(index: int) -> ComplexArray:
        rng = np.random.default_rng((seed, index))
        out = np.zeros((_N_SYMBOLS, N_SUBCARRIERS), np.complex64)
        out[:, used] = _QPSK[rng.integers(0, 4, (_N_SYMBOLS, 2 * n_half), np.uint8)]
        return out

    power = np.zeros(N_SUBCARRIERS)
    power[used] = 1.0
    return _stream(grid, power, sample_rate_hz)


def deceptive(config: InterfererConfig, sample_rate_hz: float, seed: int) -> Baseband:
    """A full second cell of another identity: its own PSS, SSS, reference and broadcast signals."""
    downlink = Downlink(CellConfig(pci=int(np.random.default_rng(seed).integers(504))), seed)
    n = SUBFRAMES_PER_FRAME
    full = FrameSchedule(
        modulation=np.ones((n, N_RBG), np.uint8),
        amplitude=np.ones((n, N_RBG), np.float32),
        n_control=np.full(n, 2, np.uint8),
        control_load=np.ones(n, np.float32),
    )
    amplitudes = downlink.amplitudes(full)
    outside = np.abs(SUBCARRIERS_HZ) > config.bandwidth_hz / 2
    amplitudes[:, outside] = 0.0

    def grid(index: int) -> ComplexArray:
        out = downlink.grid(full, amplitudes, np.random.default_rng((seed, index)))
        out[:, outside] = 0.0
        return out

    return _stream(grid, np.mean(amplitudes.astype(float) ** 2, axis=0), sample_rate_hz)


def _stream(
    grid: Callable[[int], ComplexArray], power: NDArray[np.float64], sample_rate_hz: float
) -> Baseband:
    """Return the waveform of numbered grids; ``power`` is the mean power of each subcarrier."""
    resampler = FrameResampler(sample_rate_hz)
    edge = band_edge(SUBCARRIERS_HZ, sample_rate_hz).astype(float)
    scale = np.float32(np.sqrt(N_SUBCARRIERS / float(power @ edge**2)))
    buffer = np.empty(FRAME_SAMPLES, np.complex64)
    newest = [-3]

    def push(index: int) -> ComplexArray:
        newest[0] = index
        frame = np.zeros_like(buffer) if index < 0 else modulate(grid(index), buffer)
        return resampler.push(frame)

    def block(index: int) -> ComplexArray:
        # The resampler needs the frames on both sides and is one late.
        for missing in range(index if newest[0] == index else index - 1, index + 1):
            if newest[0] != index:
                push(missing)
        return push(index + 1) * scale

    return in_blocks(block, frame_samples(sample_rate_hz))
