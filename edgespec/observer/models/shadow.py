"""A candidate that runs beside a band's model, in a process apart: nobody is alarmed by it.

It hears the same blocks and has a chain of its own: thresholds, warm-up, events. The observer never
waits for it: what it is too slow for it skips, counted. A recording does wait, so that nothing of
it is left out. The report is kept in a file, which ``edgespec model shadow`` shows.
"""

import contextlib
import logging
import pickle
import subprocess
import time
from collections import deque
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import replace
from threading import Event as Flag
from threading import Lock, Thread
from typing import TypeVar

from edgespec.apart import begin_apart, last_words
from edgespec.config import Config
from edgespec.errors import EdgespecError
from edgespec.inference.bundle import Bundle, load_bundle
from edgespec.observer.band import BandChain
from edgespec.observer.ear import Ear
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.models.shadow_stream import (
    Note,
    RunningScore,
    ShadowTask,
    as_block,
    as_note,
    as_other_grid,
)
from edgespec.observer.monitor import Monitor
from edgespec.observer.worker import BandWorker
from edgespec.records import Event, ObserverState, RssReport, SourceInfo
from edgespec.shadow.report import ShadowReport, Side, findings, report_path, save_report
from edgespec.sources.ring import Ring
from edgespec.sweep_block import SweepBlock
from edgespec.units import format_utc

__all__ = ["Shadow", "Shadows"]

Item = TypeVar("Item")

_LOG = logging.getLogger(__name__)
_MODULE = "edgespec.observer.models.shadow_play"
_POLL_S, _NOTE_S = 0.2, 0.25
#: From one report in the state directory to the next: a memory card has so many writes in it.
_KEEP_S = 30.0
#: So long it is waited at the end for what the candidate has not heard yet.
_CLOSE_S, _CLOSE_RECORDING_S, _SWITCH_S = 10.0, 900.0, 1.0
#: Scores that wait for the next note; more do not come between two.
_MOST_SCORES = 4096


class Shadow:
    """A candidate beside a band.

    Args:
        config: of an observer of that band alone.
        bundle: the candidate.
        chain: of the running model, as the observer begins.

    Attributes:
        report: the newest; None: it is not ready yet.
    """

    def __init__(self, config: Config, bundle: Bundle, chain: BandChain) -> None:
        band = replace(config.band[0], model=bundle.path.absolute(), cell_models=())
        self._config, self._bundle = replace(config, band=(band,)), bundle
        self._chain, self._band = chain, band.id
        self._latency = LatencyHistogram()
        self._is_live = False
        self._worker: BandWorker | None = None
        self._path = report_path(config.node.state_dir, band.id)
        self._scored: deque[RunningScore] = deque(maxlen=_MOST_SCORES)
        self._events: deque[Event] = deque()
        self._n_skipped = 0
        self._ready, self._closing = Flag(), Flag()
        self._begun = format_utc(time.time_ns())
        self._stack = ExitStack()
        self._process: subprocess.Popen[bytes] | None = None
        self._threads: tuple[Thread, ...] = ()
        self._is_unkept = self._is_killed = False
        self._next_s = 0.0
        self.report: ShadowReport | None = None

    def begin(self, worker: BandWorker, ear: Ear) -> None:
        """Begin the process, and hear what the band hears: of a recording from its start.

        Args:
            worker: of the band.
            ear: where the band is heard.

        Raises:
            OSError: there is no such process.
        """
        info, chain = ear.info, self._chain
        self._is_live, self._latency = info.is_live, worker.latency
        ring = None if info.is_live else self._stack.enter_context(ear.listen())
        if ear.center_freq_hz is not None:
            info = replace(info, center_freq_hz=ear.center_freq_hz)
        if info.grid is not None:
            # Sweeps may have got other points since the source was opened.
            info = replace(info, grid=chain.grid)
        running = chain.info.model, chain.info.model_sha256
        task = ShadowTask(self._config, info, ear.reader.block_samples, running)
        cache = self._config.node.state_dir / "matplotlib"
        self._process = begin_apart((_MODULE,), cache)
        self._worker = worker
        worker.witness = self._witness
        said = "band %s: the candidate %s runs beside the model %s, and alarms nobody"
        _LOG.info(said, self._band, self._bundle.manifest.name, chain.info.model)
        self._threads = (
            Thread(target=self._feed, args=(self._process, task, ear, ring), daemon=True),
            Thread(target=self._follow, args=(self._process,), daemon=True),
        )
        for thread in self._threads:
            thread.start()

    def event(self, event: Event) -> None:
        """Take an event of the running model."""
        if event.band == self._band and event.detector in self._chain.thresholds:
            self._events.append(event)

    def close(self, within_s: float | None = None) -> None:
        """Let the candidate hear what is left, and keep the last report; ends it if that lasts.

        Args:
            within_s: so long it may last; default: 10 s, of a recording a quarter of an hour.
        """
        if self._worker is not None and self._worker.witness == self._witness:
            self._worker.witness = None
        self._closing.set()
        if within_s is None:
            within_s = _CLOSE_S if self._is_live else _CLOSE_RECORDING_S
        until_s = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(until_s - time.monotonic(), 0.0))
        if self._process is not None and self._process.poll() is None:
            self._is_killed = True
            self._process.kill()
        for thread in self._threads:
            thread.join()
        self._threads = ()

    def _witness(self, chain: BandChain) -> None:
        """Note the scores of a segment; between two blocks."""
        last = chain.last
        # Of sweeps, another chain may have taken the place of the one that it began beside.
        self._chain = chain
        if last is not None and chain.scorer.is_warm:
            factor = round(chain.sample_rate_hz / chain.grid.tick_hz)
            start = last.tick_start * factor
            said = last.utc_ns, last.scores, last.thresholds
            self._scored.append(RunningScore(start, chain.hop_samples, *said))

    def _feed(
        self, process: "subprocess.Popen[bytes]", task: ShadowTask, ear: Ear, ring: Ring | None
    ) -> None:
        """Give the process its task, then what is heard and said, to the end."""
        file = process.stdin
        if file is None:
            return
        with self._stack, contextlib.suppress(OSError), file:
            file.write(pickle.dumps(task))
            file.flush()
            while ring is None and process.poll() is None and not self._closing.is_set():
                # What is not heard before it is ready is not skipped.
                if self._ready.wait(_POLL_S):
                    ring = self._stack.enter_context(ear.listen())
            noted_s = 0.0
            while ring is not None and process.poll() is None:
                # Of sweeps, one comes at a time.
                n_samples = task.block_samples if task.info.grid is None else 1
                self._n_skipped = ring.n_overflows * n_samples
                if time.monotonic() - noted_s >= _NOTE_S:
                    noted_s = time.monotonic()
                    file.write(as_note(self._note()))
                    file.flush()
                if not self._give(process, ring, task.info) and self._closing.is_set():
                    break
            file.write(as_note(self._note()))

    def _give(self, process: "subprocess.Popen[bytes]", ring: Ring, info: SourceInfo) -> bool:
        """Give the process the next block; return whether there was one."""
        try:
            block = ring.next_block(_POLL_S)
        except EdgespecError:
            # The band says that its source broke.
            block = None
        if block is not None and process.stdin is not None:
            if isinstance(block, SweepBlock) and block.grid is not info.grid:
                process.stdin.write(as_other_grid(block.grid))
            else:
                process.stdin.write(as_block(block))
            return True
        if ring.finished:
            self._closing.wait(_POLL_S)
        return False

    def _note(self) -> Note:
        call = self._chain.scorer.inference
        return Note(
            tuple(_taken(self._scored)),
            tuple(_taken(self._events)),
            self._latency.summary_s(),
            {} if call is None else call.summary_s(),
            self._n_skipped,
        )

    def _follow(self, process: "subprocess.Popen[bytes]") -> None:
        """Keep the reports of the process, and say why it ended."""
        with contextlib.suppress(EdgespecError):
            # What is killed may break off within a line.
            for line in process.stdout or ():
                if line.strip():
                    self.report = ShadowReport.from_json(line, "what the candidate's process says")
                    if time.monotonic() >= self._next_s:
                        self._next_s = time.monotonic() + _KEEP_S
                        self._keep(self.report)
                self._ready.set()
        words = last_words(process)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()
        if process.returncode and not self._is_killed:
            _LOG.warning("band %s: the candidate runs no more: %.300s", self._band, words)
            self._keep(replace(self.report or self._nothing(), ended=words))
        elif self.report is not None:
            self._keep(self.report)
            for finding in findings(self.report):
                _LOG.info("band %s: the candidate: %s: %s", self._band, finding.kind, finding.words)

    def _keep(self, report: ShadowReport) -> None:
        self.report = report
        try:
            save_report(self._path, report)
        except OSError as error:
            if not self._is_unkept:
                _LOG.warning("%s cannot be written: %s", self._path, error.strerror)
            self._is_unkept = True

    def _nothing(self) -> ShadowReport:
        """Return the report on a candidate that never was ready."""
        info, manifest = self._chain.info, self._bundle.manifest
        hop_s = self._chain.geometry.hop_s
        return ShadowReport(
            self._band,
            self._begun,
            format_utc(time.time_ns()),
            *(0.0, 0.0, 0.0, 0.0),
            hop_s,
            self._config.detect.budget_per_day,
            Side(info.model, info.model_sha256, {}, {}),
            Side(manifest.name, self._bundle.sha256, {}, {}),
            {},
        )


def _taken(waiting: deque[Item]) -> Iterable[Item]:
    """Yield what waits, and take it away; others may add to it meanwhile."""
    while waiting:
        yield waiting.popleft()


class Shadows:
    """The candidates beside the bands of an observer: a sink, which tells each what is its own."""

    def __init__(self, config: Config) -> None:
        self._config = config
        self._places: dict[str, tuple[BandWorker, Ear]] = {}
        self._of: dict[str, Shadow] = {}
        self._lock = Lock()

    def begin(self, monitor: Monitor) -> None:
        """Begin those that the configuration names, before the bands begin.

        Raises:
            ModelError: a candidate cannot be read.
        """
        for worker in monitor.workers:
            name = worker.chain.info.band
            self._places[name] = worker, monitor.ears[name]
        for band in self._config.band:
            if band.shadow is not None:
                self.run(band.id, load_bundle(band.shadow))

    def run(self, band: str, bundle: Bundle | None) -> None:
        """Let a candidate run beside a band in place of the one before; None: let none run."""
        with self._lock:
            before = self._of.pop(band, None)
        if before is not None:
            # Whoever is promoted or given up has said enough.
            before.close(_SWITCH_S)
        if bundle is None:
            return
        worker, ear = self._places[band]
        (config,) = (self._config.only(one) for one in self._config.band if one.id == band)
        shadow = Shadow(config, bundle, worker.chain)
        with self._lock:
            self._of[band] = shadow
        shadow.begin(worker, ear)

    def event(self, event: Event) -> None:
        """Take an event of a running model."""
        for shadow in self._all():
            shadow.event(event)

    def state(self, state: ObserverState) -> None:
        """Take a state: nothing is to be done."""

    def rss(self, report: RssReport) -> None:
        """Take a report of received power: nothing is to be done."""

    def close(self) -> None:
        """Let the candidates hear what is left, and keep their last reports."""
        for shadow in self._all():
            shadow.close()

    def _all(self) -> list[Shadow]:
        with self._lock:
            return [*self._of.values()]
