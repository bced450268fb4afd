"""The signal that belongs on the band: schedule, grid, fading, waveform, rate of the observer."""

import numpy as np
from numpy.typing import NDArray

from edgespec.simulate.channel import Channel
from edgespec.simulate.config import SceneConfig
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SUBCARRIERS_HZ,
    SYMBOL_SAMPLES,
    SYMBOL_START,
)
from edgespec.simulate.resample import FrameResampler, band_edge, frame_samples
from edgespec.simulate.traffic import Traffic
from edgespec.simulate.waveform import Downlink, modulate

__all__ = ["Wanted", "wanted_power"]

FRAME_S = 0.01


class Wanted:
    """Makes frames of 10 ms of the wanted signal without noise, complex64."""

    def __init__(self, config: SceneConfig, seed: int) -> None:
        seeds = _seeds(seed)
        self._traffic = Traffic(config.cell, seeds[0])
        self._downlink = Downlink(config.cell, seeds[1])
        self._channel = Channel(config.channel, seeds[2])
        self._resampler = FrameResampler(config.sample_rate_hz)
        self._iq = np.empty(FRAME_SAMPLES, np.complex64)
        self._frame = 0
        n_out = frame_samples(config.sample_rate_hz)
        turns = config.channel.cfo_hz / config.sample_rate_hz * np.arange(n_out)
        self._cfo = np.exp(2j * np.pi * turns).astype(np.complex64)
        self._cfo_hz = config.channel.cfo_hz
        self._resampler.push(self._next_iq())

    def next_frame(self) -> NDArray[np.complex64]:
        """Return the next 10 ms at the rate of the observer; a new array."""
        out = self._resampler.push(self._next_iq())
        if self._cfo_hz:
            # The frame in hand is one older than the one that was pushed.
            turns = self._cfo_hz * FRAME_S * (self._frame - 2)
            out *= self._cfo
            out *= np.complex64(np.exp(2j * np.pi * (turns % 1.0)))
        return out

    def _next_iq(self) -> NDArray[np.complex64]:
        schedule = self._traffic.next_frame()
        grid = self._downlink.grid(schedule, self._downlink.amplitudes(schedule))
        grid *= self._channel.frame_gains(self._frame)
        self._frame += 1
        return modulate(grid, self._iq)


def wanted_power(config: SceneConfig, seed: int, start_s: float, stop_s: float) -> float:
    """Return the mean power of the wanted signal in a stretch, without making its samples.

    It follows from the schedule, the fading and the anti-alias filter: the mean over symbols of
    ``sum(|amplitude x gain x filter|^2) / 300``, linear, where a full cell has 1.
    """
    seeds = _seeds(seed)
    traffic = Traffic(config.cell, seeds[0])
    downlink = Downlink(config.cell, seeds[1])
    channel = Channel(config.channel, seeds[2])
    edge = band_edge(SUBCARRIERS_HZ, config.sample_rate_hz) ** 2
    begin = SYMBOL_START / SAMPLE_RATE_HZ
    end = begin + SYMBOL_SAMPLES / SAMPLE_RATE_HZ
    energy = weight = 0.0
    for frame in range(int(np.ceil(stop_s / FRAME_S - 1e-9))):
        schedule = traffic.next_frame()
        start = frame * FRAME_S
        overlap = np.minimum(start + end, stop_s) - np.maximum(start + begin, start_s)
        share = np.maximum(overlap, 0.0)
        if not share.any():
            continue
        field = downlink.amplitudes(schedule) * np.abs(channel.frame_gains(frame))
        energy += float(share @ ((field * field) @ edge)) / N_SUBCARRIERS
        weight += float(share.sum())
    return energy / weight


def _seeds(seed: int) -> list[int]:
    return [int(s) for s in np.random.SeedSequence((seed, 1)).generate_state(3)]
