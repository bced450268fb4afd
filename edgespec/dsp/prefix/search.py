"""Search for LTE cells in samples: who is there, when its frames begin, at which frequency."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.identify import identify, identify_beside, refine
from edgespec.dsp.prefix.primary import HALF_FRAME, N_USEFUL, STEP_HZ, Peak, primary_peaks
from edgespec.dsp.prefix.rate import SEARCH_RATE_HZ, to_search_rate
from edgespec.dsp.prefix.secondary import place_of_primary
from edgespec.errors import UsageError

__all__ = ["find_cell", "find_others"]

#: Half frames of 5 ms over which the PSS is folded, and the largest frequency offset tried: what
#: 20 ms do not show, 80 ms may, and then 320 ms near the centre.
_STAGES = ((4, np.inf), (16, np.inf), (64, 52e3))
#: The SSS of this many times as many half frames is read: a coarse drift keeps it in its prefix.
_LONGER = 4
#: Samples at 1.92 MS/s that are looked at together: .64 s.
_N_STRETCH = _STAGES[-1][0] * HALF_FRAME * 2
_N_PEAKS = 6
#: By so many samples the place of a PSS may move when its drift is known better.
_N_SHIFT_MOST = 4
#: In each sector, beside a cell whose side lobes and whose PSS in the other sectors are higher.
_N_OTHER_PEAKS = 8
#: A rogue cell's oscillator may be this many steps of 5.6 kHz beside that of the cell.
_OTHER_STEPS = range(-2, 3)
#: The same identity within this time is the cell itself: a path, or a side lobe of its PSS.
_SAME_S = 50e-6


def find_cell(
    samples: NDArray[np.complex64],
    sample_rate_hz: float,
    sample_start: int = 0,
    span_hz: float = 420e3,
    between: Callable[[], None] = lambda: None,
) -> Cell | None:
    """Return the LTE cell with the strongest reference signals, or None.

    Stretches of 0.64 s are searched one after the other, each at first in 20 ms, then 80 ms, then
    320 ms of it (there within 52 kHz of the centre alone); the first that holds a cell ends the
    search. A cell is what its reference signals prove
    (:func:`edgespec.dsp.prefix.identify.identify`): noise gives one in less than 1e-9 of searches.
    Beside the samples less than 60 MB are held, whatever their number.

    Args:
        samples: complex64 ``(n_samples,)``, at least 25 ms of them; 0.1 s for a strong cell, 0.4 s
            for a weak one.
        sample_rate_hz: of the samples, 1.92 MS/s or more; the middle 1.92 MHz are searched.
        sample_start: number of the first sample in its stream.
        span_hz: largest frequency offset of the cell from the centre, to either side.
        between: called between steps of a fraction of a second; what it raises ends the search.

    Raises:
        UsageError: the sample rate is below 1.92 MS/s.
    """
    for first, wave in _stretches(samples, sample_rate_hz, between):
        for n_halves, most_hz in _STAGES:
            if len(wave) < n_halves * HALF_FRAME + N_USEFUL:
                break
            n_steps = round(min(span_hz, most_hz) / STEP_HZ)
            steps = range(-n_steps, n_steps + 1)
            peaks = primary_peaks(wave, n_halves, steps, between=between)
            part = wave[: (_LONGER * n_halves + 1) * HALF_FRAME]
            proven = [(identify(part, peak, between), peak) for peak in peaks[:_N_PEAKS]]
            found = [(one, peak) for one, peak in proven if one is not None]
            if found:
                best, peak = max(found)
                cell = refine(wave, _steadied(wave, best.cell, peak))
                return _on_stream(cell, sample_rate_hz, sample_start + first)
    return None


def find_others(
    samples: NDArray[np.complex64],
    sample_rate_hz: float,
    cell: Cell,
    known: Sequence[Cell] = (),
    sample_start: int = 0,
    between: Callable[[], None] = lambda: None,
) -> list[Cell]:
    """Return the cells that are heard beside one that is known, the most coherent first.

    Up to 0.32 s are folded, within 11 kHz of the frequency of ``cell``. Neither ``cell`` nor those
    of ``known`` are returned again, but a second cell with the identity of one of them at another
    time is. A cell in the same time as a known one, whose PSS is the same, is found by its SSS.

    Args:
        samples: complex64, at least 85 ms of them.
        sample_rate_hz: of the samples, that of the cells.
        cell: the cell whose frequency and clock hold for all of them about.
        known: others that are known.
        sample_start: number of the first sample in the stream on whose count the cells lie.
        between: as of :func:`find_cell`.
    """
    stretch = next(_stretches(samples, sample_rate_hz, between), None)
    if stretch is None or len(stretch[1]) < _STAGES[1][0] * HALF_FRAME + N_USEFUL:
        return []
    wave = stretch[1]
    n_halves = max(n for n, _ in _STAGES if len(wave) >= n * HALF_FRAME + N_USEFUL)
    centred = _turned(wave, -cell.cfo_hz)
    there = [_at_search_rate(one, sample_start) for one in (cell, *known)]
    masked = [(one.identity % 3, _primary_at(one)) for one in there]
    part = wave[: (_LONGER * n_halves + 1) * HALF_FRAME]
    peaks = primary_peaks(centred, n_halves, _OTHER_STEPS, masked, _N_OTHER_PEAKS, between=between)
    proven = [
        identify(part, peak._replace(cfo_hz=peak.cfo_hz + cell.cfo_hz), between) for peak in peaks
    ]
    found = [one.cell for one in proven if one is not None]
    for one in there:
        found += identify_beside(part, _peak_of(one), one, between)
    others: list[Cell] = []
    for one in sorted(found, key=lambda each: -each.snr_db):
        if not any(_is_same(one, other) for other in (*there, *others)):
            between()
            others.append(refine(wave, one))
    return [_on_stream(one, sample_rate_hz, sample_start) for one in others]


def _stretches(
    samples: NDArray[np.complex64], sample_rate_hz: float, between: Callable[[], None]
) -> Iterator[tuple[int, NDArray[np.complex64]]]:
    """Yield pieces at 1.92 MS/s, each with the number of its first sample in the input."""
    if not sample_rate_hz >= SEARCH_RATE_HZ:
        raise UsageError(
            f"the sample rate is {sample_rate_hz:g} Hz; a cell is searched from 1.92 MS/s up, "
            "which its synchronisation signals need: record at a higher rate"
        )
    n_piece = round(_N_STRETCH * sample_rate_hz / SEARCH_RATE_HZ)
    for first in range(0, len(samples), n_piece):
        yield first, to_search_rate(samples[first : first + n_piece], sample_rate_hz, between)


def _steadied(wave: NDArray[np.complex64], cell: Cell, peak: Peak) -> Cell:
    """Return the cell with the clock that the PSS shows over as much as there is, up to 0.32 s.

    Over 20 ms it is known within 35 ppm at best, over 0.32 s within 2 ppm.
    """
    n_halves = _STAGES[-1][0]
    while len(wave) < n_halves * HALF_FRAME + N_USEFUL:
        n_halves //= 2
    step = round(peak.cfo_hz / STEP_HZ)
    for one in primary_peaks(wave, n_halves, [step], sectors=[peak.sector]):
        if abs(one.at - peak.at) <= _N_SHIFT_MOST:
            start = cell.frame_start + one.at - peak.at
            return replace(cell, frame_start=start, ppm=one.drift / HALF_FRAME * 1e6)
    return cell


def _turned(wave: NDArray[np.complex64], hz: float) -> NDArray[np.complex64]:
    """Return samples at 1.92 MS/s moved up by a frequency; piece by piece, for less memory."""
    out = np.empty_like(wave)
    for first in range(0, len(wave), HALF_FRAME):
        piece = wave[first : first + HALF_FRAME]
        turns = hz / SEARCH_RATE_HZ * (first + np.arange(len(piece)))
        out[first : first + HALF_FRAME] = piece * np.exp(2j * np.pi * turns)
    return out


def _on_stream(cell: Cell, sample_rate_hz: float, sample_start: int) -> Cell:
    """Return the cell on the stream's count, with the first frame that begins in the stretch."""
    n_frame = 2 * HALF_FRAME * (1.0 + cell.ppm * 1e-6)
    start = cell.frame_start % n_frame * sample_rate_hz / SEARCH_RATE_HZ + sample_start
    return replace(cell, sample_rate_hz=sample_rate_hz, frame_start=start)


def _at_search_rate(cell: Cell, sample_start: int) -> Cell:
    """Return the cell on the count of the stretch, with the last frame that begins before it."""
    n_frame = 2 * HALF_FRAME * (1.0 + cell.ppm * 1e-6)
    start = (cell.frame_start - sample_start) * SEARCH_RATE_HZ / cell.sample_rate_hz
    return replace(cell, sample_rate_hz=SEARCH_RATE_HZ, frame_start=start % n_frame - n_frame)


def _primary_at(cell: Cell) -> int:
    """Return where the first PSS of the stretch lies."""
    n_half = HALF_FRAME * (1.0 + cell.ppm * 1e-6)
    return round((cell.frame_start + place_of_primary(cell.duplex, cell.prefix)) % n_half)


def _peak_of(cell: Cell) -> Peak:
    drift = HALF_FRAME * cell.ppm * 1e-6
    return Peak(1.0, cell.identity % 3, cell.cfo_hz, _primary_at(cell), drift)


def _is_same(one: Cell, other: Cell) -> bool:
    """Whether two cells on the count of one stretch are the same identity at the same time."""
    n_frame = 2 * HALF_FRAME
    apart = (one.frame_start - other.frame_start + n_frame / 2) % n_frame - n_frame / 2
    return one.identity == other.identity and abs(apart) < _SAME_S * SEARCH_RATE_HZ
