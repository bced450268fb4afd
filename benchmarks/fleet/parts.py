"""What the steps of a central unit cost, in one process without a network."""

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.fleet.yard import DISTURBANCE
from edgespec.machine import peak_rss_mb
from edgespec.twin.central import SiteTwin
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.service.fleet import VirtualJammer, VirtualSite
from edgespec.twin.service.openings import TwinMaker
from edgespec.twin.site import Site
from edgespec.twin.trained import TrainedTwin
from edgespec.wire.rss import ENCODERS, parse_rss
from edgespec.wire.rss_binary import is_binary
from edgespec.wire.verdict import VerdictWriter

__all__ = ["Parts", "parts"]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """Microseconds of processor time for each report, in one process without a network.

    ``take_us`` reads a report and sorts it into its snapshot: one by one of JSON, many at a time of
    bytes. ``advance_us`` and ``verdict_us`` are those of a snapshot over its units. ``alarm_us`` is
    an advance with an alarm, for a whole snapshot; ``build_ms`` makes a twin whose path gains are
    ready, ``gains_ms`` makes those.
    """

    take_us: float
    advance_us: float
    verdict_us: float
    alarm_us: float
    build_ms: float
    gains_ms: float
    site_mb: float
    state_bytes: int
    report_bytes: int
    verdict_bytes: int


def parts(site: Site, learnt: TrainedTwin, n_snapshots: int, rss_format: str) -> Parts:
    """Return what the steps cost, the 25th percentile over snapshots."""
    rng = np.random.default_rng(1)
    quiet = VirtualSite(site, DISTURBANCE, rng)
    twin = SiteTwin(site, trained=learnt)
    encode = ENCODERS[rss_format]
    clock, n_units = time.thread_time_ns, len(site.unit)
    taken: list[tuple[int, int, int]] = []
    data: list[bytes] = []
    writer, written = VerdictWriter(), b""
    for k in range(1, n_snapshots + 1):
        data = [encode(report) for report in quiet.reports(k * _NS, 0.0)]
        started = clock()
        _take(twin, data, k * _NS)
        accepted = clock()
        (verdict,) = twin.advance(k * _NS + 1)
        advanced = clock()
        written = writer.write(verdict, "central", "dBm", dict(twin.counts))
        ended = clock()
        taken.append((accepted - started, advanced - accepted, ended - advanced))
    each = np.quantile(np.array(taken), 0.25, axis=0) / n_units / 1e3
    take_us, advance_us, verdict_us = (round(float(one), 2) for one in each)
    return Parts(
        take_us=take_us,
        advance_us=advance_us,
        verdict_us=verdict_us,
        alarm_us=round(_alarm_us(site, learnt), 1),
        build_ms=round(_build_ms(site, learnt), 3),
        gains_ms=round(_gains_ms(site), 3),
        site_mb=round(_site_mb(site, learnt), 3),
        state_bytes=len(twin.state().to_bytes()),
        report_bytes=round(statistics.fmean(map(len, data))),
        verdict_bytes=len(written),
    )


def _take(twin: SiteTwin, data: Sequence[bytes], now_ns: int) -> None:
    """Take a snapshot's reports as a central unit does."""
    if twin.accept_alike(range(len(data)), data, now_ns) == len(data):
        return
    for one, node in zip(data, twin.site.nodes, strict=True):
        report = parse_rss(one, node, twin.site.name)
        twin.accept(report, now_ns, data=one if is_binary(one) else b"")


def _alarm_us(site: Site, learnt: TrainedTwin) -> float:
    rng = np.random.default_rng(2)
    loud = VirtualSite(site, DISTURBANCE, rng, [VirtualJammer(14.0, 20.0, 20.0)])
    twin = SiteTwin(site, trained=learnt)
    taken = []
    for k in range(1, 60):
        for report in loud.reports(k * _NS, 0.0):
            twin.accept(report, report.utc_ns)
        started = time.thread_time_ns()
        (verdict,) = twin.advance(k * _NS + 1)
        if verdict.is_alarm:
            taken.append(time.thread_time_ns() - started)
    return float(np.quantile(taken, 0.25)) / 1e3


def _build_ms(site: Site, learnt: TrainedTwin) -> float:
    gain = path_gain(site)
    gain.grid()
    state = SiteTwin(site, trained=learnt, gain=gain).state().to_bytes()
    maker = TwinMaker({site.name: learnt})
    maker.prepare(site)
    taken = []
    for _ in range(50):
        started = time.thread_time_ns()
        maker(site, state)
        taken.append(time.thread_time_ns() - started)
    return float(np.quantile(taken, 0.25)) / 1e6


def _gains_ms(site: Site) -> float:
    taken = []
    for _ in range(20):
        started = time.thread_time_ns()
        path_gain(site).grid()
        taken.append(time.thread_time_ns() - started)
    return float(np.quantile(taken, 0.25)) / 1e6


def _site_mb(site: Site, learnt: TrainedTwin) -> float:
    before_mb = peak_rss_mb()
    kept = [SiteTwin(site, trained=learnt) for _ in range(200)]
    return (peak_rss_mb() - before_mb) / len(kept)
