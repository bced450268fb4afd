"""Gains of units, learnt beside the verdicts on a site from the transmitters it knows."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.expected import Expectation
from edgespec.twin.learning.gains import GainLimits, LearntGains
from edgespec.twin.learning.saved_gains import SavedGains
from edgespec.twin.localise import Localiser
from edgespec.twin.plausibility.transmitters import dominated
from edgespec.twin.site import Site

__all__ = ["GainWatch"]

FloatArray = NDArray[np.float64]

_NS = 1_000_000_000
#: How often it is looked where transmitters are, and after how much quiet time what they tell is
#: believed: to work that out takes a quarter of a second of a core.
_LOOK_NS, _LEARN_NS = 10 * _NS, 1800 * _NS

#: What raised an alarm is not over at once.
_FROZEN_NS = 60 * _NS

#: Nothing nearer to the site file than this is told, in dB; and of so many units at most.
_TOLD_DB, _MOST_TOLD = 1.0, 3


class GainWatch:
    """Looks now and then how units hear the transmitters, and lets the localiser believe it.

    Nothing is heard beside an alarm nor for a minute after it, of units that are not believed, nor
    while a transmitter is silent.

    Args:
        site: of the units.
        localiser: that is told what to believe.
        walk_zero_dbm: with the map of a walk, what levels in the site file's dBm are above what
            units read, ``(n_units,)``; otherwise None.
    """

    def __init__(
        self, site: Site, localiser: Localiser, walk_zero_dbm: FloatArray | None = None
    ) -> None:
        self._nodes = site.nodes
        self._usual_db = site.propagation.gain_error_db
        self._localiser = localiser
        self._walk_zero_dbm = walk_zero_dbm
        limits = GainLimits(site.detect.max_bias_db, site.detect.bias_db_per_hour)
        self._gains = LearntGains(localiser.grid, self._usual_db, limits, walk_zero_dbm is None)
        self._step_ns = max(_LOOK_NS, round(site.detect.interval_s * _NS))
        self._look_ns = 0
        self._last_ns = 0
        self._quiet_ns = 0
        self.notes: tuple[str, ...] = ()

    def saved(self) -> SavedGains:
        """Return what a successor goes on with."""
        return self._gains.saved()

    def take_on(self, saved: SavedGains) -> None:
        """Go on from what a former owner learnt, where it had the same path gains."""
        self._gains.take_on(saved)
        self._believe()

    def freeze(self, utc_ns: int) -> None:
        """Hear nothing for a minute: there is an alarm."""
        self._look_ns = utc_ns + _FROZEN_NS
        self._last_ns = 0

    def see(
        self,
        utc_ns: int,
        level_db: FloatArray,
        is_believed: NDArray[np.bool_],
        expectation: Expectation,
        noise_bias_db: FloatArray,
    ) -> None:
        """Take a normal snapshot, if it is time for one.

        Args:
            utc_ns: of the snapshot.
            level_db: float64 ``(n_units, n_subbands)`` as reported.
            is_believed: bool ``(n_units,)``: units that measured, and are not doubted.
            expectation: of the transmitters, none of which is silent.
            noise_bias_db: float64 ``(n_units,)``: what each reads too much of noise.
        """
        if utc_ns < self._look_ns:
            return
        self._look_ns = utc_ns + _LOOK_NS
        zero_db = noise_bias_db if self._walk_zero_dbm is None else -self._walk_zero_dbm
        more_db = level_db - expectation.level_dbm - zero_db[:, None]
        is_clear = dominated(expectation) & is_believed[:, None]
        n_clear = is_clear.sum(axis=2)
        summed_db = np.where(is_clear, more_db, 0.0).sum(axis=2)
        off_db = np.where(n_clear > 0, summed_db / np.maximum(n_clear, 1), np.nan)
        for one, row in zip(expectation.transmitters, off_db, strict=True):
            self._gains.hear(one.x_m, one.y_m, row)
        self._learn(utc_ns)

    def _learn(self, utc_ns: int) -> None:
        """Count quiet time, and believe what was told when there is enough of it."""
        if self._last_ns:
            # A clock may jump, and nobody learns while nothing is heard.
            self._quiet_ns += min(max(utc_ns - self._last_ns, 0), 2 * self._step_ns)
        self._last_ns = utc_ns
        if self._quiet_ns >= _LEARN_NS:
            self._gains.follow(self._quiet_ns / _NS)
            self._quiet_ns = 0
            self._believe()

    def _believe(self) -> None:
        gains = self._gains
        self._localiser.believe(gains.unit_db, gains.gain_error_db)
        told = []
        if abs(gains.gain_error_db - self._usual_db) >= _TOLD_DB:
            told.append(
                f"a path gain is off by {gains.gain_error_db:.0f} dB (the site file says "
                f"{self._usual_db:g})"
            )
        worst = np.argsort(-np.abs(gains.unit_db))
        off = [unit for unit in worst if abs(gains.unit_db[unit]) >= _TOLD_DB]
        for unit in off[:_MOST_TOLD]:
            which = "more" if gains.unit_db[unit] > 0 else "less"
            told.append(f"{self._nodes[unit]} hears {abs(gains.unit_db[unit]):.0f} dB {which}")
        if len(off) > _MOST_TOLD:
            told.append(f"{len(off) - _MOST_TOLD} more units hear more or less")
        self.notes = (f"learnt from transmitters: {', '.join(told)}",) if told else ()
