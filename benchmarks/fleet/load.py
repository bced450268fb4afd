"""One fleet at 1 Hz against one central unit: the processor seconds of each process."""

import os
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.fleet.yard import Ear, Yard, start_central, start_twin
from edgespec.ops.local_broker import LocalBroker

__all__ = ["Load", "load"]

_TICKS = os.sysconf("SC_CLK_TCK")


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


def load(n_sites: int, seconds: float, rss_format: str) -> Load:
    """Run a fleet at 1 Hz, whose reports travel in a format, against one central unit."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        yard = Yard(folder, n_sites)
        config = folder / "observers.toml"
        config.write_text(f'[mqtt]\nrss_format = "{rss_format}"\n', encoding="utf-8")
        broker = stack.enter_context(LocalBroker())
        central = start_central(stack, broker.url, yard, "central")
        time.sleep(3.0 + 0.12 * n_sites)  # every path gain is prepared
        start_twin(
            stack,
            [
                "simulate",
                str(yard.sites_dir),
                "--config",
                str(config),
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
