"""The running observer: a reader for each source, a worker for each band, from start to end."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from threading import Event as Flag
from types import MappingProxyType

from edgespec.alarm.sink import Sink
from edgespec.alarm.sinks import Judge, Sinks
from edgespec.band_minute import BandMinute
from edgespec.evidence.sweep_tape import SweepTape
from edgespec.evidence.tape import Tape
from edgespec.grid import Grid
from edgespec.observer.band import BandChain
from edgespec.observer.board_events import BoardEvents
from edgespec.observer.drill import Drill
from edgespec.observer.ear import Ear
from edgespec.observer.progress import Progress
from edgespec.observer.snapshot import snapshot_of
from edgespec.observer.surroundings import Surroundings
from edgespec.observer.unlearnt import Ending, unlearnt_text
from edgespec.observer.worker import BandWorker
from edgespec.records import Event, ObserverState
from edgespec.sources.dwell import DwellSource
from edgespec.sources.reader import Reader
from edgespec.sources.source import Source

__all__ = ["Monitor", "Radio", "block_samples_for", "blocks_in_ring"]

_LOG = logging.getLogger(__name__)
_NS = 1_000_000_000
#: How long the monitor waits for a band before it looks at the radios.
_POLL_S = 0.2
#: Seconds of signal that may wait in a ring before samples are dropped.
_RING_S = 1.0
#: A live source that is silent for so long is gone.
_SILENT_S, _SILENT_SWEEPS = 3.0, 3.0


def block_samples_for(hops_samples: Iterable[int]) -> int:
    """Return how many samples of a source are read at once: the shortest hop of its bands.

    With one band, a block then completes one segment: a larger one would only add latency, a
    smaller one calls. A ring does not depend on it, nor does a chain, which takes any division
    of the stream.
    """
    return min(hops_samples)


def blocks_in_ring(block_s: float) -> int:
    """Return how many blocks may wait: a second of signal, at least four."""
    return max(4, round(_RING_S / block_s))


@dataclass(frozen=True, slots=True)
class Radio:
    """An open source and the chains of the bands that are watched in it.

    ``id`` is its name in the configuration. The source is closed when the monitor ends. Of one that
    takes turns, ``centers_hz`` are where it is tuned to for each of the bands. ``remake`` makes the
    chain of a band of sweeps that lie on another grid than those before.
    """

    id: str
    source: Source
    chains: Sequence[BandChain]
    centers_hz: tuple[float, ...] = ()
    remake: Callable[[Grid], BandChain] | None = None

    def duty(self, band: int) -> float:
        """Return the share of the time in which a band, by its number, was listened to so far."""
        source = self.source
        if not self.centers_hz or not isinstance(source, DwellSource):
            return 1.0
        return source.share(self.centers_hz[band])


_NOTHING_SPECIAL = Surroundings()


def _ending(worker: BandWorker, duration_s: float | None, is_stopped: bool) -> Ending:
    """Return what ended a band."""
    if is_stopped:
        return Ending.STOPPED
    rate_hz = worker.chain.sample_rate_hz
    if duration_s is not None and worker.n_samples >= duration_s * rate_hz - 0.5:
        return Ending.DURATION
    return Ending.SOURCE


class _Watched:
    """A radio that is being read, and whether it was last heard.

    A live one is not there before its first block; one that stays away falls silent like one that
    was there.
    """

    def __init__(self, radio: Radio) -> None:
        self.id = radio.id
        self.info = radio.source.info
        block_samples = block_samples_for(chain.hop_samples for chain in radio.chains)
        self.reader = Reader(
            radio.source,
            block_samples=block_samples,
            n_blocks=blocks_in_ring(block_samples / self.info.sample_rate_hz),
            n_rings=len(radio.chains),
            centers_hz=radio.centers_hz,
        )
        # One that sweeps says something once a sweep.
        self._silent_s = max(_SILENT_S, _SILENT_SWEEPS / self.info.sample_rate_hz)
        self.is_online = not self.info.is_live
        self.was_silent = False
        self._told: bool | None = None

    def turns(self, started_ns: int) -> bool:
        """Return whether it has fallen silent, or is back, since this was last asked."""
        heard_ns = self.reader.heard_ns
        is_near = time.monotonic_ns() - max(heard_ns, started_ns) <= self._silent_s * _NS
        if not self.info.is_live or (is_near and not heard_ns):
            return False
        if is_near == self._told:
            return False
        self.is_online = self._told = is_near
        return True


class Monitor:
    """Reads sources through the chains of their bands and tells the sinks, to the end.

    A band that breaks, with its source or without, ends alone: the others go on.

    Args:
        radios: the sources, and what is watched in each; closed at the end.
        sinks: take events and states; one that raises is reported once and does no further harm.
        state_s: time between two states of a band.
        health: returns what the broker's side says of itself: connected, events that wait.
        surroundings: asked what states say beside what a band is like.
        on_minute: told what a band was like for a minute.
        on_event: called after the sinks with every event.
        on_radio: told the id of a live source and whether it is there: when it is first heard or
            back (True), and when it falls silent or never speaks (False).
        on_progress: called when blocks were worked off since its last call and no band stands
            still that could work, at most five times a second.
        judge: says what is an alert; without it every event is one.
        tapes: of bands whose blocks are kept for a while, by their ids.
        drills: of bands that test themselves, by their ids.
        board: tells of the board, by the first band; None for nothing.

    Attributes:
        workers: one for each band, in the order of the radios.
        ears: where each band is heard, by its id.
    """

    def __init__(
        self,
        radios: Sequence[Radio],
        sinks: Sequence[Sink],
        *,
        state_s: float,
        health: Callable[[], tuple[bool | None, int]] = lambda: (None, 0),
        surroundings: Surroundings = _NOTHING_SPECIAL,
        on_minute: Callable[[BandMinute], None] = lambda minute: None,
        on_event: Callable[[Event], None] = lambda event: None,
        on_radio: Callable[[str, bool], None] = lambda radio, online: None,
        on_progress: Callable[[], None] = lambda: None,
        judge: Judge | None = None,
        tapes: Mapping[str, Tape | SweepTape] = MappingProxyType({}),
        drills: Mapping[str, Drill] = MappingProxyType({}),
        board: BoardEvents | None = None,
    ) -> None:
        self._sinks = Sinks(sinks, on_event, judge)
        self._health = health
        self._on_radio = on_radio
        self._on_progress = on_progress
        self._stopping = Flag()
        self._started_ns = self._looked_ns = 0
        self._ended: set[str] = set()
        self._radios = [_Watched(radio) for radio in radios]
        self.workers = tuple(
            BandWorker(
                chain,
                ring,
                self._sinks,
                self._stopping,
                state_s=state_s,
                health=self._broker_health,
                surroundings=surroundings,
                on_minute=on_minute,
                tape=tapes.get(chain.info.band),
                duty=partial(radio.duty, number),
                remake=radio.remake,
                drill=drills.get(chain.info.band),
                board=board if chain is radios[0].chains[0] else None,
            )
            for radio, watched in zip(radios, self._radios, strict=True)
            for number, (chain, ring) in enumerate(
                zip(radio.chains, watched.reader.rings, strict=True)
            )
        )
        # The radio of each worker.
        self._radio_of = [
            watched
            for radio, watched in zip(radios, self._radios, strict=True)
            for _ in radio.chains
        ]
        self.ears = {
            chain.info.band: Ear(watched.info, watched.reader, center_hz)
            for radio, watched in zip(radios, self._radios, strict=True)
            for chain, center_hz in zip(
                radio.chains, radio.centers_hz or (None,) * len(radio.chains), strict=True
            )
        }
        self._progress = Progress(len(self.workers))

    def stop(self) -> None:
        """Ask the monitor to end; safe to call from a signal handler."""
        self._stopping.set()
        for worker in self.workers:
            worker.chain.stop()

    def renew(self, band: str) -> None:
        """Let a band go by its calibration, made anew; from any thread."""
        for worker in self.workers:
            if worker.chain.info.band == band:
                worker.is_recalibrated = True

    def run(self, duration_s: float | None = None) -> tuple[ObserverState, ...]:
        """Run until every band has ended: its source did, or ``duration_s`` of it were heard.

        ``stop`` ends them all. Events that are going on are ended, the sources and the sinks
        closed on every way out.

        Returns:
            The last state of each band.

        Raises:
            SourceError: a source broke, or could not be closed; the other bands have ended, too.
        """
        with ExitStack() as stack:
            # What is entered last is left first, and each whatever the others raise.
            stack.callback(self._sinks.close)
            for radio in self._radios:
                stack.callback(radio.reader.close)
            stack.callback(self._end_bands)
            self._started_ns = time.monotonic_ns()
            # Nothing shares this thread with the first band, as long as there is one.
            first, *others = self.workers
            for worker in others:
                worker.start(duration_s)
            for radio in self._radios:
                radio.reader.start()
            first.work(duration_s, self._look_after)
            for worker in others:
                while worker.is_alive:
                    worker.join(_POLL_S)
                    self._look_after()
            is_stopped = self._stopping.is_set()
            for worker in self.workers:
                if worker.error is not None:
                    raise worker.error
        for worker, radio in zip(self.workers, self._radio_of, strict=True):
            more = _ending(worker, duration_s, is_stopped)
            self._say_if_nothing_was_scored(worker, more, is_swept=radio.info.grid is not None)
        return tuple(worker.state() for worker in self.workers)

    def _look_after(self) -> None:
        """See, every now and then, which radios are there and which bands have broken."""
        now_ns = time.monotonic_ns()
        if now_ns - self._looked_ns < _POLL_S * _NS:
            return
        self._looked_ns = now_ns
        for radio in self._radios:
            if radio.turns(self._started_ns):
                self._tell_radio(radio)
        for worker in self.workers:
            band = worker.chain.info.band
            if worker.error is not None and len(self.workers) > 1 and band not in self._ended:
                self._ended.add(band)
                _LOG.error("band %s has ended (%s); the others go on", band, worker.error)
        counts = [worker.n_worked for worker in self.workers]
        may_rest = [
            worker.has_ended or not radio.is_online or not worker.is_tuned
            for worker, radio in zip(self.workers, self._radio_of, strict=True)
        ]
        if self._progress.made(counts, may_rest):
            self._sinks.guard("who is told of progress", self._on_progress)

    def _tell_radio(self, radio: _Watched) -> None:
        if radio.is_online:
            if radio.was_silent:
                _LOG.info("%s delivers samples again", radio.info.uri)
        else:
            radio.was_silent = True
            _LOG.warning("%s is silent: waiting until it is back", radio.info.uri)
        self._sinks.guard(
            "who is told of the radio", lambda: self._on_radio(radio.id, radio.is_online)
        )

    def _end_bands(self) -> None:
        self.stop()
        for worker in self.workers:
            worker.join()

    def _broker_health(self) -> tuple[bool | None, int]:
        found: list[tuple[bool | None, int]] = []
        self._sinks.guard("the broker's health", lambda: found.append(self._health()))
        return found[0] if found else (None, 0)

    def _say_if_nothing_was_scored(
        self, worker: BandWorker, more: Ending, *, is_swept: bool
    ) -> None:
        """Explain a run without events that could not have had any."""
        now = snapshot_of(worker.chain)
        if worker.has_scored:
            return
        in_band = f" in band {worker.chain.info.band}" if len(self.workers) > 1 else ""
        if not worker.n_samples:
            _LOG.warning("nothing was scored%s: the source gave no samples", in_band)
            return
        heard_s = worker.n_samples / worker.chain.sample_rate_hz
        geometry = None if is_swept else worker.chain.geometry
        _LOG.warning("%s", unlearnt_text(now, geometry, heard_s, more, in_band))
