"""From a schedule to the resource grid, and from the grid to IQ (TS 36.211, sec. 6).

A grid is ``(140, 300)``: the OFDM symbols of one frame, the subcarriers without DC from the
lowest frequency to the highest. An occupied resource element has power 1, so a fully loaded
frame has mean power 1.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.records import FloatArray
from edgespec.simulate.config import CellConfig
from edgespec.simulate.numerology import (
    FRAME_SAMPLES,
    N_FFT,
    N_SUBCARRIERS,
    N_SYMBOLS,
    RBG_OF_SUBCARRIER,
    SUBFRAMES_PER_FRAME,
    USEFUL_START,
)
from edgespec.simulate.sequences import cell_reference, primary_sync, secondary_sync
from edgespec.simulate.traffic import FrameSchedule

__all__ = ["Downlink", "modulate", "with_prefixes"]

ComplexArray = NDArray[np.complex64]

_SHAPE = (SUBFRAMES_PER_FRAME, N_SYMBOLS, N_SUBCARRIERS)
_SYNC = slice(150 - 31, 150 + 31)
_SYNC_GUARD = slice(150 - 36, 150 + 36)
_N_CONTROL_MOST = 3


class Downlink:
    """Fills the grid of one cell, frame by frame.

    What the cell always sends is laid out once: reference signals, PSS, SSS, and the places of
    broadcast and control. Data and control symbols are drawn for every frame.
    """

    def __init__(self, cell: CellConfig, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._fixed = np.zeros(_SHAPE, np.complex64)
        self._is_fixed = np.zeros(_SHAPE, bool)
        self._add_reference(cell)
        self._add_sync(cell.pci, np.float32(10.0 ** (cell.sync_db / 20.0)))
        self._broadcast = np.zeros(_SHAPE, bool)
        self._broadcast[0, 7:11, _SYNC_GUARD] = True
        self._broadcast &= ~self._is_fixed
        self._is_data = ~(self._is_fixed | self._broadcast)
        self._control_priority = _control_priority()
        self._control_amplitude = np.float32(10.0 ** (cell.control_db / 20.0))

    def amplitudes(self, schedule: FrameSchedule) -> FloatArray:
        """Return the amplitude of every resource element of a frame, float32 ``(140, 300)``."""
        data = np.where(schedule.modulation > 0, schedule.amplitude, np.float32(0))
        out = np.broadcast_to(data[:, None, RBG_OF_SUBCARRIER], _SHAPE) * self._is_data
        for symbol in range(_N_CONTROL_MOST):
            rows = schedule.n_control > symbol
            used = self._control_priority[symbol] < schedule.control_load[rows, None]
            out[rows, symbol] = used & self._is_data[rows, symbol]
            out[rows, symbol] *= self._control_amplitude
        out[self._broadcast] = 1.0
        out[self._is_fixed] = np.abs(self._fixed[self._is_fixed])
        return out.reshape(-1, N_SUBCARRIERS).astype(np.float32, copy=False)

    def grid(
        self,
        schedule: FrameSchedule,
        amplitudes: FloatArray,
        rng: np.random.Generator | None = None,
    ) -> ComplexArray:
        """Return the symbols of a frame, complex64 ``(140, 300)``, with these amplitudes.

        Data come from ``rng``, or from the cell's own, frame after frame.
        """
        modulation = np.maximum(schedule.modulation, 1)[:, None, RBG_OF_SUBCARRIER]
        table = np.broadcast_to(modulation, _SHAPE).astype(np.intp)
        table[:, :_N_CONTROL_MOST] = 1
        table[self._broadcast] = 1
        draw = np.frombuffer((rng or self._rng).bytes(table.size), np.uint8).reshape(_SHAPE)
        out: ComplexArray = _CONSTELLATION.ravel()[table * 256 + draw]
        out *= amplitudes.reshape(_SHAPE)
        np.copyto(out, self._fixed, where=self._is_fixed)
        return out.reshape(-1, N_SUBCARRIERS)

    def _add_reference(self, cell: CellConfig) -> None:
        """Lay out the reference signals of every port; an element one port uses, others leave."""
        symbols = cell_reference(cell.pci).reshape(SUBFRAMES_PER_FRAME, 4, 50)
        amplitude = np.float32(10.0 ** (cell.reference_db / 20.0))
        for port in range(cell.n_ports):
            for row, symbol in enumerate((0, 4, 7, 11)):
                shift = (3 * ((row + port) % 2) + cell.pci) % 6
                self._fixed[:, symbol, shift::6] = symbols[:, row] * amplitude
                self._is_fixed[:, symbol, shift::6] = True

    def _add_sync(self, pci: int, amplitude: np.float32) -> None:
        for half, subframe in enumerate((0, 5)):
            for symbol, values in ((6, primary_sync(pci)), (5, secondary_sync(pci)[half])):
                self._fixed[subframe, symbol, _SYNC_GUARD] = 0.0
                self._fixed[subframe, symbol, _SYNC] = values * amplitude
                self._is_fixed[subframe, symbol, _SYNC_GUARD] = True


def modulate(grid: ComplexArray, out: ComplexArray) -> ComplexArray:
    """Return one frame at 7.68 MS/s: inverse FFT and cyclic prefix of every symbol.

    ``out`` complex64 ``(76800,)`` is filled and returned.
    """
    half = N_SUBCARRIERS // 2
    spectrum = np.zeros((len(grid), N_FFT), np.complex64)
    spectrum[:, 1 : half + 1] = grid[:, half:]
    spectrum[:, -half:] = grid[:, :half]
    symbols = fft.ifft(spectrum, axis=1, overwrite_x=True)
    # Power of a full symbol: 300 elements of power 1 over 512^2 by the inverse FFT.
    symbols *= np.float32(N_FFT / np.sqrt(N_SUBCARRIERS))
    return with_prefixes(symbols, out)


def with_prefixes(symbols: ComplexArray, out: ComplexArray) -> ComplexArray:
    """Return a frame of symbols, complex64 ``(140, 512)``, each behind its cyclic prefix."""
    start = 0
    for row, useful in enumerate(USEFUL_START):
        prefix = useful - start
        out[start:useful] = symbols[row, N_FFT - prefix :]
        out[useful : useful + N_FFT] = symbols[row]
        start = useful + N_FFT
    if start != FRAME_SAMPLES:
        raise ValueError(f"{len(symbols)} symbols are not one frame")
    return out


def _control_priority() -> FloatArray:
    """Return when a control element comes into use as its load grows, float32 ``(3, 300)``.

    Elements are used in groups of 4 scattered over the band; those of the first symbol's control
    format indicator (TS 36.211, sec. 6.7) are always on.
    """
    groups = np.random.default_rng(36211).permuted(
        np.tile((np.arange(75) + 0.5) / 75, (_N_CONTROL_MOST, 1)), axis=1
    )
    groups[0, [0, 19, 37, 56]] = 0.0
    return np.repeat(groups, 4, axis=1).astype(np.float32)


def _constellations() -> ComplexArray:
    """Return points of mean power 1 for a random byte, complex64 ``(4, 256)`` by modulation."""
    out = np.zeros((4, 256), np.complex64)
    byte = np.arange(256)
    for modulation, side in ((1, 2), (2, 4), (3, 8)):
        levels = 2.0 * np.arange(side) - (side - 1)
        levels /= np.sqrt(2.0 * np.mean(levels**2))
        out[modulation] = levels[byte % side] + 1j * levels[byte // side % side]
    return out


_CONSTELLATION = _constellations()
