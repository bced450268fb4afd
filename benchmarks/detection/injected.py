"""Six kinds of interferers in real captures, from far below the cell to far above full scale.

``python -m benchmarks.detection.injected`` adds a tone, a chirp, pulses, wideband pulses, noise and
QPSK to four captures of a strong LTE cell, at an ISR of -30 to +40 dB, and asks the observer what
it heard: as it is by default without any bundle, beside it with power alone, and as it is by
default with a bundle that was made of the other three captures. The parameters of every interferer
are drawn, and no period is a multiple of 1 ms. The recordings stay where they are.
"""

import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.detection.injected_report import TROUBLE_KINDS, Found, markdown
from benchmarks.detection.real_cases import Case, Recording, read_recording
from benchmarks.detection.real_recordings import (
    CAPTURE_DETECT,
    CAPTURES,
    INJECTED_S,
    Training,
    g20_dataset,
    train_bundle,
)
from benchmarks.record import DATA, facts, save_rows
from edgespec.config import (
    AlarmConfig,
    BandConfig,
    Config,
    DetectConfig,
    NodeConfig,
    SourceConfig,
)
from edgespec.observer.startup import open_observer
from edgespec.records import Event, EventType, ObserverState, RssReport
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import complete

__all__ = [
    "ISRS_DB",
    "KINDS",
    "Notes",
    "draw_interferer",
    "found_in",
    "judged",
    "main",
]

#: The six kinds, and the name that the simulator has for each.
KINDS = {
    "tone": "tone",
    "chirp": "chirp",
    "pulse": "pulse",
    "wideband pulse": "wideband-pulse",
    "noise": "barrage",
    "QPSK": "qpsk",
}
ISRS_DB = tuple(range(-30, 45, 5))
_SEED = 20261128
#: Without a bundle the model's detector has nothing to do.
POWER_ALONE = ("zscore", "energy")
#: An event that begins less than a horizon before the interferer still is the interferer's: its
#: first frame is only known to a frame, and its first segment holds both.
_EARLY_S = 7e-3


def draw_interferer(kind: str, sample_rate_hz: float, rng: np.random.Generator) -> InterfererConfig:
    """Return an interferer of a kind of :data:`KINDS` with drawn offset, width, period and duty."""
    half_hz = 0.42 * sample_rate_hz
    pulsed = kind in ("pulse", "wideband pulse", "chirp")
    period_s = _draw_period_s(rng) if pulsed else 0.0
    duty = float(rng.uniform(0.15, 0.6)) if kind in ("pulse", "wideband pulse") else 0.0
    share = {"chirp": (0.05, 0.4), "wideband pulse": (0.1, 0.4), "noise": (0.05, 0.5)}.get(kind)
    width_hz = float(rng.uniform(*share)) * sample_rate_hz if share else 0.0
    if kind == "QPSK":
        width_hz = float(rng.uniform(30e3, 250e3))
    room_hz = half_hz - width_hz / 2
    return InterfererConfig(
        KINDS[kind],
        offset_hz=float(rng.uniform(-room_hz, room_hz)),
        bandwidth_hz=width_hz,
        period_s=period_s,
        duty=duty,
    )


def _draw_period_s(rng: np.random.Generator) -> float:
    """Return a period of 0.3 to 7 ms that is no multiple of 1 ms: such would look like a frame."""
    while True:
        period_s = float(np.exp(rng.uniform(np.log(3e-4), np.log(7e-3))))
        in_ms = 1e3 * period_s
        if in_ms < 0.95 or abs(in_ms - round(in_ms)) > 0.05:
            return period_s


class Notes:
    """A sink that keeps the events and the last state that it is told."""

    def __init__(self) -> None:
        self.messages: list[Event] = []
        self.last: ObserverState | None = None

    def event(self, event: Event) -> None:
        """Keep one message."""
        self.messages.append(event)

    def state(self, state: ObserverState) -> None:
        """Keep the last state."""
        self.last = state

    def rss(self, report: RssReport) -> None:
        """No site is told anything."""

    def close(self) -> None:
        """There is nothing to deliver."""


def found_in(
    recording: Recording,
    case: Case,
    bundle: Path | None,
    detectors: Sequence[str],
    folder: Path,
) -> Found:
    """Monitor ``recording`` with the interferer of ``case`` in its last half second."""
    info = recording.info
    start_s = len(recording.samples) / info.sample_rate_hz - INJECTED_S
    config = Config(
        node=NodeConfig(id="benchmark", state_dir=folder / "state"),
        source=(SourceConfig(uri=recording.write(case, start_s, folder)),),
        band=(BandConfig(model=bundle, backend="numba" if bundle else "auto"),),
        detect=DetectConfig(
            detectors=tuple(detectors),
            warmup_s=CAPTURE_DETECT.warmup_s,
            false_alarm_rate=CAPTURE_DETECT.false_alarm_rate,
            hold_off_s=CAPTURE_DETECT.hold_off_s,
        ),
        alarm=AlarmConfig(update_s=0.05, state_s=1000.0),
    )
    notes = Notes()
    open_observer(config, [notes]).monitor.run()
    return judged(recording, case, notes.messages, start_s)


def judged(recording: Recording, case: Case, messages: Sequence[Event], start_s: float) -> Found:
    """Compare what was said with what is known."""
    rate_hz = recording.info.sample_rate_hz
    news = [event for event in messages if event.event_type is EventType.NEW]
    ends = {e.event_id: e for e in messages if e.event_type is EventType.END}
    base: dict[str, Any] = {
        "recording": recording.name,
        "kind": case.name,
        "isr_db": case.isr_db,
        "n_events": len(news),
    }
    if case.interferer is None:
        return Found(**base, is_found=False, n_false_events=len(news), inside_false_event=False)
    late = [e for e in news if e.sample_start / rate_hz >= start_s - _EARLY_S]
    early = [e for e in news if e.sample_start / rate_hz < start_s - _EARLY_S]
    covers = any(
        (ends[e.event_id].sample_start + ends[e.event_id].n_samples) / rate_hz > start_s + _EARLY_S
        for e in early
        if e.event_id in ends
    )
    base |= {"n_false_events": len(early), "inside_false_event": covers}
    if not late:
        return Found(**base, is_found=False)
    first = late[0]
    full = complete(case.interferer, rate_hz)
    truth = (
        full.offset_hz - full.bandwidth_hz / 2 + recording.info.center_freq_hz,
        full.offset_hz + full.bandwidth_hz / 2 + recording.info.center_freq_hz,
    )
    seen = [event for event in late if event.kind not in TROUBLE_KINDS]
    errors_bins: list[float | None] = [None, None]
    if seen:
        life = [event for event in messages if event.event_id == seen[0].event_id]
        errors_bins = [_error_hz(one, truth) / (rate_hz / 128) for one in (life[0], life[-1])]
    stop_s = (first.sample_start + first.n_samples) / rate_hz
    return Found(
        **base,
        is_found=True,
        first_kind=first.kind,
        detector=first.detector,
        delay_ms=1e3 * (stop_s - start_s),
        edge_error_bins=errors_bins[0],
        last_edge_error_bins=errors_bins[1],
        n_seen=len(seen),
    )


def _error_hz(event: Event, truth_hz: tuple[float, float]) -> float:
    """Return how far the worse edge of an event lies from the true one."""
    said_hz = (event.freq_lower_hz, event.freq_upper_hz)
    return max(abs(a - b) for a, b in zip(said_hz, truth_hz, strict=True))


@dataclass(frozen=True, slots=True)
class Setting:
    """What an observer is asked with."""

    name: str
    detectors: tuple[str, ...]
    has_bundle: bool = False


SETTINGS = (
    Setting("By default, without a bundle", DetectConfig().detectors),
    Setting("Power alone, without a bundle", POWER_ALONE),
    Setting("By default, with a bundle of the other captures", DetectConfig().detectors, True),
)


def rows_of(
    data: Path, work: Path, isrs_db: Sequence[float], setting: Setting, number: int
) -> list[Found]:
    """Return one capture untouched, and with every kind at every ISR."""
    name, bundle = CAPTURES[number], None
    if setting.has_bundle:
        home = work / name
        dataset = g20_dataset(data, name, home / "dataset")
        bundle = train_bundle(dataset, home, CAPTURE_DETECT.warmup_s, Training(), lambda text: None)
    recording = read_recording(data / f"{name}.sigmf-meta")
    cases = [Case("untouched")]
    for place, kind in enumerate(KINDS):
        rng = np.random.default_rng((_SEED, number, place))
        interferer = draw_interferer(kind, recording.info.sample_rate_hz, rng)
        cases += [Case(kind, interferer, float(isr_db)) for isr_db in isrs_db]
    with tempfile.TemporaryDirectory() as folder:
        found = [
            found_in(recording, case, bundle, setting.detectors, Path(folder)) for case in cases
        ]
    return [replace(row, setting=setting.name) for row in found]


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--work", type=click.Path(path_type=Path), help="Keep models here, or take them up.")
@click.option("--isr", "isrs_db", type=float, multiple=True, help="Only these, dB.")
@click.option(
    "--setting",
    "settings",
    type=click.IntRange(0, len(SETTINGS) - 1),
    multiple=True,
    help="Only these: 0 by default without a bundle, 1 power alone, 2 by default with a bundle.",
)
@click.option("--jobs", type=click.IntRange(1), default=1, help="Processes at a time.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    data: Path,
    work: Path | None,
    isrs_db: tuple[float, ...],
    settings: tuple[int, ...],
    jobs: int,
    save: bool,
) -> None:
    """Count which interferers are found on captures that no bundle has seen."""
    with tempfile.TemporaryDirectory() as temporary:
        home = work or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        asked = [SETTINGS[number] for number in settings or range(len(SETTINGS))]
        with ProcessPoolExecutor(jobs, get_context("spawn")) as pool:
            runs = [
                pool.submit(rows_of, data, home, isrs_db or ISRS_DB, setting, number)
                for setting in asked
                for number in range(len(CAPTURES))
            ]
            found = [row for run in runs for row in run.result()]
    title = "Interferers in real captures, from far below the cell to far above full scale"
    machine, rows = facts(("tensorflow-cpu", "keras")), [asdict(row) for row in found]
    click.echo(save_rows("injected", title, machine, rows, markdown(found, list(KINDS)), save=save))


if __name__ == "__main__":
    main()
