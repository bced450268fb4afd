"""Six kinds of interferers in real captures, from far below the cell to far above full scale.

``python -m benchmarks.detection.injected`` adds a tone, a chirp, pulses, wideband pulses, noise and
QPSK to four captures of a strong LTE cell, at an ISR of -30 to +40 dB, and asks the observer, as it
is by default, what it heard. Every capture is monitored with a bundle that was made of the other
three. The parameters of every interferer are drawn, and no period is a multiple of 1 ms. The
recordings stay where they are.
"""

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

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
from converter.report.markdown_table import markdown_table
from edgespec.config import (
    AlarmConfig,
    BandConfig,
    Config,
    DetectConfig,
    NodeConfig,
    SourceConfig,
)
from edgespec.detect.trouble import TROUBLES
from edgespec.observer.startup import open_observer
from edgespec.records import Event, EventType, ObserverState, RssReport
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import complete

__all__ = [
    "ISRS_DB",
    "KINDS",
    "Found",
    "draw_interferer",
    "found_in",
    "judged",
    "main",
    "markdown",
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
#: Width that an event's edges may be off by: two bins of 128.
EDGE_BINS = 2.0
_SEED = 20261128
_TROUBLES = {trouble.kind for trouble in TROUBLES}
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


@dataclass(frozen=True, slots=True)
class Found:
    """What the observer said of one injected interferer.

    ``edge_error_bins`` is that of the worse edge in the first message of a detector's event: one
    of trouble with the receiver has those of the band. ``delay_ms`` is the signal from the
    interferer's first sample to the end of what opened the first event. An event
    that was open already when the interferer came is not a find: ``inside_false_event``.
    """

    recording: str
    kind: str
    isr_db: float
    is_found: bool
    n_events: int
    n_false_events: int
    inside_false_event: bool
    first_kind: str = ""
    detector: str = ""
    delay_ms: float | None = None
    edge_error_bins: float | None = None


class _Notes:
    """A sink that keeps what it is told."""

    def __init__(self) -> None:
        self.messages: list[Event] = []

    def event(self, event: Event) -> None:
        """Keep one message."""
        self.messages.append(event)

    def state(self, state: ObserverState) -> None:
        """States are not looked at."""

    def rss(self, report: RssReport) -> None:
        """No site is told anything."""

    def close(self) -> None:
        """There is nothing to deliver."""


def found_in(
    recording: Recording,
    case: Case,
    bundle: Path,
    detectors: Sequence[str],
    folder: Path,
) -> Found:
    """Monitor ``recording`` with the interferer of ``case`` in its last half second."""
    info = recording.info
    start_s = len(recording.samples) / info.sample_rate_hz - INJECTED_S
    config = Config(
        node=NodeConfig(id="benchmark", state_dir=folder / "state"),
        source=(SourceConfig(uri=recording.write(case, start_s, folder)),),
        band=(BandConfig(model=bundle, backend="numba"),),
        detect=DetectConfig(
            detectors=tuple(detectors),
            warmup_s=CAPTURE_DETECT.warmup_s,
            false_alarm_rate=CAPTURE_DETECT.false_alarm_rate,
            hold_off_s=CAPTURE_DETECT.hold_off_s,
        ),
        alarm=AlarmConfig(update_s=0.05, state_s=1000.0),
    )
    notes = _Notes()
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
    seen = next((event for event in late if event.kind not in _TROUBLES), None)
    error_bins = None
    if seen is not None:
        said = (seen.freq_lower_hz, seen.freq_upper_hz)
        error_hz = max(abs(a - b) for a, b in zip(said, truth, strict=True))
        error_bins = error_hz / (rate_hz / 128)
    stop_s = (first.sample_start + first.n_samples) / rate_hz
    return Found(
        **base,
        is_found=True,
        first_kind=first.kind,
        detector=first.detector,
        delay_ms=1e3 * (stop_s - start_s),
        edge_error_bins=error_bins,
    )


def rows_of(
    data: Path,
    work: Path,
    isrs_db: Sequence[float],
    detectors: Sequence[str],
    progress: Callable[[str], None],
) -> Iterator[Found]:
    """Yield every capture untouched, and with every kind at every ISR."""
    for number, name in enumerate(CAPTURES):
        home = work / name
        dataset = g20_dataset(data, name, home / "dataset")
        bundle = train_bundle(dataset, home, CAPTURE_DETECT.warmup_s, Training(), progress)
        recording = read_recording(data / f"{name}.sigmf-meta")
        with tempfile.TemporaryDirectory() as folder:
            yield found_in(recording, Case("untouched"), bundle, detectors, Path(folder))
            for kind in KINDS:
                rng = np.random.default_rng((_SEED, number, list(KINDS).index(kind)))
                interferer = draw_interferer(kind, recording.info.sample_rate_hz, rng)
                n_found = 0
                for isr_db in isrs_db:
                    case = Case(kind, interferer, float(isr_db))
                    found = found_in(recording, case, bundle, detectors, Path(folder))
                    n_found += found.is_found
                    yield found
                progress(f"{name}, {kind}: {n_found} of {len(isrs_db)}")


def markdown(found: Sequence[Found], detectors: Sequence[str]) -> str:
    """Return the table: a row an ISR, then what was said of the untouched captures."""
    clean = [row for row in found if row.kind == "untouched"]
    rows = []
    for isr_db in sorted({row.isr_db for row in found if row.kind != "untouched"}):
        here = [row for row in found if row.isr_db == isr_db and row.kind != "untouched"]
        hits = [row for row in here if row.is_found]
        by_kind = [f"{sum(row.is_found for row in here if row.kind == kind)}" for kind in KINDS]
        edges_bins = [r.edge_error_bins for r in hits if r.edge_error_bins is not None]
        edges = sum(error <= EDGE_BINS for error in edges_bins)
        delays = [row.delay_ms for row in hits if row.delay_ms is not None]
        rows.append(
            [
                f"{isr_db:+.0f}",
                f"{len(hits)} of {len(here)}",
                *by_kind,
                sum(row.first_kind in _TROUBLES for row in hits),
                f"{edges} of {len(edges_bins)}",
                f"{np.median(delays):.0f}" if delays else "-",
                sum(row.inside_false_event for row in here),
            ]
        )
    head = [
        "ISR dB",
        "found",
        *KINDS,
        "receiver first",
        "edges within 2 bins",
        "delay ms",
        "inside a false event",
    ]
    n_false = sum(row.n_events for row in clean)
    return (
        f"Detectors: {', '.join(detectors)}. Untouched captures: {n_false} false events in "
        f"{len(clean)} x 0.6 s.\n\n{markdown_table(head, rows)}\n"
    )


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--work", type=click.Path(path_type=Path), help="Keep models here, or take them up.")
@click.option("--isr", "isrs_db", type=float, multiple=True, help="Only these, dB.")
@click.option("--detector", "detectors", multiple=True, help="In place of the default ones.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    data: Path,
    work: Path | None,
    isrs_db: tuple[float, ...],
    detectors: tuple[str, ...],
    save: bool,
) -> None:
    """Count which interferers are found on captures that no bundle has seen."""
    names = detectors or DetectConfig().detectors
    with tempfile.TemporaryDirectory() as temporary:
        home = work or Path(temporary)
        home.mkdir(parents=True, exist_ok=True)
        found = list(
            rows_of(data, home, isrs_db or ISRS_DB, names, lambda text: click.echo(text, err=True))
        )
    title = "Interferers in real captures, from far below the cell to far above full scale"
    machine, rows = facts(("tensorflow-cpu", "keras")), [asdict(row) for row in found]
    click.echo(save_rows("injected", title, machine, rows, markdown(found, names), save=save))


if __name__ == "__main__":
    main()
