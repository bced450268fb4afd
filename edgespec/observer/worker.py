"""One band at work: from its ring through its chain to the sinks."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from math import isfinite
from threading import Event as Flag
from threading import Thread
from typing import Protocol

from edgespec.alarm.sinks import Sinks
from edgespec.band_minute import BandMinute
from edgespec.evidence.sweep_tape import SweepTape
from edgespec.evidence.tape import Tape
from edgespec.grid import Grid
from edgespec.observer.band import BandChain
from edgespec.observer.board_events import BoardEvents
from edgespec.observer.drill import Drill
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.recall import forget, recalibrate
from edgespec.observer.snapshot import snapshot_of
from edgespec.observer.surroundings import Surroundings
from edgespec.observer.swept.succession import Succession
from edgespec.records import Event, EventType, IqBlock, ObserverState
from edgespec.sources.ring import Ring
from edgespec.sweep_block import SweepBlock
from edgespec.units import format_hz

__all__ = ["BandWorker"]

_LOG = logging.getLogger(__name__)
_NS = 1_000_000_000
_DAY_S, _MOST_A_DAY = 86_400, 100_000
#: How long it waits for a block before it looks whether it should stop.
_POLL_S = 0.2


class Teller(Protocol):
    """Has something to say of a band that no detector made."""

    def look(self, chain: BandChain, sample: int) -> list[Event]:
        """Return what there is to say, of a band that heard so many samples; never waits."""
        ...

    def finish(self, chain: BandChain, sample: int) -> list[Event]:
        """Return the ends of what goes on."""
        ...


class BandWorker:
    """Works off a ring until its source ends, the band has heard enough, or all are to stop.

    Args:
        chain: from blocks to events.
        ring: the blocks.
        sinks: told of the band's events, states and received power.
        stopping: set when all bands are to stop.
        state_s: time between two states.
        health: returns what the broker's side says of itself: connected, events that wait.
        surroundings: asked what states say beside what a band is like.
        on_minute: told what the band was like for a minute.
        tape: is given every block, too; None for nothing.
        duty: returns the share of the time in which the band was listened to.
        remake: of a band of sweeps, makes its chain anew where they have other points; None: the
            blocks are of samples.
        drill: tests the band now and then; None for never.
        board: tells of the board by this band; None: another one does, or nobody.

    Attributes:
        error: what ended the band too early; None if nothing did.
        has_ended: whether nothing will be worked off any more.
        has_scored: whether it was ever warm.
        is_recalibrated: set by whoever has calibrated it meanwhile; it then goes by that.
        on_chain: told the chain that is made anew where sweeps have other points.
        tellers: asked between blocks what there is to say beside what detectors do.
        witness: told of the chain when a block has completed a segment; None for nobody.
        succession: of a band of sweeps, lets another chain take the place of this one; None: none.
        latency: from the last sample of a block to the decision on the segments it completed,
            with the time that the block waited in the ring.
    """

    def __init__(
        self,
        chain: BandChain,
        ring: Ring,
        sinks: Sinks,
        stopping: Flag,
        *,
        state_s: float,
        health: Callable[[], tuple[bool | None, int]],
        surroundings: Surroundings,
        on_minute: Callable[[BandMinute], None] = lambda minute: None,
        tape: Tape | SweepTape | None = None,
        duty: Callable[[], float] = lambda: 1.0,
        remake: Callable[[Grid], BandChain] | None = None,
        drill: Drill | None = None,
        board: BoardEvents | None = None,
    ) -> None:
        self.chain = chain
        self._drill, self._heard_to = drill, 0
        self.tellers: list[Teller] = [] if board is None else [board]
        self._remake = remake
        self._tape = tape
        self._ring = ring
        self._sinks = sinks
        self._stopping = stopping
        self._state_s = state_s
        self._health = health
        self._surroundings = surroundings
        self._on_minute = on_minute
        self._duty = duty
        self._limit: int | None = None
        self._started_ns = self._said_ns = time.monotonic_ns()
        self._busy_ns = 0
        # Whose turn it is is told when it changes.
        self._was_tuned = ring.is_its_turn
        self._thread: Thread | None = None
        self.error: BaseException | None = None
        self.has_ended = self.has_scored = self.is_recalibrated = False
        self.on_chain: Callable[[BandChain], None] = lambda chain: None
        self.latency = LatencyHistogram()
        self.witness: Callable[[BandChain], None] | None = None
        self.succession: Succession | None = None
        self.n_samples = self._n_looks = 0
        self.n_dropped = 0
        self.n_events = 0
        # When the last events opened: as many as a day may have before it is a flood.
        self._opened_ns: deque[int] = deque(maxlen=_MOST_A_DAY)

    @property
    def is_alive(self) -> bool:
        """Whether the band is being worked on in a thread of its own."""
        return self._thread is not None and self._thread.is_alive()

    @property
    def n_worked(self) -> int:
        """What it worked off: samples, or, of sweeps, of which few come, looks whether one has."""
        return self.n_samples if self._remake is None else self._n_looks

    @property
    def is_swept(self) -> bool:
        """Whether its blocks are of sweeps."""
        return self._remake is not None

    @property
    def is_tuned(self) -> bool:
        """Whether the radio is tuned to the band now, and not to another one in its turn."""
        return self._ring.is_its_turn

    def start(self, duration_s: float | None) -> None:
        """Work off the band in a thread of its own."""
        name = f"band-{self.chain.info.band}"
        self._thread = Thread(target=self.work, args=(duration_s,), name=name, daemon=True)
        self._thread.start()

    def join(self, timeout_s: float | None = None) -> None:
        """Wait for the end of that thread; return at once where there is none."""
        if self._thread is not None:
            self._thread.join(timeout_s)

    def work(self, duration_s: float | None, between: Callable[[], None] = lambda: None) -> None:
        """Work off the band to its end; what breaks is kept in ``error``.

        Args:
            duration_s: so much signal is enough; None: there is never enough.
            between: called between blocks, and at least five times a second.
        """
        if duration_s is not None:
            n_samples = duration_s * self.chain.sample_rate_hz
            self._limit = round(n_samples) if isfinite(n_samples) else None
        try:
            with ExitStack() as stack:
                # Each of these whatever the others raise, the last one first.
                stack.callback(self._ring.leave)
                if self._drill is not None:
                    stack.callback(self._drill.close)
                stack.callback(self._tell_state)
                stack.callback(self._finish)
                self._work_off(between)
        except Exception as error:
            # Whatever broke belongs to whoever started the band.
            self.error = error
        finally:
            self.has_ended = True

    def state(self) -> ObserverState:
        """Return how the band is; only between blocks, or after its end."""
        now = snapshot_of(self.chain)
        connected, n_waiting = self._health()
        signal_s = self.n_samples / self.chain.sample_rate_hz
        return ObserverState(
            utc_ns=time.time_ns(),
            uptime_s=(time.monotonic_ns() - self._started_ns) / _NS,
            n_samples=self.n_samples,
            n_segments=now.n_segments,
            n_events=self.n_events,
            n_dropped=self.n_dropped,
            n_skipped=now.n_skipped,
            level_dbfs=now.level_dbfs,
            noise_floor_dbfs=now.noise_floor_dbfs,
            scores=now.scores,
            thresholds=now.thresholds,
            speed=signal_s / (self._busy_ns / _NS) if self._busy_ns else 0.0,
            alarm=now.alarm,
            mqtt_connected=connected,
            spool_events=n_waiting,
            n_untold=self._surroundings.n_untold(),
            board=self._surroundings.board(),
            history_problem=self._surroundings.history_problem(),
            warmup_left_s=now.warmup_left_s,
            unscored_reason=now.unscored.reason,
            unscored_share=now.unscored.share,
            unscored_s=now.unscored.duration_s,
            troubles=now.troubles,
            distrust=now.distrust,
            center_freq_hz=now.center_freq_hz,
            cell=now.cell,
            events_last_day=self._n_last_day(),
            promise=now.promise,
            latency_s=self.latency.summary_s(),
            tuned=self.is_tuned,
            duty=self._duty(),
            band=self.chain.info.band,
            model_sha256=self.chain.info.model_sha256,
            site_cells=now.site_cells,
            rhythm=now.rhythm,
            side_inputs=now.side_inputs,
            last_test_ns=None if self._drill is None else self._drill.last_ns,
            raised=now.raised,
            errand=self._surroundings.errand(self.chain.info.band),
            model_note=self._surroundings.model(self.chain.info.band),
            model_caution=self._surroundings.model_caution(
                self.chain.info.band, self.chain.info.model_sha256
            ),
        )

    def _work_off(self, between: Callable[[], None]) -> None:
        self._started_ns = self._said_ns = time.monotonic_ns()
        while not self._stopping.is_set() and (self._limit is None or self.n_samples < self._limit):
            block = self._ring.next_block(_POLL_S)
            self._n_looks += 1
            if block is not None:
                self._work(block)
            elif self._ring.finished:
                return
            elif self._tape is not None and not self.is_tuned:
                # What was to come behind an alert is another band's.
                self._tape.finish()
            between()
            if self.is_recalibrated:
                self.is_recalibrated = False
                recalibrate(self.chain)
            for teller in self.tellers:
                self._tell_uncounted(teller.look(self.chain, self._heard_to))
            is_due = time.monotonic_ns() - self._said_ns >= self._state_s * _NS
            if is_due or self._was_tuned is not self.is_tuned:
                self._forget_where_asked()
                self._tell_state()

    def _work(self, block: IqBlock) -> None:
        begun_ns = time.monotonic_ns()
        self.n_samples += block.n_samples
        self.n_dropped += block.n_dropped
        self._heard_to = block.sample_start + block.n_samples
        if self._tape is not None:
            self._tape.add(block)
        if self._remake is not None and isinstance(block, SweepBlock):
            self._follow_grid(block.grid, self._remake)
        n_segments = self.chain.n_segments
        grid, was_warm = self.chain.grid, self.chain.scorer.is_warm
        model_sha256 = self.chain.info.model_sha256
        for event in self.chain.process(block):
            self._tell_event(event)
        report = self.chain.take_rss()
        if report is not None:
            self._sinks.rss(report)
        self._tell_minutes()
        if self._drill is not None and isinstance(self._tape, Tape):
            said = self._drill.look(self.chain, self._tape)
            self._tell_uncounted([replace(event, band=self.chain.info.band) for event in said])
        self.has_scored |= self.chain.scorer.is_warm
        ended_ns = time.monotonic_ns()
        self._busy_ns += ended_ns - begun_ns
        if self.chain.n_segments > n_segments:
            self.latency.add(ended_ns - block.received_ns)
            if self.witness is not None:
                self.witness(self.chain)
        if self.succession is not None and isinstance(block, SweepBlock):
            self._succeed(self.succession, block)
        # A source that is retuned before anything was learnt has nothing to forget.
        if was_warm and self.chain.grid is not grid:
            self._tell_retune(grid)
        elif self.chain.info.model_sha256 != model_sha256:
            self._tell_state()

    def _succeed(self, succession: Succession, block: SweepBlock) -> None:
        """Let another chain take the place of this one, where it has learnt the band by now."""
        chain = succession.hear(block, self.chain)
        if chain is None:
            return
        for event in succession.enter(self.chain):
            self._tell_event(event)
        self.chain = chain
        self.on_chain(chain)

    def _follow_grid(self, grid: Grid, remake: Callable[[Grid], BandChain]) -> None:
        """Begin anew where sweeps have other points: nothing that was learnt fits them."""
        before = self.chain.grid
        if grid is before:
            return
        if self.succession is not None:
            # What is installed may be for the points of now.
            self.succession.clear()
        elif grid.n_bins == before.n_bins and self.chain.info.model_sha256 is None:
            # A model knows its points; the scan learns others as it learnt those.
            return
        self._finish()
        self.chain = remake(grid)
        self.on_chain(self.chain)
        self._tell_retune(before)

    def _forget_where_asked(self) -> None:
        """Begin anew at a site that has changed for good, as somebody said."""
        forgets = self.chain.forgets
        if forgets is None or not forgets.is_asked():
            return
        for event in forget(self.chain):
            self._tell_event(event)
        _LOG.warning(
            "band %s: what was learnt is forgotten, as asked: the next %.1f s are not scored",
            self.chain.info.band,
            self.chain.warmup_left_s,
        )

    def _finish(self) -> None:
        for event in self.chain.finish():
            self._tell_event(event)
        for teller in self.tellers:
            self._tell_uncounted(teller.finish(self.chain, self._heard_to))
        self.chain.meter.finish()
        self._tell_minutes()

    def _tell_minutes(self) -> None:
        for minute in self.chain.meter.take_minutes():
            self._sinks.guard("who keeps levels", partial(self._on_minute, minute))
        for event in self.chain.meter.take_events():
            self._tell_event(event)

    def _tell_uncounted(self, events: Iterable[Event]) -> None:
        """Tell events that no detector made: what thresholds promise says nothing of them."""
        for event in events:
            self._sinks.event(event)

    def _tell_event(self, event: Event) -> None:
        if event.event_type == EventType.NEW:
            self.n_events += 1
            self._opened_ns.append(time.monotonic_ns())
        if self.chain.budget is not None:
            self.chain.budget.hear(event)
        self._sinks.event(event)

    def _n_last_day(self) -> int:
        since_ns = time.monotonic_ns() - _DAY_S * _NS
        while self._opened_ns and self._opened_ns[0] < since_ns:
            self._opened_ns.popleft()
        return len(self._opened_ns)

    def _tell_retune(self, before: Grid) -> None:
        """Say once that the band lies elsewhere, and is learnt anew."""
        grid = self.chain.grid
        was, now = _centre(before), _centre(grid)
        if before.n_bins != grid.n_bins:
            was, now = f"{before.n_bins} points around {was}", f"{grid.n_bins} around {now}"
        _LOG.warning(
            "band %s: the source was tuned from %s to %s: what was learnt is forgotten, and the "
            "next %.1f s are not scored",
            *(self.chain.info.band, was, now, self.chain.warmup_left_s),
        )
        self._tell_state()

    def _tell_state(self) -> None:
        self._said_ns, self._was_tuned = time.monotonic_ns(), self.is_tuned
        self._sinks.state(self.state())


def _centre(grid: Grid) -> str:
    """Return where a band is tuned to; a recording need not say where."""
    lower_hz, upper_hz = grid.range_hz
    return "an unknown centre" if lower_hz < 0 else format_hz((lower_hz + upper_hz) / 2.0)
