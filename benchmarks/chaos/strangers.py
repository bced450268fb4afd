"""A flood of reports from units that no site file names (C4), against a real ``edgespec twin run``.

``python -m benchmarks.chaos.strangers URL SITE COUNT`` is the flood: as fast as the broker takes
it, each report good in itself and from another unit.
"""

import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from subprocess import PIPE, Popen

import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from benchmarks.chaos.parties import Broker
from benchmarks.chaos.trial import Trial
from benchmarks.fleet.yard import DISTURBANCE, Ear, Yard, start_central, start_twin
from benchmarks.record import ROOT
from edgespec.twin.service.fleet import VirtualSite
from edgespec.twin.service.openings import load_sites
from edgespec.wire.rss import encode_rss
from edgespec.wire.topics import rss_topic

__all__ = ["flooded", "main"]

_BEFORE_S, _AFTER_S = 10.0, 15.0
_NS = 1_000_000_000
#: So many messages may wait in paho: more would be memory, not speed.
_LOT = 1000


def flooded(folder: Path, n: int) -> Trial:
    """A site with its observers at 1 Hz is flooded; at stake are its snapshots."""
    with ExitStack() as stack:
        broker = Broker(folder)
        stack.callback(broker.kill)
        yard = Yard(folder, 1)
        start_central(stack, broker.url, yard, "central")
        time.sleep(3.0)
        arguments = ["simulate", str(yard.sites_dir), "--mqtt", broker.url, "--bias", "0"]
        start_twin(stack, arguments)
        ear = Ear(stack, broker.url)
        while not ear.heard:
            ear.listen(0.5)
        ear.listen(_BEFORE_S)
        n_before = len(ear.heard)
        words = [broker.url, str(yard.sites_dir), str(n)]
        command = [sys.executable, "-m", "benchmarks.chaos.strangers", *words]
        with Popen(command, cwd=ROOT, stdout=PIPE, text=True) as flood:
            while flood.poll() is None:
                ear.listen(0.2)
            took_s = float((flood.stdout.read() if flood.stdout else "") or "nan")
        ear.listen(_AFTER_S)
    return _judged(n, n_before, took_s, [payload for _, payload in ear.heard], yard)


def _judged(
    n: int, n_before: int, took_s: float, verdicts: list[dict[str, object]], yard: Yard
) -> Trial:
    n_units = len(yard.sites[0].unit)
    numbers = [int(str(verdict["snapshot"])) for verdict in verdicts[n_before:]]
    n_due = max(numbers, default=0) - int(str(verdicts[n_before - 1]["snapshot"]))
    n_full = sum(verdict["n_units"] == n_units for verdict in verdicts[n_before:])
    counts = verdicts[-1]["reports"]
    n_strange = counts.get("unknown_unit", 0) if isinstance(counts, dict) else 0
    n_lost = n_due - n_full
    faults = [f"{n_lost} of {n_due} snapshots are not of all {n_units} units"] if n_lost else []
    if not numbers or n_due < _AFTER_S - 5.0:
        faults.append("the verdicts end")
    if not n_strange:
        faults.append("nothing came of the flood")
    note = f"sent in {took_s:.1f} s; the central unit saw {n_strange} of them"
    name = f"{n} reports of unknown units in a flood"
    return Trial(name, 1, n_due, n_lost, failed="; ".join(faults), note=note)


def main(url: str, sites_dir: Path, n: int) -> None:
    """Flood the first site of a folder, and say how long it took."""
    (site, *_) = load_sites([sites_dir])
    virtual = VirtualSite(site, DISTURBANCE, np.random.default_rng(1))
    report = next(iter(virtual.reports(time.time_ns(), 0.0)))
    host, port = url.removeprefix("mqtt://").split(":")
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect(host, int(port))
    client.loop_start()
    begun_s = time.monotonic()
    for k in range(n):
        name = f"stranger-{k}"
        said = replace(report, node=name, utc_ns=time.time_ns() // _NS * _NS)
        info = client.publish(rss_topic("edgespec", name, site.name), encode_rss(said))
        if k % _LOT == _LOT - 1 or k == n - 1:
            info.wait_for_publish(60.0)
    print(time.monotonic() - begun_s)
    client.disconnect()
    client.loop_stop()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
