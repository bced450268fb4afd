"""Sites, central units and an ear for their verdicts, as processes on this machine."""

import os
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks import record
from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.retained import gather_retained
from edgespec.mqtt.session import Session
from edgespec.twin.service.fleet import Disturbance, VirtualSite
from edgespec.twin.service.openings import example_site, load_sites
from edgespec.twin.site import Site
from edgespec.twin.trained import TrainedTwin, save_trained, train
from edgespec.wire.text import decode
from edgespec.wire.topics import TwinTopics

__all__ = ["DISTURBANCE", "Ear", "Yard", "learn", "start_central", "start_twin"]

_NS = 1_000_000_000
#: Without lasting errors all sites are alike, and one training serves them all.
DISTURBANCE = Disturbance(bias_db=0.0)


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
    quiet = VirtualSite(site, DISTURBANCE, np.random.default_rng(0))
    reports = [report for k in range(1, n_training + 1) for report in quiet.reports(k * _NS, 0.0)]
    return train(site, reports)


def start_central(stack: ExitStack, url: str, yard: Yard, name: str) -> "subprocess.Popen[bytes]":
    """Start ``edgespec twin run`` with the sites of a yard, and wait until it is a member."""
    arguments = [
        "run", str(yard.sites_dir), "--trained", str(yard.trained_dir), "--mqtt", url,
        "--id", name,
    ]  # fmt: skip
    process = start_twin(stack, arguments)
    topics = TwinTopics("edgespec")
    until = time.monotonic() + 180.0
    while topics.member(name) not in gather_retained(MqttConfig(url=url), [topics.members]):
        if process.poll() is not None or time.monotonic() > until:
            raise click.ClickException(f"the central unit {name} does not start")
        time.sleep(0.2)
    return process


def start_twin(stack: ExitStack, arguments: list[str]) -> "subprocess.Popen[bytes]":
    """Start ``edgespec twin`` as its user does; it ends with the stack."""
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
