"""A site's verdicts become events: one id from the first alarm to the last quiet snapshot."""

import uuid
from dataclasses import replace

from edgespec.records import EventType
from edgespec.wire.site_event import SiteEvent
from edgespec.wire.verdict import TwinStatus, TwinVerdict

__all__ = ["EventBook"]

_NS = 1_000_000_000
#: Quiet snapshots after which an event is over.
_HOLD_OFF = 3
_UPDATE_S = 5.0


class EventBook:
    """Follows the verdicts of one site.

    An alarming verdict opens an event at once: how often normal operation does that is the
    detector's business. Three quiet snapshots in a row end it. Verdicts that can tell nothing
    (too few units, learning) neither keep nor end it: who silences the units does not end the
    alarm.

    Args:
        event: the event that a former owner of the site left open.
        interval_ns: length of a snapshot; an event starts with that of its first alarm.
    """

    def __init__(self, event: SiteEvent | None = None, interval_ns: int = _NS) -> None:
        self.event = event
        self._interval_ns = interval_ns
        self._said_ns = event.end_ns if event is not None else 0
        self._n_quiet = 0

    @property
    def is_open(self) -> bool:
        """Whether an event is going on."""
        return self.event is not None

    def follow(self, verdict: TwinVerdict) -> SiteEvent | None:
        """Return what there is to say after a verdict."""
        if verdict.is_alarm:
            self._n_quiet = 0
            return self._alarm(verdict)
        if self.event is None or verdict.status is not TwinStatus.WATCHING:
            return None
        self._n_quiet += 1
        self.event = replace(self.event, n_snapshots=self.event.n_snapshots + 1)
        if self._n_quiet < _HOLD_OFF:
            return None
        ended, self.event = self.event, None
        return replace(ended, event_type=EventType.END)

    def _alarm(self, verdict: TwinVerdict) -> SiteEvent | None:
        if self.event is None:
            self.event = _strongest(
                SiteEvent(
                    str(uuid.uuid4()), EventType.NEW, verdict.site, verdict.band,
                    verdict.utc_ns - self._interval_ns, verdict.utc_ns, verdict.detector,
                    0.0, 1.0, 1, 1, 0,
                ),
                verdict,
            )  # fmt: skip
            self._said_ns = verdict.utc_ns
            return self.event
        before = self.event
        self.event = replace(
            before,
            event_type=EventType.UPDATE,
            end_ns=verdict.utc_ns,
            n_alarms=before.n_alarms + 1,
            n_snapshots=before.n_snapshots + 1,
        )
        if verdict.score - verdict.threshold > before.score - before.threshold:
            self.event = _strongest(self.event, verdict)
        is_due = verdict.utc_ns - self._said_ns >= _UPDATE_S * _NS
        if not is_due and self.event.kind == before.kind:
            return None
        self._said_ns = verdict.utc_ns
        return self.event


def _strongest(event: SiteEvent, verdict: TwinVerdict) -> SiteEvent:
    return replace(
        event,
        detector=verdict.detector,
        score=verdict.score,
        threshold=verdict.threshold,
        n_units=verdict.n_units,
        kind=verdict.kind,
        advice=verdict.advice,
        freq_lower_hz=verdict.freq_lower_hz,
        freq_upper_hz=verdict.freq_upper_hz,
        source=verdict.source,
        power_dbm=verdict.power_dbm,
    )
