"""The signal that belongs on the band: what is sent, its fading, the rate of the observer."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.simulate.config import SceneConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SUBCARRIERS_HZ,
    SYMBOL_SAMPLES,
    SYMBOL_START,
)
from edgespec.simulate.resample import FrameResampler, band_edge, frame_samples
from edgespec.simulate.stations import Cell, Neighbour
from edgespec.simulate.uplink import Uplink

__all__ = ["Wanted", "wanted_power"]

FRAME_S = 0.01


class _Sender(Protocol):
    def next_iq(self, faults: list[Fault], out: NDArray[np.complex64]) -> NDArray[np.complex64]: ...
    def next_power(self) -> FloatArray: ...
    def skip(self) -> None: ...


class Wanted:
    """Makes frames of 10 ms of the wanted signal without noise, complex64.

    ``faults`` are the misconfigurations in it.
    """

    def __init__(self, config: SceneConfig, seed: int) -> None:
        self._sender = _sender(config, seed)
        self._neighbours = [
            Neighbour(item, _seeds(seed, 4, number))
            for number, item in enumerate(config.neighbours)
        ]
        self.faults = [Fault(item, seed + i) for i, item in enumerate(config.faults)]
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
        iq = self._sender.next_iq(self.faults, self._iq)
        for neighbour in self._neighbours:
            neighbour.add_to(iq)
        self._frame += 1
        return iq


def wanted_power(config: SceneConfig, seed: int, start_s: float, stop_s: float) -> float:
    """Return the mean power of the wanted signal in a stretch, without making its samples.

    It follows from the schedule, the fading and the anti-alias filter: the mean over symbols of
    ``sum(|amplitude x gain x filter|^2) / 300``, linear, where a full cell has 1. Neighbours and
    faults do not count.
    """
    sender = _sender(config, seed)
    edge = band_edge(SUBCARRIERS_HZ, config.sample_rate_hz) ** 2
    begin = SYMBOL_START / SAMPLE_RATE_HZ
    end = begin + SYMBOL_SAMPLES / SAMPLE_RATE_HZ
    energy = weight = 0.0
    for frame in range(int(np.ceil(stop_s / FRAME_S - 1e-9))):
        start = frame * FRAME_S
        overlap = np.minimum(start + end, stop_s) - np.maximum(start + begin, start_s)
        share = np.maximum(overlap, 0.0)
        if not share.any():
            sender.skip()
            continue
        energy += float(share @ (sender.next_power() @ edge)) / N_SUBCARRIERS
        weight += float(share.sum())
    return energy / weight


def _sender(config: SceneConfig, seed: int) -> _Sender:
    if config.uplink is not None:
        return Uplink(config.uplink, config.channel, seed)
    return Cell(config.cell, config.channel, _seeds(seed, 1))


def _seeds(seed: int, *purpose: int) -> list[int]:
    return [int(s) for s in np.random.SeedSequence((seed, *purpose)).generate_state(3)]
