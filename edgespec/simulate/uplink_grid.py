"""The grid of an uplink: what all users send in a frame, as it arrives."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.computing import loops_are_quick
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_SUBCARRIERS,
    N_SYMBOLS,
    SAMPLE_RATE_HZ,
    SUBFRAMES_PER_FRAME,
)
from edgespec.simulate.rotate import rotate
from edgespec.simulate.uplink_sequences import (
    N_SHIFTS,
    QAM16,
    QPSK,
    SOUNDING,
    control_sequence,
    reference,
)
from edgespec.simulate.uplink_users import N_BLOCKS, Grant, UplinkSchedule
from edgespec.simulate.uplink_ways import DATA, REFERENCES, SYMBOL_S, UserWays

__all__ = ["PlainGrid", "UplinkGrid", "open_uplink_grid"]

ComplexArray = NDArray[np.complex64]

_FRAME_S = FRAME_SAMPLES / SAMPLE_RATE_HZ
_ALL, _LAST = slice(None), slice(N_SYMBOLS - 1, N_SYMBOLS)


class UplinkGrid(Protocol):
    """Fills the spectra of frames."""

    def fill(
        self,
        schedule: UplinkSchedule,
        frame: int,
        sounding_subframes: tuple[int, ...],
        out: ComplexArray,
    ) -> None:
        """Write what arrives in frame ``frame``, complex64 ``(140, 512)``.

        Subcarriers above the carrier come first, those below it last; the mean power of an element
        of the average user is 1.
        """
        ...


class PlainGrid:
    """Term by term: data and references, control, sounding."""

    def __init__(self, ways: UserWays, seed: int) -> None:
        self._ways = ways
        self._data = np.random.default_rng(seed)
        self._taps = [one.recurring(SYMBOL_S[:, 0]) for one in ways.fading]
        # Of the users of a frame: fading by subframe, and how their carriers turn by symbol.
        self._shapes: dict[int, tuple[ComplexArray, ComplexArray]] = {}
        self._frame = 0

    def fill(
        self,
        schedule: UplinkSchedule,
        frame: int,
        sounding_subframes: tuple[int, ...],
        out: ComplexArray,
    ) -> None:
        """See :class:`UplinkGrid`."""
        self._shapes.clear()
        self._frame = frame
        grid = np.zeros((SUBFRAMES_PER_FRAME, N_SYMBOLS, N_SUBCARRIERS), np.complex64)
        for grant in schedule.grants:
            self._add_data(grid, grant)
        for subframe, user in schedule.control:
            self._add_control(grid, subframe, user)
        for subframe in sounding_subframes if schedule.sounding else ():
            grid[subframe, -1] = 0.0
        for subframe, user in schedule.sounding:
            comb = slice(SOUNDING.start + user % 2, SOUNDING.stop, 2)
            values = reference(len(range(N_SUBCARRIERS)[comb]), user)
            grid[subframe, -1, comb] += values * self._gains(user, subframe, comb, _LAST)[0]
        half = N_SUBCARRIERS // 2
        out[:, :half] = grid.reshape(-1, N_SUBCARRIERS)[:, half:]
        out[:, half:-half] = 0.0
        out[:, -half:] = grid.reshape(-1, N_SUBCARRIERS)[:, :half]

    def _add_data(self, grid: ComplexArray, grant: Grant) -> None:
        """Add the DFT of data symbols and the references of one grant."""
        n = 12 * grant.n_blocks
        first = 12 * grant.first_block
        points = QAM16 if self._ways.is_16qam[grant.user] else QPSK
        draw = np.frombuffer(self._data.bytes(len(DATA) * n), np.uint8) % len(points)
        values = np.empty((N_SYMBOLS, n), np.complex64)
        values[DATA] = fft.fft(points[draw].reshape(len(DATA), n), axis=1, norm="ortho")
        values[REFERENCES, :] = reference(n, grant.user)
        columns = slice(first, first + n)
        values *= self._gains(grant.user, grant.subframe, columns)
        grid[grant.subframe, :, columns] += values

    def _add_control(self, grid: ComplexArray, subframe: int, user: int) -> None:
        """Add 12 subcarriers at one edge for a slot, and at the other for the next."""
        phases = QPSK[np.frombuffer(self._data.bytes(N_SYMBOLS), np.uint8) % 4]
        values = phases[:, None] * control_sequence(user % N_SHIFTS)
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
            ways, start_s = self._ways, self._frame * _FRAME_S
            shape = (self._taps[user](start_s) @ ways.steering) * ways.shift[user]
            turns = ways.cfo_hz[user] * (start_s + SYMBOL_S)
            turned = rotate(turns.ravel()).reshape(SYMBOL_S.shape)
            self._shapes[user] = shape * ways.amplitude[user], turned
        shape, turned = self._shapes[user]
        gains: ComplexArray = shape[subframe, columns] * turned[subframe, rows, None]
        return gains


def open_uplink_grid(ways: UserWays, seed: int) -> UplinkGrid:
    """Return what fills the spectra, in compiled loops where there is a compiler."""
    if not loops_are_quick():
        return PlainGrid(ways, seed)
    from edgespec.simulate.uplink_loops import LoopGrid

    return LoopGrid(ways, seed)
