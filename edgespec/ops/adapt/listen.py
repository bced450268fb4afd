"""A band's chain as it hears normal signal, for a model that is adapted to it.

The whole chain runs, with the thresholds that are in force: what it would raise an event for is no
signal to learn from.
"""

from collections.abc import Callable
from dataclasses import dataclass

from edgespec.errors import EdgespecError, QualityError, SourceError
from edgespec.observer.band import BandChain
from edgespec.observer.monitor import Monitor, Radio
from edgespec.ops.adapt.adaptation import Adaptation
from edgespec.ops.silence import Patience
from edgespec.records import Event, EventType, FrameFlag, ObserverState, RssReport
from edgespec.screen.progress import Tell

__all__ = ["hear"]

#: Of the segments; what clips more is not this place's signal but the receiver's.
_MOST_CLIPPED = 0.01
#: A source that ends a little early, by a block or a warm-up that was cut, is whole.
_WHOLE_SHARE = 0.97


@dataclass(slots=True)
class _Listener:
    """A sink that is told of every block's segment, and stops where something is wrong."""

    adaptation: Adaptation
    chain: BandChain
    tell: Tell
    stop: Callable[[], None] = lambda: None
    error: Exception | None = None
    heard_s: float = 0.0
    _first_tick: int | None = None
    _n_segments: int = 0
    _n_clipped: int = 0

    def event(self, event: Event) -> None:
        """Refuse: whoever fits a model to an interferer will not see it again."""
        if event.event_type == EventType.NEW:
            self._fail(
                QualityError(
                    f"an event was raised after {self.heard_s:.1f} s ({event.kind} at "
                    f"{event.peak_freq_hz / 1e6:.6g} MHz, by {event.detector}): adapt on normal "
                    "signal; if this is normal here, run 'edgespec calibrate' before"
                )
            )

    def state(self, state: ObserverState) -> None:
        """Take the segment of the block that was worked off: by the band's own thread."""
        if self.error is not None:
            return
        try:
            self._take()
        except EdgespecError as error:
            self._fail(error)
        if state.distrust:
            self._fail(
                QualityError(
                    f"what the warm-up heard is not trusted ({state.distrust}): adapt while "
                    "nothing else than usual is on the band"
                )
            )
        plan = self.adaptation.plan
        doing = "fitting" if self.adaptation.new is None else "comparing on what is held back"
        said = f"heard {self.heard_s:.0f} of {plan.duration_s:.0f} s, {doing}"
        self.tell(said, self.heard_s / plan.duration_s)

    def rss(self, report: RssReport) -> None:
        """Nothing: the received power is none of its business."""

    def close(self) -> None:
        """Nothing is open."""

    def _take(self) -> None:
        chain, scored = self.chain, self.chain.last
        if scored is None or chain.n_segments == self._n_segments:
            return
        self._n_segments = chain.n_segments
        segment = scored.segment
        ticks = segment.tick_start
        if self._first_tick is None:
            self._first_tick = int(ticks[0])
        start_s = (int(ticks[0]) - self._first_tick) / chain.grid.tick_hz
        self.heard_s = start_s + self.adaptation.plan.segment_s
        if segment.flags is not None and (segment.flags & FrameFlag.CLIPPED).any():
            self._n_clipped += 1
        self.adaptation.add(segment, start_s)

    def check(self, *, is_stopped: bool) -> None:
        """Refuse what was not whole, or clipped.

        Args:
            is_stopped: whether somebody has asked for the end.

        Raises:
            EdgespecError: what went wrong meanwhile, or did now.
        """
        if self.error is not None:
            raise self.error
        plan = self.adaptation.plan
        is_whole = self.heard_s >= _WHOLE_SHARE * plan.duration_s
        if is_stopped and not is_whole:
            raise EdgespecError(
                f"stopped after {self.heard_s:.3g} of {plan.duration_s:.3g} s, and nothing was "
                "changed: an adaptation needs all of its --duration, so give a shorter one"
            )
        share = self._n_clipped / max(self._n_segments, 1)
        if share > _MOST_CLIPPED:
            raise QualityError(
                f"{share:.0%} of the segments clip; at most {_MOST_CLIPPED:.0%} may: lower the "
                "gain, since levels that are cut off are not those of this place"
            )
        if not is_whole:
            raise SourceError(
                f"the signal ended after {self.heard_s:.3g} of {plan.duration_s:.3g} s, and "
                "nothing was changed: give a --duration that it has"
            )

    def _fail(self, error: Exception) -> None:
        if self.error is None:
            self.error = error
            self.stop()


def hear(
    radio: Radio,
    adaptation: Adaptation,
    tell: Tell,
    stop: Callable[[Callable[[], None]], None] = lambda stop: None,
) -> None:
    """Hear a band for as long as the adaptation's plan says.

    Args:
        radio: with the chain of that band alone; closed at the end.
        adaptation: is given every segment.
        tell: told of the progress.
        stop: given what ends it early, which changes nothing.

    Raises:
        QualityError: an event was raised, the warm-up is not trusted, or the receiver clips.
        SourceError: the source broke, gave nothing, or ended early.
        ModelError: too little of the signal was good.
        EdgespecError: it was stopped before all was heard.
    """
    (chain,) = radio.chains
    listener = _Listener(adaptation, chain, tell)
    # A state behind every block is when nobody else touches the band.
    patience = Patience(radio.source.info)
    monitor = Monitor([radio], [listener, patience], state_s=0.0, on_radio=patience.radio)
    listener.stop = patience.stop = monitor.stop
    stop(patience.end)
    monitor.run(adaptation.plan.duration_s)
    patience.check()
    listener.check(is_stopped=patience.is_ended)
