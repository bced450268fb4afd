"""From a schedule to the resource grid, and from the grid to IQ (TS 36.211, sec. 6).

A grid is ``(140, 300)``: the OFDM symbols of one frame, the subcarriers without DC from the
lowest frequency to the highest. An occupied resource element has power 1, so a fully loaded
frame has mean power 1.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.computing import loops_are_quick
from edgespec.lte.numerology import sync_places
from edgespec.lte.sequences import (
    cell_reference,
    primary_sync,
    reference_subcarriers,
    secondary_sync,
)
from edgespec.records import FloatArray
from edgespec.simulate.config import CellConfig, TddConfig
from edgespec.simulate.duplex import downlink_symbols
from edgespec.simulate.numerology import (
    N_FFT,
    N_SUBCARRIERS,
    N_SYMBOLS,
    PREFIX_SAMPLES,
    RBG_OF_SUBCARRIER,
    SUBFRAMES_PER_FRAME,
)
from edgespec.simulate.schedule import FrameSchedule

__all__ = ["ELEMENT", "Downlink", "modulate", "place", "to_samples", "with_prefixes"]

ComplexArray = NDArray[np.complex64]

_SHAPE = (SUBFRAMES_PER_FRAME, N_SYMBOLS, N_SUBCARRIERS)
_SUBCARRIERS = np.delete(np.arange(-150, 151), 150)
_SYNC = slice(150 - 31, 150 + 31)
_SYNC_GUARD = slice(150 - 36, 150 + 36)
#: Subframe, symbols and subcarriers of the broadcast channel.
_BROADCAST = (0, slice(7, 11), _SYNC_GUARD)
_N_CONTROL_MOST = 3
#: Amplitude of an element in a spectrum: 300 of them make a symbol of power 1.
ELEMENT = np.float32(1.0 / np.sqrt(N_SUBCARRIERS))


class Downlink:
    """Fills the grid of one cell, frame by frame.

    What the cell always sends is laid out once: reference signals, PSS, SSS, and the places of
    broadcast and control. Data and control symbols are drawn for every frame.
    """

    def __init__(self, cell: CellConfig, seed: int, tdd: TddConfig | None = None) -> None:
        self._rng = np.random.default_rng(seed)
        self._fixed = np.zeros(_SHAPE, np.complex64)
        self._is_fixed = np.zeros(_SHAPE, bool)
        self._add_reference(cell)
        self._add_sync(cell.pci, np.float32(10.0 ** (cell.sync_db / 20.0)), tdd is not None)
        silent = ~downlink_symbols(tdd)
        self._fixed[silent] = 0.0
        self._is_fixed[silent] = True
        #: Amplitudes of all but data and control.
        self._constant = np.abs(self._fixed)
        self._is_data = ~self._is_fixed
        self._is_data[_BROADCAST] = False
        self._constant[_BROADCAST] = np.where(
            self._is_fixed[_BROADCAST], self._constant[_BROADCAST], np.float32(1)
        )
        self._fixed_places = np.flatnonzero(self._is_fixed)
        self._fixed_values = self._fixed[self._is_fixed]
        self._always = self._lay_out_always()
        self._is_quick = loops_are_quick()
        self._control_priority = _control_priority()
        self._control_amplitude = np.float32(10.0 ** (cell.control_db / 20.0))

    def send(
        self, schedule: FrameSchedule, taps: ComplexArray, steering: ComplexArray, out: ComplexArray
    ) -> ComplexArray:
        """Fill the spectra of a frame, as they arrive behind a channel, and return them.

        Args:
            schedule: what is sent.
            taps: gains of the channel's taps at each symbol, complex64 ``(140, n_taps)``, or one
                row where it stands still.
            steering: how the taps turn over the subcarriers, complex64 ``(n_taps, 300)``.
            out: complex64 ``(140, 512)``, for :func:`to_samples`.
        """
        if self._is_quick:
            from edgespec.simulate import grid_loops

            grid_loops.fill_behind(
                (
                    *(schedule.modulation, schedule.amplitude),
                    *(schedule.n_control, schedule.control_load),
                ),
                (self._control_priority, self._control_amplitude),
                self._always,
                _CONSTELLATION.ravel(),
                self._octets(self._rng).reshape(-1, N_SUBCARRIERS),
                *(taps, steering, ELEMENT, out),
            )
            return out
        grid = self.grid(schedule, self.amplitudes(schedule))
        grid *= taps @ steering
        return place(grid, out)

    def amplitudes(self, schedule: FrameSchedule) -> FloatArray:
        """Return the amplitude of every resource element of a frame, float32 ``(140, 300)``."""
        data = np.where(schedule.modulation > 0, schedule.amplitude, np.float32(0))
        used = self._control_priority < schedule.control_load[:, None, None]
        control = used * self._control_amplitude
        if self._is_quick:
            from edgespec.simulate import grid_loops

            out = np.empty(_SHAPE, np.float32)
            constant = self._is_data, self._constant
            grid_loops.fill_amplitudes(
                data, RBG_OF_SUBCARRIER, control, schedule.n_control, *constant, out
            )
            return out.reshape(-1, N_SUBCARRIERS)
        out = np.repeat(data[:, None, RBG_OF_SUBCARRIER], N_SYMBOLS, axis=1)
        for symbol in range(_N_CONTROL_MOST):
            rows = schedule.n_control > symbol
            out[rows, symbol] = control[rows, symbol]
        np.copyto(out, self._constant, where=~self._is_data)
        return out.reshape(-1, N_SUBCARRIERS)

    def grid(
        self,
        schedule: FrameSchedule,
        amplitudes: FloatArray,
        rng: np.random.Generator | None = None,
    ) -> ComplexArray:
        """Return the symbols of a frame, complex64 ``(140, 300)``, with these amplitudes.

        Data come from ``rng``, or from the cell's own, frame after frame.
        """
        first = 256 * np.maximum(schedule.modulation, 1).astype(np.int64)
        octets = self._octets(rng or self._rng).reshape(_SHAPE)
        if self._is_quick:
            from edgespec.simulate import grid_loops

            out = np.empty(_SHAPE, np.complex64)
            amplitudes = amplitudes.reshape(_SHAPE)
            grid_loops.fill_points(
                *(first, RBG_OF_SUBCARRIER, _IS_PLAIN, octets, _CONSTELLATION.ravel()),
                *(amplitudes, self._fixed_places, self._fixed_values, out),
            )
            return out.reshape(-1, N_SUBCARRIERS)
        point = np.where(_IS_PLAIN, 256, first[:, None, RBG_OF_SUBCARRIER])
        point += octets
        out = _CONSTELLATION.ravel()[point]
        out *= amplitudes.reshape(_SHAPE)
        np.copyto(out, self._fixed, where=self._is_fixed)
        return out.reshape(-1, N_SUBCARRIERS)

    def _octets(self, rng: np.random.Generator) -> NDArray[np.uint8]:
        """Return what ``rng.bytes`` gives for all elements of a frame, in half of the time."""
        words: NDArray[np.uint64] = rng.bit_generator.random_raw(_IS_PLAIN.size // 8)
        return words.astype("<u8", copy=False).view(np.uint8)

    def _lay_out_always(self) -> tuple[NDArray[np.int64], ...]:
        """Return what is always sent, symbol by symbol; see ``fill_behind``."""
        is_always = ~self._is_data.reshape(-1, N_SUBCARRIERS)
        lines, places = np.nonzero(is_always)
        is_drawn = ~self._is_fixed.reshape(is_always.shape)[is_always]
        fixed = self._fixed.reshape(is_always.shape)[is_always]
        values = np.where(is_drawn, self._constant.reshape(is_always.shape)[is_always], fixed)
        starts = np.searchsorted(lines, np.arange(len(is_always) + 1))
        return starts, places, values.astype(np.complex64), is_drawn

    def _add_reference(self, cell: CellConfig) -> None:
        """Lay out the reference signals of every port; an element one port uses, others leave."""
        symbols = cell_reference(cell.pci, 25).reshape(SUBFRAMES_PER_FRAME, 4, 50)
        amplitude = np.float32(10.0 ** (cell.reference_db / 20.0))
        for port in range(cell.n_ports):
            places = np.searchsorted(_SUBCARRIERS, reference_subcarriers(cell.pci, 25, port))
            for row, symbol in enumerate((0, 4, 7, 11)):
                self._fixed[:, symbol, places[row % 2]] = symbols[:, row] * amplitude
                self._is_fixed[:, symbol, places[row % 2]] = True

    def _add_sync(self, pci: int, amplitude: np.float32, is_tdd: bool) -> None:
        """Lay out PSS and SSS, each alone in the middle of its symbol (TS 36.211, sec. 6.11)."""
        places = sync_places("tdd" if is_tdd else "fdd", "normal")
        for half, secondary in enumerate(secondary_sync(pci)):
            for (slot, symbol), values in zip(places, (primary_sync(pci), secondary), strict=True):
                subframe, second = divmod(10 * half + slot, 2)
                place = subframe, N_SYMBOLS // 2 * second + symbol
                self._fixed[*place, _SYNC_GUARD] = 0.0
                self._fixed[*place, _SYNC] = values * amplitude
                self._is_fixed[*place, _SYNC_GUARD] = True


def modulate(grid: ComplexArray, out: ComplexArray) -> ComplexArray:
    """Return one frame at 7.68 MS/s: inverse FFT and cyclic prefix of every symbol.

    ``out`` complex64 ``(76800,)`` is filled and returned.
    """
    return to_samples(place(grid, np.empty((len(grid), N_FFT), np.complex64)), out)


def place(grid: ComplexArray, out: ComplexArray) -> ComplexArray:
    """Return the spectra of a frame, ``out`` complex64 ``(140, 512)``, filled from its grid."""
    half = N_SUBCARRIERS // 2
    out[:, 0] = 0.0
    np.multiply(grid[:, half:], ELEMENT, out=out[:, 1 : half + 1])
    out[:, half + 1 : -half] = 0.0
    np.multiply(grid[:, :half], ELEMENT, out=out[:, -half:])
    return out


def to_samples(spectra: ComplexArray, out: ComplexArray) -> ComplexArray:
    """Return the frame of its spectra at 7.68 MS/s, which are overwritten; ``out`` is filled."""
    return with_prefixes(fft.ifft(spectra, axis=1, norm="forward", overwrite_x=True), out)


def with_prefixes(
    symbols: ComplexArray, out: ComplexArray, prefixes: NDArray[np.int64] | None = None
) -> ComplexArray:
    """Return a frame of symbols, complex64 ``(140, 512)``, each behind its cyclic prefix.

    ``prefixes`` are the lengths in samples of those of 0.5 ms: LTE's, if not given.
    """
    lengths = PREFIX_SAMPLES[: N_SYMBOLS // 2] if prefixes is None else prefixes
    n_useful = symbols.shape[1]
    # Half subframes are alike: one assignment for a symbol of all of them.
    n_halves = 2 * SUBFRAMES_PER_FRAME
    halves = out.reshape(n_halves, -1)
    rows = symbols.reshape(n_halves, -1, n_useful)
    start = 0
    for symbol, prefix in enumerate(lengths):
        useful = start + prefix
        halves[:, start:useful] = rows[:, symbol, n_useful - prefix :]
        halves[:, useful : useful + n_useful] = rows[:, symbol]
        start = useful + n_useful
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


def _is_plain() -> NDArray[np.bool_]:
    """Return which elements carry QPSK, whatever the data: control and broadcast."""
    out = np.zeros(_SHAPE, bool)
    out[:, :_N_CONTROL_MOST] = True
    out[_BROADCAST] = True
    return out


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
_IS_PLAIN = _is_plain()
