"""Brokers that are killed, hang or forget, observers that are killed, two of one name."""

import random
import signal
import time
from dataclasses import replace
from pathlib import Path

from benchmarks.chaos.parties import Broker, Ear, Feeder, start_heard, wait_until
from benchmarks.chaos.trial import Trial, heard_trial

__all__ = [
    "forgetful",
    "forgetful_without_replay",
    "hung",
    "killed",
    "observer_killed",
    "restarted_empty",
    "two_of_one_id",
]

_LAST_S = 60.0
_FORGETFUL = "broker killed within 10 ms of a message, its reader away"


def killed(folder: Path, n: int) -> Trial:
    """SIGKILL to the broker, at any moment of its work."""
    rng = random.Random(1)
    broker = Broker(folder)
    ear, feeder = Ear(broker.port), Feeder(broker.url, folder, "killed")
    feeder.wait_said(5)
    for _ in range(n):
        ear.wait_for_more(5.0)
        time.sleep(rng.uniform(0.0, 0.3))
        broker.kill()
        time.sleep(rng.uniform(0.0, 0.2))
        broker.start()
    return _ended("broker killed", n, broker, ear, feeder)


def forgetful(folder: Path, n: int) -> Trial:
    """SIGKILL to the broker when it has confirmed what it has neither handed on nor written."""
    return _forgetful(folder, n, _FORGETFUL, -1.0)


def forgetful_without_replay(folder: Path, n: int) -> Trial:
    """The same where nothing is repeated: what is lost then is no fault of the observer."""
    trial = _forgetful(folder, n, f"{_FORGETFUL}, mqtt.replay_s = 0", 0.0)
    if trial.failed == f"{trial.n_lost} of {trial.n_said} lost":
        return replace(trial, failed="", note="lost by the broker, which had confirmed them (O10)")
    return trial


def _forgetful(folder: Path, n: int, name: str, replay_s: float) -> Trial:
    rng = random.Random(3)
    broker = Broker(folder)
    ear = Ear(broker.port)
    feeder = Feeder(broker.url, folder, "forgetful", replay_s=replay_s)
    feeder.wait_said(5)
    for _ in range(n):
        # Until all that waited is through: then the next message goes to the broker at once.
        ear.wait_for_more(5.0)
        wait_until(lambda: set(feeder.said) <= ear.names(), 1.0)
        ear.go_away()
        feeder.wait_said(len(feeder.said) + 1)
        time.sleep(rng.uniform(0.0, 0.01))
        broker.kill()
        ear.come_back()
        time.sleep(rng.uniform(0.0, 0.2))
        broker.start()
    return _ended(name, n, broker, ear, feeder)


def hung(folder: Path, n: int) -> Trial:
    """The broker stands still for longer than the keep-alive."""
    broker = Broker(folder)
    ear, feeder = Ear(broker.port), Feeder(broker.url, folder, "hung")
    feeder.wait_said(5)
    for _ in range(n):
        time.sleep(1.0)
        broker.hang(5.0)
    return _ended("broker hangs for 5 s", n, broker, ear, feeder)


def restarted_empty(folder: Path, n: int) -> Trial:
    """The broker is killed and its store is gone; subscribers come first."""
    broker = Broker(folder)
    ear, feeder = Ear(broker.port), Feeder(broker.url, folder, "empty")
    feeder.wait_said(5)
    n_missing = 0
    for _ in range(n):
        time.sleep(0.5)
        wait_until(lambda: set(feeder.said) <= ear.names(), 10.0)
        feeder.send(signal.SIGSTOP)
        time.sleep(0.2)
        broker.kill(forget=True)
        start_heard(broker, ear, feeder)
        n_missing += not _is_retained_again(broker)
    failed = f"after {n_missing} restarts the retained topics did not come back" * bool(n_missing)
    return _ended("broker restarted with an empty store", n, broker, ear, feeder, failed)


def observer_killed(folder: Path, n: int) -> Trial:
    """No broker is there when the observer is killed; it and then the broker start again."""
    rng = random.Random(2)
    broker = Broker(folder)
    ear = Ear(broker.port)
    said: list[str] = []
    for k in range(n):
        broker.kill()
        feeder = Feeder(broker.url, folder, f"outage-{k}", 0.02)
        feeder.wait_said(10)
        time.sleep(rng.uniform(0.0, 0.3))
        feeder.end(signal.SIGKILL)
        said += feeder.said
        broker.start()
    feeder = Feeder(broker.url, folder, "after")
    return _ended("observer killed in an outage", n, broker, ear, feeder, said=said)


def two_of_one_id(folder: Path, seconds: float) -> Trial:
    """Two observers have one node id."""
    broker = Broker(folder)
    ear = Ear(broker.port)
    feeders = [Feeder(broker.url, folder / name, name, 0.1) for name in ("left", "right")]
    time.sleep(seconds)
    n_thrown = broker.log.read_text(errors="replace").count("already connected")
    is_named = any("client id" in line for feeder in feeders for line in feeder.problems)
    feeders[0].send(signal.SIGUSR1)
    wait_until(lambda: set(feeders[0].said) <= ear.names(), _LAST_S)
    feeders[0].end()
    feeders[1].send(signal.SIGUSR1)
    said = [name for feeder in feeders for name in feeder.said]
    wait_until(lambda: set(said) <= ear.names(), _LAST_S)
    feeders[1].end()
    ear.close()
    broker.kill()
    n_lost = len(set(said) - ear.names())
    faults = [f"{n_lost} lost"] if n_lost else []
    if not is_named:
        faults.append("nothing says that an id is there twice")
    failed = "; ".join(faults)
    note = f"they take the link from each other {n_thrown} times"
    note += ", which `problem` says" if is_named else ""
    growth_mb = max(feeder.growth_mb for feeder in feeders)
    n_repeated = len(ear.heard) - len(ear.names())
    return Trial(
        f"two observers of one id for {seconds:g} s",
        *(1, len(said), n_lost, n_repeated, None, growth_mb, failed, note),
    )


def _is_retained_again(broker: Broker) -> bool:
    ear = Ear(broker.port, "edgespec/#")
    wanted = ("pi/availability", "pi/info", "alarm/a/state")
    found = wait_until(
        lambda: all(any(topic.endswith(end) for topic in ear.retained) for end in wanted), 10.0
    )
    ear.close()
    return found


def _ended(
    fault: str,
    n: int,
    broker: Broker,
    ear: Ear,
    feeder: Feeder,
    failed: str = "",
    said: list[str] | None = None,
) -> Trial:
    """Let everything arrive, end all, and judge."""
    feeder.wait_said(1)
    # Nothing new: otherwise what waits at the end would count as lost.
    feeder.send(signal.SIGUSR1)
    time.sleep(0.5)
    all_said = [*(said or []), *feeder.said]
    wait_until(lambda: set(all_said) <= ear.names(), _LAST_S)
    feeder.end()
    ear.close()
    broker.kill()
    return heard_trial(fault, n, all_said, ear.heard, feeder.growth_mb, failed=failed)
