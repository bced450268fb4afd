"""A real three-node RabbitMQ and central units behind it: who dies, hangs, or is cut off."""

import resource
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.chaos.rabbit import Cluster, Node
from benchmarks.chaos.reporter import LISTENERS, Ear, Reporter
from benchmarks.chaos.trial import Trial
from benchmarks.fleet.yard import DISTURBANCE, Yard, start_twin
from edgespec.config import MqttConfig
from edgespec.engine.line import Line
from edgespec.engine.link import EngineLink, Plan
from edgespec.twin.service.fleet import VirtualSite
from edgespec.wire.rss import encode_rss
from edgespec.wire.topics import rss_topic

__all__ = ["cluster_faults"]

_NS = 1_000_000_000
_N_SITES, _N_PARTITIONS = 6, 4
_SETTLE_S, _LAST_S = 12.0, 150.0
_OLD_S = 3600.0
#: Above any outage here, on however busy a machine: nothing is at stake that may be left out.
_CATCH_UP_S = 900.0
_LOT = 2000


class _Scene:
    """Cluster, central units, reporter and ear: what every fault is done to."""

    def __init__(self, folder: Path, stack: ExitStack, names: tuple[str, ...]) -> None:
        self._stack = stack
        self.yard = Yard(folder, _N_SITES)
        self.cluster = Cluster(folder, 3)
        stack.callback(self.cluster.close)
        self.units = {name: self.start(name) for name in names}
        self.ear = Ear(self.cluster)
        stack.callback(self.ear.close)
        #: Of the last call of :meth:`report`.
        self.reporter: Reporter

    def start(self, name: str) -> "subprocess.Popen[bytes]":
        """Start a central unit as its user does."""
        arguments = [
            "run", str(self.yard.sites_dir), "--trained", str(self.yard.trained_dir),
            "--engine", self.cluster.url, "--partitions", str(_N_PARTITIONS), "--id", name,
            "--catch-up", str(_CATCH_UP_S),
        ]  # fmt: skip
        return start_twin(self._stack, arguments)

    def hear_all(self, reporter: Reporter) -> None:
        """Hear until there is a verdict on all that was taken, for some minutes at most."""
        until_s = time.monotonic() + _LAST_S
        self.ear.listen(_SETTLE_S)
        while (
            time.monotonic() < until_s and _at_stake(self, reporter).keys() - self.ear.heard.keys()
        ):
            self.ear.listen(1.0)

    def report(self) -> Reporter:
        """Let observers report, and return when every site is judged."""
        reporter = self.reporter = Reporter(self.cluster, self.yard.sites)
        until_s = time.monotonic() + 300.0
        while len(self.ear.at_s) < _N_SITES and time.monotonic() < until_s:
            self.ear.listen(0.5)
        self.ear.listen(_SETTLE_S)
        return reporter


def cluster_faults(folder: Path, n: int, n_old: int) -> list[Trial]:
    """Try each fault ``n`` times at one cluster, and then ``n_old`` old reports."""
    named: tuple[tuple[str, Callable[[_Scene, int], None]], ...] = (
        ("a node of three killed, back after 5 s", partial(_kill_node, which=_node)),
        ("a node of three halted for 15 s", partial(_halt_node, which=_node)),
        ("a node cut off from the others for 20 s", partial(_cut_node, which=_node)),
        ("the node of the observers killed, back after 5 s", partial(_kill_node, which=_theirs)),
        ("the node of the observers halted for 15 s", partial(_halt_node, which=_theirs)),
        ("the node of the observers cut off for 20 s", partial(_cut_node, which=_theirs)),
        ("a central unit of three killed", _kill_unit),
        ("a central unit halted for 8 s", _halt_unit),
        ("a queue of listeners that takes nothing for 30 s", _halt_listeners),
        ("a central unit killed whose verdicts a queue had not taken", _kill_unheard),
    )
    with ExitStack() as stack:
        scene = _Scene(folder, stack, ("c-1", "c-2", "c-3"))
        return [*(_tried(scene, name, n, fault) for name, fault in named), _old(scene, n_old)]


#: Which node of a scene has the k-th fault.
_Which = Callable[[_Scene, int], Node]


def _node(scene: _Scene, k: int) -> Node:
    """Return by turns each node that no observer is connected to."""
    others = [node for node in scene.cluster.nodes if node is not _theirs(scene, k)]
    return others[k % len(others)]


def _theirs(scene: _Scene, k: int) -> Node:
    """Return the node that the observers are connected to."""
    return scene.cluster.nodes[scene.reporter.node]


def _kill_node(scene: _Scene, k: int, which: _Which) -> None:
    node = which(scene, k)
    node.kill()
    scene.ear.listen(5.0)
    node.launch()
    while not node.answers:
        scene.ear.listen(0.5)


def _halt_node(scene: _Scene, k: int, which: _Which) -> None:
    node = which(scene, k)
    node.send(signal.SIGSTOP)
    scene.ear.listen(15.0)
    node.send(signal.SIGCONT)


def _cut_node(scene: _Scene, k: int, which: _Which) -> None:
    """No packet is dropped: the nodes refuse each other, by a cookie that is wrong."""
    alone = which(scene, k)
    others = [node for node in scene.cluster.nodes if node is not alone]
    _set_cookies(alone, others, "cut")
    scene.ear.listen(20.0)
    _set_cookies(alone, others, "edgespec")


def _set_cookies(alone: Node, others: list[Node], cookie: str) -> None:
    for node, peers in ((alone, others), *((other, [alone]) for other in others)):
        words = "".join(
            f"erlang:set_cookie({peer.name}@localhost, {cookie}), "
            f"erlang:disconnect_node({peer.name}@localhost), "
            for peer in peers
        )
        node.control("eval", f"{words}ok.")


def _working(scene: _Scene, k: int) -> str:
    """Return a unit that has sites: by turns those of each."""
    owners = sorted(set(scene.ear.owners.values()))
    return owners[k % len(owners)]


def _kill_unit(scene: _Scene, k: int, also: Callable[[], None] = lambda: None) -> None:
    name = _working(scene, k)
    scene.units[name].kill()
    scene.units[name].wait()
    also()
    scene.ear.listen(8.0)
    scene.units[name] = scene.start(name)


def _halt_unit(scene: _Scene, k: int) -> None:
    unit = scene.units[_working(scene, k)]
    unit.send_signal(signal.SIGSTOP)
    scene.ear.listen(8.0)
    unit.send_signal(signal.SIGCONT)


def _halt_listeners(scene: _Scene, k: int) -> None:
    node = scene.cluster.nodes[0]
    node.lead(LISTENERS, "sys:suspend(Leader)")
    scene.ear.listen(30.0)
    node.lead(LISTENERS, "sys:resume(Leader)")


def _kill_unheard(scene: _Scene, k: int) -> None:
    """The leader of the listeners' queue stands still and dies with all that it has not taken.

    Verdicts and deeds go to queues with leaders of their own: one may take what another does not.
    """
    scene.cluster.nodes[0].lead(LISTENERS, "sys:suspend(Leader)")
    scene.ear.listen(3.0)
    _kill_unit(scene, k, lambda: scene.cluster.nodes[0].lead(LISTENERS, "exit(Leader, kill)"))


def _tried(scene: _Scene, name: str, n: int, fault: Callable[[_Scene, int], None]) -> Trial:
    reporter = scene.report()
    silences_s = []
    for k in range(n):
        begun_s = time.monotonic()
        fault(scene, k)
        scene.ear.listen(_SETTLE_S)
        silences_s.append(max(_silence_s(times, begun_s) for times in scene.ear.at_s.values()))
    reporter.close()
    scene.hear_all(reporter)
    trial = _judged(name, n, scene, reporter, silences_s)
    print(" | ".join(trial.row), flush=True)
    return trial


def _silence_s(times_s: list[float], begun_s: float) -> float:
    """Return the longest time without a verdict since shortly before a fault."""
    since = [at_s for at_s in times_s if at_s > begun_s - 2.0]
    return max(np.diff([*since, time.monotonic()]), default=0.0)


def _at_stake(scene: _Scene, reporter: Reporter) -> dict[tuple[str, int], int]:
    """Return how many reports the cluster took, by site and snapshot.

    What was taken until the first verdict on its site is left out: the queues were bound then.
    """
    first: dict[str, int] = {}
    for site, snapshot in scene.ear.heard:
        first[site] = min(snapshot, first.get(site, snapshot))
    return {one: n for one, n in reporter.taken.items() if one[1] > first.get(one[0], 0)}


def _judged(name: str, n: int, scene: _Scene, reporter: Reporter, silences_s: list[float]) -> Trial:
    """Compare what the cluster took with the verdicts on it."""
    heard, taken = scene.ear.heard, _at_stake(scene, reporter)
    n_units = len(scene.yard.sites[0].unit)
    n_lost = 0
    missing: list[int] = []
    for one, n_taken in taken.items():
        judged = max(heard.get(one, {}).values(), default=0)
        missing += [one[1]] * (judged < n_taken)
        n_lost += max(min(n_taken, n_units) - judged, 0)
    n_again = sum(len(heard.get(one, {})) > 1 for one in taken)
    worst = max((n_units - min(v.values()) for v in heard.values() if len(v) > 1), default=0)
    failed = ""
    if missing:
        begin = min(snapshot for _, snapshot in taken)
        failed = (
            f"{n_lost} reports of {len(missing)} snapshots not judged, from {min(missing) - begin} "
            f"to {max(missing) - begin} s of {max(s for _, s in taken) - begin}"
        )
    note = (
        f"{len(taken)} snapshots, {n_again} with more than one verdict (of {worst} units less "
        f"at most); longest silence of a site {np.median(silences_s):.1f} s (median of the worst), "
        f"{max(silences_s):.1f} s at most; observers changed nodes {reporter.n_lost_links} times"
    )
    if reporter.n_late:
        note += f", {reporter.n_late} reports were late by that and are not at stake"
    if reporter.slow:
        n_unheard = 0
        for one, n_slow in reporter.slow.items():
            judged = max(heard.get(one, {}).values(), default=0)
            n_unheard += max(n_slow + reporter.taken[one] - judged, 0)
        note += (
            f"; {reporter.slow.total()} more were confirmed only when their snapshots were over, "
            f"{n_unheard} of these not judged"
        )
    return Trial(name, n, sum(taken.values()), n_lost, n_again, failed=failed, note=note)


def _old(scene: _Scene, n_old: int) -> Trial:
    """Reports of an hour ago fill the queues while no unit is there; then one starts."""
    for unit in scene.units.values():
        unit.terminate()
        unit.wait()
    scene.ear.listen(1.0)
    _fill(scene, n_old)
    for heard in (scene.ear.heard, scene.ear.at_s, scene.ear.counts):
        heard.clear()
    begun_s = time.monotonic()
    unit = scene.units["c-1"] = scene.start("c-1")
    reporter = scene.report()
    took_s = max(min(times) for times in scene.ear.at_s.values()) - begun_s
    memory_mb = _memory_mb(unit.pid)
    reporter.close()
    scene.hear_all(reporter)
    n_left_out = sum(counts.get("too_old", 0) for counts in scene.ear.counts.values())
    trial = _judged(f"{n_old} reports of an hour ago at start", 1, scene, reporter, [took_s])
    note = (
        f"{n_left_out} left out and counted; a verdict on every site {took_s:.0f} s after the "
        f"start of the process, which then has {memory_mb:.0f} MB; {trial.note}"
    )
    wrong = f"{n_old - n_left_out} of them are not counted" * (n_left_out != n_old)
    return replace(trial, failed="; ".join(filter(None, (trial.failed, wrong))), note=note)


def _fill(scene: _Scene, n_old: int) -> None:
    line = Line(EngineLink.of(scene.cluster.url, MqttConfig(), "old"), Plan({}, ()))
    line.connect()
    rng = np.random.default_rng(2)
    sites = [VirtualSite(site, DISTURBANCE, rng) for site in scene.yard.sites]
    reports = [
        (rss_topic("edgespec", report.node, report.site), encode_rss(report))
        for virtual in sites
        for report in virtual.reports(time.time_ns() - round(_OLD_S * _NS), 0.0)
    ]
    for k in range(n_old):
        line.publish(*reports[k % len(reports)], 1)
        while len(line.unacked) > _LOT:
            line.poll(None, 0.05)
    while line.unacked:
        line.poll(None, 0.05)
    line.close()


def _memory_mb(pid: int) -> float:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() / 2**20
