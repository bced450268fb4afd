"""The middle of a band at 1.92 MS/s, which holds the synchronisation signals of any LTE cell."""

from collections.abc import Callable
from fractions import Fraction
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy import fft

__all__ = ["SEARCH_RATE_HZ", "to_search_rate"]

SEARCH_RATE_HZ = 1.92e6

#: About 20 ms are transformed at a time: what is held beside input and output stays below 10 MB
#: for rates up to 20 MS/s.
_N_BLOCK = 38_400
#: Samples cut off both ends of a block: the response to the band's edges has died away there.
_N_MARGIN = 128
#: Between these shares of half the rate the response falls from 1 to 0.
_EDGE = (0.96, 1.0)
#: Width of what is judged as one in the spectrum, and how far it may stand above the median.
_LINE_HZ = 1e3
_LINE_MOST = 4.0
#: A million times full scale is no signal; the square of the sum of a block of it is still finite.
_MOST_SAMPLE = 1e6


def to_search_rate(
    samples: NDArray[np.complex64],
    sample_rate_hz: float,
    between: Callable[[], None] = lambda: None,
) -> NDArray[np.complex64]:
    """Return the middle 1.92 MHz at 1.92 MS/s, complex64 ``(n * 1.92e6 / sample_rate_hz,)``.

    Sample ``i`` lies where sample ``i * sample_rate_hz / 1.92e6`` of the input does. The spectrum
    is cut, in blocks of 20 ms; in each of them, what stands more than 6 dB above the median of the
    band (tones, narrow channels, the receiver's own spike) is levelled to that, so that it hides
    less of a cell. Samples that are not finite, or so large that their powers are not, count as 0.
    ``between`` is called before each block.
    """
    ratio = Fraction(SEARCH_RATE_HZ / sample_rate_hz).limit_denominator(10_000)
    n_units = fft.next_fast_len(ceil(_N_BLOCK / ratio.numerator))
    n_margin_units = ceil(_N_MARGIN / ratio.numerator)
    n_in, n_out = n_units * ratio.denominator, n_units * ratio.numerator
    skip_in, skip_out = n_margin_units * ratio.denominator, n_margin_units * ratio.numerator
    hop_in, hop_out = n_in - 2 * skip_in, n_out - 2 * skip_out
    out = np.empty(len(samples) * ratio.numerator // ratio.denominator, np.complex64)
    block = np.empty(n_in, np.complex64)
    window = _window(n_out, ratio < 1)
    for number in range(ceil(len(out) / hop_out)):
        between()
        start = number * hop_in - skip_in
        piece = samples[max(start, 0) : start + n_in]
        ahead = max(-start, 0)
        block[:ahead] = 0.0
        block[ahead : ahead + len(piece)] = piece
        block[ahead + len(piece) :] = 0.0
        block[~(np.maximum(np.abs(block.real), np.abs(block.imag)) < _MOST_SAMPLE)] = 0.0
        spectrum = fft.fft(block)
        middle = np.concatenate([spectrum[: n_out - n_out // 2], spectrum[n_in - n_out // 2 :]])
        middle *= window
        _level_lines(middle)
        wave = fft.ifft(middle, overwrite_x=True)
        wave *= np.float32(n_out / n_in)
        first = number * hop_out
        last = min(first + hop_out, len(out))
        out[first:last] = wave[skip_out : skip_out + last - first]
    return out


def _window(n: int, is_cut: bool) -> NDArray[np.float32]:
    """Return the response of the cut, float32 ``(n,)`` in the order of an FFT; 1 without a cut."""
    if not is_cut:
        return np.ones(n, np.float32)
    place = np.abs(fft.fftfreq(n)) * 2.0
    fall = np.clip((place - _EDGE[0]) / (_EDGE[1] - _EDGE[0]), 0.0, 1.0)
    out: NDArray[np.float32] = (0.5 + 0.5 * np.cos(np.pi * fall)).astype(np.float32)
    return out


def _level_lines(spectrum: NDArray[np.complex64]) -> None:
    """Bring what stands above the median of the band down to :data:`_LINE_MOST` times it."""
    width = max(1, round(len(spectrum) * _LINE_HZ / SEARCH_RATE_HZ))
    n_lines = len(spectrum) // width
    lines = spectrum[: n_lines * width].reshape(n_lines, width)
    power = np.mean(lines.real**2 + lines.imag**2, axis=1)
    most = _LINE_MOST * np.median(power)
    above = power > most
    lines[above] *= np.sqrt(most / power[above])[:, None]
