"""A small site with quick snapshots, its virtual observers, and central units to look after it."""

import functools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.mqtt.url import BrokerUrl
from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.service.fleet import Disturbance, Fleet, VirtualJammer, VirtualSite
from edgespec.twin.service.openings import TwinMaker, warm_up
from edgespec.twin.service.unit import CentralUnit
from edgespec.twin.site import Site, Unit
from edgespec.twin.trained import TrainedTwin, train
from edgespec.wire.text import decode
from edgespec.wire.transmitters import Transmitter
from tests.made.broker import PATIENCE_S, Listener, wait_for
from tests.made.observer import environment

NS = 1_000_000_000
INTERVAL_S = 0.25
DISTURBANCE = Disturbance(bias_db=1.0, noise_db=0.5)
SEED = 7


def site_of(name: str = "yard", **detect: Any) -> Site:
    """Six units around a yard of 30 m; quick snapshots."""
    places = [(2.0, 2.0), (15.0, 1.0), (28.0, 3.0), (27.0, 28.0), (14.0, 29.0), (1.0, 27.0)]
    units = tuple(Unit(f"{name}-{k}", x, y, 2.0) for k, (x, y) in enumerate(places))
    site = Site(
        name=name, freq_lower_hz=3.69e9, freq_upper_hz=3.71e9, size_m=(30.0, 30.0, 5.0),
        unit=units, n_subbands=4,
        transmitter=(Transmitter("bs", 15.0, 15.0, 3.0, 10.0, freq_lower_hz=(3.69e9,),
                                 freq_upper_hz=(3.7e9,)),),
    )  # fmt: skip
    options = {"interval_s": INTERVAL_S, "grace_s": 1.0, "averages": 4, **detect}
    return replace(site, detect=replace(site.detect, **options))


def virtual(site: Site, jammers: Sequence[VirtualJammer] = ()) -> VirtualSite:
    """Always the same units: their biases come from one seed."""
    return VirtualSite(site, DISTURBANCE, np.random.default_rng(SEED), jammers)


def normal_reports(site: Site, n_snapshots: int = 300, end_ns: int = 0) -> list[RssReport]:
    fleet = virtual(site)
    interval_ns = round(site.detect.interval_s * NS)
    last = (end_ns or time.time_ns() - 60 * NS) // interval_ns
    return [
        report
        for k in range(last - n_snapshots, last)
        for report in fleet.reports(k * interval_ns, 0.0)
    ]


@functools.cache
def trained(site: Site) -> TrainedTwin:
    return train(site, normal_reports(site))


def make_twin(site: Site, state: bytes) -> SiteTwin:
    return TwinMaker({site.name: trained(site)})(site, state)


def write_site(site: Site, path: Path) -> Path:
    """Write a site as its file."""
    options = ("interval_s", "grace_s", "max_future_s", "averages")
    lines = [
        f'name = "{site.name}"',
        f"freq_lower_hz = {site.freq_lower_hz!r}",
        f"freq_upper_hz = {site.freq_upper_hz!r}",
        f"size_m = {list(site.size_m)}",
        f"n_subbands = {site.n_subbands}",
        "[detect]",
        *(f"{key} = {getattr(site.detect, key)!r}" for key in options),
    ]
    tables = [("unit", one, ("node", "x_m", "y_m", "z_m")) for one in site.unit]
    keys = ("id", "x_m", "y_m", "z_m", "power_dbm", "freq_lower_hz", "freq_upper_hz")
    tables += [("transmitter", one, keys) for one in site.transmitter]
    for table, record, names in tables:
        lines.append(f"[[{table}]]")
        values = {name: getattr(record, name) for name in names}
        lines += [
            f"{name} = {json.dumps(list(value) if isinstance(value, tuple) else value)}"
            for name, value in values.items()
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


class Told:
    """A screen that remembers."""

    def __init__(self) -> None:
        self.verdicts: list[Any] = []
        self.events: list[Any] = []
        self.shared: list[tuple[list[str], list[str]]] = []

    def verdict(self, verdict: Any, counts: Any) -> None:
        self.verdicts.append(verdict)

    def event(self, event: Any) -> None:
        self.events.append(event)

    def members(self, ids: Any, sites: Any) -> None:
        self.shared.append((list(ids), list(sites)))


class Observers:
    """The virtual units of some sites. They report when a test says so, on intervals of its own.

    ``now_ns`` is the end of the last interval: the clock of central units in this process.
    """

    def __init__(
        self, stack: ExitStack, url: str, sites: Sequence[Site], jammer: VirtualJammer | None = None
    ) -> None:
        sites_of = [virtual(site, [jammer] if jammer else []) for site in sites]
        self._session = Session(Link.of(MqttConfig(url=url, keepalive_s=3600.0), "observers"))
        self._session.connect()
        stack.callback(self._session.close)
        self._fleet = Fleet(sites_of, self._session, "edgespec", 0.0, lambda: self.now_ns)
        self._interval_ns = round(sites[0].detect.interval_s * NS)
        self._first_ns = (time.time_ns() // NS + 1800) * NS
        self._n_snapshots = 0

    @property
    def now_ns(self) -> int:
        return self._first_ns + self._n_snapshots * self._interval_ns

    @property
    def snapshot(self) -> int:
        """The number of the last one, as in verdicts on it."""
        return self.now_ns // self._interval_ns - 1

    def pass_by(self) -> None:
        """Let an interval go by in which nobody reports."""
        self._n_snapshots += 1

    def report(self) -> None:
        """Send the reports on one more interval; the broker has taken them when this returns."""
        elapsed_s = self._n_snapshots * self._interval_ns / NS
        self.pass_by()
        self._fleet.publish(self.now_ns, elapsed_s)
        self._session.publish("observers", b"", qos=1)
        wait_for(lambda: not self._session.poll(None, 0.01) and not self._session.unacked, "taken")

    def go(self, n_snapshots: int, is_judged: Callable[[int], bool]) -> None:
        """Report so many times, each when the one before ``is_judged``."""
        for _ in range(n_snapshots):
            self.report()
            number = self.snapshot
            wait_for(lambda number=number: is_judged(number), f"a verdict on snapshot {number}")


class HasClock(Protocol):
    """Whoever reports, by a clock of its own."""

    @property
    def now_ns(self) -> int:
        """The end of the last interval."""
        ...


class Running:
    """A central unit in a thread of this process, by the clock of its observers."""

    def __init__(
        self, stack: ExitStack, url: str, observers: HasClock, sites: Sequence[Site],
        central: str = "c-1", **options: Any,
    ) -> None:  # fmt: skip
        settings = MqttConfig(url=url, keepalive_s=3600.0, reconnect_max_s=0.3)
        self.told = Told()
        maker, enter = options.pop("make_twin", make_twin), options.pop("enter", None)
        for site in sites:
            warm_up(site)
            trained(site)
        self.unit = CentralUnit(
            settings, sites, maker, self.told, central,
            clock_ns=lambda: observers.now_ns,
            enter=enter and partial(enter, settings),
        )  # fmt: skip
        self._thread = threading.Thread(target=self.unit.run, daemon=True)
        self._thread.start()
        stack.callback(self.close)
        if enter is None:
            self._wait_until_it_listens(url)

    def _wait_until_it_listens(self, url: str) -> None:
        """Return when the broker has all its subscriptions: it tells of its sites behind them."""
        listener = Listener(BrokerUrl.parse(url).port, f"edgespec/twin/members/{self.unit.central}")

        def listens() -> bool:
            heard = [data for data in listener.on("") if data][-1:]
            shares = self.told.shared[-1:]
            return bool(heard and shares) and decode(heard[0])["n_sites"] == len(shares[0][1])

        try:
            wait_for(listens, "the central unit knows its sites and listens to them")
        finally:
            listener.close()

    def judged(self, snapshot: int) -> bool:
        return any(verdict.snapshot == snapshot for verdict in list(self.told.verdicts))

    def close(self) -> None:
        self.unit.stop()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()


def start_central(
    stack: ExitStack, url: str, sites: Path, trained_in: Path, central: str
) -> "subprocess.Popen[bytes]":
    """Start ``edgespec twin run`` as its user does."""
    command = [sys.executable, "-m", "edgespec", "twin", "run", str(sites), "--mqtt", url]
    process = subprocess.Popen(
        [*command, "--trained", str(trained_in), "--id", central, "--json"],
        env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip

    def end() -> None:
        process.kill()
        process.communicate()

    stack.callback(end)
    return process
