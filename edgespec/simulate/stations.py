"""Cells on the air: schedule, grid and fading of one of them, frame by frame."""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.simulate.channel import Channel
from edgespec.simulate.config import CellConfig, ChannelConfig, NeighbourConfig, TddConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_FFT,
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SYMBOL_START,
)
from edgespec.simulate.rotate import rotate
from edgespec.simulate.traffic import Traffic
from edgespec.simulate.waveform import Downlink, to_samples

__all__ = ["Cell", "Neighbour"]

ComplexArray = NDArray[np.complex64]


class Cell:
    """One downlink cell behind its channel."""

    def __init__(
        self,
        cell: CellConfig,
        channel: ChannelConfig,
        seeds: list[int],
        tdd: TddConfig | None = None,
    ) -> None:
        self._traffic = Traffic(cell, seeds[0], tdd)
        self._downlink = Downlink(cell, seeds[1], tdd)
        self._channel = Channel(channel, seeds[2])
        self._spectra = np.empty((len(SYMBOL_START), N_FFT), np.complex64)
        self._frame = 0

    def next_iq(self, faults: list[Fault], out: ComplexArray) -> ComplexArray:
        """Return the next frame at 7.68 MS/s, complex64 ``(76800,)``, which is ``out``."""
        schedule, frame = self._traffic.next_frame(), self._frame
        taps, steering = self._channel.frame_taps(frame), self._channel.steering
        spectra = self._downlink.send(schedule, taps, steering, self._spectra)
        half = N_SUBCARRIERS // 2
        for fault in faults:
            fault.apply(spectra[:, -half:], spectra[:, 1 : half + 1], frame)
        self._frame += 1
        return to_samples(spectra, out)

    def next_power(self) -> FloatArray:
        """Return the power of every element of the next frame, without faults, ``(140, 300)``."""
        schedule = self._traffic.next_frame()
        gains = np.abs(self._channel.frame_gains(self._frame))
        field: FloatArray = self._downlink.amplitudes(schedule) * gains
        self._frame += 1
        return field * field

    def skip(self) -> None:
        """Pass over the next frame."""
        self._traffic.next_frame()
        self._frame += 1


class Neighbour:
    """A second cell: weaker, with frames that begin later and a frequency of its own."""

    def __init__(
        self, config: NeighbourConfig, seeds: list[int], tdd: TddConfig | None = None
    ) -> None:
        self._cell = Cell(config.cell, config.channel, seeds, tdd)
        self._amplitude = np.complex64(10.0 ** (config.level_db / 20.0))
        self._delay = round(config.delay_s * SAMPLE_RATE_HZ)
        self._cfo = config.channel.cfo_hz / SAMPLE_RATE_HZ
        self._turn = rotate(self._cfo * np.arange(FRAME_SAMPLES, dtype=np.float64))
        self._iq = np.empty(FRAME_SAMPLES, np.complex64)
        self._late = np.zeros(self._delay, np.complex64)
        self._frame = 0

    def add_to(self, out: ComplexArray) -> None:
        """Add its next 10 ms to ``out``, complex64 ``(76800,)``."""
        iq = self._cell.next_iq([], self._iq)
        amplitude = self._amplitude
        if self._cfo:
            iq *= self._turn
            turns = self._cfo * self._frame * FRAME_SAMPLES
            amplitude = amplitude * np.complex64(np.exp(2j * np.pi * (turns % 1.0)))
        iq *= amplitude
        self._frame += 1
        split = FRAME_SAMPLES - self._delay
        out[self._delay :] += iq[:split]
        out[: self._delay] += self._late
        self._late[:] = iq[split:]
