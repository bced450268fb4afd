"""An NR downlink cell behind its channel, frame by frame (3GPP TS 38.211): a small one.

It sends a block of synchronisation signals every 20 ms, and where there is traffic control and data
in the symbols of slots; nothing else is always on. All its elements have the same mean power.
"""

import numpy as np
from numpy.typing import NDArray

from edgespec.nr.block import (
    N_BLOCK_SUBCARRIERS,
    SYNC_SUBCARRIERS,
    block_symbol,
    broadcast_places,
    reference_places,
    usual_case,
)
from edgespec.nr.numerology import prefix_units, symbols_per_slot
from edgespec.nr.sequences import broadcast_reference, primary_sync, secondary_sync
from edgespec.records import FloatArray
from edgespec.simulate.channel import Channel
from edgespec.simulate.config import ChannelConfig, NrConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.numerology import (
    N_SUBCARRIERS,
    SAMPLE_RATE_HZ,
    SYMBOL_SAMPLES,
    UNITS_PER_SAMPLE,
)
from edgespec.simulate.waveform import with_prefixes

__all__ = ["NrCell"]

ComplexArray = NDArray[np.complex64]

#: Symbols of a slot, of which the first two carry control; subcarriers of a block of resources.
_N_SLOT, _N_CONTROL, _N_RB = 14, 2, 12
#: Traffic comes in bursts: a slot is like the one before with this probability.
_STAYS = 0.8
_BLOCK_FRAMES = 2
_QPSK = np.array([1 + 1j, 1 - 1j, -1 + 1j, -1 - 1j], np.complex64) / np.float32(np.sqrt(2))


class NrCell:
    """One NR downlink cell, as wide as 7.68 MS/s hold it."""

    def __init__(self, cell: NrConfig, channel: ChannelConfig, seeds: list[int]) -> None:
        self._cell = cell
        self._traffic = np.random.default_rng(seeds[0])
        self._data = np.random.default_rng(seeds[1])
        half = cell.n_subcarriers // 2
        subcarriers = np.arange(-half, half, dtype=np.float64)
        self._channel = Channel(channel, seeds[2], subcarriers * cell.spacing_hz)
        self._n_fft = round(SAMPLE_RATE_HZ / cell.spacing_hz)
        # Symbols of this spacing in one of 15 kHz.
        self._n_together = symbols_per_slot(cell.spacing_hz) // symbols_per_slot(15e3)
        self._n_symbols = len(SYMBOL_SAMPLES) * self._n_together
        self._prefixes = np.array(prefix_units(cell.spacing_hz)) // UNITS_PER_SAMPLE
        self._frame = 0
        self._is_active = False
        self._place_block(half)

    def next_iq(self, faults: list[Fault], out: ComplexArray) -> ComplexArray:
        """Return the next frame at 7.68 MS/s, complex64 ``(76800,)``, which is ``out``.

        ``faults`` are those of an LTE cell, and must be none.
        """
        amplitudes = self._amplitudes()
        grid = _QPSK[self._data.integers(4, size=amplitudes.shape)] * amplitudes
        if self._frame % _BLOCK_FRAMES == 0:
            np.copyto(grid[self._block], self._fixed, where=self._is_fixed)
        grid *= np.repeat(self._channel.frame_gains(self._frame), self._n_together, axis=0)
        self._frame += 1
        half = grid.shape[1] // 2
        spectrum = np.zeros((len(grid), self._n_fft), np.complex64)
        spectrum[:, :half] = grid[:, half:]
        spectrum[:, -half:] = grid[:, :half]
        symbols = np.fft.ifft(spectrum, axis=1).astype(np.complex64)
        symbols *= np.float32(self._n_fft / np.sqrt(grid.shape[1]))
        return with_prefixes(symbols, out, self._prefixes)

    def next_power(self) -> FloatArray:
        """Return the power of the next frame, ``(140, 300)``: that of a symbol, evenly over them.

        So it is exact where the whole cell is received.
        """
        gains = np.repeat(self._channel.frame_gains(self._frame), self._n_together, axis=0)
        power = np.mean(self._amplitudes() ** 2 * np.abs(gains) ** 2, axis=1)
        self._frame += 1
        of_symbol = power.reshape(-1, self._n_together).mean(axis=1, keepdims=True)
        return np.repeat(of_symbol, N_SUBCARRIERS, axis=1).astype(np.float32)

    def skip(self) -> None:
        """Pass over the next frame."""
        self._amplitudes()
        self._frame += 1

    def _amplitudes(self) -> FloatArray:
        """Return the amplitude of every element of the next frame, float32."""
        n_subcarriers = self._cell.n_subcarriers
        out = np.zeros((self._n_symbols, n_subcarriers), np.float32)
        for slot in out.reshape(-1, _N_SLOT, n_subcarriers):
            self._fill(slot)
        if self._frame % _BLOCK_FRAMES == 0:
            out[self._block] = self._block_amplitude
        return out

    def _fill(self, slot: FloatArray) -> None:
        """Draw the traffic of one slot: bursts, each over some of the blocks of resources."""
        load, rng = self._cell.load, self._traffic
        share = np.sqrt(load)
        drawn, is_active = rng.random(5), self._is_active
        if drawn[0] > _STAYS:
            is_active = self._is_active = bool(drawn[1] < share)
        if not is_active:
            return
        n_blocks = slot.shape[1] // _N_RB
        # The mean width is the share, and no cell without traffic sends any.
        wide = share * (0.5 + drawn[2]) if share < 2 / 3 else 1.0 - 2 * (1.0 - share) * drawn[2]
        n_used = round(wide * n_blocks)
        first = int(drawn[3] * (n_blocks - n_used + 1))
        slot[_N_CONTROL:, first * _N_RB : (first + n_used) * _N_RB] = 1.0
        n_control = max(1, round(0.25 * n_blocks))
        first = int(drawn[4] * (n_blocks - n_control + 1))
        slot[:_N_CONTROL, first * _N_RB : (first + n_control) * _N_RB] = 1.0

    def _place_block(self, half: int) -> None:
        """Lay out what is fixed of the block: PSS, SSS and the reference symbols of the PBCH."""
        cell = self._cell
        first = block_symbol(cell.spacing_hz, usual_case(cell.spacing_hz), 0)
        middle = N_BLOCK_SUBCARRIERS // 2
        self._block = slice(first, first + 4), slice(half - middle, half + middle)
        fixed = np.zeros((4, N_BLOCK_SUBCARRIERS), np.complex64)
        self._block_amplitude = np.zeros(fixed.shape, np.float32)
        fixed[0, SYNC_SUBCARRIERS + middle] = primary_sync(cell.pci)
        fixed[2, SYNC_SUBCARRIERS + middle] = secondary_sync(cell.pci)
        values = np.split(broadcast_reference(cell.pci, 0), (60, 84))
        for row, places in enumerate(reference_places(cell.pci)):
            fixed[row + 1, places + middle] = values[row]
            self._block_amplitude[row + 1, broadcast_places()[row] + middle] = 1.0
        self._fixed, self._is_fixed = fixed, fixed != 0
        self._block_amplitude[self._is_fixed] = 1.0
