"""What a classifier is told of the power in a band, hop by hop."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.hop_scorer import Place
from converter.lab.measures.hops.window_maxima import WindowMaxima
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.records import IqBlock

__all__ = ["POWER_WINDOWS", "PowerFeatures"]

Float = NDArray[np.float64]

#: Lengths in frames, and widths in bins.
POWER_WINDOWS = WindowMaxima((1, 2, 5, 12, 25), (1, 3, 8, 24, 128))
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_LEAST_SPREAD_DB = 0.3


@dataclass(slots=True)
class _Site:
    """What is normal: ``usual_db`` and ``spread_db`` ``(n_bins,)`` of shapes, and of the level."""

    n_warmup: int
    learnt: list[Float] = field(default_factory=list)
    usual_db: Float | None = None
    spread_db: Float | None = None
    level_db: float = 0.0
    level_spread_db: float = 1.0


class PowerFeatures:
    """Deviations of a hop's spectrogram from the site, over windows of frames and bins.

    Those of the shape, which is a frame in dB less its mean, against each bin's median and
    ``1.4826 MAD`` in the first half of the warm-up; quantiles of the frames' levels, likewise; and
    the peak and the spread of the mean shape. NaN while the site is learnt.
    """

    columns: tuple[str, ...] = (
        *(f"feature:power-{name}" for name in POWER_WINDOWS.names),
        *(f"feature:level-{100 * share:.0f}" for share in _QUANTILES),
        "feature:shape-spread",
        "feature:shape-peak",
        "feature:shape-kurtosis",
    )

    def __init__(self) -> None:
        self._front_end: FrontEnd | None = None
        self._site = _Site(2)

    def begin(self, place: Place) -> None:
        """Begin at another observer."""
        self._site = _Site(max(place.n_warmup // 2, 2))
        self._front_end = FrontEnd(
            place.recipe.framing, place.sample_format, max_block_samples=place.hop_samples
        )

    def score(self, block: IqBlock) -> Sequence[float]:
        """Return the features of the hop."""
        if self._front_end is None:
            return (float("nan"),) * len(self.columns)
        # Blocks are whole frames, so nothing is left over from one to the next.
        self._front_end.reset()
        frames_db = self._front_end.process(block).power_dbfs.astype(np.float64)
        site = self._site
        if site.usual_db is None or site.spread_db is None:
            site.learnt.append(frames_db)
            if len(site.learnt) >= site.n_warmup:
                _learn(site)
            return (float("nan"),) * len(self.columns)
        level_db = frames_db.mean(axis=1)
        deviation = (frames_db - level_db[:, None] - site.usual_db) / site.spread_db
        levels = (np.quantile(level_db, _QUANTILES) - site.level_db) / site.level_spread_db
        mean = deviation.mean(axis=0)
        spread = float(mean.std())
        fourth = float(np.mean((mean - mean.mean()) ** 4)) / max(spread, 1e-6) ** 4
        found = POWER_WINDOWS.of(deviation, len(deviation))
        return [*found, *levels.tolist(), spread, float(mean.max()), fourth]

    def snapshot(self) -> Any:
        """Return a copy of what is known of the site."""
        return replace(self._site, learnt=list(self._site.learnt))

    def restore(self, state: Any) -> None:
        """Go on from it."""
        self._site = deepcopy(state)


def _learn(site: _Site) -> None:
    frames_db = np.concatenate(site.learnt)
    level_db = frames_db.mean(axis=1)
    shape_db = frames_db - level_db[:, None]
    site.usual_db = np.median(shape_db, axis=0)
    apart_db = np.median(np.abs(shape_db - site.usual_db), axis=0)
    site.spread_db = np.maximum(1.4826 * apart_db, _LEAST_SPREAD_DB)
    site.level_db = float(np.median(level_db))
    site.level_spread_db = max(float(level_db.std()), _LEAST_SPREAD_DB)
    site.learnt = []
