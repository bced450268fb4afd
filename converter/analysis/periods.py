"""What comes again: the periodogram of a band's level, against what a wandering level has."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from converter.analysis.trend import DAY_S

__all__ = ["Period", "Periodogram", "autocorrelation", "find_periods"]

#: Of all that is looked at, one peak in a hundred recordings without a period would be named.
_FALSE = 0.01
_MOST_NAMED, _MOST_TAKEN = 5, 15
#: Of the variance; what has less is nothing to people, however sure it is.
_LEAST_SHARE = 0.005
#: Frequencies that a median is taken of.
_AROUND = 101
_HOUR_S, _MINUTE_S = 3600.0, 60.0
_NAMES = {7 * DAY_S: "a week", DAY_S: "a day", DAY_S / 2: "half a day", _HOUR_S: "an hour"}


@dataclass(frozen=True, slots=True)
class Period:
    """A peak: ``power`` is how many times that of the background it is, ``share`` how much of the
    variance it has.
    """

    period_s: float
    name: str
    power: float
    share: float


@dataclass(frozen=True, slots=True, eq=False)
class Periodogram:
    """Power by frequency, all float64 ``(n,)``: mean 1 over the frequencies.

    ``background`` is that of a level that wanders with the memory of this one (an autoregression of
    order 1), ``limit`` what chance passes at one frequency in a hundred recordings. ``memory`` is
    the correlation of one value with the next.
    """

    period_s: NDArray[np.float64]
    power: NDArray[np.float64]
    background: NDArray[np.float64]
    limit: NDArray[np.float64]
    memory: float
    peaks: tuple[Period, ...]


def find_periods(utc_s: NDArray[np.float64], rest_db: NDArray[np.float64]) -> Periodogram:
    """Return the periodogram of levels at an even pace, some of which may be missing.

    ``|sum x exp(-2j pi f t)|^2`` at the frequencies of a Fourier transform, with nothing where
    there is nothing, from two periods in all the time on: what is longer cannot be told from a
    trend. Levels that wander have more power at low frequencies, so a peak is what is over the
    spectrum of an autoregression of the same memory (Allen and Smith 1996), ``(1 - r^2) / (1 - 2 r
    cos(2 pi f) + r^2)``, by a factor of ``-ln(p / n)``. A period has a memory of its own, so each
    peak is judged by the memory of what is left without it, and taken out before the next one.

    Args:
        utc_s: at an even pace.
        rest_db: without trend; NaN where there is none.
    """
    is_there = np.isfinite(rest_db)
    n = len(rest_db)
    step_s = float(utc_s[1] - utc_s[0])
    numbers = np.arange(2, n // 2 + 1)
    left = rest_db - rest_db[is_there].mean()
    if not len(numbers) or not left[is_there].any():
        empty = np.empty(0)
        return Periodogram(empty, empty, empty, empty, 0.0, ())
    period_s = n * step_s / numbers
    whole = _power(left, numbers)
    peaks: list[Period] = []
    for _ in range(_MOST_TAKEN):
        power = _power(left, numbers)
        at = int(np.argmax(power / _background(left, numbers)[1]))
        without = _taken_out(left, int(numbers[at]))
        memory, background = _background(without, numbers)
        height = float(power[at] / background[at])
        if len(peaks) == _MOST_NAMED or height < -np.log(_FALSE / len(numbers)):
            break
        share = float((np.nanvar(left) - np.nanvar(without)) / np.nanvar(rest_db))
        name = _name(float(period_s[at]), n * step_s)
        if share >= _LEAST_SHARE and all(name != peak.name for peak in peaks):
            peaks.append(Period(float(period_s[at]), name, height, share))
        left = without
    memory, background = _background(left, numbers)
    scale = whole.mean()
    return Periodogram(
        period_s,
        whole / scale,
        background / scale,
        background / scale * -np.log(_FALSE / len(numbers)),
        memory,
        tuple(peaks),
    )


def _power(values: NDArray[np.float64], numbers: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the power at so many periods in all the time, in dB^2, a mean over what is there."""
    n_there = int(np.isfinite(values).sum())
    transform = np.fft.rfft(np.nan_to_num(values, nan=0.0))
    return np.asarray(np.abs(transform[numbers]) ** 2 / n_there, np.float64)


def _background(
    values: NDArray[np.float64], numbers: NDArray[np.int64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the memory of levels, and the power of those that wander with it.

    Noise of each level for itself would lie over that at high frequencies, so the background is the
    median of the power around there where that is more: it is ``ln 2`` of the mean of a power
    without a peak.
    """
    memory = float(np.clip(np.nan_to_num(autocorrelation(values, 1)[1]), 0.0, 0.999))
    angle = 2 * np.pi * numbers / len(values)
    shape = (1 - memory**2) / (1 - 2 * memory * np.cos(angle) + memory**2)
    around = median_filter(_power(values, numbers), min(_AROUND, len(numbers)), mode="nearest")
    return memory, np.maximum(shape * float(np.nanvar(values)), around / np.log(2))


def _taken_out(values: NDArray[np.float64], number: int) -> NDArray[np.float64]:
    """Return levels without the oscillation that comes ``number`` times, nearest in squares."""
    is_there = np.isfinite(values)
    angle = 2 * np.pi * number * np.arange(len(values)) / len(values)
    waves = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    sizes, *_ = np.linalg.lstsq(waves[is_there], values[is_there])
    return np.asarray(values - waves @ sizes, np.float64)


def _name(period_s: float, span_s: float) -> str:
    """Return what a period is called; those that this time cannot tell apart are one."""
    for known_s, name in _NAMES.items():
        if abs(1 / period_s - 1 / known_s) <= 0.6 / span_s:
            return name
    for unit_s, unit in ((DAY_S, "days"), (_HOUR_S, "hours"), (_MINUTE_S, "minutes")):
        if period_s >= 2 * unit_s:
            return f"{period_s / unit_s:.3g} {unit}"
    return f"{period_s:.3g} s"


def autocorrelation(rest_db: NDArray[np.float64], n_lags: int) -> NDArray[np.float64]:
    """Return the correlation with what comes ``0 .. n_lags`` steps later, over what is there.

    ``sum x[t] x[t + k] / n_k`` over the variance; NaN where no two values are so far apart.
    """
    is_there = np.isfinite(rest_db)
    values = np.where(is_there, rest_db - rest_db[is_there].mean(), 0.0)
    size = 1 << int(np.ceil(np.log2(len(values) + n_lags + 1)))
    transforms = (np.fft.rfft(x, size) for x in (values, is_there.astype(np.float64)))
    products, counts = (np.fft.irfft(np.abs(x) ** 2, size)[: n_lags + 1] for x in transforms)
    counts = np.rint(counts)
    with np.errstate(invalid="ignore", divide="ignore"):
        covariance = np.where(counts > 0, products / counts, np.nan)
        return np.asarray(covariance / covariance[0], np.float64)
