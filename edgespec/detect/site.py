"""What scores are normal at this site: they are told apart from the rest by its own spread."""

import numpy as np

from edgespec.detect.reference import RunningStatistics
from edgespec.records import FloatArray, Score
from edgespec.reference import Reference, filled

__all__ = ["SiteScale"]

#: Spread below which a site is not believed, as a share of the mean score.
_SMALLEST_SHARE = 1e-3


class SiteScale:
    """Standardises the scores of one detector by mean and spread at this site.

    A forecast is worse for a driving observer than for one on a roof, so one threshold in dB for
    all of them would be deaf on the roof. ``score = (raw - mean) / std``, with mean and standard
    deviation over the last part of the warm-up: the Gaussian fit of Li et al. 2019, sec. 6, made at
    the site. Thresholds are then in standard deviations and hold for every observer.

    A warm-up that happened to be quiet would make every later burst of traffic an anomaly, so the
    spread is never believed to be smaller than ``smallest_std``, which is that of a usual site.
    """

    def __init__(self, smallest_std: float = 0.0) -> None:
        self._smallest_std = smallest_std
        self._statistics = RunningStatistics(1)
        self._value: FloatArray = np.empty(1, np.float32)
        self.mean = 0.0
        self.std = 1.0
        self.is_settled = False

    @property
    def n_learnt(self) -> int:
        """Scores that it was made of so far."""
        return self._statistics.count

    def clear(self) -> None:
        """Forget the site."""
        self._statistics.clear()
        self.is_settled = False

    def learn(self, score: Score) -> None:
        """Take a raw score of normal signal."""
        self._value[0] = score.value
        self._statistics.add(self._value)

    def settle(self) -> None:
        """Keep what was learnt as the scale from now on."""
        self.mean = float(self._statistics.mean[0])
        smallest = max(self._smallest_std, _SMALLEST_SHARE * abs(self.mean) + 1e-6)
        self.std = float(self._statistics.spread(smallest)[0])
        self.is_settled = True

    def reference(self) -> Reference:
        """Return mean and spread, once they are settled."""
        return {"scale": np.array([self.mean, self.std])} if self.is_settled else {}

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt; where that was late, learn on."""
        if "scale" not in reference:
            return
        values = np.empty(2)
        filled(values, reference["scale"])
        self.mean, self.std = values.tolist()
        self.is_settled = True

    def apply(self, score: Score) -> Score:
        """Return the score in standard deviations above the site's mean."""
        return Score(score.detector, (score.value - self.mean) / self.std, score.error_map_db)
