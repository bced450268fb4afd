"""A band without a cell: its rhythm is learnt, kept over a restart, and what is new is scored."""

import logging
import time
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edgespec.aside import Jobs
from edgespec.band_rhythm import BandRhythm, RhythmState
from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic
from edgespec.detect.any_band.detector import MANY_BURSTS, THRESHOLD, AnyBand, Rhythm
from edgespec.detect.reference import EnergyLevel
from edgespec.dsp.stream import is_near_range
from edgespec.grid import Grid
from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept_band import KeptBand, load_kept_band, save_kept_band
from edgespec.records import Event, FloatArray, Geometry, Score
from edgespec.reference import Reference

__all__ = ["WatchedBand", "rhythm_of"]

_LOG = logging.getLogger(__name__)
_MOST_WAITING, _CLOSE_S = 2, 5.0
#: Not heard in a band of bursts.
_ALARMED_BY_BURSTS = frozenset({EnergyLevel.name})


class WatchedBand:
    """Watches a band while no cell is in it, from where an earlier run left off if there was one.

    What was learnt is written once, by a thread of its own, and stays as it is: who comes slowly,
    over restarts, does not become normal. It is not written where the warm-up of the band is not
    trusted, and begins anew then: somebody came while both learnt.

    Args:
        geometry: of the segments.
        range_hz: of the band.
        rhythm_s: signal that is learnt from at least, and where bursts are rare at most.
        delay_hops: within which an alarm opens.
        file: where it is kept; None: nowhere.
        computing: how it is computed.
        is_trusted: whether the warm-up was normal.
        utc_ns: the clock.
        hop_samples: of a hop; 0: there are none to be heard.
    """

    def __init__(
        self,
        geometry: Geometry,
        range_hz: tuple[float, float],
        rhythm_s: tuple[float, float],
        delay_hops: int,
        file: LevelFile | None = None,
        computing: Computing = Computing.PLAIN,
        is_trusted: Callable[[], bool] = lambda: True,
        utc_ns: Callable[[], int] = time.time_ns,
        hop_samples: int = 0,
    ) -> None:
        self._hop_s = geometry.hop_s
        least, most = (round(seconds / self._hop_s) for seconds in rhythm_s)
        self._detector = AnyBand(
            geometry, Rhythm(least, most), delay_hops, open_arithmetic(computing), hop_samples
        )
        self._file, self._range_hz = file, range_hz
        self._is_trusted, self._utc_ns = is_trusted, utc_ns
        self._was_trusted = True
        self._is_watching = self._is_kept = self._is_silent = False
        self._jobs = Jobs("rhythm", "the rhythm of the band is not kept", _MOST_WAITING)
        if file is not None:
            self._load(file)

    def heard(self, threshold: float) -> BandRhythm | None:
        """Return what is known, and what a threshold makes of it; None beside a cell."""
        if not self._is_watching:
            return None
        one = self._detector
        if not one.is_settled:
            left_s = one.n_hops_left * self._hop_s
            return BandRhythm(
                RhythmState.CALIBRATING,
                one.n_learnt * self._hop_s,
                left_s=left_s,
                n_bursts=one.n_bursts,
                wanted_bursts=MANY_BURSTS if one.n_bursts else 0,
            )
        return _known_rhythm(one, self._hop_s, threshold)

    def hear(self, samples: NDArray[np.generic]) -> None:
        """Take the samples of a block, complex64 ``(n,)`` or integers ``(n, 2)``."""
        if self._is_watching:
            self._detector.hear(samples)

    def take(self, target_dbfs: FloatArray, *, has_cell: bool, is_alarm: bool) -> Score | None:
        """Return the score of a horizon; None while the rhythm is learnt, and beside a cell.

        Args:
            target_dbfs: ``(n_horizon, n_bins)``.
            has_cell: a cell is followed, or still looked for: its traffic has no rhythm to learn.
            is_alarm: an event goes on, of which nothing is learnt.
        """
        self._is_watching = not (has_cell or self._is_silent)
        if not self._is_watching:
            return None
        one = self._detector
        was_settled = one.is_settled
        if self._was_trusted and not self._is_trusted():
            self._was_trusted = False
            if not self._is_kept:
                one.reset()
        found = one.take(target_dbfs, is_alarm=is_alarm)
        if one.is_settled and not was_settled:
            self._save()
        return found

    def heard_beside(
        self, scores: tuple[Score, ...], limits: tuple[float, ...]
    ) -> tuple[tuple[Score, ...], tuple[float, ...]]:
        """Return the scores that count, and their thresholds.

        In a band of bursts without a cell, detectors that know a level alone are not heard: every
        burst that is rarer than a warm-up is long is news to them. Where nobody else would watch,
        they are.
        """
        if not (self._is_watching and self._detector.is_bursty):
            return scores, limits
        heard = [at for at, one in enumerate(scores) if one.detector not in _ALARMED_BY_BURSTS]
        if not heard:
            return scores, limits
        return tuple([scores[at] for at in heard]), tuple([limits[at] for at in heard])

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is known."""
        self._detector.follow(step_db)

    def reference(self) -> Reference:
        """Return what was learnt; empty while it is."""
        return self._detector.reference()

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one had learnt; say nothing where that was still calibrating.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape.
        """
        self._is_silent = not reference
        if reference:
            self._detector.take_reference(reference)

    def forget(self) -> None:
        """Learn the rhythm anew, and keep that in place of what was kept."""
        self._detector.reset()
        self._was_trusted, self._is_kept, self._is_silent = True, False, False
        if self._file is not None:
            # Behind what is still being written.
            self._jobs.add(partial(self._file.path.unlink, missing_ok=True))

    def finish(self) -> list[Event]:
        """Wait for what is being written; no event of its own is open."""
        self._jobs.close(_CLOSE_S)
        return []

    def retune(self, grid: Grid) -> list[Event]:
        """Forget the band; not where it is the same, whose other detectors are to learn anew."""
        if not is_near_range(self._range_hz, grid.range_hz):
            self._range_hz, self._file = grid.range_hz, None
            self._detector.reset()
            self._is_kept = False
        return []

    def _load(self, file: LevelFile) -> None:
        kept = load_kept_band(file.path)
        if kept is None or not kept.is_of(file):
            return
        try:
            self._detector.take_reference(kept.reference)
        except (LookupError, ValueError) as error:
            self._detector.reset()
            _LOG.warning("%s is of another band (%.100s): it is not used", file.path, error)
            return
        self._is_kept = True

    def _save(self) -> None:
        file = self._file
        if file is None or not self._is_trusted():
            return
        reference = {name: np.asarray(values) for name, values in self.reference().items()}
        kept = KeptBand(self._utc_ns(), file.source, file.gain_db, file.range_hz, reference)
        self._jobs.add(partial(save_kept_band, file.path, kept))


def rhythm_of(kept: KeptBand, geometry: Geometry, threshold: float = THRESHOLD) -> BandRhythm:
    """Return what is known of a band by what was kept, and what a threshold makes of it.

    Raises:
        LookupError: something is missing.
        ValueError: it is of another geometry.
    """
    one = AnyBand(geometry, Rhythm(0, 0))
    one.take_reference(kept.reference)
    return _known_rhythm(one, geometry.hop_s, threshold)


def _known_rhythm(one: AnyBand, hop_s: float, threshold: float) -> BandRhythm:
    """Return what a detector that is settled knows of its band."""
    return BandRhythm(
        RhythmState.WATCHING,
        one.n_learnt * hop_s,
        n_bursts=one.n_bursts,
        loud_db=one.margin_db("peak", threshold),
        fill_db=one.margin_db("fill", threshold),
    )
