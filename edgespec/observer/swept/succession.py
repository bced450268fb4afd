"""Another chain of a swept band: it learns beside the one in force, and takes its place.

A model of sweeps brings segments of its own, so its whole chain is exchanged. Sweeps are few: two
chains hear all of them, and none is lost.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from edgespec.observer.band import BandChain
from edgespec.records import Event, EventType
from edgespec.sweep_block import SweepBlock

__all__ = ["Succession"]


@dataclass(slots=True)
class _Beside:
    """A chain that nobody is told of; ``events`` are those that go on, as they were last told."""

    chain: BandChain
    events: dict[str, Event] = field(default_factory=dict)

    def hear(self, block: SweepBlock) -> None:
        """Take a block; what there is to say is kept as long as it goes on."""
        chain = self.chain
        for event in chain.process(block):
            if event.event_type is EventType.END:
                self.events.pop(event.event_id, None)
            else:
                self.events[event.event_id] = event
            if chain.budget is not None:
                chain.budget.hear(event)
        # The chain in force tells the same ones.
        chain.meter.take_minutes()
        chain.meter.take_events()

    def learn_anew(self) -> None:
        """Forget what was learnt so far, but for hours and days."""
        self.chain.scorer.reset()
        self.chain.tracker.forget_normal()
        if self.chain.warmup is not None:
            self.chain.warmup.reset()


class Succession:
    """The chains of a swept band beside the one in force: the next, and the one before.

    The next takes its place once it is warm and no event goes on. It learns nothing while one does,
    but for an event that lasts as long as a warm-up: whoever stays so long belongs to the place.
    The one before hears on, so that the way back to it is one sweep.

    Used by the band's worker alone.

    Args:
        watch_site: lets a chain watch its slow levels, from where they are kept.
    """

    def __init__(self, watch_site: Callable[[BandChain], None]) -> None:
        self._watch_site = watch_site
        self._next: _Beside | None = None
        self._before: _Beside | None = None
        self._n_frozen = 0

    @property
    def has_event(self) -> bool | None:
        """Whether the chain before has an event, which hears a sweep later; None: there is none."""
        return None if self._before is None else self._before.chain.tracker.is_open

    def offer(self, chain: BandChain, now: BandChain) -> None:
        """Let a chain follow the one in force, ``now``; that which was to follow is given up.

        Args:
            chain: without slow levels, troubles and mask, which it takes over; or the one before.
            now: in force.
        """
        before, self._next = self._before, None
        if before is not None and before.chain is chain:
            self._next, self._before = before, None
        elif chain is not now:
            self._next = _Beside(chain)
        self._n_frozen = chain.scorer.n_warmup * chain.geometry.hop_frames

    def clear(self) -> None:
        """Give all of them up: the sweeps have other points from now on."""
        self._next = self._before = None

    def hear(self, block: SweepBlock, now: BandChain) -> BandChain | None:
        """Take a block that ``now`` has heard; return the chain that takes its place, if one does.

        What is then to be said is that of :meth:`enter`.
        """
        if self._before is not None:
            self._before.hear(block)
        one = self._next
        if one is None:
            return None
        one.hear(block)
        is_frozen = now.is_alarming and self._n_frozen > 0
        self._n_frozen -= is_frozen
        if is_frozen and not one.chain.scorer.is_warm:
            one.learn_anew()
        return one.chain if one.chain.scorer.is_warm and not is_frozen else None

    def enter(self, now: BandChain) -> list[Event]:
        """Put the next chain into the place of ``now``; return the ends of events, and new ones.

        What goes on by the next one was told by nobody: it begins now, with its own time.
        """
        one, self._next = self._next, None
        if one is None:
            return []
        said = [now.in_source(event) for event in now.tracker.finish()]
        chain = one.chain
        chain.trouble, now.trouble = now.trouble, None
        chain.meter.mask, now.meter.mask = now.meter.mask, None
        site, now.site = now.site, None
        if site is not None and now.geometry.hop_s == chain.geometry.hop_s:
            chain.site = site
        elif site is not None:
            # It looks once a segment, and another model has other segments.
            said += site.finish()
            self._watch_site(chain)
        begun = [event for event in one.events.values() if event.detector in chain.thresholds]
        said += [replace(event, event_type=EventType.NEW) for event in begun]
        self._before = _Beside(now)
        return said
