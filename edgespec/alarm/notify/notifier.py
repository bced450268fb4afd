"""A sink that notifies one who is named, in a thread of its own: no band waits for it."""

import logging
import threading
import time
from collections import OrderedDict
from pathlib import Path

from edgespec.alarm.notify.channels import CHANNELS, token_of
from edgespec.alarm.notify.refused import NotifyError
from edgespec.alarm.notify.whereabouts import Whereabouts
from edgespec.aside import Aside
from edgespec.config import NotifyConfig
from edgespec.mqtt.backoff import Backoff, QuietLog
from edgespec.records import Event, EventType, ObserverState, RssReport

__all__ = ["Notifier"]

_LOG = logging.getLogger(__name__)
#: Alerts that wait; what is more is lost, and counted.
_MOST_WAITING = 64
_MOST_OPEN = 1024
_FIRST_S, _LONGEST_S = 1.0, 60.0
_CLOSE_S = 3.0


class Notifier:
    """Tells of each alert once, when it has a name, and of its end where that is wanted.

    What is not taken is tried again, less and less often, until ``give_up_s`` are over; then it is
    lost. Losses are counted, and logged once a minute, without addresses.

    Args:
        settings: whom, and how.
        node: name of the observer.
        name: what the table of the configuration is called.
        whereabouts: of recordings; None where none are kept.
        evidence_s: how long a recording may take.

    Attributes:
        n_lost: notifications that nobody took.

    Raises:
        ConfigError: the file of the token cannot be read.
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
        self._node = node
        self._name = f"{name} ({settings.to})"
        self._token = token_of(settings, name)
        self._send = CHANNELS[settings.to]
        self._whereabouts = whereabouts if settings.evidence else None
        self._evidence_s = evidence_s
        self._told: OrderedDict[str, None] = OrderedDict()
        self._aside = Aside[Event]("notify", self._try, _MOST_WAITING)
        self._closing = threading.Event()
        self._log = QuietLog(_LOG)
        self.n_lost = 0

    def event(self, event: Event) -> None:
        """Take one message; the first named one of an alert is told."""
        is_over = event.event_type is EventType.END
        was_told = event.event_id in self._told
        if event.alert.is_on and not was_told and (event.is_named or is_over):
            self._told[event.event_id] = None
            if len(self._told) > _MOST_OPEN:
                self._told.popitem(last=False)
            self._put(event)
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

    def _put(self, event: Event) -> None:
        if not self._closing.is_set() and not self._aside.put(event):
            self._lose("alerts come faster than they are taken")

    def _try(self, event: Event) -> None:
        try:
            self._tell(event)
        except NotifyError as error:
            self._lose(str(error))
        except Exception as error:
            # Whatever it is, the thread must outlive it; its text may have a secret.
            self._lose(type(error).__name__)

    def _tell(self, event: Event) -> None:
        """Tell of one event.

        Raises:
            NotifyError: nobody took it in time.
        """
        evidence, backoff = self._evidence_of(event), Backoff(_FIRST_S, _LONGEST_S)
        until_s = time.monotonic() + self._settings.give_up_s
        while True:
            try:
                return self._send(self._settings, self._token, self._node, event, evidence)
            except NotifyError as error:
                wait_s = backoff.next_s()
                if not error.may_pass or time.monotonic() + wait_s > until_s:
                    raise
                # At the end, what waits has one attempt each.
                if self._closing.wait(wait_s):
                    raise

    def _evidence_of(self, event: Event) -> Path | None:
        if self._whereabouts is None:
            return None
        return self._whereabouts.wait(event.event_id, self._evidence_s)

    def _lose(self, reason: str) -> None:
        self.n_lost += 1
        self._log(logging.WARNING, f"{self._name}: an alert was not told: {reason}")
