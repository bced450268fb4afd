"""What is monitored on a real recording: as it is, or with an interferer added at IQ, and what
``edgespec monitor`` says of it.
"""

import json
import subprocess
import sys
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.record import ROOT
from edgespec.dsp.levels import levels_dbfs
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import EdgespecError, SourceError
from edgespec.framing import Recipe
from edgespec.records import (
    Event,
    EventType,
    FloatArray,
    IqBlock,
    ObserverState,
    SourceInfo,
)
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.inject import inject
from edgespec.sources import open_source
from edgespec.wire.event import EVENT_SCHEMA, parse_event
from edgespec.wire.state import STATE_SCHEMA, parse_state

__all__ = [
    "Case",
    "Detect",
    "Heard",
    "Outcome",
    "Recording",
    "judge",
    "levels_of_horizons",
    "monitor",
    "read_recording",
]

_SEED = 1


@dataclass(frozen=True, slots=True)
class Detect:
    """The settings of ``[detect]`` that a run of a second asks for; the rest are the defaults."""

    warmup_s: float
    false_alarm_rate: float = 0.01
    hold_off_s: float = 0.2
    detectors: tuple[str, ...] = ("model", "zscore", "energy")
    k: int = 2
    n: int = 3

    def toml(self) -> str:
        """Return the configuration file of ``edgespec monitor``."""
        return (
            f'[node]\nid = "benchmark"\n\n[detect]\nwarmup_s = {self.warmup_s}\n'
            f"false_alarm_rate = {self.false_alarm_rate}\nhold_off_s = {self.hold_off_s}\n"
            f"detectors = {json.dumps(self.detectors)}\nk = {self.k}\nn = {self.n}\n"
        )


@dataclass(frozen=True, slots=True)
class Case:
    """One run: the interferer, None for the untouched signal, and when it begins."""

    name: str
    interferer: InterfererConfig | None = None
    isr_db: float = 0.0

    def edges_hz(self) -> tuple[float, float] | None:
        """Return the true edges against the centre frequency; those of a tone are one."""
        if self.interferer is None:
            return None
        half_hz = self.interferer.bandwidth_hz / 2
        return self.interferer.offset_hz - half_hz, self.interferer.offset_hz + half_hz


@dataclass(frozen=True, slots=True)
class Recording:
    """A stretch of a recording in memory, integers ``(n_samples, 2)`` or complex64."""

    name: str
    info: SourceInfo
    samples: NDArray[Any]

    def mixed(self, case: Case, start_s: float) -> NDArray[Any]:
        """Return the samples, with the interferer of ``case`` from ``start_s`` to the end."""
        if case.interferer is None:
            return self.samples
        rate_hz = self.info.sample_rate_hz
        start = round(start_s * rate_hz)
        n_samples = len(self.samples) - start
        return inject(
            self.samples, rate_hz, case.interferer, case.isr_db, start, n_samples, seed=_SEED
        )

    def write(self, case: Case, start_s: float, folder: Path) -> str:
        """Write what :meth:`mixed` returns to a file and return its source URI."""
        rate_hz = self.info.sample_rate_hz
        path = folder / f"{self.name}-{case.name.replace(' ', '-')}.iq"
        self.mixed(case, start_s).tofile(path)
        return (
            f"raw:{path}?datatype={self.info.sample_format.datatype}&sample_rate={rate_hz:.0f}"
            f"&center_freq={self.info.center_freq_hz:.0f}"
        )


def read_recording(path: Path, start_sample: int = 0) -> Recording:
    """Return a SigMF recording from ``start_sample`` to its end.

    Raises:
        SourceError: it cannot be read.
    """
    source = open_source(f"sigmf:{path}")
    try:
        info = source.info
        if info.n_samples is None:
            raise SourceError(f"{path} does not say how long it is")
        block = source.read(info.sample_format.empty(info.n_samples))
        if block is None or block.n_samples < info.n_samples:
            raise SourceError(f"{path} has gaps; these runs want a recording in one piece")
    finally:
        source.close()
    name = path.name.removesuffix(".sigmf-meta")
    return Recording(name, info, block.samples[start_sample:])


def levels_of_horizons(recording: Recording, recipe: Recipe) -> FloatArray:
    """Return the power of the band in dBFS, one value for each run of ``n_horizon`` frames."""
    samples = recording.samples
    info, n_horizon = recording.info, recipe.n_horizon
    front_end = FrontEnd(recipe.framing, info.sample_format, max_block_samples=len(samples))
    power = front_end.process(IqBlock(samples, recipe.sample_rate_hz, 0.0, 0, 0)).power_dbfs
    enbw_bins = front_end.grid.enbw_bins
    starts = range(0, len(power) - n_horizon + 1, n_horizon)
    levels = [levels_dbfs(power[start : start + n_horizon], enbw_bins)[0] for start in starts]
    return np.asarray(levels, np.float32)


@dataclass(frozen=True, slots=True)
class Heard:
    """What the monitor said: messages of events in order, and its last state."""

    messages: tuple[Event, ...]
    state: ObserverState

    def events(self) -> list[list[Event]]:
        """Return the messages of each event, events in the order of their start."""
        ids = dict.fromkeys(message.event_id for message in self.messages)
        return [[m for m in self.messages if m.event_id == event_id] for event_id in ids]


def monitor(uri: str, bundle: Path | None, detect: Detect, folder: Path) -> Heard:
    """Run ``edgespec monitor --json`` on a source to its end.

    Raises:
        EdgespecError: it did not end well.
    """
    config = folder / "monitor.toml"
    config.write_text(detect.toml())
    command = [sys.executable, "-m", "edgespec", "monitor", "-c", str(config), "--json"]
    command += ["--source", uri, *(["--model", str(bundle)] if bundle else [])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise EdgespecError(f"edgespec monitor ended with {done.returncode}: {done.stderr}")
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    of_schema = {
        schema: [json.dumps(line) for line in lines if line["schema"] == schema]
        for schema in (EVENT_SCHEMA, STATE_SCHEMA)
    }
    messages = tuple(parse_event(line).event for line in of_schema[EVENT_SCHEMA])
    return Heard(messages, parse_state(of_schema[STATE_SCHEMA][-1])[1])


@dataclass(frozen=True, slots=True)
class Outcome:
    """One row of the table; what belongs to an event is None where there was none.

    ``edge_error_bins`` is that of the worse edge in the worst message of the event. The start is
    the event's own, ``start_error_segments`` its distance from the truth in hops. ``n_found``
    counts the events that overlap the injection, so ``n_events - n_found`` were false. ``spans``
    holds start and stop in seconds and both edges in Hz of every event.
    """

    recording: str
    case: str
    n_events: int
    n_found: int
    n_segments: int
    n_scored: int
    skipped: dict[str, int]
    thresholds: dict[str, float]
    spans: tuple[tuple[float, float, float, float], ...] = ()
    detector: str | None = None
    score: float | None = None
    threshold: float | None = None
    start_s: float | None = None
    stop_s: float | None = None
    start_error_segments: float | None = None
    lower_hz: float | None = None
    upper_hz: float | None = None
    edge_error_bins: float | None = None

    @property
    def is_right(self) -> bool:
        """Whether both edges lie within 2 bins, and the start within a segment, of the truth."""
        if self.edge_error_bins is None or self.start_error_segments is None:
            return False
        return self.edge_error_bins <= 2.0 and self.start_error_segments <= 1.0


def judge(
    name: str,
    case: Case,
    heard: Heard,
    recipe: Recipe,
    center_freq_hz: float,
    detect: Detect,
    start_s: float,
    offset_s: float = 0.0,
) -> Outcome:
    """Compare what was said with what is known.

    Args:
        name: of the recording.
        case: what was added.
        heard: what the monitor said.
        recipe: of the bundle.
        center_freq_hz: edges are reported against it.
        detect: settings it ran with.
        start_s: when the interferer begins, in the stretch that was monitored.
        offset_s: where that stretch begins in its recording; times are reported in the recording.
    """
    rate_hz, hop_s, edges_hz = recipe.sample_rate_hz, recipe.geometry.hop_s, case.edges_hz()
    events = heard.events()
    found = [] if edges_hz is None else [e for e in events if _stop_s(e, rate_hz) > start_s]
    shown = next(iter([*found, *events]), None)
    n_warmup = max(ceil(detect.warmup_s / hop_s), 4)
    base: dict[str, Any] = {
        "recording": name,
        "case": case.name,
        "n_events": len(events),
        "n_found": len(found),
        "n_segments": heard.state.n_segments,
        "n_scored": max(heard.state.n_segments - n_warmup, 0),
        "skipped": {reason: n for reason, n in heard.state.n_skipped.items() if n},
        "thresholds": heard.state.thresholds,
        "spans": tuple(
            (
                offset_s + event[-1].sample_start / rate_hz,
                offset_s + _stop_s(event, rate_hz),
                event[-1].freq_lower_hz - center_freq_hz,
                event[-1].freq_upper_hz - center_freq_hz,
            )
            for event in events
        ),
    }
    if shown is None:
        return Outcome(**base)
    last = shown[-1]
    start = last.sample_start / rate_hz
    reported = np.array([(m.freq_lower_hz, m.freq_upper_hz) for m in shown]) - center_freq_hz
    error_bins = None
    if edges_hz is not None:
        error_bins = float(np.abs(reported - edges_hz).max() / recipe.framing.bin_hz)
    return Outcome(
        **base,
        detector=last.detector,
        score=last.score,
        threshold=last.threshold,
        start_s=offset_s + start,
        stop_s=offset_s + _stop_s(shown, rate_hz),
        start_error_segments=None if edges_hz is None else abs(start - start_s) / hop_s,
        lower_hz=float(reported[-1, 0]),
        upper_hz=float(reported[-1, 1]),
        edge_error_bins=error_bins,
    )


def _stop_s(messages: list[Event], rate_hz: float) -> float:
    last = messages[-1]
    if last.event_type != EventType.END:
        raise EdgespecError(f"event {last.event_id} never ended")
    return (last.sample_start + last.n_samples) / rate_hz
