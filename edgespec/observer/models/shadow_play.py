"""The process in which a candidate runs: ``python -m edgespec.observer.models.shadow_play``.

Standard input has a pickled :class:`~edgespec.observer.models.shadow_stream.ShadowTask`, and behind
it what the observer hears and says. Standard output has an empty line once the candidate is ready,
then reports, an object a line. Both ends are this program. What the candidate would tell goes
nowhere but into the report; of what the observer keeps of its site nothing is written.
"""

import logging
import os
import pickle
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from math import inf
from typing import BinaryIO

from edgespec.detect.detectors import MODEL_DETECTORS
from edgespec.errors import EdgespecError
from edgespec.evidence.tape import Tape
from edgespec.kinds import DEAF
from edgespec.machine import keep_machine_code
from edgespec.observer.alerting import open_budget
from edgespec.observer.block_stream import BlockSource
from edgespec.observer.drill import Drill
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.models.shadow_stream import Note, ShadowTask, parts
from edgespec.observer.radio_opening import open_radio
from edgespec.observer.recall import reference_of
from edgespec.records import Event, EventType, IqBlock
from edgespec.shadow.encounters import Encounters
from edgespec.shadow.pairs import ScorePairs
from edgespec.shadow.report import ShadowReport, Side
from edgespec.units import format_utc
from edgespec.wire.text import encode

__all__ = ["ShadowPlay"]

_NS = 1_000_000_000
#: From one report to the next.
_SAY_S = 5.0
#: What the drill takes a test of: 0.6 s and a segment.
_TAPE_S, _TAPE_BYTES = 1.0, 1 << 26


class ShadowPlay:
    """A candidate's chain on what the observer hears, and what the observer says of the same.

    Args:
        task: what it is tried on.
        stream: what comes behind the task.
        say: given reports.

    Raises:
        EdgespecError: the candidate cannot be used here.
    """

    def __init__(
        self, task: ShadowTask, stream: BinaryIO, say: Callable[[ShadowReport], None]
    ) -> None:
        config, self._is_live = task.config, task.info.is_live
        self._task, self._stream, self._say = task, stream, say
        # What is live reads what was learnt at the site by another model, and writes it.
        self._source = BlockSource(replace(task.info, is_live=False), stream)
        radio = open_radio(config, config.source[0], switches_models=False, opened=self._source)
        (self._chain,) = radio.chains
        chain, band = self._chain, config.band[0].id
        rules, hop_s = chain.tracker.rules, chain.geometry.hop_s
        chain.keep_to(open_budget(config, band, rules, hop_s, is_live=self._is_live))
        normal = partial(reference_of, chain)
        self._tape = Tape(task.info, _TAPE_S, 0.0, _TAPE_BYTES, lambda cut: None, normal)
        # A tone is added to samples: sweeps have no test of their own.
        every_s = 3600.0 * config.alarm.test_every_h if task.info.grid is None else 0.0
        self._drill = Drill(config, task.info.sample_format, every_s) if every_s else None
        self._pairs, self._events = ScorePairs(), Encounters(hop_s)
        self._latency, self._begun = LatencyHistogram(), format_utc(time.time_ns())
        self._note = Note()
        self._n_heard = self._n_compared = 0
        self._n_tests = [0, 0]
        self._last_test: str | None = None
        # UTC up to which each of the two has scored.
        self._running_ns = self._own_ns = 0
        self._said_s = time.monotonic()

    def run(self) -> None:
        """Work to the end of the stream."""
        room = self._task.info.empty(self._task.block_samples)
        for part in parts(self._source, self._stream, room):
            if isinstance(part, Note):
                self._compare(part)
            else:
                self._hear(part)
            if time.monotonic() - self._said_s >= _SAY_S:
                self._said_s = time.monotonic()
                self._events.settle(min(self._running_ns, self._own_ns))
                self._say(self.report())
        if self._drill is not None:
            self._drill.close()
        self._tell(self._chain.finish())
        self._events.candidate.forget_from(self._running_ns + self._hop_ns)
        self._events.settle(inf)
        self._say(self.report())

    def report(self) -> ShadowReport:
        """Return what came of it so far."""
        chain, note, events = self._chain, self._note, self._events
        rate_hz, info = chain.sample_rate_hz, chain.info
        call = chain.scorer.inference
        own = Side(
            info.model,
            info.model_sha256,
            self._latency.summary_s(),
            {} if call is None else call.summary_s(),
            events.candidate.n_events,
            events.candidate.n_alone,
        )
        told = events.running
        times = note.latency_s, note.call_s
        return ShadowReport(
            info.band,
            self._begun,
            format_utc(time.time_ns()),
            (self._n_heard + note.n_skipped) / rate_hz,
            note.n_skipped / rate_hz,
            self._n_compared * chain.geometry.hop_s,
            chain.warmup_left_s,
            chain.geometry.hop_s,
            self._task.config.detect.budget_per_day,
            Side(*self._task.running, *times, told.n_events, told.n_alone),
            own,
            self._pairs.told(),
            tuple(events.candidate.both),
            tuple(told.alone),
            tuple(events.candidate.alone),
            self._n_tests[False],
            self._n_tests[True],
            self._last_test,
            tuple(name for name in MODEL_DETECTORS.values() if name in chain.thresholds),
        )

    @property
    def _hop_ns(self) -> int:
        return round(self._chain.geometry.hop_s * _NS)

    def _compare(self, note: Note) -> None:
        self._note = note
        for one in note.scored:
            limits = zip(one.scores, one.thresholds, strict=True)
            scored = {score.detector: (score.value, limit) for score, limit in limits}
            # Segments of another length cannot be compared one by one.
            if one.hop_samples == self._chain.hop_samples:
                self._pairs.running(round(one.sample_start / one.hop_samples), scored)
            self._running_ns = one.utc_ns
        for event in note.events:
            self._events.running.hear(event)

    def _hear(self, block: IqBlock) -> None:
        self._n_heard += block.n_samples
        if self._drill is not None:
            self._tape.add(block)
        for part in _hops(block, self._chain.hop_samples):
            n_segments = self._chain.n_segments
            begun_ns = time.monotonic_ns()
            self._tell(self._chain.process(part))
            if self._chain.n_segments > n_segments:
                # A recording was early, not late.
                received_ns = block.received_ns if self._is_live else begun_ns
                self._latency.add(time.monotonic_ns() - received_ns)
                self._score()
        if self._drill is not None:
            self._test(self._drill)

    def _score(self) -> None:
        last = self._chain.last
        if last is None or not self._chain.scorer.is_warm:
            return
        self._n_compared += 1
        self._own_ns = last.utc_ns
        self._events.begin_ns = min(self._events.begin_ns, last.utc_ns)
        limits = zip(last.scores, last.thresholds, strict=True)
        scored = {score.detector: (score.value, limit) for score, limit in limits}
        factor = round(self._chain.sample_rate_hz / self._chain.grid.tick_hz)
        self._pairs.candidate(round(last.tick_start * factor / self._chain.hop_samples), scored)

    def _tell(self, events: Iterator[Event]) -> None:
        for event in events:
            # Trouble with the receiver, and what moves slowly, are no model's.
            if event.detector in self._chain.thresholds:
                self._events.candidate.hear(event)
            if self._chain.budget is not None:
                self._chain.budget.hear(event)

    def _test(self, drill: Drill) -> None:
        for event in drill.look(self._chain, self._tape):
            if event.event_type is EventType.NEW:
                self._n_tests[event.kind == DEAF] += 1
                self._last_test = format_utc(time.time_ns())


def _hops(block: IqBlock, hop_samples: int) -> Iterator[IqBlock]:
    """Yield a block in parts that a chain takes, which has room for a hop."""
    if block.n_samples <= hop_samples:
        yield block
        return
    for first in range(0, block.n_samples, hop_samples):
        yield replace(
            block,
            samples=block.samples[first : first + hop_samples],
            sample_start=block.sample_start + first,
            utc_ns=block.utc_ns + round(first / block.sample_rate_hz * _NS),
            n_dropped=0 if first else block.n_dropped,
            n_away=0 if first else block.n_away,
        )


if __name__ == "__main__":
    # Whatever else is written there is no report.
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as reports:
        os.dup2(2, 1)
        given: ShadowTask = pickle.load(sys.stdin.buffer)
        # Nobody reads them: a pipe that is full would hold it up.
        logging.disable(logging.CRITICAL)
        keep_machine_code(given.config.node.state_dir)

        def say_line(report: ShadowReport | None) -> None:
            """Write a report, or that there will be some."""
            line = b"" if report is None else encode(report.as_json())
            reports.write(line.decode() + "\n")
            reports.flush()

        try:
            play = ShadowPlay(given, sys.stdin.buffer, say_line)
            say_line(None)
            play.run()
        except EdgespecError as error:
            sys.exit(str(error))
        except BrokenPipeError:
            sys.exit("the observer has ended")
