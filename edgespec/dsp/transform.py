"""Per-sequence standardisation, its inverse, and sequences that hold only receiver noise.

A sequence is made independent of gain and place by its own context: mean 0 and standard deviation
1 over all its frames and bins (Li et al. 2019, sec. 4.2). The horizon never takes part, so a
change of power in it stays visible.
"""

import math

import numpy as np

from edgespec.records import FloatArray, Scaling

__all__ = [
    "SCALE_FLOOR_DB",
    "apply",
    "log_power_floor_db",
    "noise_only",
    "restore",
    "scaling_of",
    "standardise",
]

#: Smallest scale: far below any real spread, so that a constant context gives zeros.
SCALE_FLOOR_DB = 1e-3

#: Noise gives the spread of averaged noise and nothing more; drift of the gain may add this share.
_SPREAD_MARGIN = 0.1
#: Nothing stands out of the mean spectrum of noise by more than the ripple of a receive filter.
_RIPPLE_DB = 1.0
_SIGMAS = 4.0

_DB_PER_NEPER = 10.0 / math.log(10.0)


def standardise(context: FloatArray, out: FloatArray) -> Scaling:
    """Write the standardised context to ``out`` and return its mean and scale in dB.

    Args:
        context: float32 ``(n_context, n_bins)`` in dB, contiguous.
        out: float32 of the same shape, contiguous; may be ``context`` itself.
    """
    scaling, rest_db = _centre(context, out)
    np.subtract(out, np.float32(rest_db), out=out)
    np.divide(out, np.float32(scaling.scale_db), out=out)
    return scaling


def scaling_of(context: FloatArray, scratch: FloatArray) -> Scaling:
    """Return mean and scale in dB of a context, for models that standardise by themselves.

    ``scratch`` is float32 of the same shape, contiguous, and overwritten.
    """
    return _centre(context, scratch)[0]


def _centre(context: FloatArray, out: FloatArray) -> tuple[Scaling, float]:
    """Write the context less about its mean to ``out``; return its scaling, and what is left."""
    # A sum in float64 would be of a converted copy. In float32 it is good to a millionth of the
    # level, so what is left after it was taken away is summed again.
    guess_db = np.float32(float(np.add.reduce(context.reshape(-1))) / context.size)
    np.subtract(context, guess_db, out=out)
    flat = out.reshape(-1)
    rest_db = float(np.add.reduce(flat)) / flat.size
    variance = float(np.dot(flat, flat)) / flat.size - rest_db**2
    scale_db = max(math.sqrt(max(variance, 0.0)), SCALE_FLOOR_DB)
    return Scaling(float(guess_db) + rest_db, scale_db), rest_db


def apply(power_db: FloatArray, scaling: Scaling, out: FloatArray) -> None:
    """Write ``(power_db - mean_db) / scale_db`` to ``out``, which may be ``power_db`` itself."""
    np.subtract(power_db, np.float32(scaling.mean_db), out=out)
    np.divide(out, np.float32(scaling.scale_db), out=out)


def restore(standardised: FloatArray, scaling: Scaling, out: FloatArray) -> None:
    """Write ``standardised * scale_db + mean_db`` to ``out``: the inverse of :func:`apply`."""
    np.multiply(standardised, np.float32(scaling.scale_db), out=out)
    np.add(out, np.float32(scaling.mean_db), out=out)


def log_power_floor_db(n_averages: int) -> float:
    """Return the standard deviation in dB of the mean of ``n_averages`` power spectra of noise.

    The mean of M exponential variables is gamma distributed, its logarithm has the variance
    ``trigamma(M) = pi^2 / 6 - sum_{k < M} 1 / k^2``: 5.57 dB for M = 1, 1.41 dB for M = 10. No
    prediction of stationary noise has a smaller error.
    """
    variance = math.pi**2 / 6.0 - math.fsum(1.0 / k**2 for k in range(1, n_averages))
    return _DB_PER_NEPER * math.sqrt(variance)


def noise_only(context: FloatArray, n_averages: int) -> bool:
    """Whether a sequence holds nothing but stationary noise of the receiver.

    Two conditions. Over time every bin has the spread of averaged noise, on average over the bins:
    whatever is modulated, switched or fading adds to it, a carrier takes from it. And the mean
    spectrum does not rise above its median by more than filter ripple; it may fall, as it does at
    the edges of the band, and it may rise at the centre, where receivers have their offset. Both
    limits leave room for the statistical error of a sequence of this length.

    Args:
        context: float32 ``(n_context, n_bins)`` in dB, fft-shifted, at least two frames.
        n_averages: how many power spectra each frame is the mean of.
    """
    n_frames, n_bins = context.shape
    if n_frames < 2:
        return False
    floor_db = log_power_floor_db(n_averages)
    spread_db = math.sqrt(float(np.mean(np.var(context, axis=0, ddof=1, dtype=np.float64))))
    margin = _SPREAD_MARGIN + _SIGMAS / math.sqrt((n_frames - 1) * n_bins)
    if abs(spread_db / floor_db - 1.0) > margin:
        return False
    spectrum_db = context.mean(axis=0, dtype=np.float64)
    rise_db = np.asarray(spectrum_db - np.median(spectrum_db))
    rise_db[n_bins // 2 - 1 : n_bins // 2 + 2] = 0.0
    return bool(rise_db.max() <= _RIPPLE_DB + _SIGMAS * floor_db / math.sqrt(n_frames))
