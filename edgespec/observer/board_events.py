"""Undervoltage and throttling of the board as events: they are told by one band for all.

What the kernel tells is in :mod:`edgespec.board`, tested with trees of files alone.
"""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from edgespec.clock import ClockQuality
from edgespec.kinds import THROTTLED, UNDERVOLTAGE
from edgespec.observer.band import BandChain
from edgespec.records import Change, Event, EventType

__all__ = ["BoardEvents"]

_NS = 1_000_000_000
#: So often it is looked, and an event is over when nothing was wrong for so long: a supply that is
#: too weak flickers with the load.
_LOOK_S, _HOLD_OFF_S = 1.0, 60.0
#: An open event is told again.
_UPDATE_S = 60.0


@dataclass(slots=True)
class _Open:
    """An event that goes on; seconds are those of the clock that never steps."""

    utc_ns: int
    begun_s: float
    seen_s: float
    said_s: float
    sample_start: int
    words: str
    event_id: str = field(default_factory=lambda: uuid.uuid4().hex)


def _kind_of_board(word: str) -> str:
    return UNDERVOLTAGE if word == UNDERVOLTAGE else THROTTLED


class BoardEvents:
    """Tells when what holds a board back begins, goes on and is over.

    Args:
        troubles: returns what holds it back now, in words of :data:`edgespec.board.TROUBLES`.
        clock: seconds, of a clock that never steps.
        utc_ns: UTC.
        quality: returns how good UTC is.
        kind_of: returns the kind of event that words are of.
    """

    def __init__(
        self,
        troubles: Callable[[], tuple[str, ...]],
        clock: Callable[[], float] = time.monotonic,
        utc_ns: Callable[[], int] = time.time_ns,
        quality: Callable[[], ClockQuality] = lambda: ClockQuality.UNSYNCHRONISED,
        kind_of: Callable[[str], str] = _kind_of_board,
    ) -> None:
        self._kind_of = kind_of
        self._troubles, self._clock = troubles, clock
        self._utc_ns, self._quality = utc_ns, quality
        self._next_s = clock()
        self._open: dict[str, _Open] = {}

    def look(self, chain: BandChain, sample: int) -> list[Event]:
        """Return what there is to say, of the whole band of a chain that heard so many samples.

        Looked is once a second at most.
        """
        now_s = self._clock()
        if now_s < self._next_s:
            return []
        self._next_s = now_s + _LOOK_S
        said: list[Event] = []
        found: dict[str, list[str]] = {}
        for word in self._troubles():
            found.setdefault(self._kind_of(word), []).append(word)
        for kind, words in found.items():
            one = self._open.get(kind)
            if one is None:
                one = _Open(self._utc_ns(), now_s, now_s, now_s, sample, words[0])
                self._open[kind] = one
                said.append(self._message(chain, kind, one, EventType.NEW, sample))
            one.seen_s = now_s
        for kind, one in [*self._open.items()]:
            if now_s - one.seen_s >= _HOLD_OFF_S:
                said.append(self._message(chain, kind, self._open.pop(kind), EventType.END, sample))
            elif now_s - one.said_s >= _UPDATE_S:
                one.said_s = now_s
                said.append(self._message(chain, kind, one, EventType.UPDATE, sample))
        return said

    def finish(self, chain: BandChain, sample: int) -> list[Event]:
        """Return the ends of what goes on."""
        ended, self._open = self._open, {}
        return [
            self._message(chain, kind, one, EventType.END, sample) for kind, one in ended.items()
        ]

    def _message(
        self, chain: BandChain, kind: str, one: _Open, event_type: EventType, sample: int
    ) -> Event:
        grid, info = chain.grid, chain.info
        lower_hz, upper_hz = grid.edges_hz(0, grid.n_bins - 1)
        lasts_ns = round((one.seen_s - one.begun_s) * _NS)
        n_samples = min(round(lasts_ns / _NS * chain.sample_rate_hz), sample - one.sample_start)
        return Event(
            event_id=one.event_id,
            event_type=event_type,
            band=info.band,
            start_ns=one.utc_ns,
            end_ns=one.utc_ns + lasts_ns,
            sample_start=one.sample_start,
            n_samples=max(n_samples, 0),
            freq_lower_hz=lower_hz,
            freq_upper_hz=upper_hz,
            peak_freq_hz=(lower_hz + upper_hz) / 2,
            peak_dbfs=chain.levels_dbfs()[0],
            change=Change.GAIN,
            excess_db=0.0,
            severity_db=0.0,
            detector=one.words,
            score=1.0,
            threshold=0.0,
            sureness=1.0,
            kind=kind,
            clock=self._quality(),
            model_sha256=info.model_sha256,
        )
