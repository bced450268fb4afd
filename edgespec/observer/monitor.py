"""The running observer: reader, worker and sinks, from start to a clean end."""

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from threading import Event as Flag

from edgespec.alarm.sink import Sink
from edgespec.alarm.sinks import Sinks
from edgespec.observer.band import BandChain
from edgespec.observer.latency import LatencyHistogram
from edgespec.records import Event, IqBlock, ObserverState
from edgespec.sources.reader import Reader
from edgespec.sources.source import Source

__all__ = ["Monitor", "block_samples_for", "blocks_in_ring"]

_LOG = logging.getLogger(__name__)
_NS = 1_000_000_000
#: How long the worker waits for a block before it looks whether it should stop.
_POLL_S = 0.2
#: Seconds of signal that may wait in the ring before samples are dropped.
_RING_S = 1.0
#: A live source that is silent for so long is gone.
_SILENT_S = 3.0


def block_samples_for(frame_samples: int, hop_frames: int) -> int:
    """Return how many samples the reader gathers: those of one hop.

    A block then completes one segment: larger ones would only add latency, smaller ones calls.
    """
    return frame_samples * hop_frames


def blocks_in_ring(block_s: float) -> int:
    """Return how many blocks may wait: a second of signal, at least four."""
    return max(4, round(_RING_S / block_s))


class Monitor:
    """Reads a source through a chain and tells the sinks, until it ends or is stopped.

    Args:
        source: open source; closed at the end.
        chain: from blocks to events.
        sinks: take events and states; one that raises is reported once and does no further harm.
        state_s: time between two states.
        health: returns what the broker's side says of itself: connected, events that wait.
        on_event: called after the sinks with every event.
        on_radio: told when a live source falls silent (False) and when it is back (True).

    Attributes:
        latency: from the last sample of a block to the decision on the segments it completed,
            with the time that the block waited in the ring.
    """

    def __init__(
        self,
        source: Source,
        chain: BandChain,
        sinks: Sequence[Sink],
        *,
        state_s: float,
        health: Callable[[], tuple[bool | None, int]] = lambda: (None, 0),
        on_event: Callable[[Event], None] = lambda event: None,
        on_radio: Callable[[bool], None] = lambda online: None,
    ) -> None:
        geometry = chain.geometry
        self._source = source.info
        self._chain = chain
        self._sinks = Sinks(sinks, on_event)
        self._state_s = state_s
        self._health = health
        self._on_radio = on_radio
        self._radio_online = True
        self._heard_ns = 0
        block_samples = block_samples_for(geometry.frame_samples, geometry.hop_frames)
        self._reader = Reader(
            source,
            block_samples=block_samples,
            n_blocks=blocks_in_ring(block_samples / geometry.sample_rate_hz),
        )
        self._stop = Flag()
        self._started_ns = 0
        self._said_ns = 0
        self._busy_ns = 0
        self.latency = LatencyHistogram()
        self.n_samples = 0
        self.n_dropped = 0
        self.n_events = 0

    def stop(self) -> None:
        """Ask the monitor to end; safe to call from a signal handler."""
        self._stop.set()

    def run(self, duration_s: float | None = None) -> ObserverState:
        """Run until the source ends, ``stop`` is called or ``duration_s`` of signal were heard.

        Events that are going on are ended, the source and the sinks closed on every way out.

        Returns:
            The last state.

        Raises:
            SourceError: the source broke, or could not be closed.
        """
        rate_hz = self._chain.geometry.sample_rate_hz
        limit = None if duration_s is None else round(duration_s * rate_hz)
        self._started_ns = self._said_ns = self._heard_ns = time.monotonic_ns()
        with ExitStack() as stack:
            # What is entered last is left first, and each whatever the others raise.
            stack.callback(self._sinks.close)
            stack.callback(self._tell_state)
            stack.callback(self._reader.close)
            stack.callback(self._finish)
            self._reader.start()
            while not self._stop.is_set() and (limit is None or self.n_samples < limit):
                block = self._reader.rings[0].next_block(_POLL_S)
                if block is not None:
                    self._work(block)
                elif self._reader.rings[0].finished:
                    break
                self._watch_radio(block is not None)
                if time.monotonic_ns() - self._said_ns >= self._state_s * _NS:
                    self._tell_state()
        self._say_if_nothing_was_scored()
        return self._state()

    def _work(self, block: IqBlock) -> None:
        begun_ns = time.monotonic_ns()
        self.n_samples += block.n_samples
        self.n_dropped += block.n_dropped
        n_segments = self._chain.n_segments
        for event in self._chain.process(block):
            self._tell_event(event)
        report = self._chain.levels.take() if self._chain.levels is not None else None
        if report is not None:
            self._sinks.rss(report)
        ended_ns = time.monotonic_ns()
        self._busy_ns += ended_ns - begun_ns
        if self._chain.n_segments > n_segments:
            self.latency.add(ended_ns - block.received_ns)

    def _tell_event(self, event: Event) -> None:
        self.n_events += event.event_type == "new"
        self._sinks.event(event)

    def _watch_radio(self, delivers: bool) -> None:
        now_ns = time.monotonic_ns()
        if delivers:
            self._heard_ns = now_ns
        is_silent = now_ns - self._heard_ns > _SILENT_S * _NS
        if self._source.is_live and self._radio_online == is_silent:
            self._radio_online = not is_silent
            self._sinks.guard("who is told of the radio", lambda: self._on_radio(not is_silent))
            if is_silent:
                _LOG.warning("%s is silent: waiting until it is back", self._source.uri)
            else:
                _LOG.info("%s delivers samples again", self._source.uri)

    def _tell_state(self) -> None:
        state = self._state()
        self._said_ns = time.monotonic_ns()
        self._sinks.state(state)

    def _state(self) -> ObserverState:
        chain, last = self._chain, self._chain.last
        level_dbfs, floor_dbfs = chain.levels_dbfs()
        # In the warm-up scores are in dB and say nothing beside thresholds in deviations.
        scores = last.scores if last is not None and chain.scorer.is_warm else ()
        connected, n_waiting = self._broker_health()
        signal_s = self.n_samples / chain.geometry.sample_rate_hz
        return ObserverState(
            utc_ns=time.time_ns(),
            uptime_s=(time.monotonic_ns() - self._started_ns) / _NS,
            n_samples=self.n_samples,
            n_segments=chain.n_segments,
            n_events=self.n_events,
            n_dropped=self.n_dropped,
            n_skipped=dict(chain.segmenter.skipped),
            level_dbfs=level_dbfs,
            noise_floor_dbfs=floor_dbfs,
            scores={score.detector: score.value for score in scores},
            thresholds=dict(chain.thresholds),
            speed=signal_s / (self._busy_ns / _NS) if self._busy_ns else 0.0,
            alarm=chain.tracker.is_open,
            mqtt_connected=connected,
            spool_events=n_waiting,
            warmup_left_s=chain.warmup_left_s,
            latency_s=self.latency.summary_s(),
            band=chain.info.band,
            model_sha256=chain.info.model_sha256,
        )

    def _broker_health(self) -> tuple[bool | None, int]:
        found: list[tuple[bool | None, int]] = []
        self._sinks.guard("the broker's health", lambda: found.append(self._health()))
        return found[0] if found else (None, 0)

    def _finish(self) -> None:
        for event in self._chain.finish():
            self._tell_event(event)

    def _say_if_nothing_was_scored(self) -> None:
        """Explain a run without events that could not have had any."""
        if self._chain.scorer.is_warm:
            return
        heard_s = self.n_samples / self._source.sample_rate_hz
        skipped = self._chain.segmenter.skipped
        reasons = ", ".join(f"{n} {reason}" for reason, n in skipped.items() if n)
        _LOG.warning(
            "nothing was scored: %.3g s were heard%s, and the warm-up still lacks %.3g s of good "
            "signal: give a longer recording, or set detect.warmup_s to less",
            heard_s,
            f" (segments left out: {reasons})" if reasons else "",
            self._chain.warmup_left_s,
        )
