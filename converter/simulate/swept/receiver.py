"""The receiver that sweeps: its noise, what it averages, how its gain drifts, when it is off."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from converter.simulate.swept.swept_band import SWEEP_S
from converter.simulate.swept.week import DAY_S, HOUR_S, warmth
from edgespec.errors import UsageError

__all__ = ["Drift", "SweptReceiver", "gain_db", "heard_sweeps"]

#: Of a power spectrum in dB for each of the independent looks that are averaged.
_LOOK_DB = 10 / np.log(10)


@dataclass(frozen=True, slots=True)
class SweptReceiver:
    """A receiver; the defaults are near to that of Wellens and Mahonen 2010.

    ``floor_dbm`` is the noise of a point, with a ripple of ``ripple_db`` over the band. A level is
    the mean of ``n_looks`` independent ones: a sweep of 1.5 GHz in 1.8 s dwells on 200 kHz for
    0.24 ms. The gain drifts by ``drift_db`` (standard deviation, with a memory of ``drift_s``) and
    by ``warmth_db`` between night and day. It is off ``gaps_a_day`` times, for ``gap_s`` each in
    the median, a third as long or three times as long for two of three.

    Raises:
        UsageError: a value is out of range.
    """

    floor_dbm: float = -105.0
    ripple_db: float = 0.4
    n_looks: int = 48
    drift_db: float = 0.7
    drift_s: float = 6 * HOUR_S
    warmth_db: float = 0.3
    gaps_a_day: float = 1.0
    gap_s: float = 120.0

    def __post_init__(self) -> None:
        if self.n_looks < 1 or not self.drift_s > 0 or not self.gap_s > 0:
            raise UsageError(
                f"a receiver averages {self.n_looks} looks, drifts with a memory of "
                f"{self.drift_s:g} s and has gaps of {self.gap_s:g} s; each must be positive"
            )
        if min(self.ripple_db, self.drift_db, self.gaps_a_day) < 0:
            raise UsageError("ripple_db, drift_db and gaps_a_day of a receiver are not negative")

    @property
    def look_db(self) -> float:
        """Standard deviation of a measured level in dB around the true one."""
        return float(_LOOK_DB / np.sqrt(self.n_looks))


class Drift:
    """Something that wanders around 0 with a memory, sweep by sweep: an autoregression of order 1.

    Args:
        sigma: its standard deviation; a number or one for each of ``size``.
        memory_s: after which a correlation of 1/e is left.
        size: how many wander, independently.
        rng: for all of it.
    """

    def __init__(self, sigma: float, memory_s: float, size: int, rng: np.random.Generator) -> None:
        self._keep = float(np.exp(-SWEEP_S / memory_s))
        self._kick = sigma * float(np.sqrt(1 - self._keep**2))
        self._rng = rng
        self._last = sigma * rng.standard_normal(size)

    def next(self, n_sweeps: int) -> NDArray[np.float64]:
        """Return it at the next sweeps, float64 ``(n_sweeps, size)``."""
        kicks = self._kick * self._rng.standard_normal((n_sweeps, len(self._last)))
        start = self._keep * self._last[None, :]
        values, _ = lfilter([1.0], [1.0, -self._keep], kicks, axis=0, zi=start)
        self._last = values[-1]
        return np.asarray(values, np.float64)


def gain_db(
    receiver: SweptReceiver, drift: Drift, utc_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return how far the gain is off at the next sweeps, in dB, float64 as ``utc_s``."""
    return drift.next(len(utc_s))[:, 0] + receiver.warmth_db * warmth(utc_s)


def heard_sweeps(
    receiver: SweptReceiver, n_sweeps: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Return which of the sweeps are made at all: False where the receiver is off.

    The first and the last one are.
    """
    heard = np.ones(n_sweeps, np.bool_)
    n_gaps = rng.poisson(receiver.gaps_a_day * n_sweeps * SWEEP_S / DAY_S)
    starts = rng.integers(0, n_sweeps, n_gaps)
    lengths = receiver.gap_s / SWEEP_S * np.exp(rng.normal(0.0, np.log(3.0), n_gaps))
    for start, length in zip(starts, lengths, strict=True):
        heard[start : start + 1 + int(length)] = False
    heard[[0, -1]] = True
    return heard
