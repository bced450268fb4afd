"""The twin of one site: reports in, one verdict for every snapshot out."""

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.records import RssReport
from edgespec.twin.advice import advice_for, kind_of
from edgespec.twin.collector import Collector, ReportRefused, Snapshot, history_of
from edgespec.twin.detectors.detectors import needs_samples
from edgespec.twin.detectors.grid_kernels import LOWER_BOUND, MEASURED, MISSING
from edgespec.twin.detectors.window import Window
from edgespec.twin.expected import Expectation
from edgespec.twin.fusion import Fused, Fusion, make_detectors, window_lengths
from edgespec.twin.gain_watch import GainWatch
from edgespec.twin.learning.averaging import Averager
from edgespec.twin.learning.bias import BoundedBias
from edgespec.twin.learning.history import History, total_db
from edgespec.twin.learning.plausible import implausible_biases
from edgespec.twin.localise import Localiser, Source
from edgespec.twin.plausibility.transmitters import Silence
from edgespec.twin.plausibility.units import Trust
from edgespec.twin.propagation.models import fixer_of, path_gain, walk_zero_dbm
from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site
from edgespec.twin.state import TwinState
from edgespec.twin.trained import TrainedTwin, train_history
from edgespec.wire.transmitters import Transmitter
from edgespec.wire.verdict import TwinStatus, TwinVerdict

__all__ = ["ReportRefused", "SiteTwin"]

#: Why a unit in whose name two speak is not believed.
TWO_VOICES = (
    "two voices: reports in its name contradict each other, so somebody forges them or two "
    "observers have its node id"
)

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


class SiteTwin:
    """Fuses the reports of one site; pure: time comes as arguments, in ns since 1970.

    Without ``trained`` and without what a former owner learnt (``state``), the first
    ``detect.learn_snapshots`` snapshots are learnt from and no alarm is raised.

    Args:
        site: of :func:`load_site`.
        state: what a former owner learnt; its drift is taken on beside ``trained``, too.
        trained: of ``edgespec twin train``.
        gain: model of propagation; that of the site unless given.

    Raises:
        ConfigError: state or training of another site, other units or another detector, or a
            detector that needs normal samples and has none.
    """

    def __init__(
        self,
        site: Site,
        state: TwinState | None = None,
        trained: TrainedTwin | None = None,
        gain: PathGain | None = None,
    ) -> None:
        shape = (len(site.unit), site.n_subbands)
        self.site = site
        self.expectation = Expectation(site, gain := gain or path_gain(site))
        self.localiser = Localiser(site, gain.grid(), fixer_of(site, gain))
        self._gains: GainWatch | None = None
        if site.propagation.learn_gains:
            self._gains = GainWatch(site, self.localiser, walk_zero_dbm(gain))
        self._edges_hz = site.edges_hz
        self._collector = Collector(site)
        self._lengths = window_lengths(site.detect.averages)
        self._averager = Averager(self._lengths[-1], *shape)
        self._bias = BoundedBias(site.detect, shape[0])
        self._trust = Trust(site.detect, np.ones(shape[0]), shape[1])
        self._silence = Silence()
        self._noise_dbm = float(10.0 * np.log10(self.expectation.noise_mw))
        self._transmitters_ns = 0
        self._last_ns = 0
        self._learning_notes: tuple[str, ...] = ()
        self._pending: list[tuple[Snapshot, FloatArray, BoolArray]] = []
        self._trained: TrainedTwin | None = None
        self._fusion: Fusion | None = None
        self._take_on(state, trained)

    @property
    def counts(self) -> "Counter[str]":
        """What happened so far: ``accepted``, reasons of refusal, and what else is counted."""
        return self._collector.counts

    @property
    def transmitters(self) -> tuple[Transmitter, ...]:
        """The transmitters that are on the air, as far as the twin knows."""
        return self.expectation.transmitters

    def set_transmitters(self, transmitters: tuple[Transmitter, ...], utc_ns: int) -> None:
        """Replace all transmitters; news older than the last is left out and counted."""
        if utc_ns < self._transmitters_ns:
            self.counts["stale_transmitters"] += 1
            return
        self._transmitters_ns = utc_ns
        self.expectation.set(transmitters)

    def accept(self, report: RssReport, now_ns: int, at_ns: int | None = None) -> int:
        """Take a report and return the number of its snapshot; it counts as ``accepted``.

        ``at_ns`` is the time by which snapshots are closed, where that lies behind.

        Raises:
            ReportRefused: and why; the reason is counted, and nothing else happens.
        """
        return self._collector.accept(report, now_ns, at_ns)

    def advance(self, now_ns: int) -> list[TwinVerdict]:
        """Return a verdict for each snapshot that closed: oldest first, usually none or one.

        A snapshot closes when all units reported or its grace is over.
        """
        return [self._judge(snapshot) for snapshot in self._collector.closed(now_ns)]

    def state(self) -> TwinState:
        """Return what was learnt, to hand over."""
        return TwinState(
            self.site.name,
            self.site.nodes,
            self._last_ns,
            self._bias.drift_db.copy(),
            self._trained,
            self._gains.saved() if self._gains else None,
            self._collector.told(self._last_ns),
        )

    def _take_on(self, state: TwinState | None, trained: TrainedTwin | None) -> None:
        """Begin with what is known already."""
        if state is not None:
            self._check_state(state)
            self._collector.take_on(state.held)
        given = trained
        if given is None and state is not None and not needs_samples(self.site.detect.detector):
            given = state.trained
        if given is None:
            return
        mismatch = given.mismatch(self.site)
        if mismatch:
            raise ConfigError(f"what was learnt does not fit the site file: {mismatch}")
        if trained is None and (why := self._disbelief(given)):
            raise ConfigError(why)
        self._watch(given)
        if state is not None:
            self._bias.take_on(state.drift_db)
            if self._gains and state.gains:
                self._gains.take_on(state.gains)
            self._last_ns = state.utc_ns

    def _check_state(self, state: TwinState) -> None:
        """Refuse what a former owner knew of another site."""
        if (state.site, state.nodes) != (self.site.name, self.site.nodes):
            raise ConfigError(
                f"the state is of site {state.site!r} with units {' '.join(state.nodes)}; it does "
                f"not belong to {self.site.name!r} with {' '.join(self.site.nodes)}"
            )
        n_subbands = self.site.n_subbands
        if any(one is not None and len(one.levels_db) != n_subbands for one in state.held):
            raise ConfigError(
                f"levels that hold have not the {n_subbands} subbands of the site file"
            )

    def _watch(self, trained: TrainedTwin) -> None:
        """Go from learning to watching."""
        self._trained = trained
        detectors = make_detectors(
            self.site, self.localiser.grid, len(self._lengths), trained.samples_db
        )
        self._fusion = Fusion(self.site, detectors, trained.limits)
        self._trust = Trust(self.site.detect, trained.repeat_share, self.site.n_subbands)

    def _judge(self, snapshot: Snapshot) -> TwinVerdict:
        """Return the verdict on one snapshot, and learn from it."""
        most_s = 60.0 + self.site.detect.interval_s
        # A former owner's clock may have been ahead.
        elapsed_s = min(max((snapshot.utc_ns - self._last_ns) / 1e9, 0.0), most_s)
        self._last_ns = snapshot.utc_ns
        expected_dbm, is_occupied = self.expectation.level_dbm, self.expectation.is_occupied
        if self._trained is None or self._fusion is None:
            return self._learn(snapshot, expected_dbm, is_occupied)
        residual_db = self._residual(snapshot, expected_dbm, is_occupied)
        silent = self._silence.update(self.expectation, residual_db, snapshot.kind)
        if silent:
            expected_dbm, is_occupied = self.expectation.without(silent)
            residual_db = self._residual(snapshot, expected_dbm, is_occupied)
        window = Window(
            residual_db,
            self._trained.normal.scale_for(0, is_occupied),
            expected_dbm,
            total_db(snapshot.level_db) - total_db(expected_dbm),
            snapshot.kind,
            self._trained.normal.doublings[0],
        )
        base = self._verdict(snapshot, expected_dbm, residual_db, silent)
        doubted = self._trust.reasons | self.localiser.contradicted
        trusted = window.without((*doubted, *self._collector.doubtful))
        if trusted.is_heard.sum() < self.site.detect.min_units:
            self._averager.push(trusted)
            self._trust.update(snapshot.level_db, window, is_occupied, False, snapshot.is_held)
            return base
        fused, judged = self._fused(trusted, is_occupied)
        self._trust.update(snapshot.level_db, window, is_occupied, fused.is_alarm, snapshot.is_held)
        if not fused.is_alarm:
            self._bias.follow(residual_db, trusted.kind, elapsed_s)
        self._learn_gains(snapshot, trusted.kind == MEASURED, fused.is_alarm, bool(silent))
        return self._finished(base, fused, judged, is_occupied)

    def _learn_gains(
        self, snapshot: Snapshot, is_believed: BoolArray, is_alarm: bool, is_silent: bool
    ) -> None:
        """Let what transmitters tell of gains be learnt, where the site file wants that."""
        if self._gains is None:
            return
        if is_alarm:
            self._gains.freeze(snapshot.utc_ns)
        elif not is_silent:
            assert self._trained is not None
            noise_db = self._trained.normal.bias_db[0].mean(axis=1) + self._bias.drift_db
            level_db = snapshot.level_db
            self._gains.see(snapshot.utc_ns, level_db, is_believed, self.expectation, noise_db)

    def _residual(
        self, snapshot: Snapshot, expected_dbm: FloatArray, is_occupied: BoolArray
    ) -> FloatArray:
        """Return measured - expected - bias."""
        return snapshot.level_db - expected_dbm - self._bias_db(is_occupied)

    def _bias_db(self, is_occupied: BoolArray) -> FloatArray:
        """Return what each unit reads too much: learnt, and drifted since."""
        assert self._trained is not None
        return self._trained.normal.bias_for(is_occupied) + self._bias.drift_db[:, None]

    def _fused(self, latest: Window, is_occupied: BoolArray) -> tuple[Fused, Window]:
        """Return what the latest snapshot says, or the mean over the last, and that window.

        What is loud enough alone is no part of the means: they end with it.
        """
        assert self._trained is not None
        assert self._fusion is not None
        short = self._fusion.fuse(0, latest)
        if len(self._lengths) == 1 or short.is_alarm:
            return short, latest
        self._averager.push(latest)
        normal = self._trained.normal
        mean = self._averager.mean(normal.scale_for(1, is_occupied), normal.doublings[1])
        if not mean.is_heard.any():
            return short, latest
        long = self._fusion.fuse(1, mean)
        fused = short.or_more(long)
        return fused, mean if fused is long else latest

    def _learn(
        self, snapshot: Snapshot, expected_dbm: FloatArray, is_occupied: BoolArray
    ) -> TwinVerdict:
        """Keep a snapshot; when there are enough, learn from all."""
        n_heard = int((snapshot.kind != MISSING).sum())
        residual_db = snapshot.level_db - expected_dbm
        verdict = self._verdict(snapshot, expected_dbm, residual_db, ())
        if n_heard < self.site.detect.min_units:
            return verdict
        if self._collector.doubtful:
            # Nothing is learnt from what may be forged.
            n_left = self.site.detect.learn_snapshots - len(self._pending)
            return replace(verdict, status=TwinStatus.LEARNING, n_to_learn=n_left)
        self._pending.append((snapshot, expected_dbm, is_occupied))
        if len(self._pending) >= self.site.detect.learn_snapshots:
            history = history_of(self._pending)
            self._pending.clear()
            if self._learnt(history):
                return replace(verdict, status=TwinStatus.LEARNING)
        n_left = self.site.detect.learn_snapshots - len(self._pending)
        return replace(
            verdict, status=TwinStatus.LEARNING, n_to_learn=n_left, notes=self._learning_notes
        )

    def _learnt(self, history: History) -> bool:
        """Whether a history can be learnt from; if so it watches from now on."""
        why = ""
        try:
            learnt = train_history(self.site, self.localiser.grid, history)
            why = self._disbelief(learnt)
        except ConfigError as error:
            why = str(error)
        if why:
            self.counts["learning_refused"] += 1
            self._learning_notes = (f"learning begins anew: {why}",)
            return False
        self._learning_notes = ()
        self._watch(learnt)
        return True

    def _disbelief(self, learnt: TrainedTwin) -> str:
        """Return why what was learnt by itself is not believed; empty if it is."""
        site = self.site
        is_calibrated = site.level_unit == "dBm"
        most_db = site.detect.max_bias_db
        return implausible_biases(learnt.normal.bias_db, site.nodes, is_calibrated, most_db)

    def _verdict(
        self,
        snapshot: Snapshot,
        expected_dbm: FloatArray,
        residual_db: FloatArray,
        silent: tuple[int, ...],
    ) -> TwinVerdict:
        """Return a verdict without a score: too few units."""
        nodes, kind = self.site.nodes, snapshot.kind
        doubted = self._trust.reasons | self.localiser.contradicted
        reasons = {nodes[unit]: reason for unit, reason in doubted.items()}
        reasons |= {nodes[unit]: TWO_VOICES for unit in self._collector.doubtful}
        return TwinVerdict(
            site=self.site.name,
            band=self.site.band,
            utc_ns=snapshot.utc_ns,
            snapshot=snapshot.index,
            status=TwinStatus.TOO_FEW_UNITS,
            detector=self.site.detect.detector,
            score=np.nan,
            threshold=np.nan,
            is_alarm=False,
            n_averages=1,
            n_units=sum(
                k != MISSING and node not in reasons for node, k in zip(nodes, kind, strict=True)
            ),
            nodes=nodes,
            level_db=snapshot.level_db,
            expected_dbm=expected_dbm,
            residual_db=residual_db,
            edges_hz=self._edges_hz,
            units_missing=tuple(nodes[u] for u in np.flatnonzero(kind == MISSING)),
            units_saturated=tuple(nodes[u] for u in np.flatnonzero(kind == LOWER_BOUND)),
            implausible=reasons,
            transmitters_silent=tuple(self.transmitters[index].id for index in silent),
            notes=self._gains.notes if self._gains else (),
        )

    def _finished(
        self, base: TwinVerdict, fused: Fused, window: Window, is_occupied: BoolArray
    ) -> TwinVerdict:
        """Return the verdict with its score, and on an alarm with the source."""
        scored = replace(
            base,
            status=TwinStatus.WATCHING,
            score=fused.score,
            threshold=fused.threshold,
            is_alarm=fused.is_alarm,
            n_averages=self._lengths[fused.window],
        )
        if not fused.is_alarm:
            return scored
        source = self.localiser.locate(window, self.expectation, self._bias_db(is_occupied))
        kind = kind_of(window, source, self._noise_dbm)
        low_hz, high_hz = self._edges(source)
        name = "" if source.moved is None else self.transmitters[source.moved].id
        return replace(
            scored,
            source=source.position,
            power_dbm=source.power_dbm,
            freq_lower_hz=low_hz,
            freq_upper_hz=high_hz,
            kind=kind,
            advice=advice_for(kind, source.position, low_hz, high_hz, name),
        )

    def _edges(self, source: Source) -> tuple[float, float]:
        """Return the lowest and the highest edge of the subbands that a source hits."""
        hit = np.flatnonzero(source.is_hit)
        return self._edges_hz[int(hit[0])], self._edges_hz[int(hit[-1]) + 1]
