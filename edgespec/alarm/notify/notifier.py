"""A sink that notifies one who is named, in a thread of its own: no band waits for it."""

import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path

from edgespec.alarm.notify.channels import CHANNELS, Notice, Way
from edgespec.alarm.notify.refused import NotifyError
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.aside import Aside
from edgespec.config import NotifyConfig
from edgespec.kinds import TEST
from edgespec.mqtt.backoff import Backoff, QuietLog
from edgespec.records import Event, EventType, ObserverState, RssReport

__all__ = ["Notifier"]

_LOG = logging.getLogger(__name__)
#: Alerts that wait; what is more is lost, and counted.
_MOST_WAITING = 64
_MOST_OPEN = 1024
#: Alerts whose picture may come yet, and pictures that wait.
_MOST_UNDRAWN, _MOST_PICTURES = 256, 16
_FIRST_S, _LONGEST_S = 1.0, 60.0
_CLOSE_S = 3.0


class Notifier:
    """Tells of each alert once, when it has a name, and of its end and picture where wanted.

    What is not taken is tried again, less and less often, until ``give_up_s`` are over; then it is
    lost. Losses are counted, and logged once a minute, without addresses. Pictures have a thread of
    their own: no alert waits for one.

    Args:
        settings: whom, and how.
        node: name of the observer.
        name: what the table of the configuration is called.
        whereabouts: of recordings; None where none are kept.
        evidence_s: how long a recording may take.

    Attributes:
        n_lost: notifications that nobody took; pictures do not count.

    Raises:
        ConfigError: the file of the token or of certificates cannot be used.
    """

    def __init__(
        self,
        settings: NotifyConfig,
        node: str,
        name: str = "notify",
        whereabouts: Whereabouts | None = None,
        evidence_s: float = 0.0,
    ) -> None:
        self._settings = settings
        self._name = f"{name} ({settings.to})"
        self._way = Way.of(settings, node, name)
        self._send = CHANNELS[settings.to]
        self._whereabouts = whereabouts if settings.evidence else None
        self._evidence_s = evidence_s
        self._told: OrderedDict[str, None] = OrderedDict()
        self._aside = Aside[Event]("notify", self._try, _MOST_WAITING)
        self._undrawn: OrderedDict[str, Event] = OrderedDict()
        self._undrawn_lock = threading.Lock()
        self._pictures = Aside[Notice]("notify-pictures", self._try_picture, _MOST_PICTURES)
        if settings.picture and whereabouts is not None:
            whereabouts.listeners.append(self._drawn)
        self._closing = threading.Event()
        self._log = QuietLog(_LOG)
        self.n_lost = 0

    def event(self, event: Event) -> None:
        """Take one message; the first named one of an alert is told."""
        is_over = event.event_type is EventType.END
        was_told = event.event_id in self._told
        is_asked_for = event.alert.is_on or (self._settings.tests and event.kind == TEST)
        if is_asked_for and not was_told and (event.is_named or is_over):
            self._told[event.event_id] = None
            if len(self._told) > _MOST_OPEN:
                self._told.popitem(last=False)
            self._put(event)
            self._await_picture(event)
        elif was_told and is_over and self._settings.ends:
            self._put(event)
        if is_over:
            self._told.pop(event.event_id, None)

    def state(self, state: ObserverState) -> None:
        """Nothing: a state is no alert."""

    def rss(self, report: RssReport) -> None:
        """Nothing: nor is received power."""

    def close(self) -> None:
        """Try once more what waits, for some seconds; a second call does nothing."""
        self._closing.set()
        self._aside.close(_CLOSE_S)
        self._pictures.close(_CLOSE_S)

    def _await_picture(self, event: Event) -> None:
        if not self._settings.picture:
            return
        with self._undrawn_lock:
            self._undrawn[event.event_id] = event
            if len(self._undrawn) > _MOST_UNDRAWN:
                self._undrawn.popitem(last=False)

    def _drawn(self, event_ids: Iterable[str], picture: Path) -> None:
        """Tell of a picture once, with the first of its events that was told."""
        with self._undrawn_lock:
            events = [self._undrawn.pop(one, None) for one in event_ids]
        event = next(filter(None, events), None)
        if event is None or self._closing.is_set():
            return
        if not self._pictures.put(Notice(event, picture=picture)):
            self._log(logging.WARNING, f"{self._name}: pictures come faster than they are taken")

    def _put(self, event: Event) -> None:
        if not self._closing.is_set() and not self._aside.put(event):
            self._lose("alerts come faster than they are taken")

    def _try(self, event: Event) -> None:
        try:
            self._tell(Notice(event, self._evidence_of(event)))
        except NotifyError as error:
            self._lose(str(error))
        except Exception as error:
            # Whatever it is, the thread must outlive it; its text may have a secret.
            self._lose(type(error).__name__)

    def _try_picture(self, notice: Notice) -> None:
        try:
            self._tell(notice)
        except Exception as error:
            # As of an alert; without its picture that was told all the same.
            reason = str(error) if isinstance(error, NotifyError) else type(error).__name__
            self._log(logging.WARNING, f"{self._name}: a picture was not taken: {reason}")

    def _tell(self, notice: Notice) -> None:
        """Tell of one notice.

        Raises:
            NotifyError: nobody took it in time.
        """
        backoff, is_first = Backoff(_FIRST_S, _LONGEST_S), True
        until_s = time.monotonic() + self._settings.give_up_s
        while True:
            try:
                return self._send(self._way, notice)
            except NotifyError as error:
                wait_s = backoff.next_s()
                if not error.may_pass or time.monotonic() + wait_s > until_s:
                    raise
                if is_first:
                    is_first = False
                    again_s = self._settings.give_up_s
                    text = f"{self._name}: {error}: it is tried again for {again_s:g} s"
                    self._log(logging.INFO, text)
                # At the end, what waits has one attempt each.
                if self._closing.wait(wait_s):
                    raise

    def _evidence_of(self, event: Event) -> Path | None:
        if self._whereabouts is None:
            return None
        return self._whereabouts.wait(event.event_id, self._evidence_s)

    def _lose(self, reason: str) -> None:
        # Told before it is counted: whoever sees the count finds the reason.
        self._log(logging.WARNING, f"{self._name}: an alert was not told: {reason}")
        self.n_lost += 1
