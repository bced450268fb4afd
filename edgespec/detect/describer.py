"""Describes and names the events of a band: what is costly, only while one opens or goes on."""

from collections import deque
from typing import Protocol

import numpy as np

from edgespec.detect.description import N_HORIZONS, Look, features_of
from edgespec.detect.naming import NOT_YET, Namer, Naming, shipped_namer
from edgespec.detect.regions import Region
from edgespec.detect.track import Track
from edgespec.kinds import SIGNAL_LOST, UNKNOWN
from edgespec.records import Decision, FloatArray

__all__ = ["Describer", "Samples"]

#: dBFS times this is a natural exponent; levels lie between these.
_FROM_DB = np.float32(np.log(10.0) / 10.0)
_FLOOR_DBFS, _CEILING_DBFS = -200.0, 200.0
#: A signal that was there stands so far above the floor, and above what is beside it.
OCCUPIED_DB, EDGE_DB = 10.0, 6.0


class Samples(Protocol):
    """The samples that the newest frames were made of, while they are kept."""

    def keep(self, first: int, n_back: int) -> None:
        """Keep samples from a tick on, for looks that reach so many back."""
        ...

    def let_go(self) -> None:
        """Keep none."""
        ...

    def look(self, tick_start: int, n_ticks: int) -> Look | None:
        """Return a look at some, None where not all of them are kept."""
        ...


class Describer:
    """Keeps the newest horizons with an alarm, and looks at samples now and then.

    The samples of an event are looked at when it opens and in its 4th, 6th, 10th, 18th, ... segment
    with an alarm: what a long one costs grows as the logarithm of its length. They are kept from
    the first alarm on.

    Args:
        samples: where to look; None: nowhere.
        namer: from features to names; None: that of the package.
    """

    def __init__(self, samples: Samples | None = None, namer: Namer | None = None) -> None:
        self._samples = samples
        self.namer = namer
        self._newest = (0, 0)
        self._kept: deque[tuple[int, FloatArray]] = deque(maxlen=N_HORIZONS)

    def forget(self) -> None:
        """Forget all horizons: nothing is going on."""
        if self._kept:
            self._kept.clear()
            if self._samples is not None:
                self._samples.let_go()

    def take(self, decision: Decision, target_dbfs: FloatArray) -> None:
        """Take a horizon with an alarm, ``(n_horizon, n_bins)``, and where it lies."""
        self._kept.append((decision.tick_start, target_dbfs.copy()))
        self._newest = (decision.tick_start, decision.n_ticks)
        if self._samples is not None:
            self._samples.keep(decision.tick_start + decision.n_ticks, decision.n_ticks)

    def look(self, track: Track, normal: FloatArray | None) -> None:
        """Look at the samples of the newest horizon, in which an event is, if it is its turn."""
        n_looks = track.description.n_looks
        is_due = not n_looks or track.n_alarms >= 2 + (1 << n_looks)
        if track.region.sign < 0 or not is_due or not track.recent[-1]:
            return
        newest = None if self._samples is None else self._samples.look(*self._newest)
        if newest is not None:
            track.description.add(newest, _usual(normal, newest.power), track.region)

    def first_name(self, track: Track) -> Naming:
        """Return what is known of an event without looking at it."""
        return Naming(SIGNAL_LOST) if track.region.sign < 0 else NOT_YET

    def features(self, track: Track, normal: FloatArray | None) -> FloatArray | None:
        """Return what an event is like; None where nothing was kept of it."""
        frames = self._frames(track)
        if frames is None:
            return None
        normal = _usual(normal, frames)
        mean = frames.mean(axis=0) if track.life is None else track.life.power
        return features_of(
            track.description,
            frames,
            mean,
            normal,
            track.region,
            is_broad=track.is_broad,
            roams=track.roams,
        )

    def name(self, track: Track, normal: FloatArray | None) -> Naming:
        """Return what an event is called by what is known of it now.

        Args:
            track: the event.
            normal: power of the bins on normal signal, linear; None where it is not known.
        """
        if track.region.sign < 0:
            return Naming(SIGNAL_LOST)
        features = self.features(track, normal)
        if features is None:
            return Naming(UNKNOWN, 1.0)
        namer = self.namer or shipped_namer()
        return namer.name(
            features,
            is_looked_at=track.description.n_looks > 0,
            was_a_signal=normal is not None and was_a_signal(track.region, normal),
        )

    def _frames(self, track: Track) -> FloatArray | None:
        """Return the linear power of the frames that are kept of an event, from its begin on."""
        first = track.first.tick_start
        frames = [
            rows[track.first_frame if tick == first else 0 :]
            for tick, rows in self._kept
            if tick >= first
        ]
        if not frames:
            return None
        dbfs = np.nan_to_num(np.concatenate(frames), nan=_FLOOR_DBFS, neginf=_FLOOR_DBFS)
        power: FloatArray = np.exp(np.clip(dbfs, _FLOOR_DBFS, _CEILING_DBFS) * _FROM_DB)
        return power


def _usual(normal: FloatArray | None, power: FloatArray) -> FloatArray:
    """Return what is normal: where that is not known, what the quieter bins have."""
    if normal is not None:
        return normal
    return np.full(power.shape[1], np.quantile(power, 0.25), np.float32)


def was_a_signal(region: Region, normal: FloatArray) -> bool:
    """Return whether a region is that of a signal which normally stands out of what is beside it.

    Args:
        region: where something is.
        normal: power of the bins on normal signal, linear.
    """
    normal_dbfs = 10.0 * np.log10(np.maximum(normal, 1e-20))
    inside_db = float(np.median(normal_dbfs[region.lower_bin : region.upper_bin + 1]))
    if inside_db < float(np.quantile(normal_dbfs, 0.1)) + OCCUPIED_DB:
        return False
    # Two bins beside: the first may hold a part of the edge.
    beside = (region.lower_bin - 2, region.upper_bin + 2)
    return all(
        normal_dbfs[bin_] <= inside_db - EDGE_DB for bin_ in beside if 0 <= bin_ < len(normal_dbfs)
    )
