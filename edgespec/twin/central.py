"""The twin of one site: reports in, one verdict for every snapshot out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.records import RssReport
from edgespec.twin.advice import advice_for
from edgespec.twin.collector import Collector, ReportRefused, Snapshot, history_of
from edgespec.twin.detectors.detectors import needs_samples
from edgespec.twin.expected import Expectation
from edgespec.twin.fusion import window_lengths
from edgespec.twin.gain_watch import GainWatch
from edgespec.twin.learning.history import History
from edgespec.twin.learning.plausible import implausible_biases
from edgespec.twin.level_kind import LOWER_BOUND, MISSING
from edgespec.twin.localise import Localiser, Source
from edgespec.twin.propagation.models import fixer_of, path_gain, walk_zero_dbm
from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site
from edgespec.twin.state import TwinState
from edgespec.twin.trained import TrainedTwin, train_history
from edgespec.twin.watch import Judged, Watch
from edgespec.wire.transmitters import Transmitter
from edgespec.wire.verdict import TwinStatus, TwinVerdict

__all__ = ["ReportRefused", "SiteTwin"]

#: Why a unit in whose name two speak is not believed.
TWO_VOICES = (
    "two voices: reports in its name contradict each other, so somebody forges them or two "
    "observers have its node id"
)

#: A verdict that has no score.
_UNSCORED: Mapping[str, Any] = {
    "status": TwinStatus.TOO_FEW_UNITS,
    "score": np.nan,
    "threshold": np.nan,
    "is_alarm": False,
    "n_averages": 1,
}

_NOTHING_MORE: Mapping[str, Any] = MappingProxyType({})

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
        self.site = site
        self.expectation = Expectation(site, gain := gain or path_gain(site))
        self.localiser = Localiser(site, gain.grid(), fixer_of(site, gain))
        self._gains: GainWatch | None = None
        if site.propagation.learn_gains:
            self._gains = GainWatch(site, self.localiser, walk_zero_dbm(gain))
        self._edges_hz, self._nodes = site.edges_hz, site.nodes
        self._collector = Collector(site)
        self._lengths = window_lengths(site.detect.averages)
        self._transmitters_ns = 0
        self._last_ns = 0
        self._learning_notes: tuple[str, ...] = ()
        self._pending: list[tuple[Snapshot, FloatArray, BoolArray]] = []
        self._watch: Watch | None = None
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

    def accept(
        self, report: RssReport, now_ns: int, at_ns: int | None = None, data: bytes = b""
    ) -> int:
        """Take a report and return the number of its snapshot; it counts as ``accepted``.

        ``at_ns`` is the time by which snapshots are closed, where that lies behind; ``data`` a
        binary report as it came: the next of its unit may come by many.

        Raises:
            ReportRefused: and why; the reason is counted, and nothing else happens.
        """
        return self._collector.accept(report, now_ns, at_ns, data)

    def accept_alike(self, units: Sequence[int], data: Sequence[bytes], now_ns: int) -> int:
        """Take the first of many reports, up to one that is not as its unit's last was.

        Return how many; the others are for :meth:`accept`. ``units`` are indices into the site's.
        """
        return self._collector.accept_alike(units, data, now_ns)

    @property
    def due_ns(self) -> float:
        """Time from which a snapshot is closed that is not complete; infinite while none is."""
        return self._collector.due_ns

    def advance(self, now_ns: int) -> list[TwinVerdict]:
        """Return a verdict for each snapshot that closed: oldest first, usually none or one.

        A snapshot closes when all units reported or its grace is over.
        """
        return [self._judge(snapshot) for snapshot in self._collector.closed(now_ns)]

    def state(self) -> TwinState:
        """Return what was learnt, to hand over."""
        return TwinState(
            self.site.name,
            self._nodes,
            self._last_ns,
            self._watch.bias.drift_db.copy() if self._watch else np.zeros(len(self._nodes)),
            self._watch.trained if self._watch else None,
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
        self._watch = watch = self._watching(given)
        if state is not None:
            watch.bias.take_on(state.drift_db)
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

    def _watching(self, trained: TrainedTwin) -> Watch:
        return Watch(self.site, trained, self.expectation, self.localiser, self._gains)

    def _judge(self, snapshot: Snapshot) -> TwinVerdict:
        """Return the verdict on one snapshot, and learn from it."""
        most_s = 60.0 + self.site.detect.interval_s
        # A former owner's clock may have been ahead.
        elapsed_s = min(max((snapshot.utc_ns - self._last_ns) / 1e9, 0.0), most_s)
        self._last_ns = snapshot.utc_ns
        if self._watch is None:
            return self._learn(snapshot, self.expectation.level_dbm, self.expectation.is_occupied)
        judged = self._watch.judge(snapshot, self._collector.doubtful, elapsed_s)
        return self._verdict(snapshot, judged)

    def _learn(
        self, snapshot: Snapshot, expected_dbm: FloatArray, is_occupied: BoolArray
    ) -> TwinVerdict:
        """Keep a snapshot; when there are enough, learn from all."""
        n_heard = int((snapshot.kind != MISSING).sum())
        residual_db = snapshot.level_db - expected_dbm
        distrusted = self.localiser.contradicted
        verdict = self._unscored(snapshot, expected_dbm, residual_db, distrusted)
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
        self._watch = self._watching(learnt)
        return True

    def _disbelief(self, learnt: TrainedTwin) -> str:
        """Return why what was learnt by itself is not believed; empty if it is."""
        site = self.site
        is_calibrated = site.level_unit == "dBm"
        most_db = site.detect.max_bias_db
        return implausible_biases(learnt.normal.bias_db, site.nodes, is_calibrated, most_db)

    def _verdict(self, snapshot: Snapshot, judged: Judged) -> TwinVerdict:
        """Return the verdict of a site that is watched."""
        window, fused, source = judged.window, judged.fused, judged.source
        expected_dbm, residual_db = window.expected_dbm, window.residual_db
        said: dict[str, Any] = {}
        if judged.silent:
            silent = tuple(self.transmitters[index].id for index in judged.silent)
            said["transmitters_silent"] = silent
        if source is not None:
            low_hz, high_hz = self._edges(source)
            name = "" if source.moved is None else self.transmitters[source.moved].id
            said |= {
                "source": source.position,
                "power_dbm": source.power_dbm,
                "freq_lower_hz": low_hz,
                "freq_upper_hz": high_hz,
                "kind": judged.kind,
                "advice": advice_for(judged.kind, source.position, low_hz, high_hz, name),
            }
        if fused is not None:
            said |= {
                "status": TwinStatus.WATCHING,
                "score": fused.score,
                "threshold": fused.threshold,
                "is_alarm": fused.is_alarm,
                "n_averages": self._lengths[fused.window],
            }
        return self._unscored(snapshot, expected_dbm, residual_db, judged.distrusted, said)

    def _unscored(
        self,
        snapshot: Snapshot,
        expected_dbm: FloatArray,
        residual_db: FloatArray,
        distrusted: dict[int, str],
        said: Mapping[str, Any] = _NOTHING_MORE,
    ) -> TwinVerdict:
        """Return a verdict with what is said besides: without, that of too few units."""
        nodes, kinds = self._nodes, snapshot.kind.tobytes()
        reasons = {nodes[unit]: reason for unit, reason in distrusted.items()}
        for unit in self._collector.doubtful:
            reasons[nodes[unit]] = TWO_VOICES
        missing = _of_kind(nodes, kinds, MISSING)
        unbelieved = reasons.keys() - set(missing)
        return TwinVerdict(
            site=self.site.name,
            band=self.site.band,
            utc_ns=snapshot.utc_ns,
            snapshot=snapshot.index,
            detector=self.site.detect.detector,
            n_units=len(nodes) - len(missing) - len(unbelieved),
            nodes=nodes,
            level_db=snapshot.level_db,
            expected_dbm=expected_dbm,
            residual_db=residual_db,
            edges_hz=self._edges_hz,
            units_missing=missing,
            units_saturated=_of_kind(nodes, kinds, LOWER_BOUND),
            implausible=reasons,
            notes=self._gains.notes if self._gains else (),
            **{**_UNSCORED, **said},
        )

    def _edges(self, source: Source) -> tuple[float, float]:
        """Return the lowest and the highest edge of the subbands that a source hits."""
        hit = np.flatnonzero(source.is_hit)
        return self._edges_hz[int(hit[0])], self._edges_hz[int(hit[-1]) + 1]


def _of_kind(nodes: tuple[str, ...], kinds: bytes, kind: int) -> tuple[str, ...]:
    """Return the units whose levels are of a kind."""
    if kind not in kinds:
        return ()
    return tuple(node for node, one in zip(nodes, kinds, strict=True) if one == kind)
