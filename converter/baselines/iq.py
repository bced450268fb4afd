"""What two baselines need of the samples, as a few numbers a segment: samples are not kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.dsp.tapers import TAPERS
from edgespec.errors import UsageError
from edgespec.framing import Framing, Recipe
from edgespec.records import FloatArray

__all__ = ["IqStatistics", "cyclic_prefix_correlation", "iq_statistics", "spectral_kurtosis"]

#: LTE's useful symbol, and the time after which its pattern of prefixes repeats
#: (3GPP TS 36.211, sec. 6.12).
_SYMBOL_S = 1.0 / 15e3
_SUBFRAME_S = 1e-3
#: A prefix lasts 4.7 us; averaging over a little less keeps its plateau.
_SMOOTHING_S = 4e-6
#: Share of a subframe that is prefix: 14 of 4.7 us, less the edges that smoothing takes.
_PREFIX_SHARE = 0.056

_ComplexArray = NDArray[np.complex64]


@dataclass(frozen=True, slots=True)
class IqStatistics:
    """``kurtosis`` float32 ``(n, n_bins)`` and ``prefix`` float32 ``(n,)`` of ``n`` horizons."""

    kurtosis: FloatArray
    prefix: FloatArray

    @classmethod
    def joined(cls, parts: Sequence["IqStatistics"]) -> "IqStatistics":
        """Return the statistics of all parts, of which there is at least one, as one."""
        return cls(
            np.concatenate([part.kurtosis for part in parts]),
            np.concatenate([part.prefix for part in parts]),
        )

    def __len__(self) -> int:
        return len(self.prefix)

    def take(self, index: slice | NDArray[Any]) -> "IqStatistics":
        """Return those of some of the segments."""
        return IqStatistics(self.kurtosis[index], self.prefix[index])


def iq_statistics(samples: _ComplexArray, recipe: Recipe) -> IqStatistics:
    """Return the statistics of some horizons.

    Args:
        samples: complex64 ``(n, n_samples)``: the samples of each horizon.
        recipe: rate, framing and length of a horizon.

    Raises:
        UsageError: the horizons have another length.
    """
    n_samples = recipe.samples_in(recipe.n_horizon)
    if samples.ndim != 2 or samples.shape[1] != n_samples:
        raise UsageError(
            f"samples are {samples.shape}; horizons of this geometry are (n, {n_samples})"
        )
    kurtosis = np.empty((len(samples), recipe.geometry.n_bins), np.float32)
    prefix = np.empty(len(samples), np.float32)
    for i, horizon in enumerate(samples):
        kurtosis[i] = spectral_kurtosis(horizon, recipe.framing)
        prefix[i] = cyclic_prefix_correlation(horizon, recipe.sample_rate_hz)
    return IqStatistics(kurtosis, prefix)


def spectral_kurtosis(samples: _ComplexArray, framing: Framing) -> FloatArray:
    """Return the spectral kurtosis of each bin, float32 ``(n_bins,)``, fft-shifted.

    ``SK = (M + 1) / (M - 1) * (M * sum(P^2) / sum(P)^2 - 1)`` over the M power spectra: 1 for
    Gaussian noise, 0 for a tone, more for bursts (Nita and Gary 2010, eq. 8). A bin without any
    power has 1.
    """
    taper = TAPERS[framing.taper](framing.n_bins).astype(np.float32)
    spectra = np.fft.fft(samples.reshape(-1, framing.n_bins) * taper, axis=1)
    power = spectra.real**2 + spectra.imag**2
    n_spectra = len(power)
    total = power.sum(axis=0, dtype=np.float64)
    square = np.einsum("mb,mb->b", power, power, dtype=np.float64)
    ratio = np.divide(n_spectra * square, total**2, out=np.full_like(total, 2.0), where=total > 0.0)
    kurtosis = (n_spectra + 1) / (n_spectra - 1) * (ratio - 1.0) if n_spectra > 1 else ratio - 1.0
    return np.fft.fftshift(kurtosis).astype(np.float32)


def cyclic_prefix_correlation(samples: _ComplexArray, sample_rate_hz: float) -> float:
    """Return how much of the power repeats itself as cyclic prefixes of LTE do, about 0 to 1.

    ``r(t) = mean_k y(t + k T) conj(y(t + k T + L))`` with the useful symbol L of 66.7 us and the
    subframe T of 1 ms, averaged over nearly a prefix, less its mean over t: a tone is like itself
    everywhere and must not count. The mean of the largest magnitudes, as many as there is prefix
    in a subframe, over the mean power (van de Beek et al. 1997, sec. III, folded). Samples too
    short for one subframe and a symbol have 0.
    """
    lag, period = round(_SYMBOL_S * sample_rate_hz), round(_SUBFRAME_S * sample_rate_hz)
    n_folds = (len(samples) - lag) // period if lag else 0
    power = float(np.vdot(samples, samples).real) / max(len(samples), 1)
    if n_folds < 1 or power <= 0.0:
        return 0.0
    n = n_folds * period
    product = samples[:n] * samples[lag : lag + n].conj()
    folded = product.reshape(n_folds, period).mean(axis=0)
    folded -= folded.mean()
    width = max(round(_SMOOTHING_S * sample_rate_hz), 1)
    # The pattern is periodic, so the average runs over the end into the beginning.
    wrapped = np.concatenate([np.zeros(1, folded.dtype), np.cumsum(np.r_[folded, folded[:width]])])
    smooth = np.abs(wrapped[width : width + period] - wrapped[:period]) / width
    n_prefix = max(round(_PREFIX_SHARE * period), 1)
    return float(np.partition(smooth, period - n_prefix)[-n_prefix:].mean() / power)
