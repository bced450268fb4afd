"""What a report costs a central unit and its broker, how fast a site is taken over, and a million.

``python -m benchmarks.twin.fleet`` starts a real mosquitto, ``edgespec twin run`` as its user does
and fleets of virtual observers, counts the processor seconds of each process, kills central units,
and writes ``fleet.json`` and ``fleet.md`` to ``benchmarks/results/twin``. Processor time is little
disturbed by other work on the machine; times on the clock are.
"""

import json
import math
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from converter.report.markdown_table import markdown_table
from edgespec.config import MqttConfig
from edgespec.machine import machine_facts, peak_rss_mb
from edgespec.mqtt.retained import gather_retained
from edgespec.mqtt.session import Link, Session
from edgespec.ops.local_broker import LocalBroker
from edgespec.twin.central import SiteTwin
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.service.fleet import Disturbance, VirtualJammer, VirtualSite
from edgespec.twin.service.openings import TwinMaker, example_site, load_sites
from edgespec.twin.site import Site
from edgespec.twin.trained import TrainedTwin, save_trained, train
from edgespec.wire.rss import encode_rss, parse_rss
from edgespec.wire.text import decode
from edgespec.wire.topics import TwinTopics
from edgespec.wire.verdict import encode_verdict

__all__ = ["Handover", "Load", "Parts", "main"]

RESULTS = record.RESULTS / "twin"
_NS = 1_000_000_000
_TICKS = os.sysconf("SC_CLK_TCK")
#: Without lasting errors all sites are alike, and one training serves them all.
_DISTURBANCE = Disturbance(bias_db=0.0)
#: Share of a core that is planned to be busy: the rest is for bursts, hand-overs and alarms.
_PLANNED = 0.5
_MILLION = 1_000_000


@dataclass(frozen=True, slots=True)
class Parts:
    """Microseconds of processor time for each report, in one process without a network.

    ``advance_us`` and ``verdict_us`` are those of a snapshot over its units. ``alarm_us`` is an
    advance with an alarm, for a whole snapshot; ``build_ms`` makes a twin whose path gains are
    ready, ``gains_ms`` makes those.
    """

    parse_us: float
    accept_us: float
    advance_us: float
    verdict_us: float
    alarm_us: float
    build_ms: float
    gains_ms: float
    site_mb: float
    state_bytes: int
    report_bytes: int
    verdict_bytes: int


@dataclass(frozen=True, slots=True)
class Load:
    """One run of a fleet at 1 Hz: what was sent, judged, and what it cost each process."""

    n_sites: int
    n_observers: int
    seconds: float
    n_sent: int
    n_accepted: int
    n_refused: int
    n_verdicts: int
    n_full_verdicts: int
    central_us: float
    broker_us: float
    central_mb: float


@dataclass(frozen=True, slots=True)
class Handover:
    """One kill -9 of a central unit among several: what its sites lost."""

    n_sites_moved: int
    first_verdict_s: float
    last_verdict_s: float
    most_missed: int
    mean_missed: float


def parts(site: Site, learnt: TrainedTwin, n_snapshots: int) -> Parts:
    """Return what the steps cost, the 25th percentile over snapshots."""
    rng = np.random.default_rng(1)
    quiet = VirtualSite(site, _DISTURBANCE, rng)
    twin = SiteTwin(site, trained=learnt)
    clock, n_units = time.thread_time_ns, len(site.unit)
    taken: list[tuple[int, int, int, int]] = []
    data: list[bytes] = []
    written = b""
    for k in range(1, n_snapshots + 1):
        data = [encode_rss(report) for report in quiet.reports(k * _NS, 0.0)]
        started = clock()
        reports = [parse_rss(one) for one in data]
        parsed = clock()
        for report in reports:
            twin.accept(report, report.utc_ns)
        accepted = clock()
        (verdict,) = twin.advance(k * _NS + 1)
        advanced = clock()
        written = encode_verdict(verdict, "central", "dBm", dict(twin.counts))
        ended = clock()
        taken.append((parsed - started, accepted - parsed, advanced - accepted, ended - advanced))
    each = np.quantile(np.array(taken), 0.25, axis=0) / n_units / 1e3
    return Parts(
        *(round(float(one), 2) for one in each),
        alarm_us=round(_alarm_us(site, learnt), 1),
        build_ms=round(_build_ms(site, learnt), 3),
        gains_ms=round(_gains_ms(site), 3),
        site_mb=round(_site_mb(site, learnt), 3),
        state_bytes=len(twin.state().to_bytes()),
        report_bytes=round(statistics.fmean(map(len, data))),
        verdict_bytes=len(written),
    )


def _alarm_us(site: Site, learnt: TrainedTwin) -> float:
    rng = np.random.default_rng(2)
    loud = VirtualSite(site, _DISTURBANCE, rng, [VirtualJammer(14.0, 20.0, 20.0)])
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


class Yard:
    """A folder with site files and what was learnt of each: copies of the example."""

    def __init__(self, folder: Path, n_sites: int, n_training: int = 400) -> None:
        self.sites_dir, self.trained_dir = folder / "sites", folder / "trained"
        self.sites_dir.mkdir()
        self.trained_dir.mkdir()
        # Simulator, broker and central unit share the machine, so snapshots wait longer.
        text = example_site().replace("grace_s = 0.5", "grace_s = 1.0")
        for k in range(n_sites):
            named = text.replace('name = "hall"', f'name = "hall-{k:04}"')
            (self.sites_dir / f"{k:04}.toml").write_text(named, encoding="utf-8")
        self.sites = load_sites([self.sites_dir])
        self.learnt = learn(self.sites[0], n_training)
        for site in self.sites:
            one = replace(self.learnt, site=site.name)
            save_trained(one, self.trained_dir / f"{site.name}.npz")


def learn(site: Site, n_training: int) -> TrainedTwin:
    """Return what is learnt of quiet snapshots."""
    quiet = VirtualSite(site, _DISTURBANCE, np.random.default_rng(0))
    reports = [report for k in range(1, n_training + 1) for report in quiet.reports(k * _NS, 0.0)]
    return train(site, reports)


def start_central(stack: ExitStack, url: str, yard: Yard, name: str) -> "subprocess.Popen[bytes]":
    """Start ``edgespec twin run`` with the sites of a yard, and wait until it is a member."""
    arguments = [
        "run", str(yard.sites_dir), "--trained", str(yard.trained_dir), "--mqtt", url,
        "--id", name,
    ]  # fmt: skip
    process = _start(stack, arguments)
    topics = TwinTopics("edgespec")
    until = time.monotonic() + 180.0
    while topics.member(name) not in gather_retained(MqttConfig(url=url), [topics.members]):
        if process.poll() is not None or time.monotonic() > until:
            raise click.ClickException(f"the central unit {name} does not start")
        time.sleep(0.2)
    return process


def _start(stack: ExitStack, arguments: list[str]) -> "subprocess.Popen[bytes]":
    environment = {**os.environ, "PYTHONPATH": str(record.ROOT)}
    process = subprocess.Popen(
        [sys.executable, "-m", "edgespec", "twin", *arguments],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )

    def end() -> None:
        process.terminate()
        try:
            process.wait(20.0)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    stack.callback(end)
    return process


class Ear:
    """Hears the verdicts of all sites, with the time on the monotonic clock."""

    def __init__(self, stack: ExitStack, url: str) -> None:
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self._session = stack.enter_context(Session(Link.of(MqttConfig(url=url), "ear")))
        self._session.listen(self._hear)
        self._session.ask([TwinTopics("edgespec").verdict("+")])

    def listen(self, seconds: float) -> None:
        """Hear for a time."""
        until_s = time.monotonic() + seconds
        while (left_s := until_s - time.monotonic()) > 0:
            self._session.poll(None, min(left_s, 0.1))

    def _hear(self, topic: str, data: bytes) -> None:
        self.heard.append((time.monotonic(), decode(data)))


def load(n_sites: int, seconds: float) -> Load:
    """Run a fleet at 1 Hz against one central unit."""
    with ExitStack() as stack:
        yard = Yard(Path(stack.enter_context(tempfile.TemporaryDirectory())), n_sites)
        broker = stack.enter_context(LocalBroker())
        central = start_central(stack, broker.url, yard, "central")
        time.sleep(3.0 + 0.12 * n_sites)  # every path gain is prepared
        _start(
            stack,
            [
                "simulate",
                str(yard.sites_dir),
                "--mqtt",
                broker.url,
                "--spread",
                "0.2",
                "--bias",
                "0",
            ],
        )
        ear = Ear(stack, broker.url)
        while len({payload["site"] for _, payload in ear.heard}) < n_sites:
            ear.listen(0.5)
        ear.listen(3.0)
        broker_pid = broker._process.pid
        before = _counts(ear), _cpu_s(central.pid), _cpu_s(broker_pid), time.monotonic()
        n_heard = len(ear.heard)
        # Whole snapshots, so that what was accepted and what was judged are the same reports.
        ear.listen(seconds)
        after = _counts(ear), _cpu_s(central.pid), _cpu_s(broker_pid), time.monotonic()
        elapsed_s = after[3] - before[3]
        accepted, refused = (now - then for now, then in zip(after[0], before[0], strict=True))
        verdicts = [payload for _, payload in ear.heard[n_heard:]]
        n_observers = sum(len(site.unit) for site in yard.sites)
        return Load(
            n_sites=n_sites,
            n_observers=n_observers,
            seconds=round(elapsed_s, 2),
            n_sent=round(n_observers * elapsed_s),
            n_accepted=accepted,
            n_refused=refused,
            n_verdicts=len(verdicts),
            n_full_verdicts=sum(one["n_units"] == len(one["nodes"]) for one in verdicts),
            central_us=round(1e6 * (after[1] - before[1]) / accepted, 2),
            broker_us=round(1e6 * (after[2] - before[2]) / accepted, 2),
            central_mb=_peak_mb(central.pid),
        )


def _counts(ear: Ear) -> tuple[int, int]:
    """Return reports accepted and refused so far, over all sites."""
    last = {payload["site"]: payload["reports"] for _, payload in ear.heard}
    accepted = sum(counts.get("accepted", 0) for counts in last.values())
    return accepted, sum(sum(counts.values()) for counts in last.values()) - accepted


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _peak_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("VmHWM"))
    return round(int(line.split()[1]) * 1024 / 1e6, 1)


def handover(n_sites: int, n_centrals: int, n_kills: int) -> list[Handover]:
    """Kill one central unit after the other, each replaced before the next is killed."""
    found = []
    with ExitStack() as stack:
        yard = Yard(Path(stack.enter_context(tempfile.TemporaryDirectory())), n_sites)
        broker = stack.enter_context(LocalBroker())
        centrals = {
            f"c-{k}": start_central(stack, broker.url, yard, f"c-{k}") for k in range(n_centrals)
        }
        time.sleep(3.0 + 0.12 * n_sites)
        _start(stack, ["simulate", str(yard.sites_dir), "--mqtt", broker.url, "--bias", "0"])
        ear = Ear(stack, broker.url)
        rng = np.random.default_rng(3)
        for kill in range(n_kills):
            ear.listen(8.0 + rng.uniform())
            owners = {payload["site"]: payload["central"] for _, payload in ear.heard}
            victim = str(rng.choice(sorted(centrals)))
            process = centrals.pop(victim)
            process.send_signal(signal.SIGKILL)
            killed_s = time.monotonic()
            process.wait()
            ear.listen(8.0)
            moved = {site for site, owner in owners.items() if owner == victim}
            found.append(_lost(ear, moved, victim, killed_s))
            ear.heard = ear.heard[-20 * n_sites :]
            name = f"c-{n_centrals + kill}"
            centrals[name] = start_central(stack, broker.url, yard, name)
    return found


def _lost(ear: Ear, moved: set[str], victim: str, killed_s: float) -> Handover:
    """Return what the sites of a victim missed."""
    delays, missed = [], []
    for site in moved:
        recent = [pair for pair in ear.heard if pair[0] > killed_s - 3.0]
        own = [(at_s, one) for at_s, one in recent if one["site"] == site]
        full = [one["snapshot"] for _, one in own if one["n_units"] == len(one["nodes"])]
        heirs = [at_s for at_s, one in own if one["central"] != victim and at_s > killed_s]
        delays.append(min(heirs) - killed_s)
        missed.append(max(np.diff(np.unique(full)), default=1) - 1)
    return Handover(
        len(moved),
        round(min(delays), 3),
        round(max(delays), 3),
        int(max(missed)),
        round(float(np.mean(missed)), 3),
    )


def paper(cost: Parts, run: Load) -> dict[str, float]:
    """Return what a million observers need, from what was measured."""
    per_site = run.n_observers / run.n_sites
    n_sites = _MILLION / per_site
    verdicts = n_sites
    states = n_sites / 10.0
    return {
        "observers": _MILLION,
        "sites": round(n_sites),
        "reports_per_second": _MILLION,
        "verdicts_per_second": round(verdicts),
        "central_cores_busy": round(_MILLION * run.central_us / 1e6, 1),
        "central_cores_planned": math.ceil(_MILLION * run.central_us / 1e6 / _PLANNED),
        "sites_per_core_planned": round(1e6 / run.central_us * _PLANNED / per_site),
        "central_memory_gb": round(n_sites * cost.site_mb / 1e3, 1),
        "mosquitto_cores_busy": round(_MILLION * run.broker_us / 1e6, 1),
        "in_megabit_per_second": round(8e-6 * _MILLION * (cost.report_bytes + 40)),
        "out_megabit_per_second": round(
            8e-6 * (verdicts * (cost.verdict_bytes + 40) + states * (cost.state_bytes + 200))
        ),
    }


def report(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    cost, runs = result["parts"], result["loads"]
    million, facts = result["million"], result["machine"]
    network = runs[-1]["central_us"] - sum(
        cost[f"{name}_us"] for name in ("parse", "accept", "advance", "verdict")
    )
    parts = [
        ("parse the payload", f"{cost['parse_us']:.1f}"),
        ("accept it into its snapshot", f"{cost['accept_us']:.1f}"),
        ("judge the snapshot, over its 12 units", f"{cost['advance_us']:.1f}"),
        ("write the verdict, over its 12 units", f"{cost['verdict_us']:.1f}"),
        ("receive, publish, keep time (the rest of the process)", f"{network:.1f}"),
        (
            f"**the whole process, {runs[-1]['n_observers']} observers**",
            f"**{runs[-1]['central_us']:.1f}**",
        ),
    ]
    columns = (
        *("sites", "observers", "central, us a report", "of a core", "mosquitto, us a report"),
        *("MB", "verdicts with all units"),
    )
    loads = [
        (
            *(run["n_sites"], run["n_observers"], f"{run['central_us']:.1f}"),
            f"{run['central_us'] * run['n_observers'] / 1e4:.0f} %",
            *(f"{run['broker_us']:.1f}", f"{run['central_mb']:.0f}"),
            f"{run['n_full_verdicts']} of {run['n_verdicts']}",
        )
        for run in runs
    ]
    on_paper = [(name.replace("_", " "), f"{value:,}") for name, value in million.items()]
    lines = [
        "# Load of a central unit",
        "",
        f"`python -m benchmarks.twin.fleet`, {result['date']}, {facts['cpu']}, Python "
        f"{facts['python']}. Processor time, so other work on the machine matters little. "
        "Observers, broker and central unit share two cores, so the sites wait 1 s for late units "
        "instead of 0.5 s.",
        "",
        markdown_table(("part", "us a report"), parts, right_from=1),
        "",
        f"One core then takes **{1e6 / runs[-1]['central_us']:,.0f} reports a second**. To judge a "
        f"snapshot with an alarm takes {cost['alarm_us'] / 1e3:.1f} ms. A site needs "
        f"{cost['site_mb']:.2f} MB; its state has {cost['state_bytes']} bytes, a report "
        f"{cost['report_bytes']}, a verdict {cost['verdict_bytes']}. Taking a site over costs "
        f"{cost['build_ms']:.2f} ms, and {cost['gains_ms']:.1f} ms more where its path gains are "
        "not ready.",
        "",
        markdown_table(columns, loads, right_from=0),
        "",
        _kills_text(result),
        "",
        "## A million observers, on paper",
        "",
        markdown_table(("what", "figure"), on_paper, right_from=1),
        "",
    ]
    return "\n".join(lines)


def _kills_text(result: dict[str, Any]) -> str:
    kills = result["handovers"]
    if not kills:
        return "No central unit was killed."
    moved = statistics.fmean(one["n_sites_moved"] for one in kills)
    first_s = statistics.median(one["first_verdict_s"] for one in kills)
    last_s = statistics.median(one["last_verdict_s"] for one in kills)
    missed = statistics.fmean(one["mean_missed"] for one in kills)
    return (
        f"Killed with SIGKILL, {len(kills)} times among {result['n_centrals']} central units with "
        f"{result['n_handover_sites']} sites: of the sites that moved ({moved:.0f} on average) the "
        f"first had a verdict from another unit after {first_s:.2f} s and the last after "
        f"{last_s:.2f} s (medians; snapshots come once a second). Complete snapshots missed at a "
        f"site: {missed:.2f} on average, {max(one['most_missed'] for one in kills)} at most."
    )


@click.command()
@click.option("--sites", "sizes", multiple=True, type=int, default=(50, 200, 850))
@click.option("--seconds", default=20.0, show_default=True)
@click.option("--kills", default=6, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True)
def main(sizes: tuple[int, ...], seconds: float, kills: int, save: bool) -> None:
    """Measure and write the results."""
    with tempfile.TemporaryDirectory() as folder:
        yard = Yard(Path(folder), 1)
        cost = parts(yard.sites[0], yard.learnt, 600)
    click.echo(cost)
    loads = []
    for n_sites in sizes:
        loads.append(load(n_sites, seconds))
        click.echo(loads[-1])
    n_handover_sites, n_centrals = 30, 3
    handovers = handover(n_handover_sites, n_centrals, kills)
    for one in handovers:
        click.echo(one)
    result = {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": machine_facts(),
        "parts": asdict(cost),
        "loads": [asdict(one) for one in loads],
        "n_handover_sites": n_handover_sites,
        "n_centrals": n_centrals,
        "handovers": [asdict(one) for one in handovers],
        "million": paper(cost, loads[-1]),
    }
    text = report(result)
    click.echo(text)
    if save:
        RESULTS.mkdir(parents=True, exist_ok=True)
        (RESULTS / "fleet.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        (RESULTS / "fleet.md").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
