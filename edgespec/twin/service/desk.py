"""The place where one site is looked after: its twin, its event, what was refused."""

import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from edgespec.errors import ConfigError, EdgespecError
from edgespec.mqtt.backoff import QuietLog
from edgespec.twin.central import ReportRefused, SiteTwin
from edgespec.twin.service.book import EventBook
from edgespec.twin.site import Site
from edgespec.wire.handover import SavedSite
from edgespec.wire.rss import RssPayloadError, parse_rss
from edgespec.wire.site_event import SiteEvent
from edgespec.wire.transmitters import Transmitter
from edgespec.wire.verdict import TwinVerdict

__all__ = ["Desk", "MakeTwin", "Said"]

_LOG = logging.getLogger(__name__)

#: Makes the twin of a site from learnt state (bytes, empty for none).
MakeTwin = Callable[[Site, bytes], SiteTwin]


class Said(NamedTuple):
    """A verdict, and what it means for the site's event."""

    verdict: TwinVerdict
    event: SiteEvent | None


class Desk:
    """Reports of one site in, verdicts out; nothing that a report contains can stop it.

    The twin is made when the first report comes: a former owner's state arrives before that.

    Args:
        site: the site.
        make_twin: makes its twin.
        basis_ns: only a state that is newer is taken over.
    """

    def __init__(self, site: Site, make_twin: MakeTwin, basis_ns: int = 0) -> None:
        self.site = site
        self._interval_ns = round(1e9 * site.detect.interval_s)
        self.book = EventBook(interval_ns=self._interval_ns)
        self.basis_ns = basis_ns
        self.sequence = 0
        self.last: TwinVerdict | None = None
        self.n_verdicts = 0
        self.state_due_s = 0.0
        self.alarm_said: bool | None = None
        self._make_twin = make_twin
        self._twin: SiteTwin | None = None
        self._state = b""
        self._transmitters: tuple[int, tuple[Transmitter, ...]] | None = None
        self._unread: Counter[str] = Counter()
        self._logs: dict[str, QuietLog] = {}

    @property
    def counts(self) -> dict[str, int]:
        """Reports by what became of them: ``accepted``, or the reason why not."""
        return dict(self._unread + (self._twin.counts if self._twin is not None else Counter()))

    def take(self, data: bytes, now_ns: int, node: str) -> None:
        """Take one report as it came from the broker, on the topic of ``node``.

        The broker knows who may publish there; what a payload says of its node is only words.
        """
        try:
            twin = self._twin or self._open()
            report = parse_rss(data)
            if report.node != node:
                raise RssPayloadError(
                    "wrong_topic", f"node {node!r} reports in the name of {report.node!r}"
                )
            twin.accept(report, now_ns)
        except RssPayloadError as error:
            self._unread[error.reason] += 1
            self._say(error.reason, error)
        except ReportRefused as error:
            self._say(error.reason, error)
        except Exception as error:
            # One site's trouble must not take the others with it.
            self._unread["failed"] += 1
            self._say("failed", error, exc_info=not isinstance(error, EdgespecError))

    def advance(self, now_ns: int) -> list[Said]:
        """Return what the snapshots say that are complete now."""
        if self._twin is None:
            return []
        try:
            said = [
                Said(verdict, self.book.follow(verdict)) for verdict in self._twin.advance(now_ns)
            ]
        except Exception as error:
            self._unread["failed"] += 1
            self._say("failed", error, exc_info=True)
            return []
        if said:
            self.last = said[-1].verdict
            self.n_verdicts += len(said)
        return said

    def set_transmitters(self, transmitters: tuple[Transmitter, ...], utc_ns: int) -> None:
        """Take what the network says of its transmitters."""
        self._transmitters = (utc_ns, transmitters)
        if self._twin is not None:
            self._twin.set_transmitters(transmitters, utc_ns)

    def adopt(self, saved: SavedSite) -> None:
        """Go on where another owner ended."""
        self.basis_ns = saved.utc_ns
        self.sequence = max(self.sequence, saved.sequence)
        if saved.event is not None or not self.book.is_open:
            self.book = EventBook(saved.event, self._interval_ns)
        self.alarm_said = None
        self._state = saved.twin
        if self._twin is not None:
            self._unread += self._twin.counts
            self._twin = None

    def saved(self, central: str) -> SavedSite | None:
        """Return what another owner needs; None before the first report."""
        if self._twin is None:
            return None
        utc_ns = self.last.utc_ns if self.last is not None else self.basis_ns
        twin = self._twin.state().to_bytes()
        return SavedSite(self.site.name, central, utc_ns, self.sequence, self.book.event, twin)

    def _open(self) -> SiteTwin:
        begun_s = time.monotonic()
        try:
            self._twin = self._make_twin(self.site, self._state)
        except ConfigError as error:
            if not self._state:
                raise
            _LOG.warning("the state of site %s is of no use: %s", self.site.name, error)
            self._state = b""
            self._twin = self._make_twin(self.site, b"")
        if self._transmitters is not None:
            utc_ns, transmitters = self._transmitters
            self._twin.set_transmitters(transmitters, utc_ns)
        took_s = time.monotonic() - begun_s
        _LOG.debug("the twin of site %s is ready after %.3f s", self.site.name, took_s)
        return self._twin

    def _say(self, reason: str, error: Exception, *, exc_info: bool = False) -> None:
        log = self._logs.setdefault(reason, QuietLog(_LOG))
        log(
            logging.WARNING,
            f"site {self.site.name}: a report is left out ({reason}): {error}",
            exc_info=exc_info,
        )
