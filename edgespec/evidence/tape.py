"""The last seconds of a source in memory, and what is cut out of them."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from edgespec.records import Event, EventType, IqBlock, SourceInfo

__all__ = ["Cut", "Normal", "Tape"]

_NS = 1_000_000_000
#: More events are never open at once, of those that asked lately.
_MOST_ASKED = 64


class Normal(Protocol):
    """What was normal when an event was told; a replay goes by it."""

    @property
    def at_sample(self) -> int:
        """Where a segment begins, on the count of the source."""
        ...

    @property
    def hop_samples(self) -> int:
        """Samples from one segment to the next."""
        ...

    def as_bytes(self, sample_start: int) -> bytes:
        """Return it for a recording that begins with this sample."""
        ...


@dataclass(frozen=True, slots=True)
class Cut:
    """Samples without a gap, and the events in them, each as it was last told.

    ``sample_start`` counts the samples of the source as events do, ``utc_ns`` is that of the first.
    ``normal`` is what was normal when the first was told; None where that is not known. With it
    they begin where a segment does: a replay divides them as they were.
    """

    samples: NDArray[Any]
    sample_start: int
    utc_ns: int
    sample_rate_hz: float
    center_freq_hz: float
    events: tuple[Event, ...]
    normal: Normal | None = None


@dataclass(slots=True)
class _Wish:
    """What is to be cut out: from one sample to another, with the events that asked for it."""

    start: int
    stop: int
    normal: Normal | None
    events: dict[str, Event] = field(default_factory=dict)


class Tape:
    """Holds what was last heard, in the source's own format; older samples are overwritten.

    A gap or a retune begins it anew: what is kept is one piece. Nothing is allocated but for a cut.

    Args:
        source: whose samples they are.
        before_s: how much before the begin of an event is wanted.
        after_s: how much from its begin on.
        max_bytes: of memory; where that is less, so is what is kept before an event.
        keep: given every cut.
        normal: returns what is normal now, None where that is not known.
    """

    def __init__(
        self,
        source: SourceInfo,
        before_s: float,
        after_s: float,
        max_bytes: int,
        keep: Callable[[Cut], None],
        normal: Callable[[], Normal | None] = lambda: None,
    ) -> None:
        rate_hz, self.sample_format = source.sample_rate_hz, source.sample_format
        self._n_before, self._n_after = round(before_s * rate_hz), round(after_s * rate_hz)
        # An event is told a little after its begin; half a second is plenty.
        n_wanted = self._n_before + self._n_after + round(0.5 * rate_hz)
        n_samples = max(min(n_wanted, max_bytes // source.sample_format.sample_bytes), 1)
        self._buffer = source.sample_format.empty(n_samples)
        self._keep, self._normal = keep, normal
        self._rate_hz, self._center_hz = rate_hz, source.center_freq_hz
        # One piece of the source: samples from ``_first`` to ``_next`` were heard.
        self._first = self._next = 0
        self._utc_ns = 0
        self._wish: _Wish | None = None
        self._asked: deque[str] = deque(maxlen=_MOST_ASKED)

    def add(self, block: IqBlock) -> None:
        """Take a block, and cut out what is complete with it."""
        is_next = block.sample_start == self._next and not block.n_dropped
        if not is_next or block.center_freq_hz != self._center_hz:
            self.finish()
            self._first = self._next = block.sample_start
            self._center_hz = block.center_freq_hz
        samples, size = block.samples, len(self._buffer)
        if len(samples) > size:
            samples = samples[-size:]
        place = (block.sample_start + block.n_samples - len(samples)) % size
        n_first = min(len(samples), size - place)
        self._buffer[place : place + n_first] = samples[:n_first]
        self._buffer[: len(samples) - n_first] = samples[n_first:]
        self._next = block.sample_start + block.n_samples
        self._first = max(self._first, self._next - size)
        self._utc_ns = block.utc_ns + round(block.n_samples / self._rate_hz * _NS)
        if self._wish is not None and self._next >= self._wish.stop:
            self.finish()

    def want(self, event: Event) -> None:
        """Ask once for what is around the begin of an event; of one that goes on, take what is new.

        What opens is no alert yet where that takes a name: it asks as long as its begin is there.
        """
        wish, start = self._wish, event.sample_start
        is_known = event.event_id in self._asked
        if wish is not None and event.event_id in wish.events:
            wish.events[event.event_id] = event
        elif not is_known and (event.event_type == EventType.NEW or start >= self._first):
            if wish is None:
                normal, begin = self._normal(), start - self._n_before
                if normal is not None:
                    begin -= (begin - normal.at_sample) % normal.hop_samples
                wish = self._wish = _Wish(begin, start + self._n_after, normal)
            wish.events[event.event_id] = event
            self._asked.append(event.event_id)

    def heard(self, seconds: float) -> Cut | None:
        """Return what was last heard, without events; None where that is less than so long."""
        normal, start = self._normal(), self._next - round(seconds * self._rate_hz)
        if normal is not None:
            start -= (start - normal.at_sample) % normal.hop_samples
        return None if start < self._first else self._cut(start, self._next, (), normal)

    def finish(self) -> None:
        """Cut out what is wanted, as far as it was heard."""
        wish, self._wish = self._wish, None
        if wish is None:
            return
        start, stop = max(wish.start, self._first), min(wish.stop, self._next)
        if wish.normal is not None:
            # Where less was heard than is wanted, the next segment is the first.
            start += (wish.normal.at_sample - start) % wish.normal.hop_samples
        if stop > start:
            self._keep(self._cut(start, stop, tuple(wish.events.values()), wish.normal))

    def _cut(self, start: int, stop: int, events: tuple[Event, ...], normal: Normal | None) -> Cut:
        size = len(self._buffer)
        samples = np.concatenate(
            [self._buffer[a % size : a % size + b - a] for a, b in _pieces(start, stop, size)]
        )
        return Cut(
            samples,
            start,
            self._utc_ns - round((self._next - start) / self._rate_hz * _NS),
            self._rate_hz,
            self._center_hz,
            events,
            normal,
        )


def _pieces(start: int, stop: int, size: int) -> list[tuple[int, int]]:
    """Return the runs of samples that lie in one piece in a ring of this size."""
    edge = (start // size + 1) * size
    return [(start, stop)] if stop <= edge else [(start, edge), (edge, stop)]
