"""LTE-like uplink: many users, each DFT-spread over its own blocks (TS 36.211, sec. 5).

Demodulation references are symbols 3 and 10 of a subframe, control hops between the outermost
blocks at half of it, sounding is every second subcarrier of the last symbol, and all subcarriers
lie 7.5 kHz beside those of the downlink, so that none is at the centre.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.records import FloatArray
from edgespec.simulate.config import ChannelConfig, TddConfig, UplinkConfig
from edgespec.simulate.fading import Fading
from edgespec.simulate.faults import Fault
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_FFT,
    N_SUBCARRIERS,
    N_SYMBOLS,
    PREFIX_SAMPLES,
    SAMPLE_RATE_HZ,
    SUBCARRIER_HZ,
    SUBFRAMES_PER_FRAME,
    SYMBOL_SAMPLES,
    SYMBOL_START,
)
from edgespec.simulate.prach import add_preamble
from edgespec.simulate.rotate import rotate
from edgespec.simulate.uplink_users import N_BLOCKS, Grant, UplinkUsers
from edgespec.simulate.waveform import with_prefixes

__all__ = ["Uplink"]

ComplexArray = NDArray[np.complex64]

_REFERENCES = (3, 10)
_DATA = np.setdiff1d(np.arange(N_SYMBOLS), _REFERENCES)
_FREQS_HZ = (np.arange(N_SUBCARRIERS) - (N_SUBCARRIERS - 1) / 2) * SUBCARRIER_HZ
_FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
_SYMBOL_S = (SYMBOL_START / SAMPLE_RATE_HZ).reshape(SUBFRAMES_PER_FRAME, N_SYMBOLS)
_ALL, _LAST = slice(None), slice(N_SYMBOLS - 1, N_SYMBOLS)
_SOUNDING = slice(6, N_SUBCARRIERS - 6, 2)
_QPSK = np.array([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], np.complex64) / np.float32(np.sqrt(2))
_LEVELS = np.array([-3, -1, 1, 3], np.float32) / np.float32(np.sqrt(10))
_QAM16 = (_LEVELS[:, None] + 1j * _LEVELS).ravel().astype(np.complex64)


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
        self._data = np.random.default_rng(seeds[1])
        rng = np.random.default_rng(seeds[2])
        n = config.n_users
        gain = 10.0 ** (config.gain_sigma_db * rng.standard_normal(n).clip(-2, 2) / 10.0)
        self._amplitude = np.sqrt(gain / gain.mean()).astype(np.float32)
        self._cfo_hz = rng.uniform(-config.cfo_hz, config.cfo_hz, n)
        delay_s = rng.uniform(-config.timing_s, config.timing_s, n)
        self._shift = np.exp(-2j * np.pi * delay_s[:, None] * _FREQS_HZ).astype(np.complex64)
        self._delay_s = delay_s
        self._points = [_QPSK if rng.random() < 0.6 else _QAM16 for _ in range(n)]
        fading = [Fading(channel, int(s)) for s in rng.integers(2**31, size=n)]
        self._taps = [one.recurring(_SYMBOL_S[:, 0]) for one in fading]
        turns = -fading[0].delays_s[:, None] * _FREQS_HZ
        self._steering = np.exp(2j * np.pi * turns).astype(np.complex64)
        # Of the users of a frame: fading by subframe, and how their carriers turn by symbol.
        self._shapes: dict[int, tuple[ComplexArray, ComplexArray]] = {}
        self._frame = 0

    def next_iq(self, faults: list[Fault], out: ComplexArray) -> ComplexArray:
        """Return the next frame at 7.68 MS/s, complex64 ``(76800,)``, which is ``out``."""
        grid, newcomer = self._next_grid()
        for fault in faults:
            fault.apply(grid[:, : N_SUBCARRIERS // 2], grid[:, N_SUBCARRIERS // 2 :], self._frame)
        self._frame += 1
        spectrum = np.zeros((len(grid), N_FFT), np.complex64)
        half = N_SUBCARRIERS // 2
        spectrum[:, :half] = grid[:, half:]
        spectrum[:, -half:] = grid[:, :half]
        symbols = fft.ifft(spectrum, axis=1, overwrite_x=True)
        symbols *= np.float32(N_FFT / np.sqrt(N_SUBCARRIERS))
        with_prefixes(symbols, out)
        out *= _HALF_SUBCARRIER
        if newcomer is not None:
            add_preamble(
                out,
                newcomer,
                float(self._amplitude[newcomer]),
                float(self._delay_s[newcomer]),
                self._users.prach_subframe,
            )
        return out

    def next_power(self) -> FloatArray:
        """Return the power of every element of the next frame, ``(140, 300)``, no preambles."""
        grid, _ = self._next_grid()
        self._frame += 1
        return grid.real**2 + grid.imag**2

    def skip(self) -> None:
        """Pass over the next frame; data differ after that, the schedule does not."""
        self._users.next_frame()
        self._frame += 1

    def _next_grid(self) -> tuple[ComplexArray, int | None]:
        schedule = self._users.next_frame()
        self._shapes.clear()
        grid = np.zeros((SUBFRAMES_PER_FRAME, N_SYMBOLS, N_SUBCARRIERS), np.complex64)
        for grant in schedule.grants:
            self._add_data(grid, grant)
        for subframe, user in schedule.control:
            self._add_control(grid, subframe, user)
        for subframe in self._users.sounding_subframes if schedule.sounding else ():
            grid[subframe, -1] = 0.0
        for subframe, user in schedule.sounding:
            comb = slice(_SOUNDING.start + user % 2, _SOUNDING.stop, 2)
            values = zadoff_chu(len(range(N_SUBCARRIERS)[comb]), 1 + user % 29)
            grid[subframe, -1, comb] += values * self._gains(user, subframe, comb, _LAST)[0]
        return grid.reshape(-1, N_SUBCARRIERS), schedule.newcomer

    def _add_data(self, grid: ComplexArray, grant: Grant) -> None:
        """Add the DFT of data symbols and the references of one grant."""
        n = 12 * grant.n_blocks
        first = 12 * grant.first_block
        points = self._points[grant.user]
        draw = np.frombuffer(self._data.bytes(len(_DATA) * n), np.uint8) % len(points)
        values = np.empty((N_SYMBOLS, n), np.complex64)
        values[_DATA] = fft.fft(points[draw].reshape(len(_DATA), n), axis=1, norm="ortho")
        values[_REFERENCES, :] = zadoff_chu(n, 1 + grant.user % 29)
        columns = slice(first, first + n)
        values *= self._gains(grant.user, grant.subframe, columns)
        grid[grant.subframe, :, columns] += values

    def _add_control(self, grid: ComplexArray, subframe: int, user: int) -> None:
        """Add 12 subcarriers at one edge for a slot, and at the other for the next."""
        phases = _QPSK[np.frombuffer(self._data.bytes(N_SYMBOLS), np.uint8) % 4]
        values = phases[:, None] * _control_sequence(user % 12)
        half = N_SYMBOLS // 2
        low, high = slice(0, 12), slice(12 * (N_BLOCKS - 1), N_SUBCARRIERS)
        edges = (low, high) if user % 2 else (high, low)
        for rows, edge in zip((slice(0, half), slice(half, N_SYMBOLS)), edges, strict=True):
            grid[subframe, rows, edge] += values[rows] * self._gains(user, subframe, edge, rows)

    def _gains(self, user: int, subframe: int, columns: slice, rows: slice = _ALL) -> ComplexArray:
        """Return amplitude, fading, timing and frequency error of a user, ``(14, n_columns)``.

        ``rows`` takes some of the symbols.
        """
        if user not in self._shapes:
            start_s = self._frame * _FRAME_S
            shape = (self._taps[user](start_s) @ self._steering) * self._shift[user]
            turns = self._cfo_hz[user] * (start_s + _SYMBOL_S)
            turned = rotate(turns.ravel()).reshape(_SYMBOL_S.shape)
            self._shapes[user] = shape * self._amplitude[user], turned
        shape, turned = self._shapes[user]
        gains: ComplexArray = shape[subframe, columns] * turned[subframe, rows, None]
        return gains


@lru_cache(maxsize=1024)
def zadoff_chu(n: int, root: int) -> ComplexArray:
    """Return ``n`` values of modulus 1: the longest prime Zadoff-Chu sequence, continued."""
    prime = next(p for p in range(n, 1, -1) if all(p % d for d in range(2, int(p**0.5) + 1)))
    k = np.arange(n) % prime
    values = np.exp(-1j * np.pi * (1 + root % (prime - 1)) * k * (k + 1) / prime)
    out: ComplexArray = values.astype(np.complex64)
    return out


@lru_cache(maxsize=12)
def _control_sequence(shift: int) -> ComplexArray:
    """Return 12 values of modulus 1 that are orthogonal to those of another shift, 0 to 11."""
    turn = np.exp(2j * np.pi * shift / 12 * np.arange(12)).astype(np.complex64)
    values: ComplexArray = zadoff_chu(12, 1) * turn
    return values


def _half_subcarrier() -> ComplexArray:
    """Return the shift by 7.5 kHz over a frame; it starts anew behind every prefix."""
    prefixes = np.tile(PREFIX_SAMPLES, SUBFRAMES_PER_FRAME)
    k = np.concatenate(
        [np.arange(n, dtype=np.float64) - p for n, p in zip(SYMBOL_SAMPLES, prefixes, strict=True)]
    )
    return rotate(0.5 * SUBCARRIER_HZ / SAMPLE_RATE_HZ * k)


_HALF_SUBCARRIER = _half_subcarrier()
