"""How many false events a day a threshold raises at a site, by what normal signal came to there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.tail import Tail, fit_tail
from edgespec.units import format_duration

__all__ = [
    "LEAST_PEAKS",
    "Calibration",
    "DetectorTail",
    "Expected",
    "calibrate",
    "check_enough",
    "peaks_over",
]

#: Fewer peaks say nothing of a tail.
LEAST_PEAKS = 20
#: The tail is fitted to peaks over what so large a part of the blocks is above, ...
_SHARE = 0.1
#: ... but in a long signal to no more blocks: the further out, the better the law holds.
_MOST_ABOVE = 1000
#: Normal signal comes in stretches that are alike: it is drawn again in such of 10 s, or 20 sweeps.
_STRETCH_BLOCKS = 20
_N_DRAWN = 40
_DAY_S = 86_400.0
#: Signal that a promise can begin with.
_BEGINNING_S = 1800.0
#: How far beyond the signal, in factors of ten, its tail says nothing of thresholds below usual.
_UNTRUSTED_DECADES = 2.0
#: How well a threshold is found.
_SCORE_STEP = 1e-3
#: A promise is well supported if the rate is known within this factor.
WITHIN = 1.5


@dataclass(frozen=True, slots=True)
class Expected:
    """False events a day, and between which numbers they lie with a probability of 90%."""

    per_day: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class DetectorTail:
    """How often a detector's event-level score is exceeded, a day; ``drawn``: by drawn signals.

    ``highest`` is the largest that was met. What is expected is the mean over all of them: where a
    short signal leaves open how thick the tail is, the thick ones count most.
    """

    name: str
    tail: Tail
    highest: float
    drawn: tuple[Tail, ...] = ()

    def rate_at(self, score: float) -> float:
        """Return how often a day a score is expected to be exceeded."""
        tails = (self.tail, *self.drawn)
        return sum(tail.rate_at(score) for tail in tails) / len(tails)

    def score_at(self, rate: float) -> float:
        """Return the score that is expected to be exceeded so often a day."""
        tails = (self.tail, *self.drawn)
        low, high = (pick(tail.score_at(rate) for tail in tails) for pick in (min, max))
        while high - low > _SCORE_STEP:
            middle = 0.5 * (low + high)
            if self.rate_at(middle) > rate:
                low = middle
            else:
                high = middle
        return high


@dataclass(frozen=True, slots=True)
class Calibration:
    """What ``signal_s`` of normal signal at a site say of every detector there."""

    signal_s: float
    detectors: tuple[DetectorTail, ...]

    def thresholds(
        self, per_day: float, usual: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Return those at which normal signal raises so many events a day, all detectors together.

        Each has an equal share. Where two see the same, there are fewer. What is below the usual
        threshold, which hours at other sites stand behind, is :meth:`trusted`.

        Args:
            per_day: false events that are bearable.
            usual: thresholds without a calibration; None, or without a detector: nothing is known.
        """
        share, trust, usual = per_day / len(self.detectors), self.trusted(per_day), usual or {}
        found = {}
        for one in self.detectors:
            own = one.score_at(share)
            lower = min(own - usual.get(one.name, own), 0.0)
            found[one.name] = own - (1.0 - trust) * lower
        return found

    def trusted(self, per_day: float) -> float:
        """Return how far below the usual thresholds the tail of the signal is believed, 0 to 1.

        Wholly where an event or more was to be expected in the signal, not at all where a
        hundredth of one was, and between these by the logarithm: so far the tail is continued.
        """
        expected = per_day * self.signal_s / _DAY_S
        if expected <= 0.0:
            return 0.0
        return min(max(1.0 + math.log10(expected) / _UNTRUSTED_DECADES, 0.0), 1.0)

    def trusted_s(self, per_day: float) -> float:
        """Return how long a signal would have to be for its tail to be believed wholly."""
        return _DAY_S / per_day

    def expected(self, thresholds: Mapping[str, float]) -> Expected:
        """Return the false events a day at given thresholds, with an interval."""
        per_day = sum(one.rate_at(thresholds[one.name]) for one in self.detectors)
        drawn = [
            sum(one.drawn[number].rate_at(thresholds[one.name]) for one in self.detectors)
            for number in range(min(len(one.drawn) for one in self.detectors))
        ]
        if not drawn:
            return Expected(per_day, 0.0, math.inf)
        low, high = np.quantile(drawn, (0.05, 0.95))
        return Expected(per_day, float(low), float(high))

    def needed_s(self, expected: Expected) -> float:
        """Return how long a signal would tell that rate within :data:`WITHIN`.

        The width of its logarithm falls with the root of the duration.
        """
        if not expected.per_day or not math.isfinite(expected.high):
            return math.inf
        width = math.log(max(expected.high / expected.per_day, 1.0))
        return self.signal_s * max((width / math.log(WITHIN)) ** 2, 1.0)


def peaks_over(blocks: NDArray[np.float64], base: float) -> NDArray[np.float64]:
    """Return the largest of each run of blocks above ``base``: alarms without a pause, one event.

    Args:
        blocks: ``(n_blocks,)`` largest score of each, in time.
    """
    above = np.concatenate(([False], blocks > base))
    starts = np.flatnonzero(above[1:] & ~above[:-1])
    if not len(starts):
        return np.empty(0)
    return np.maximum.reduceat(np.where(above[1:], blocks, -np.inf), starts)


def check_enough(signal_s: float, block_s: float) -> None:
    """Refuse so little signal that nothing can follow, before it is heard.

    Raises:
        ModelError: it is too little.
    """
    if signal_s < _least_s(block_s):
        raise _too_few(signal_s, signal_s, block_s)


def calibrate(
    names: Sequence[str], blocks: NDArray[np.float32], block_s: float, *, seed: int = 1
) -> Calibration:
    """Return what blocks of normal signal say.

    Peaks over a base that a tenth of the blocks is above, or less of a long signal, are continued
    by a generalised Pareto distribution; what is drawn again are stretches of 20 blocks (moving
    blocks, Kuensch 1989). A detector that hardly scored is left out.

    Args:
        names: of the detectors.
        blocks: ``(n_blocks, n_detectors)``, see :class:`edgespec.detect.peaks.EventPeaks`.
        block_s: seconds of a block.
        seed: of what is drawn.

    Raises:
        ModelError: too little signal for any detector.
    """
    n_blocks = len(blocks)
    columns = dict(zip(names, blocks.T.astype(np.float64), strict=True))
    tails = {name: _tail_of(column, block_s) for name, column in columns.items()}
    known = {name: tail for name, tail in tails.items() if tail is not None}
    if not known:
        n_scored = int(np.isfinite(blocks).sum(axis=0).max(initial=0))
        raise _too_few(n_scored * block_s, n_blocks * block_s, block_s)
    shape = _N_DRAWN, n_blocks // _STRETCH_BLOCKS
    starts = np.random.default_rng(seed).integers(0, n_blocks - _STRETCH_BLOCKS, shape)
    rows = (starts[:, :, None] + np.arange(_STRETCH_BLOCKS)).reshape(_N_DRAWN, -1)
    found = []
    for name, tail in known.items():
        column = columns[name]
        again = (_tail_of(column[row], block_s) for row in rows)
        drawn = tuple(one for one in again if one is not None)
        found.append(DetectorTail(name, tail, float(column.max()), drawn))
    return Calibration(n_blocks * block_s, tuple(found))


def _least_s(block_s: float) -> float:
    return LEAST_PEAKS / _SHARE * block_s


def _too_few(scored_s: float, signal_s: float, block_s: float) -> ModelError:
    least_s = _least_s(block_s)
    words = f"{_seconds(scored_s)} of normal signal"
    advice = "give a longer recording, or a longer duration"
    if signal_s >= least_s:
        words = f"{_seconds(scored_s)} that could be scored of {_seconds(signal_s)} of signal"
        advice = "see with 'edgespec look' what the source gives"
    return ModelError(
        f"{words} are too few to promise anything: some {least_s:.0f} s are the least, "
        f"{format_duration(max(_BEGINNING_S, 3 * least_s))} a beginning; {advice}"
    )


def _seconds(time_s: float) -> str:
    return f"{time_s:.0f} s" if time_s >= 100.0 else f"{time_s:.3g} s"


def _tail_of(blocks: NDArray[np.float64], block_s: float) -> Tail | None:
    """Return how often a day the score of a detector is exceeded."""
    scored = blocks[np.isfinite(blocks)]
    n_above = min(round(len(scored) * _SHARE), _MOST_ABOVE)
    if n_above < LEAST_PEAKS:
        return None
    base = float(np.partition(scored, -n_above - 1)[-n_above - 1])
    peaks = peaks_over(scored, base)
    if not len(peaks):
        # All alike: nothing is above.
        return Tail(base, 0.0, 0.0)
    return fit_tail(peaks - base, base, len(peaks) / (len(scored) * block_s / _DAY_S))
