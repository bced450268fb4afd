"""The signal that belongs on the band: what is sent, its fading, the rate of the observer."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.simulate.config import SceneConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.nr_cell import NrCell
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SUBCARRIERS_HZ,
    SYMBOL_SAMPLES,
    SYMBOL_START,
)
from edgespec.simulate.resample import FrameResampler, band_edge, frame_samples
from edgespec.simulate.services.sender import ServiceSender
from edgespec.simulate.stations import Cell, Neighbour
from edgespec.simulate.uplink import Uplink

__all__ = ["Wanted", "wanted_power", "wanted_powers"]

FRAME_S = 0.01


class _Sender(Protocol):
    def next_iq(self, faults: list[Fault], out: NDArray[np.complex64]) -> NDArray[np.complex64]: ...
    def next_power(self) -> FloatArray: ...
    def skip(self) -> None: ...


class _InTurns:
    """A cell and its users, who divide the time; faults are those of the cell."""

    def __init__(self, cell: Cell, users: Uplink, uplink_db: float) -> None:
        self._cell = cell
        self._users = users
        self._amplitude = np.float32(10.0 ** (uplink_db / 20.0))
        self._iq = np.empty(FRAME_SAMPLES, np.complex64)

    def next_iq(self, faults: list[Fault], out: NDArray[np.complex64]) -> NDArray[np.complex64]:
        iq = self._cell.next_iq(faults, out)
        iq += self._amplitude * self._users.next_iq([], self._iq)
        return iq

    def next_power(self) -> FloatArray:
        users = self._users.next_power()
        return self._cell.next_power() + self._amplitude**2 * users

    def skip(self) -> None:
        self._cell.skip()
        self._users.skip()


class Wanted:
    """Makes frames of 10 ms of the wanted signal without noise, complex64.

    ``faults`` are the misconfigurations in it.
    """

    def __init__(self, config: SceneConfig, seed: int) -> None:
        self._sender = _sender(config, seed)
        self._neighbours = [
            Neighbour(item, _seeds(seed, 4, number), config.tdd)
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
    return wanted_powers(config, seed, ((start_s, stop_s),))[0]


def wanted_powers(
    config: SceneConfig, seed: int, stretches_s: Sequence[tuple[float, float]]
) -> list[float]:
    """Return :func:`wanted_power` of many stretches, in any order, in one pass."""
    sender = _sender(config, seed)
    edge = band_edge(SUBCARRIERS_HZ, config.sample_rate_hz) ** 2
    begin = SYMBOL_START / SAMPLE_RATE_HZ
    end = begin + SYMBOL_SAMPLES / SAMPLE_RATE_HZ
    start_s, stop_s = np.reshape(stretches_s, (-1, 2)).T[:, :, None]
    energy, weight = np.zeros(len(start_s)), np.zeros(len(start_s))
    for frame in range(int(np.ceil(stop_s.max(initial=0.0) / FRAME_S - 1e-9))):
        start = frame * FRAME_S
        overlap = np.minimum(start + end, stop_s) - np.maximum(start + begin, start_s)
        share = np.maximum(overlap, 0.0)
        if not share.any():
            sender.skip()
            continue
        energy += share @ (sender.next_power() @ edge) / N_SUBCARRIERS
        weight += share.sum(axis=1)
    return [float(power) for power in energy / weight]


def _sender(config: SceneConfig, seed: int) -> _Sender:
    if config.nr is not None:
        return NrCell(config.nr, config.channel, _seeds(seed, 1))
    if config.service:
        return ServiceSender(config.service, seed)
    users = None
    if config.uplink is not None:
        users = Uplink(config.uplink, config.channel, seed, config.tdd)
        if config.tdd is None:
            return users
    cell = Cell(config.cell, config.channel, _seeds(seed, 1), config.tdd)
    if config.tdd is None or users is None:
        return cell
    return _InTurns(cell, users, config.tdd.uplink_db)


def _seeds(seed: int, *purpose: int) -> list[int]:
    return [int(s) for s in np.random.SeedSequence((seed, *purpose)).generate_state(3)]
