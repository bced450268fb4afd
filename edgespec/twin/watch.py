"""One site watched by what was learnt of it: a snapshot in, what it says out."""

from collections.abc import Collection
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.advice import kind_of
from edgespec.twin.collector import Snapshot
from edgespec.twin.detectors.window import Window
from edgespec.twin.expected import Expectation
from edgespec.twin.fusion import Fused, Fusion, make_detectors, window_lengths
from edgespec.twin.gain_watch import GainWatch
from edgespec.twin.learning.averaging import Averager
from edgespec.twin.learning.bias import BoundedBias
from edgespec.twin.level_kind import MEASURED
from edgespec.twin.localise import Localiser, Source
from edgespec.twin.plausibility.transmitters import Silence
from edgespec.twin.plausibility.units import Trust
from edgespec.twin.residuals import Residuals
from edgespec.twin.site import Site
from edgespec.twin.trained import TrainedTwin

__all__ = ["Judged", "Watch"]

FloatArray = NDArray[np.float64]


class Judged(NamedTuple):
    """What a snapshot says.

    ``window`` has the residuals of all units; ``distrusted`` says of units that are not believed
    why, by index; ``silent`` are indices of transmitters that are not heard. ``fused`` is None
    where too few units are believed, ``source`` and ``kind`` belong to an alarm.
    """

    window: Window
    distrusted: dict[int, str]
    silent: tuple[int, ...]
    fused: Fused | None
    source: Source | None
    kind: str


class Watch:
    """Judges the snapshots of a site, and follows what changes slowly.

    Args:
        site: the site.
        trained: what was learnt of it.
        expectation: what its units should hear.
        localiser: finds a source.
        gains: learns gains of units from transmitters, where the site file wants that.
    """

    def __init__(
        self,
        site: Site,
        trained: TrainedTwin,
        expectation: Expectation,
        localiser: Localiser,
        gains: GainWatch | None,
    ) -> None:
        self.trained = trained
        self.bias = BoundedBias(site.detect, len(site.unit))
        self._site = site
        self._expectation = expectation
        self._localiser = localiser
        self._gains = gains
        self._noise_dbm = float(10.0 * np.log10(expectation.noise_mw))
        lengths = window_lengths(site.detect.averages)
        detectors = make_detectors(site, localiser.grid, len(lengths), trained.samples_db)
        self._fusion = Fusion(site, detectors, trained.limits)
        self._has_means = len(lengths) > 1
        self._averager = Averager(lengths[-1], len(site.unit), site.n_subbands)
        self._trust = Trust(site.detect, trained.repeat_share, site.n_subbands)
        self._silence = Silence()
        self._residuals = Residuals(trained.normal, expectation.level_dbm, expectation.is_occupied)

    def judge(self, snapshot: Snapshot, doubtful: Collection[int], elapsed_s: float) -> Judged:
        """Return what a snapshot says, and learn from it.

        Args:
            snapshot: of the site.
            doubtful: units that are not to be believed, besides those that are distrusted here.
            elapsed_s: time since the one before.
        """
        window, silent = self._compared(snapshot)
        distrusted = self._trust.reasons | self._localiser.contradicted
        trusted = window.without((*distrusted, *doubtful))
        fused, judged = None, trusted
        if trusted.n_heard < self._site.detect.min_units:
            self._averager.push(trusted)
        else:
            fused, judged = self._fused(trusted)
        is_alarm = fused is not None and fused.is_alarm
        occupied = self._residuals.is_occupied
        self._trust.update(snapshot.level_db, window, occupied, is_alarm, snapshot.is_held)
        if not is_alarm or fused is None:
            if fused is not None:
                self.bias.follow(window.residual_db, trusted.kind, elapsed_s)
                self._learn_gains(snapshot, trusted, bool(silent))
            return Judged(window, distrusted, silent, fused, None, "")
        if self._gains is not None:
            self._gains.freeze(snapshot.utc_ns)
        bias_db = self._residuals.bias_db(self.bias.drift_db)
        source = self._localiser.locate(judged, self._expectation, bias_db)
        kind = kind_of(judged, source, self._noise_dbm)
        return Judged(window, distrusted, silent, fused, source, kind)

    def _compared(self, snapshot: Snapshot) -> tuple[Window, tuple[int, ...]]:
        """Return a snapshot's residuals, and which transmitters are silent and not expected."""
        expectation, residuals, drift_db = self._expectation, self._residuals, self.bias.drift_db
        if residuals.expected_dbm is not expectation.level_dbm:
            residuals.expect(expectation.level_dbm, expectation.is_occupied)
        window = residuals.window(snapshot, drift_db)
        if not self._silence.is_possible(residuals.lowest_db):
            return window, ()
        silent = self._silence.update(expectation, window.residual_db, snapshot.kind)
        if silent:
            residuals.expect(*expectation.without(silent))
            window = residuals.window(snapshot, drift_db)
        return window, silent

    def _fused(self, latest: Window) -> tuple[Fused, Window]:
        """Return what the latest snapshot says, or the mean over the last, and that window.

        What is loud enough alone is no part of the means: they end with it.
        """
        short = self._fusion.fuse(0, latest)
        if not self._has_means or short.is_alarm:
            return short, latest
        self._averager.push(latest)
        mean = self._averager.mean(self._residuals.scales_db[1], self.trained.normal.doublings[1])
        if mean is None:
            return short, latest
        long = self._fusion.fuse(1, mean)
        fused = short.or_more(long)
        return fused, mean if fused is long else latest

    def _learn_gains(self, snapshot: Snapshot, trusted: Window, is_silent: bool) -> None:
        """Let what transmitters tell of gains be learnt, where the site file wants that."""
        if self._gains is None or is_silent:
            return
        noise_db = self.trained.normal.bias_db[0].mean(axis=1) + self.bias.drift_db
        is_believed = trusted.kind == MEASURED
        level_db, expectation = snapshot.level_db, self._expectation
        self._gains.see(snapshot.utc_ns, level_db, is_believed, expectation, noise_db)
