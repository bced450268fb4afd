"""Central units killed one after the other: what their sites lose."""

import signal
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.fleet.yard import Ear, Yard, start_central, start_twin
from edgespec.ops.local_broker import LocalBroker

__all__ = ["Handover", "handover"]


@dataclass(frozen=True, slots=True)
class Handover:
    """One kill -9 of a central unit among several: what its sites lost."""

    n_sites_moved: int
    first_verdict_s: float
    last_verdict_s: float
    most_missed: int
    mean_missed: float


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
        start_twin(stack, ["simulate", str(yard.sites_dir), "--mqtt", broker.url, "--bias", "0"])
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
