"""Which reference elements of a cell an observer sees, and the tables of their transform."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.errors import ConfigError
from edgespec.lte.numerology import (
    BASIC_RATE_HZ,
    SLOT_UNITS,
    SUBCARRIER_HZ,
    SymbolPlace,
    reference_symbols,
    useful_units,
)
from edgespec.lte.sequences import cell_reference, reference_subcarriers

__all__ = ["EARLY_S", "N_ROWS", "PILOT_SPACING_HZ", "PilotPlan", "pilot_plan"]

#: Symbols of a slot that carry reference signals of port 0.
N_ROWS = 2
#: Pilots of one symbol are six subcarriers apart; the middle two are seven, around the carrier.
PILOT_SPACING_HZ = 6 * SUBCARRIER_HZ
#: The transform begins inside the prefix: what comes late by multipath then still is whole, and
#: timing may be off by as much.
EARLY_S = 1.2e-6
#: Part of the sampled band that a receiver's filter leaves, to either side of its centre.
_BAND_SHARE = 0.46
_N_BLOCKS_MOST = 100
#: Those of the six blocks that every cell has.
_N_PILOTS_LEAST = 12
#: The tables end on whole vectors.
_LANES = 16


@dataclass(frozen=True, slots=True, eq=False)
class PilotPlan:
    """Where the pilots of a cell lie in time and frequency, and how they are transformed.

    Pilots lie in pairs at ``+-d_j`` around a middle of their own in each of the two symbols, with
    ``d_j = (3.5 + 6 j) x 15 kHz``: there is no subcarrier at the carrier. Turned to that middle,
    and with time counted from the middle of the symbol, a pair costs two real sums of half the
    length::

        Y(+-d) = sum_i (x[i] + x[-i]) cos(2 pi d t_i)  -+  j sum_i (x[i] - x[-i]) sin(2 pi d t_i)

    Attributes:
        n_pilots: reference elements of a symbol that are seen: two a resource block.
        first_pilot: the lowest of them, among the ``2 n_pairs`` that are transformed: where the
            carrier is not at the centre, the band shows more on one side.
        n_samples: of a symbol that are transformed: its whole useful part, less than one sample
            left out.
        slot_samples: nominal length of a slot.
        offset_samples: ``(2,)``: from the start of a slot to where the transform of each symbol
            begins, nominal.
        early_samples: how much that is before the symbol's useful part.
        middle_hz: ``(2,)``: middle of the pilots of each symbol, against the receiver's centre.
        freqs_hz: ``(n_pilots - 1,)``: of the products, against the receiver's centre.
        turn: complex64 ``(2, n_samples)``: what turns each symbol to its middle.
        cosines: float32 ``(n_pairs, n_half)``, and ``sines``: the transform of all pairs over
            half the symbol, from its middle on; columns beyond are zero.
        sequence: complex64 ``(20, 2, n_pilots - 1)``: what takes the sequence of both pilots out
            of their product.
    """

    n_pilots: int
    first_pilot: int
    n_samples: int
    slot_samples: float
    offset_samples: NDArray[np.float64]
    early_samples: float
    middle_hz: NDArray[np.float64]
    freqs_hz: NDArray[np.float64]
    turn: NDArray[np.complex64]
    cosines: NDArray[np.float32]
    sines: NDArray[np.float32]
    sequence: NDArray[np.complex64]


def pilot_plan(cell: Cell, n_blocks: int | None = None) -> PilotPlan:
    """Return the plan for the port 0 of a cell, for as many resource blocks as are seen.

    Args:
        cell: its rate, identity, prefix and carrier offset count.
        n_blocks: resource blocks around the carrier, where the cell has fewer than the band holds.

    Raises:
        ConfigError: the band shows fewer pilots than six blocks have, the least that a cell has;
            or the cell is none of LTE.
    """
    if cell.technology != "lte":
        raise ConfigError(
            f"the cell is of {cell.technology.upper()}: only LTE has reference signals that are "
            "always on; what is left of it when it is cancelled can be watched"
        )
    rate_hz, n_most = cell.sample_rate_hz, n_blocks or _N_BLOCKS_MOST
    edges_hz = np.array([-1.0, 1.0]) * _BAND_SHARE * rate_hz - cell.cfo_hz
    # Whole blocks to either side of the carrier, of two pilots each in the whole band.
    below, above = (
        int(np.clip(reach_hz / PILOT_SPACING_HZ, 0.0, n_most))
        for reach_hz in (-edges_hz[0], edges_hz[1])
    )
    if below + above < _N_PILOTS_LEAST:
        raise ConfigError(
            f"at {rate_hz:g} Hz the band shows {below + above} reference elements of a cell "
            f"{cell.cfo_hz:+.0f} Hz off the centre, and {_N_PILOTS_LEAST} are needed: sample at "
            "1.92 MHz or more, and tune nearer to the cell"
        )
    n_pairs, n_samples = max(below, above), int(rate_hz / SUBCARRIER_HZ)
    places = reference_subcarriers(cell.identity, n_pairs)
    pilots_hz = places * SUBCARRIER_HZ + cell.cfo_hz
    middle_hz = pilots_hz.mean(axis=1)
    time_s = np.arange(n_samples) / rate_hz
    half_s = np.arange(n_samples % 2 == 0, n_samples, 2) / 2 / rate_hz
    away_hz = (pilots_hz[0] - middle_hz[0])[n_pairs:]
    angle = 2 * np.pi * np.outer(away_hz, half_s)
    padding = ((0, 0), (0, -len(half_s) % _LANES))
    symbols = cell_reference(cell.identity, n_pairs, cell.prefix)
    useful = [
        useful_units(cell.prefix, SymbolPlace(0, symbol))
        for symbol in reference_symbols(cell.prefix)
    ]
    scale = rate_hz / BASIC_RATE_HZ
    seen = slice(n_pairs - below, n_pairs + above)
    symbols, pilots_hz = symbols[..., seen], pilots_hz[:, seen]
    return PilotPlan(
        n_pilots=below + above,
        first_pilot=n_pairs - below,
        n_samples=n_samples,
        slot_samples=SLOT_UNITS * scale,
        offset_samples=np.array(useful) * scale - EARLY_S * rate_hz,
        early_samples=EARLY_S * rate_hz,
        middle_hz=middle_hz,
        freqs_hz=(pilots_hz[:, :-1] + pilots_hz[:, 1:]).mean(axis=0) / 2,
        turn=np.exp(-2j * np.pi * middle_hz[:, None] * time_s).astype(np.complex64),
        cosines=np.pad(np.cos(angle), padding).astype(np.float32),
        sines=np.pad(np.sin(angle), padding).astype(np.float32),
        sequence=symbols[..., :-1].conj() * symbols[..., 1:],
    )
