"""Tapers, and the scale that makes a complex exponential of modulus 1 come out as 0 dBFS."""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.framing import Framing
from edgespec.records import SampleFormat

__all__ = ["TAPERS", "power_window"]


def _hann(n_fft: int) -> NDArray[np.float64]:
    return 0.5 - 0.5 * np.cos(2.0 * np.pi * np.arange(n_fft) / n_fft)


TAPERS: dict[str, Callable[[int], NDArray[np.float64]]] = {
    "hann": _hann,  # periodic: Harris 1978, eq. 27a
    "rect": np.ones,
}


def power_window(framing: Framing, sample_format: SampleFormat) -> NDArray[np.float64]:
    """Return the factors of the samples of one FFT, float64 ``(n_fft,)``.

    ``w[k] / (sum(w) * full_scale * sqrt(n_averages))``: the sum of ``|X|^2`` over the averages is
    then the mean power per bin relative to full scale.
    """
    taper = TAPERS[framing.taper](framing.n_fft)
    scale = float(taper.sum()) * sample_format.full_scale * math.sqrt(framing.n_averages)
    return taper / scale
