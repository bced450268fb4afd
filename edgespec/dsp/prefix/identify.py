"""From a peak of the PSS to a cell whose reference signals prove it, or to none."""

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.pilots import (
    N_MIDDLE_BLOCKS,
    coherence_of,
    neighbour_products,
    received_pilots,
    reference_of,
    sure_slots,
)
from edgespec.dsp.prefix.primary import HALF_FRAME, Peak
from edgespec.dsp.prefix.proof import alike, deviations, gathered, gathered_at, snr_db
from edgespec.dsp.prefix.rate import SEARCH_RATE_HZ
from edgespec.dsp.prefix.secondary import Identity, identities, place_of_primary
from edgespec.lte.numerology import (
    BASIC_RATE_HZ,
    FRAME_S,
    SLOT_S,
    SLOTS_PER_FRAME,
    SUBCARRIER_HZ,
    SymbolPlace,
    reference_symbols,
    useful_units,
)
from edgespec.lte.sequences import reference_subcarriers

__all__ = ["Proven", "identify", "identify_beside", "refine"]

#: What the SSS says is looked into this far down.
_N_IDENTITIES = 4
#: Least power that reference signals gather at one delay, in standard deviations above noise: one
#: candidate in noise reaches it with a probability of 1.3e-12 at each of the delays.
_SURE_DEVIATIONS = 7.0
#: And over that with the sequences of other slots, which is not noise where another cell is heard:
#: beside strong cells, recorded and simulated, nothing false was above 4.5, no cell below 9.
_SURE_RATIO = 6.0
#: Lengths in seconds over which time, clock and frequency are measured, each from what the one
#: before it left: 26 ppm leave the prefix within 0.1 s.
_GROWING_S = (0.06, 0.2, 0.64)
#: How far the clock is then from what it was taken for, in millionths, a standard deviation and the
#: most: PSS with a strong echo may mislead by tens.
_WITHIN_PPM = ((20.0, 100.0), (10.0, 60.0), (3.0, 12.0))
_STEP_PPM = 0.05
_PILOT_HZ = 6 * SUBCARRIER_HZ
_N_SLOTS_LEAST = 8
#: Turns from slot to slot that may have been missed, and which offset counts against one as much as
#: a right angle does: what PSS and SSS said was 0.2 kHz off, a standard deviation, and .8 kHz at
#: most. Two turns look like none to a cell that is 2 us off, as where a receiver repeats samples.
_WHOLE_TURNS = (0, -1, 1)
_UNLIKELY_HZ = 2e3


class Proven(NamedTuple):
    """A cell, and the power of its reference elements, by which two can be compared."""

    power: float
    cell: Cell


class _Proof(NamedTuple):
    """How far reference signals stand out of noise and of other sequences, and their power."""

    deviations: float
    ratio: float
    coherence: float
    power: float


def identify(
    samples: NDArray[np.complex64], peak: Peak, between: Callable[[], None] = lambda: None
) -> Proven | None:
    """Return the cell whose PSS the peak is, or None where no reference signals prove one.

    Of the identities that the SSS names, the first few are tried. The power that the cell's
    reference signals in subframes 0 and 5 gather at one delay must lie 7 standard deviations above
    that of noise, and 6 times as far above it as with the sequences of other slots.

    Args:
        samples: complex64 at 1.92 MS/s; all of them are used, and two radio frames are needed.
        peak: from :func:`edgespec.dsp.prefix.primary.primary_peaks`.
        between: called before each identity that is tried.
    """
    return max(_proven(samples, peak, _N_IDENTITIES, between), default=None)


def identify_beside(
    samples: NDArray[np.complex64],
    peak: Peak,
    cell: Cell,
    between: Callable[[], None] = lambda: None,
) -> list[Cell]:
    """Return cells that send the PSS of a known one in its time, by what else its SSS names."""
    proven = _proven(samples, peak, 2 * _N_IDENTITIES, between)
    return [one.cell for one in proven if one.cell.identity != cell.identity]


def _proven(
    samples: NDArray[np.complex64], peak: Peak, n_identities: int, between: Callable[[], None]
) -> list[Proven]:
    n_halves = (len(samples) - peak.at) // HALF_FRAME + 1
    proven = []
    for found in identities(samples, peak, n_halves, n_identities):
        between()
        cell = _cell(found, peak)
        proof = _prove(samples, cell)
        if proof.deviations >= _SURE_DEVIATIONS and proof.ratio >= _SURE_RATIO:
            proven.append(Proven(proof.power, replace(cell, snr_db=snr_db(proof.coherence))))
    return proven


def _cell(found: Identity, peak: Peak) -> Cell:
    start = peak.at - place_of_primary(found.duplex, found.prefix) - HALF_FRAME * found.second
    return Cell(
        technology="lte",
        identity=found.identity,
        duplex=found.duplex,
        prefix=found.prefix,
        sample_rate_hz=SEARCH_RATE_HZ,
        frame_start=float(start),
        cfo_hz=found.cfo_hz,
        ppm=peak.drift / HALF_FRAME * 1e6,
        snr_db=-np.inf,
        coherence=found.coherence,
        margin=found.margin,
    )


def _prove(samples: NDArray[np.complex64], cell: Cell) -> _Proof:
    """Return how far the reference signals of a cell stand out."""
    slots = sure_slots(cell, len(samples))
    if len(slots) < _N_SLOTS_LEAST:
        return _Proof(0.0, 0.0, 0.0, 0.0)
    received = received_pilots(samples, cell, slots, N_MIDDLE_BLOCKS)
    sequence = reference_of(cell.identity, N_MIDDLE_BLOCKS, cell.prefix)
    its = sequence[slots % SLOTS_PER_FRAME].conj()
    level = abs(complex(neighbour_products(received * its).mean(dtype=np.complex128)))
    received = alike(received)
    channel = received * its
    right = gathered(channel)
    best = int(right.argmax())
    shifts = np.arange(1, SLOTS_PER_FRAME)[:, None]
    wrong = gathered_at(best, received, sequence[(slots + shifts) % SLOTS_PER_FRAME])
    chance = float(np.sqrt(np.mean((wrong - 1.0) ** 2)))
    ratio = (float(right[best]) - 1.0) / max(chance, 1e-9)
    coherence = abs(coherence_of(channel))
    return _Proof(deviations(float(right[best]), 2 * len(slots)), ratio, coherence, level)


def refine(samples: NDArray[np.complex64], cell: Cell) -> Cell:
    """Return the cell with its time, clock, frequency and SNR measured on its reference signals.

    By the phase from pilot to pilot (time), its change over the frames (clock) and the phase from
    slot to slot (frequency), over lengths that grow. The SNR
    is ``c / (1 - c)`` for the coherence ``c`` of neighbours: what the channel changes over 90 kHz
    counts as noise, and 30 dB are the most.
    """
    sequence = reference_of(cell.identity, N_MIDDLE_BLOCKS, cell.prefix)
    offsets_hz = SUBCARRIER_HZ * reference_subcarriers(cell.identity, N_MIDDLE_BLOCKS)
    rate_hz = cell.sample_rate_hz
    for length_s, (deviation_ppm, most_ppm) in zip(_GROWING_S, _WITHIN_PPM, strict=True):
        n = min(len(samples), round(length_s * rate_hz))
        slots = sure_slots(cell, n)
        if len(slots) < _N_SLOTS_LEAST:
            continue
        received = received_pilots(samples, cell, slots, N_MIDDLE_BLOCKS)
        channel = alike(received) * sequence[slots % SLOTS_PER_FRAME].conj()
        by_frame = neighbour_products(channel).reshape(len(slots) // 4, -1).sum(axis=1)
        late_s, ppm = _line(slots[::4] // SLOTS_PER_FRAME, by_frame, deviation_ppm, most_ppm)
        slope = np.exp(2j * np.pi * late_s * offsets_hz).astype(np.complex64)
        cell = replace(
            cell,
            frame_start=cell.frame_start + late_s * rate_hz,
            ppm=cell.ppm + ppm,
            cfo_hz=cell.cfo_hz + _offset_hz(channel * slope, cell.prefix),
            snr_db=snr_db(abs(coherence_of(channel))),
        )
        if n == len(samples):
            break
    return cell


def _offset_hz(channel: NDArray[np.complex64], prefix: str) -> float:
    """Return the frequency that is left, in Hz, by the turn from slot to slot.

    That leaves out any multiple of 2 kHz; the turn from symbol to symbol within a slot, whose
    pilots lie three subcarriers apart, says which, the nearer ones being likelier.
    """
    pairs = channel.reshape(-1, 2, *channel.shape[1:])
    rest_hz = float(np.angle(np.vdot(pairs[:, 0], pairs[:, 1]))) / (2 * np.pi * SLOT_S)
    within = complex(np.vdot(channel[:, 0], channel[:, 1]))
    first, last = (
        useful_units(prefix, SymbolPlace(0, symbol)) for symbol in reference_symbols(prefix)
    )
    apart_s = (last - first) / BASIC_RATE_HZ
    within /= max(abs(within), 1e-30)

    def likeliness(hz: float) -> float:
        along = (within * np.exp(-2j * np.pi * hz * apart_s)).real
        return float(along) - (hz / _UNLIKELY_HZ) ** 2

    return max((rest_hz + whole / SLOT_S for whole in _WHOLE_TURNS), key=likeliness)


def _line(
    frames: NDArray[np.int64], phasors: NDArray[np.complex64], deviation_ppm: float, most_ppm: float
) -> tuple[float, float]:
    """Return the delay at frame 0 in seconds, and by how many millionths it grows.

    Of all clocks within ``most_ppm`` to either side the one that turns the products of all frames
    into one direction: the most likely one in noise of their own variance, if clocks deviate
    normally.
    """
    turn = 2 * np.pi * _PILOT_HZ
    n_steps = round(most_ppm / _STEP_PPM)
    ppm = np.arange(-n_steps, n_steps + 1) * _STEP_PPM
    waves = np.exp(1j * turn * FRAME_S * 1e-6 * np.outer(ppm, frames))
    sums = np.einsum("pf,f->p", waves, phasors)
    power = np.abs(sums) ** 2 / len(frames)
    rest = float(np.sum(np.abs(phasors) ** 2)) - float(power.max())
    variance = max(rest / max(len(frames) - 1, 1), 1e-12 * float(power.max()), 1e-30)
    best = int(np.argmax(power / variance - 0.5 * (ppm / deviation_ppm) ** 2))
    return -float(np.angle(sums[best])) / turn, float(ppm[best])
