"""Disks that are full while the broker is away."""

import signal
import subprocess
from pathlib import Path

from benchmarks.chaos.parties import Broker, Ear, Feeder, start_heard, wait_until
from benchmarks.chaos.trial import Trial, heard_trial

__all__ = ["full", "limited"]

_N_MESSAGES = 300


def full(folder: Path) -> Trial | None:
    """A file system of 64 kB; None where this user may not mount one."""
    disk = folder / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        return None
    try:
        return _outage("disk full in an outage (tmpfs of 64 kB)", folder, disk / "state", 0)
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=False)


def limited(folder: Path) -> Trial:
    """No file may grow beyond 4 kB."""
    name = "no file above 4 kB in an outage (RLIMIT_FSIZE)"
    return _outage(name, folder, folder / "state", 4096)


def _outage(name: str, folder: Path, state_dir: Path, max_file_bytes: int) -> Trial:
    broker = Broker(folder)
    ear = Ear(broker.port)
    broker.kill()
    feeder = Feeder(
        broker.url, state_dir, "disk", 0.01, max_file_bytes=max_file_bytes, count=_N_MESSAGES
    )
    feeder.wait_said(_N_MESSAGES)
    # The first broker may have died before it had written down who subscribes.
    feeder.send(signal.SIGSTOP)
    start_heard(broker, ear, feeder)
    wait_until(lambda: set(feeder.said) <= ear.names(), 60.0)
    feeder.end()
    ear.close()
    broker.kill()
    n_said_so = sum("messages wait in memory" in line for line in feeder.problems)
    failed = "" if n_said_so == 1 else f"said {n_said_so} times instead of once"
    growth_mb = feeder.growth_mb
    return heard_trial(name, 1, feeder.said, ear.heard, growth_mb, failed=failed)
