"""NR cells by TS 38.211, as a receiver hears them; tests.made.lte_cell.received goes with it."""

import numpy as np

from edgespec.nr.block import SYNC_SUBCARRIERS, block_symbol, broadcast_places, reference_places
from edgespec.nr.numerology import prefix_units, symbols_per_slot, useful_start
from edgespec.nr.sequences import broadcast_reference, primary_sync, secondary_sync
from tests.made.lte_cell import QPSK, WAVE_HZ


def nr_wave(
    rng, identity, *, spacing_hz=15e3, n_blocks=20, n_frames=6, load=1.0, number=0, case=None,
    middle=0, ssb=True, carrier_hz=0.0,
):  # fmt: skip
    """complex64 at 15.36 MS/s: whole frames, mean power of a full symbol 1.

    Block ``number`` lies ``middle`` subcarriers from the carrier, every 20 ms, from frame 0 on.
    With a ``carrier_hz`` each symbol has the phase that a transmitter there gives it (sec. 5.4).
    """
    n_fft, n_slot = round(WAVE_HZ / spacing_hz), symbols_per_slot(spacing_hz)
    case = case or {15e3: "A", 30e3: "C"}[spacing_hz]
    # With four blocks in a half frame, those of the second one have the numbers from 4 on.
    is_second = spacing_hz == 15e3 and number >= 4
    first = block_symbol(spacing_hz, case, number - 4 * is_second) + 10 * n_slot * is_second
    subcarriers = np.arange(-6 * n_blocks, 6 * n_blocks)
    lengths = [units // 2 for units in prefix_units(spacing_hz)]
    pieces = []
    for index in range(20 * n_slot * n_frames):
        grid = np.zeros(n_fft, np.complex64)
        used = subcarriers[rng.random(len(subcarriers)) < load]
        grid[used] = _qpsk(rng, len(used))
        place = index % (40 * n_slot) - first
        if ssb and 0 <= place < 4:
            grid[np.arange(-120, 120) + middle] = 0.0
            _add_block(rng, grid, identity, number, place, middle)
        wave = np.fft.ifft(grid) * n_fft / np.sqrt(12 * n_blocks)
        if carrier_hz:
            seconds = useful_start(spacing_hz, index % (2 * n_slot)) / 30.72e6
            wave = wave * np.exp(-2j * np.pi * carrier_hz * seconds)
        n_prefix = lengths[index % n_slot]
        pieces += [wave[-n_prefix:], wave]
    return np.concatenate(pieces).astype(np.complex64)


def _add_block(rng, grid, identity, number, place, middle):
    if place == 0:
        grid[SYNC_SUBCARRIERS + middle] = primary_sync(identity)
        return
    if place == 2:
        grid[SYNC_SUBCARRIERS + middle] = secondary_sync(identity)
    places = broadcast_places()[place - 1]
    grid[places + middle] = _qpsk(rng, len(places))
    row = slice(*np.cumsum([0, 60, 24, 60])[place - 1 : place + 1])
    values = broadcast_reference(identity, number)[row]
    grid[reference_places(identity)[place - 1] + middle] = values


def _qpsk(rng, n):
    return rng.choice(QPSK, n)
