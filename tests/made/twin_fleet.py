"""A small site with quick snapshots, its virtual observers, and central units to look after it."""

import functools
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from edgespec.config import MqttConfig
from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.service.fleet import Disturbance, VirtualJammer, VirtualSite
from edgespec.twin.service.openings import TwinMaker, warm_up
from edgespec.twin.service.unit import CentralUnit
from edgespec.twin.site import Site, Unit
from edgespec.twin.trained import TrainedTwin, train
from edgespec.wire.transmitters import Transmitter
from tests.made.broker import wait_for

REPOSITORY = Path(__file__).resolve().parents[2]
NS = 1_000_000_000
INTERVAL_S = 0.25
DISTURBANCE = Disturbance(bias_db=1.0, noise_db=0.5)
SEED = 7


def site_of(name: str = "yard", **detect: Any) -> Site:
    """Six units around a yard of 30 m; quick snapshots, and patience, for machines are busy."""
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
    options = ("interval_s", "grace_s", "averages")
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


class Running:
    """A central unit in a thread of this process."""

    def __init__(
        self, stack: ExitStack, url: str, sites: Sequence[Site], central: str = "c-1",
        **options: Any,
    ) -> None:  # fmt: skip
        settings = MqttConfig(url=url, keepalive_s=2.0, reconnect_max_s=0.3)
        self.told = Told()
        maker = options.pop("make_twin", make_twin)
        for site in sites:
            warm_up(site)
            trained(site)
        self.unit = CentralUnit(settings, sites, maker, self.told, central)
        self._thread = threading.Thread(target=self.unit.run, daemon=True)
        self._thread.start()
        stack.callback(self.close)
        wait_for(lambda: bool(self.told.shared), "the central unit knows who is there")

    def close(self) -> None:
        self.unit.stop()
        self._thread.join(10.0)
        assert not self._thread.is_alive()


def start_central(
    stack: ExitStack, url: str, sites: Path, trained_in: Path, central: str
) -> "subprocess.Popen[bytes]":
    """Start ``edgespec twin run`` as its user does."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("EDGESPEC_")}
    ours = Path(tempfile.gettempdir()) / f"edgespec-tests-{os.getuid()}"
    kept["XDG_STATE_HOME"] = str(ours / "state")
    kept.setdefault("NUMBA_CACHE_DIR", str(ours / "jit"))
    kept["PYTHONPATH"] = str(REPOSITORY)
    command = [sys.executable, "-m", "edgespec", "twin", "run", str(sites), "--mqtt", url]
    process = subprocess.Popen(
        [*command, "--trained", str(trained_in), "--id", central, "--json"],
        env=kept, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip

    def end() -> None:
        process.kill()
        process.communicate()

    stack.callback(end)
    return process
