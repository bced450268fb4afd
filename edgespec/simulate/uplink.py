"""LTE-like uplink: many users, each DFT-spread over its own blocks (TS 36.211, sec. 5).

Demodulation references are symbols 3 and 10 of a subframe, control hops between the outermost
blocks at half of it, sounding is every second subcarrier of the last symbol, and all subcarriers
lie 7.5 kHz beside those of the downlink, so that none is at the centre.
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.simulate.config import ChannelConfig, TddConfig, UplinkConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.numerology import (
    N_FFT,
    N_SUBCARRIERS,
    PREFIX_SAMPLES,
    SAMPLE_RATE_HZ,
    SUBCARRIER_HZ,
    SUBFRAMES_PER_FRAME,
    SYMBOL_SAMPLES,
)
from edgespec.simulate.prach import add_preamble
from edgespec.simulate.rotate import rotate
from edgespec.simulate.uplink_grid import open_uplink_grid
from edgespec.simulate.uplink_users import UplinkUsers
from edgespec.simulate.uplink_ways import UserWays
from edgespec.simulate.waveform import ELEMENT, to_samples

__all__ = ["Uplink"]

ComplexArray = NDArray[np.complex64]

_HALF = N_SUBCARRIERS // 2


class Uplink:
    """Frames of all users behind their channels; mean power 1 where the average user sends."""

    def __init__(
        self,
        config: UplinkConfig,
        channel: ChannelConfig,
        seed: int,
        tdd: TddConfig | None = None,
    ) -> None:
        seeds = [int(s) for s in np.random.SeedSequence((seed, 9)).generate_state(4)]
        self._users = UplinkUsers(config, seeds[0], tdd)
        self._ways = UserWays.drawn(config, channel, seeds[2])
        self._grid = open_uplink_grid(self._ways, seeds[1])
        self._spectra = np.empty((len(SYMBOL_SAMPLES), N_FFT), np.complex64)
        self._frame = 0

    def next_iq(self, faults: list[Fault], out: ComplexArray) -> ComplexArray:
        """Return the next frame at 7.68 MS/s, complex64 ``(76800,)``, which is ``out``."""
        frame, newcomer = self._frame, self._next_spectra()
        for fault in faults:
            fault.apply(self._spectra[:, -_HALF:], self._spectra[:, :_HALF], frame)
        self._spectra *= ELEMENT
        to_samples(self._spectra, out)
        out *= _HALF_SUBCARRIER
        if newcomer is not None:
            add_preamble(
                out,
                newcomer,
                float(self._ways.amplitude[newcomer]),
                float(self._ways.delay_s[newcomer]),
                self._users.prach_subframe,
            )
        return out

    def next_power(self) -> FloatArray:
        """Return the power of every element of the next frame, ``(140, 300)``, no preambles."""
        self._next_spectra()
        grid = np.concatenate((self._spectra[:, -_HALF:], self._spectra[:, :_HALF]), axis=1)
        return grid.real**2 + grid.imag**2

    def skip(self) -> None:
        """Pass over the next frame; data differ after that, the schedule does not."""
        self._users.next_frame()
        self._frame += 1

    def _next_spectra(self) -> int | None:
        """Fill the spectra of the next frame; return who comes anew in it."""
        schedule = self._users.next_frame()
        subframes = self._users.sounding_subframes
        self._grid.fill(schedule, self._frame, subframes, self._spectra)
        self._frame += 1
        return schedule.newcomer


def _half_subcarrier() -> ComplexArray:
    """Return the shift by 7.5 kHz over a frame; it starts anew behind every prefix."""
    prefixes = np.tile(PREFIX_SAMPLES, SUBFRAMES_PER_FRAME)
    k = np.concatenate(
        [np.arange(n, dtype=np.float64) - p for n, p in zip(SYMBOL_SAMPLES, prefixes, strict=True)]
    )
    return rotate(0.5 * SUBCARRIER_HZ / SAMPLE_RATE_HZ * k)


_HALF_SUBCARRIER = _half_subcarrier()
