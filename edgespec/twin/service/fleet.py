"""Virtual observers of sites, for trying a central unit and for loading it."""

import json
import math
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.config import MqttConfig
from edgespec.errors import UsageError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.option import about, check_record
from edgespec.records import RssReport
from edgespec.twin.expected import Expectation
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.site import Site
from edgespec.wire.rss import ENCODERS, rss_payload
from edgespec.wire.topics import rss_topic

__all__ = [
    "Disturbance",
    "Fleet",
    "VirtualJammer",
    "VirtualSite",
    "open_fleet",
    "parse_jammer",
]

_NS = 1_000_000_000
_FRAMES = 1000
_SPREAD_S = 0.2
#: How far outside of a site a jammer may be.
_REACH_M = 1000.0


@dataclass(frozen=True, slots=True)
class Disturbance:
    """How virtual observers differ from the twin's expectation.

    ``bias_db`` is the standard deviation of each unit's lasting error, ``noise_db`` that of each
    level of each report, ``path_db`` that of each path from a jammer to a unit.
    """

    bias_db: float = 3.0
    noise_db: float = 1.0
    path_db: float = 0.0


@dataclass(frozen=True, slots=True)
class VirtualJammer:
    """A source that nobody knows of, from ``start_s`` to ``stop_s`` after the fleet's start.

    ``share`` is the part of the band that it covers, from the lower edge.
    """

    x_m: float = field(metadata=about("Place", unit="m", minimum=-1e6, maximum=1e6))
    y_m: float = field(metadata=about("Place", unit="m", minimum=-1e6, maximum=1e6))
    power_dbm: float = field(metadata=about("Power", unit="dBm", minimum=-200, maximum=120))
    start_s: float = field(default=0.0, metadata=about("Start", unit="s", minimum=0, maximum=1e9))
    stop_s: float | None = field(
        default=None, metadata=about("End; None: it stays", unit="s", above=0, maximum=1e9)
    )
    share: float = field(default=1.0, metadata=about("Of the band", above=0, maximum=1))

    def __post_init__(self) -> None:
        check_record(self, UsageError)
        if self.stop_s is not None and self.stop_s <= self.start_s:
            raise UsageError(
                f"stop_s is {self.stop_s:g}; it must be after start_s, {self.start_s:g}"
            )

    def is_on(self, elapsed_s: float) -> bool:
        """Whether it sends so long after the fleet's start."""
        return self.start_s <= elapsed_s and (self.stop_s is None or elapsed_s < self.stop_s)

    def check_near(self, site: Site) -> None:
        """Check that it is at the site, or outside, as one in the street is, within reach of it.

        Raises:
            UsageError: it is further away than 1 km, and than the site is long.
        """
        reach_m = max(_REACH_M, *site.size_m)
        for name, place_m, size_m in zip("xy", (self.x_m, self.y_m), site.size_m, strict=False):
            if not -reach_m <= place_m <= size_m + reach_m:
                raise UsageError(
                    f"a jammer is at {name} = {place_m:g} m, and the site {site.name} reaches from "
                    f"0 to {size_m:g} m: place it there, or at most {reach_m:g} m beyond"
                )


def parse_jammer(text: str) -> VirtualJammer:
    """Return the jammer of ``X,Y,POWER[,START[,STOP[,SHARE]]]`` in m, dBm and s.

    Raises:
        UsageError: it is not written so, or of a number that is not accepted.
    """
    why = ""
    try:
        values: list[float | None] = [float(part) for part in text.split(",")]
        if 3 <= len(values) <= 6:
            # It stays, and a share of the band stands behind it.
            values[4:5] = [None if stop_s == math.inf else stop_s for stop_s in values[4:5]]
            return VirtualJammer(*values)  # type: ignore[arg-type]
    except UsageError as error:
        why = f" ({error})"
    except ValueError:
        pass
    raise UsageError(
        f"a jammer is {text!r:.80}{why}; write X,Y,POWER[,START[,STOP[,SHARE]]] in m, dBm and s, "
        "such as 14,20,20,30"
    )


class VirtualSite:
    """What the units of a site report.

    Args:
        site: the site; levels follow its own model of propagation.
        disturbance: how they differ from it.
        rng: for that.
        jammers: sources besides its transmitters.
    """

    def __init__(
        self,
        site: Site,
        disturbance: Disturbance,
        rng: np.random.Generator,
        jammers: Sequence[VirtualJammer] = (),
    ) -> None:
        for jammer in jammers:
            jammer.check_near(site)
        gain = path_gain(site)
        expected = Expectation(site, gain)
        self.site = site
        self.jammers = jammers
        self._rng = rng
        self._noise_db = disturbance.noise_db
        self._path_db = disturbance.path_db
        self._normal_mw = 10.0 ** (expected.level_dbm / 10.0)
        self._shape = self._normal_mw.shape
        self._bias_db = rng.normal(0.0, disturbance.bias_db, (self._shape[0], 1))
        # Drawn after the biases: with or without jammers the units are the same.
        self._jammer_mw = [self._arriving_mw(jammer, gain.gains_db) for jammer in jammers]
        self._sequence = 0
        edges_hz = site.edges_hz
        self._templates = [
            RssReport(
                unit.node, site.name, site.band, 0, site.detect.interval_s, edges_hz, (0.0,),
                site.level_unit, 0.0, _FRAMES, 0,
            )
            for unit in site.unit
        ]  # fmt: skip

    def levels_dbm(self, elapsed_s: float) -> NDArray[np.float64]:
        """Return one snapshot, float64 ``(n_units, n_subbands)``."""
        power_mw = self._normal_mw
        for jammer, arriving_mw in zip(self.jammers, self._jammer_mw, strict=True):
            if jammer.is_on(elapsed_s):
                power_mw = power_mw + arriving_mw
        noise_db = self._rng.normal(0.0, self._noise_db, self._shape)
        return 10.0 * np.log10(power_mw) + self._bias_db + noise_db

    def reports(self, utc_ns: int, elapsed_s: float) -> Iterator[RssReport]:
        """Yield the reports of all units on the interval that ends at ``utc_ns``."""
        self._sequence += 1
        levels = self.levels_dbm(elapsed_s).round(2).tolist()
        for template, row in zip(self._templates, levels, strict=True):
            yield replace(template, utc_ns=utc_ns, levels_db=tuple(row), sequence=self._sequence)

    def _arriving_mw(
        self,
        jammer: VirtualJammer,
        gains_db: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    ) -> NDArray[np.float64]:
        place = np.array([[jammer.x_m, jammer.y_m, self.site.propagation.source_height_m]])
        error_db = self._rng.normal(0.0, self._path_db, self._shape[0])
        arriving_mw = 10.0 ** ((jammer.power_dbm + gains_db(place)[0] + error_db) / 10.0)
        n_subbands = self._shape[1]
        n_covered = max(1, round(jammer.share * n_subbands))
        shares = np.where(np.arange(n_subbands) < n_covered, 1.0 / n_covered, 0.0)
        return np.asarray(arriving_mw[:, None] * shares)


class Fleet:
    """Publishes what virtual sites report, interval by interval, through one connection.

    Args:
        sites: the virtual sites; they share the length of an interval.
        session: open connection.
        prefix: of the topics.
        spread_s: time over which the reports of one interval are sent; None: 0.2 s, or all of a
            shorter interval.
        clock_ns: UTC, by which intervals end.
        encode: how a report travels; default: JSON.
    """

    def __init__(
        self,
        sites: Sequence[VirtualSite],
        session: Session,
        prefix: str,
        spread_s: float | None = None,
        clock_ns: Callable[[], int] = time.time_ns,
        encode: Callable[[RssReport], bytes] | None = None,
    ) -> None:
        self._sites = sites
        self._session = session
        self._prefix = prefix
        interval_s = sites[0].site.detect.interval_s
        if spread_s is not None and spread_s > interval_s:
            raise UsageError(
                f"the reports of a snapshot are sent over {spread_s:g} s, but one lasts "
                f"{interval_s:g} s (detect.interval_s): spread them over less"
            )
        self._spread_s = min(_SPREAD_S, interval_s) if spread_s is None else spread_s
        self._clock_ns = clock_ns
        self._encode = encode or _json
        self.n_reports = 0

    def run(self, duration_s: float | None, is_stopped: Callable[[], bool] = lambda: False) -> None:
        """Publish until the time is over or ``is_stopped``.

        Raises:
            BrokerError: the link is lost.
        """
        interval_ns = round(self._sites[0].site.detect.interval_s * _NS)
        end_ns = (self._clock_ns() // interval_ns + 1) * interval_ns
        start_ns = end_ns
        while not is_stopped():
            elapsed_s = (end_ns - start_ns) / _NS
            if duration_s is not None and elapsed_s >= duration_s:
                return
            while (left_s := (end_ns - self._clock_ns()) / _NS) > 0 and not is_stopped():
                self._session.poll(None, min(left_s, 0.1))
            self.publish(end_ns, elapsed_s)
            end_ns += interval_ns

    def publish(self, end_ns: int, elapsed_s: float) -> None:
        """Send the reports on the interval that ends at ``end_ns``, ``elapsed_s`` after the first.

        Raises:
            BrokerError: the link is lost.
        """
        pause_s = self._spread_s / len(self._sites)
        for index, virtual in enumerate(self._sites):
            due_s = end_ns / _NS + index * pause_s
            for report in virtual.reports(end_ns, elapsed_s):
                topic = rss_topic(self._prefix, report.node, report.site)
                self._session.publish(topic, self._encode(report), qos=0)
                self.n_reports += 1
            self._session.poll(None, max(due_s - self._clock_ns() / _NS, 0.0))


def _json(report: RssReport) -> bytes:
    # Not encode_rss: a virtual level is always finite, and this is three times faster.
    return json.dumps(rss_payload(report), separators=(",", ":")).encode()


@contextmanager
def open_fleet(
    sites: Sequence[Site],
    settings: MqttConfig,
    disturbance: Disturbance,
    seed: int,
    jammers: Sequence[VirtualJammer] = (),
    spread_s: float | None = None,
) -> Iterator[Fleet]:
    """Connect a fleet; every site has its own random numbers, by ``seed`` and its place.

    Raises:
        UsageError: a jammer is far outside of a site, or the reports take longer than a snapshot.
        ConfigError: the broker's URL or a site's model of propagation cannot be used.
        BrokerError: the broker cannot be reached.
    """
    streams = np.random.default_rng(seed).spawn(len(sites))
    virtual = [
        VirtualSite(site, disturbance, rng, jammers)
        for site, rng in zip(sites, streams, strict=True)
    ]
    link = Link.of(settings, f"edgespec-fleet-{uuid.uuid4().hex[:8]}")
    with Session(link) as session:
        encode = None if settings.rss_format == "json" else ENCODERS[settings.rss_format]
        yield Fleet(virtual, session, settings.topic_prefix, spread_s, encode=encode)
