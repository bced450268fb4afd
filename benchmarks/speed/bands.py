"""Several bands in one process, simulated sources included: ``python -m benchmarks.speed.bands``.

Every source makes its samples as fast as it can while every band is watched with the shipped model,
so a run says how many seconds of signal one second of this machine is worth. In each source an
interferer comes and goes; the events say which band saw it. The last case is one radio of twice the
rate of which each half is a band.
"""

import os
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from benchmarks import record
from converter.report.markdown_table import markdown_table
from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.observer.startup import open_observer
from edgespec.records import Event

__all__ = ["CASES", "Run", "Times", "main", "measure"]

_CENTER_HZ = 806e6
_RATE_HZ = 5e6
#: Shorter than the default, so that short runs see something; then the interferers come.
_WARMUP_S = 2.0
_STARTS_S = (0.2, 0.8)
_TONE_S = 0.5


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds of signal of a run, and those of them from which bands learn what is normal."""

    duration_s: float
    warmup_s: float = _WARMUP_S


def _source(number: int, times: Times, rate_hz: float = _RATE_HZ) -> SourceConfig:
    start_s = times.warmup_s + _STARTS_S[number]
    uri = (
        f"sim:lte-dl?duration_s={times.duration_s:g}&seed={number}&kind=tone&isr_db=10&"
        f"offset_hz=-1.5M&start_s={start_s:g}&stop_s={start_s + _TONE_S:g}"
    )
    return SourceConfig(
        id=f"radio{number}", uri=uri, center_freq_hz=_CENTER_HZ, sample_rate_hz=rate_hz
    )


def _alone(times: Times) -> Config:
    return Config(source=(_source(0, times),), band=(BandConfig(id="a"),))


def _two_sources(times: Times) -> Config:
    return Config(
        source=(_source(0, times), _source(1, times)),
        band=(BandConfig(id="a"), BandConfig(id="b", source="radio1")),
    )


def _one_source_twice(times: Times) -> Config:
    return Config(source=(_source(0, times),), band=(BandConfig(id="a"), BandConfig(id="b")))


def _two_parts(times: Times) -> Config:
    half_hz = 0.5 * _RATE_HZ
    return Config(
        source=(_source(0, times, 2.0 * _RATE_HZ),),
        band=(
            BandConfig(id="a", center_freq_hz=_CENTER_HZ - half_hz),
            BandConfig(id="b", center_freq_hz=_CENTER_HZ + half_hz),
        ),
    )


CASES = {
    "one band": _alone,
    "two bands, a source each": _two_sources,
    "two bands of one source": _one_source_twice,
    "two halves of one source of 10 MS/s": _two_parts,
}


@dataclass(frozen=True, slots=True)
class Run:
    """The fastest of some runs of a case.

    ``speed`` is seconds of signal of every band per second; ``cores`` is how many cores real time
    takes, in seconds of computing per second of signal; ``events`` how many each band opened;
    ``p99_ms`` the largest 99th percentile, over the bands, of the time from the last sample to the
    decision.
    """

    case: str
    speed: float
    cores: float
    p99_ms: float
    events: Mapping[str, int]


def measure(case: str, times: Times, n_runs: int, state_dir: Path) -> Run:
    """Run a case some times and return the fastest run."""
    node, detect = (
        NodeConfig(id="bench", state_dir=state_dir),
        DetectConfig(warmup_s=times.warmup_s),
    )
    config = replace(CASES[case](times), node=node, detect=detect)
    runs = (_once(case, config, times.duration_s) for _ in range(n_runs))
    return max(runs, key=lambda run: run.speed)


def _once(case: str, config: Config, duration_s: float) -> Run:
    opened: list[Event] = []
    observer = open_observer(config, on_event=opened.append)
    begun_s, begun_cpu_s = time.perf_counter(), time.process_time()
    states = observer.monitor.run()
    took_s, cpu_s = time.perf_counter() - begun_s, time.process_time() - begun_cpu_s
    counts = {
        state.band: sum(e.event_type == "new" and e.band == state.band for e in opened)
        for state in states
    }
    p99_ms = max(1e3 * state.latency_s["p99"] for state in states)
    return Run(case, duration_s / took_s, cpu_s / duration_s, p99_ms, counts)


@click.command()
@click.option("--duration", default=12.0, show_default=True, help="Seconds of signal.")
@click.option("--runs", default=3, show_default=True, help="Runs of each case; the best counts.")
@click.option("--cores", default=2, show_default=True, help="How many cores it may use.")
def main(duration: float, runs: int, cores: int) -> None:
    """Measure every case and write the table to the results."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    with tempfile.TemporaryDirectory() as folder:
        measure("two halves of one source of 10 MS/s", Times(5.0), 1, Path(folder))
        done = [measure(case, Times(duration), runs, Path(folder)) for case in CASES]
    rows = [
        (
            run.case,
            f"{run.speed:.1f}x",
            f"{run.cores:.2f}",
            f"{run.p99_ms:.2f}",
            ", ".join(f"{band}: {n}" for band, n in run.events.items()),
        )
        for run in done
    ]
    head = ("", "real time", "cores for real time", "p99, ms", "events")
    text = (
        f"{duration:g} s at 5 MS/s a band, the shipped model, {cores} cores, the simulators "
        f"included; best of {runs} runs.\n\n{markdown_table(head, rows)}"
    )
    result = {"machine": record.facts(), "runs": [asdict(run) for run in done]}
    click.echo(text)
    click.echo(record.save("bands", "Several bands in one process", result, text))


if __name__ == "__main__":
    main()
