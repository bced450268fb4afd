"""A cell by its cyclic prefixes alone: what repeats after one symbol, folded by 0.5 ms."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from edgespec.dsp.prefix.cell import UNNAMED, Cell
from edgespec.dsp.prefix.folding import fold_drifts
from edgespec.dsp.prefix.plan import can_cancel
from edgespec.dsp.prefix.proof import snr_db
from edgespec.lte.numerology import SLOT_S, SLOT_UNITS, SUBCARRIER_HZ
from edgespec.nr.numerology import SPACINGS_HZ, prefix_units, symbols_per_slot, useful_start

__all__ = ["find_prefix"]

#: Columns of 0.5 ms: samples of 1.92 MS/s.
_N_COLUMNS = 960
#: A row is 5 ms, in which 104 ppm are a column; 0.04 s to 0.32 s are folded.
_ROW_S = 5e-3
_ROWS = (64, 32, 16, 8)
#: The highest of 2e5 values with an exponential law is above this once in 1e8 stretches.
_LEAST_VALUE = 30.0
#: No symbol has more than so many times the mean of all: a pulse would. Of an idle cell of LTE, two
#: of seven have all.
_MOST_OF_ONE = 4.2
#: Between prefixes nothing repeats that stands out of chance so far and is so high beside them.
_SURE_OUTSIDE, _MOST_OUTSIDE = 6.0, 0.5
#: Less says nothing: next to nothing would be cancelled.
_LEAST_COHERENCE = 0.02


class _Found(NamedTuple):
    value: float
    cell: Cell


def find_prefix(
    samples: NDArray[np.complex64], sample_rate_hz: float, sample_start: int = 0
) -> Cell | None:
    """Return the cell whose cyclic prefixes stand out the most, or None.

    ``conj(x[n]) x[n + L]``, L a period of the spacing, over the power, is folded by 0.5 ms along
    all drifts of up to 104 ppm; it is 0 in the mean but in prefixes. What it looks like is compared
    with the prefixes of 15 and of 30 kHz (normal; with 30 kHz from 3.84 MS/s on), and is a cell if
    it stands out of all times and drifts as it would once in 1e8 stretches of noise.

    Such a cell has no name (``identity`` is -1): with 15 kHz it may be one of LTE (technology
    ``ofdm``), with 30 kHz it is of NR or whoever uses its numbers. ``frame_start`` is where 0.5 ms
    begin, off by whole symbols where the signal is weak, since one prefix of them is 11% longer and
    nothing else tells them apart; ``cfo_hz`` is known up to multiples of the spacing, and
    ``coherence`` and ``snr_db`` are of the power of the whole band, silence included.

    Args:
        samples: complex64, at least 41 ms of them; up to 0.32 s are used.
        sample_rate_hz: of the samples, 1.92 MS/s or more.
        sample_start: number of the first sample in its stream.
    """
    found = [
        one
        for spacing_hz in SPACINGS_HZ
        if can_cancel(sample_rate_hz / (spacing_hz / SUBCARRIER_HZ))
        and (one := _find(samples, sample_rate_hz, spacing_hz, sample_start)) is not None
    ]
    return max(found, key=lambda one: one.value).cell if found else None


def _find(
    samples: NDArray[np.complex64], rate_hz: float, spacing_hz: float, sample_start: int
) -> _Found | None:
    lag = round(rate_hz / spacing_hz)
    n_row = _ROW_S * rate_hz
    n_rows = next((n for n in _ROWS if len(samples) >= n * n_row + lag + 1), 0)
    if not n_rows:
        return None
    rows = _rows(samples, rate_hz, lag, n_rows)
    folded = fold_drifts(np.stack([rows.real, rows.imag]))
    profile = folded[0] + 1j * folded[1]
    template = _template(spacing_hz)
    shape = template - template.mean()
    sums = fft.ifft(fft.fft(profile, axis=1) * fft.fft(shape).conj(), axis=1)
    power = sums.real**2 + sums.imag**2
    drift, at = np.unravel_index(int(power.argmax()), power.shape)
    value = float(power[drift, at] * np.log(2.0) / max(float(np.median(power)), 1e-30))
    # Rows have power 1: of products in a prefix, as many as there are symbols.
    n_inside = n_rows * float(template.sum()) * n_row / _N_COLUMNS
    coherence = float(np.abs(sums[drift, at])) / (n_inside * (1.0 - float(template.mean())))
    if value < _LEAST_VALUE or coherence < _LEAST_COHERENCE:
        return None
    if not _is_comb(np.roll(profile[drift], -at), spacing_hz, sums[drift, at]):
        return None
    along = _vertex(power[:, at], int(drift)) - (n_rows - 1)
    ppm = along / (n_rows - 1) * SLOT_S / _N_COLUMNS / _ROW_S * 1e6
    column = _vertex(power[drift], int(at))
    share = min(coherence, 1.0 - 1e-3)
    cell = Cell(
        technology="ofdm" if spacing_hz == SUBCARRIER_HZ else "nr",
        identity=UNNAMED,
        duplex="",
        prefix="normal",
        sample_rate_hz=rate_hz,
        frame_start=sample_start + column * SLOT_S * rate_hz / _N_COLUMNS,
        cfo_hz=float(np.angle(sums[drift, at])) * rate_hz / (2.0 * np.pi * lag),
        ppm=ppm,
        snr_db=snr_db(share),
        coherence=share,
        margin=float(np.sqrt(value / _LEAST_VALUE)),
        spacing_hz=spacing_hz,
    )
    return _Found(value, cell)


def _rows(
    samples: NDArray[np.complex64], rate_hz: float, lag: int, n_rows: int
) -> NDArray[np.complex64]:
    """Return the lag products of each 5 ms, folded, over their mean power: ``(n_rows, 960)``."""
    out = np.zeros((n_rows, _N_COLUMNS), np.complex64)
    per_sample = _N_COLUMNS / (SLOT_S * rate_hz)
    for row in range(n_rows):
        first, stop = round(row * _ROW_S * rate_hz), round((row + 1) * _ROW_S * rate_hz)
        near, far = samples[first:stop], samples[first + lag : stop + lag]
        products = near.conj() * far
        power = float(np.mean(near.real**2 + near.imag**2, dtype=np.float64))
        if not 0.0 < power < np.inf or not np.isfinite(products).all():
            continue
        columns = (np.arange(first, stop) * per_sample).astype(np.int64) % _N_COLUMNS
        real = np.bincount(columns, products.real, _N_COLUMNS)
        imag = np.bincount(columns, products.imag, _N_COLUMNS)
        out[row] = (real + 1j * imag) / power
    return out


def _template(spacing_hz: float) -> NDArray[np.float64]:
    """Return which share of each column of 0.5 ms lies in a prefix, float64 ``(960,)``."""
    first = np.arange(_N_COLUMNS)
    out = np.zeros(_N_COLUMNS)
    for begin, end in _prefixes(spacing_hz):
        out += np.maximum(np.minimum(end, first + 1) - np.maximum(begin, first), 0.0)
    return out


def _prefixes(spacing_hz: float) -> list[tuple[float, float]]:
    """Return where the prefixes of 0.5 ms begin and end, in columns."""
    per_unit = _N_COLUMNS / SLOT_UNITS
    ends = [useful_start(spacing_hz, symbol) for symbol in range(symbols_per_slot(spacing_hz))]
    return [
        ((end - length) * per_unit, end * per_unit)
        for end, length in zip(ends, prefix_units(spacing_hz), strict=True)
    ]


def _is_comb(profile: NDArray[np.complex128], spacing_hz: float, mean: complex) -> bool:
    """Whether what repeats lies in the prefixes, and in more than one of them; a pulse does not.

    ``profile`` begins with the first prefix, and ``mean`` has its phase.
    """
    along = (profile * np.conj(mean) / abs(mean)).real
    prefixes = _prefixes(spacing_hz)
    n = round(min(end - begin for begin, end in prefixes))
    level = fft.ifft(
        fft.fft(along - np.median(along)) * fft.fft(np.ones(n), _N_COLUMNS).conj()
    ).real
    in_prefixes = np.array([level[round(begin)] for begin, _ in prefixes])
    is_outside = np.ones(_N_COLUMNS, bool)
    for begin, end in prefixes:
        is_outside[np.arange(int(begin) - 2 * n, int(end) + n) % _N_COLUMNS] = False
    outside = level[is_outside]
    chance = 1.5 * float(np.median(np.abs(outside)))
    if outside.max() > max(_SURE_OUTSIDE * chance, _MOST_OUTSIDE * in_prefixes.max()):
        return False
    inside = np.maximum(in_prefixes, 0.0)
    return bool(inside.max() <= _MOST_OF_ONE * inside.mean())


def _vertex(values: NDArray[np.floating], at: int) -> float:
    """Return where a parabola through a maximum and its neighbours has its top."""
    before, here, after = (float(values[(at + step) % len(values)]) for step in (-1, 0, 1))
    bend = before - 2.0 * here + after
    if not 0 < at < len(values) - 1 or bend >= 0.0:
        return float(at)
    return at + 0.5 * (before - after) / bend
