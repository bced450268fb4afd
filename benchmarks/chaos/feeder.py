"""The way out of an observer in a process of its own: sink, spool and sender, fed with events.

``python -m benchmarks.chaos.feeder URL STATE_DIR NODE RUN PERIOD_S MAX_FILE_BYTES COUNT REPLAY_S``
says on each line of stdout the id of an event that the sink has taken (when an observer's next
sink would be told of it), and the process's memory in kB; on stderr what the sink finds wrong. A
REPLAY_S below 0 is the default. On SIGUSR1 it says no more, on SIGTERM it ends in order.
"""

import logging
import resource
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from edgespec.alarm.mqtt import MqttSink
from edgespec.alarm.outbox.spool import Spool
from edgespec.config import MqttConfig
from edgespec.records import Change, Event, EventType

__all__ = ["event_of", "main"]

_PAGE_KB = 4


def event_of(name: str, event_type: EventType) -> Event:
    """Return an event that lasts no time."""
    now_ns = time.time_ns()
    return Event(
        event_id=name,
        event_type=event_type,
        band="a",
        start_ns=now_ns,
        end_ns=now_ns,
        sample_start=0,
        n_samples=0,
        freq_lower_hz=8e8,
        freq_upper_hz=8e8,
        peak_freq_hz=8e8,
        peak_dbfs=-40.0,
        change=Change.GAIN,
        excess_db=10.0,
        severity_db=10.0,
        detector="chaos",
        score=2.0,
        threshold=1.0,
        sureness=1.0,
    )


def main(
    url: str,
    state_dir: Path,
    node: str,
    run: str,
    period_s: float,
    max_bytes: int,
    count: int,
    replay_s: float,
) -> None:
    """Feed the sink until SIGTERM, with ``count`` events at most where that is not 0."""
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    if max_bytes:
        # Python ignores the signal that the kernel sends then; the write fails as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (max_bytes, max_bytes))
    ended, silent = threading.Event(), threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ended.set())
    signal.signal(signal.SIGUSR1, lambda *_: silent.set())
    settings = MqttConfig(url=url, keepalive_s=2.0, reconnect_max_s=0.3)
    if replay_s >= 0.0:
        settings = replace(settings, replay_s=replay_s)
    sink = MqttSink(settings, node, ["r"], ["a"], {}, Spool(state_dir / "spool", 10_000_000))
    number, problem = 0, None
    while not ended.wait(period_s):
        if sink.problem != problem:
            problem = sink.problem
            print(problem, file=sys.stderr, flush=True)
        if silent.is_set() or (count and number >= count):
            continue
        name = f"{run}-{number // 2:06}"
        kind = EventType.END if number % 2 else EventType.NEW
        sink.event(event_of(name, kind))
        print(f"{name}/{kind} {_memory_kb()}", flush=True)
        number += 1
    sink.close()
    print(f"end {_memory_kb()} {sink.waiting} {sink.n_lost}", flush=True)


def _memory_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_KB


if __name__ == "__main__":
    _, url, folder, node, run, period, most, count, replay = sys.argv
    main(url, Path(folder), node, run, float(period), int(most), int(count), float(replay))
