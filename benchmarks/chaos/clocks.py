"""Steps of the clock end to end: a monitor with a real source and libfaketime beneath it.

The source is a pipe that carries a tone again and again, by the monotonic clock. The
monitor's UTC is stepped within a tone; its events must last as long as the tones.
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time
from datetime import datetime
from pathlib import Path
from typing import IO

import numpy as np
from numpy.typing import NDArray

from benchmarks.chaos.trial import Trial
from benchmarks.record import ROOT

__all__ = ["LIBRARIES", "clock_steps", "faketime"]

LIBRARIES = (
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1",
    "/usr/lib/faketime/libfaketimeMT.so.1",
)
_RATE_HZ = 5_000_000
_PIECE_S = 0.01
_PERIOD_S, _TONE_S = 2.5, 1.5
#: Hold-off and a hop at each end, and pauses of a busy machine.
_TOLERANCE_S = 0.25
_START_PERIODS, _PATIENCE_S = 1, 240.0
_STEPS_S = (3600.0, -3600.0, -60.0, 86_400.0)


def faketime() -> str | None:
    """Return the library, None where it is not installed."""
    return next((path for path in LIBRARIES if Path(path).exists()), None)


class _Radio(threading.Thread):
    """Writes noise, and at the right times a tone; steps the clock in chosen tones."""

    def __init__(self, pipe: IO[bytes], clock: Path, steps_s: tuple[float, ...]) -> None:
        super().__init__(daemon=True)
        self._pipe, self._clock, self._steps_s = pipe, clock, steps_s
        self.n_tones = 0

    def run(self) -> None:
        """Write until every step was done and a tone more came."""
        quiet, loud = _pieces()
        n_pieces, n_loud = round(_PERIOD_S / _PIECE_S), round(_TONE_S / _PIECE_S)
        step_s, left_s = 0.0, list(self._steps_s)
        begun_s, number, last = time.monotonic(), 0, -1
        with contextlib.suppress(OSError):
            while last < 0 or number < last:
                period, place = divmod(number, n_pieces)
                is_loud = period >= _START_PERIODS and place < n_loud
                self._pipe.write((loud if is_loud else quiet)[number % 7])
                if is_loud and place == 0:
                    self.n_tones += 1
                    # The first tone is left alone.
                    if left_s and self.n_tones > 1:
                        step_s += left_s.pop(0)
                        self._clock.write_text(f"{step_s:+.0f}\n")
                    elif not left_s:
                        last = number + n_pieces
                number += 1
                time.sleep(max(0.0, begun_s + number * _PIECE_S - time.monotonic()))
        self._pipe.close()


def _pieces() -> tuple[list[bytes], list[bytes]]:
    rng = np.random.default_rng(1)
    n = round(_RATE_HZ * _PIECE_S)
    turns = np.exp(2j * np.pi * 0.1 * np.arange(n))
    noise = [rng.standard_normal((n, 2)).view(np.complex128)[:, 0] for _ in range(7)]
    return [_cu8(4.0 * one) for one in noise], [_cu8(4.0 * one + 30.0 * turns) for one in noise]


def _cu8(samples: NDArray[np.complex128]) -> bytes:
    pairs = np.stack([samples.real, samples.imag], axis=1)
    return np.clip(np.round(pairs + 127.5), 0, 255).astype(np.uint8).tobytes()


def clock_steps(folder: Path) -> Trial:
    """Step the clock forth and back, in the middle of tones."""
    library = faketime()
    fault = f"clock steps of {', '.join(f'{one:+g} s' for one in _STEPS_S)} during events"
    if library is None:
        return Trial(fault, 0, 0, 0, note="left out: libfaketime is not installed")
    clock, config = folder / "clock", folder / "c.toml"
    clock.write_text("+0\n")
    config.write_text('[detect]\ndetectors = ["zscore"]\nwarmup_s = 1.0\nhold_off_s = 0.1\n')
    uri = f"raw:-?datatype=cu8&sample_rate={_RATE_HZ}&center_freq=8e8"
    environment = {
        **os.environ,
        "LD_PRELOAD": library,
        "FAKETIME_TIMESTAMP_FILE": str(clock),
        # It looks at the file once a second, so within a tone: to look each time costs too much.
        "FAKETIME_CACHE_DURATION": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        "DONT_FAKE_MONOTONIC": "1",
        "STATE_DIRECTORY": str(folder / "state"),
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "edgespec", "monitor", "-c", str(config), "--source", uri, "--json"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=(folder / "out").open("wb"),
        stderr=(folder / "errors").open("wb"),
    )
    assert process.stdin is not None
    radio = _Radio(process.stdin, clock, _STEPS_S)
    radio.start()
    radio.join(_PATIENCE_S)
    try:
        process.wait(60.0)
    except subprocess.TimeoutExpired:
        process.kill()
    out, errors = (folder / "out").read_text(), (folder / "errors").read_text()
    lines = [json.loads(line) for line in out.splitlines()]
    return _judged(fault, radio.n_tones, lines, errors)


def _judged(fault: str, n_tones: int, lines: list[dict[str, object]], errors: str) -> Trial:
    ends = [line for line in lines if line.get("event_type") == "end"]
    lasted_s = [_time(end["end"]) - _time(end["start"]) for end in ends]
    wrong = [s for s in lasted_s if not _TONE_S - _TOLERANCE_S < s < _TONE_S + _TOLERANCE_S]
    n_dropped = max((int(str(line.get("n_dropped", 0))) for line in lines), default=0)
    faults = []
    if not lines:
        faults.append(f"no observer: {errors[-200:]}")
    if wrong:
        faults.append(
            f"events last {', '.join(f'{s:.1f} s' for s in wrong[:4])} instead of {_TONE_S:g} s"
        )
    n_lost = max(0, n_tones - len(ends))
    if n_lost:
        faults.append(f"{n_lost} of {n_tones} tones without an event of its own")
    note = f"{n_dropped / _RATE_HZ:.1f} s of signal dropped meanwhile" * bool(n_dropped)
    return Trial(
        fault, len(_STEPS_S), n_tones, n_lost, max(0, len(ends) - n_tones), None, None,
        "; ".join(faults), note,
    )  # fmt: skip


def _time(text: object) -> float:
    return datetime.fromisoformat(str(text)).timestamp()
