"""Hours of a site for what watches it: one look a second, at levels that a test says."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.slow.watch import SiteWatch, SlowRules
from edgespec.grid import Grid
from edgespec.records import BandInfo, Decision, Event, Geometry

N_BINS, LOOK_S = 32, 1.0
GEOMETRY = Geometry(N_BINS, LOOK_S, n_context=1, n_horizon=1, hop_frames=1)
TICK_HZ = 1000.0
_NS = 1_000_000_000
Levels = NDArray[np.float64]


def grid_at(center_hz: float = 0.0) -> Grid:
    freqs_hz = center_hz + 1000.0 * np.arange(N_BINS)
    return Grid(freqs_hz, 1000.0, round(LOOK_S * TICK_HZ), TICK_HZ)


class Site:
    """A site whose bins lie at -100 dBFS, four of them 20 dB above the others, with some noise."""

    def __init__(self, rng: np.random.Generator, noise_db: float = 0.3, **options: object) -> None:
        self.info = BandInfo("b", grid_at())
        rules = options.pop("rules", SlowRules())
        self.watch = SiteWatch(self.info, GEOMETRY, rules, lambda: 0, **options)  # type: ignore[arg-type]
        self._rng, self._noise_db = rng, noise_db
        self.usual_dbfs = np.full(N_BINS, -100.0)
        self.usual_dbfs[20:24] = -80.0
        self.second = 0
        self.utc_ns = 0

    def hear(
        self,
        minutes: float,
        more_db: Callable[[float], Levels | float] = lambda minute: 0.0,
        *,
        is_alarm: bool = False,
        look: Callable[..., list[Event]] | None = None,
    ) -> list[Event]:
        """Return what is said in some minutes; ``more_db`` is what is added at each of them."""
        said: list[Event] = []
        for second in range(round(60 * minutes)):
            noise_db = self._noise_db * self._rng.standard_normal(N_BINS)
            row = self.usual_dbfs + noise_db + more_db(second / 60.0)
            tick = round(self.second * TICK_HZ)
            now_ns = self.utc_ns + self.second * _NS
            decision = Decision((), (), tick, round(TICK_HZ), now_ns, 0)
            target = row.astype(np.float32)[None]
            said += (look or self.watch.look)(decision, target, is_alarm=is_alarm)
            self.second += 1
        return said


def in_bins(lower: int, upper: int, level_db: float) -> Levels:
    """Return what is added in some bins, both included."""
    more_db = np.zeros(N_BINS)
    more_db[lower : upper + 1] = level_db
    return more_db
