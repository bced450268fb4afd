"""Real recordings as they are, through the observer at its default settings: every event is told.

``python -m benchmarks.detection.untouched`` monitors all recordings of ``--data``. None of them has
a known interferer. Bursts of ISM transmitters and of aircraft are what lives in their bands: an
observer without a cell learns in its warm-up how often they come, and one that comes louder, longer
or elsewhere than all before is news to it, as it should be. So these are events to look at, not all
of them false.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import click

from benchmarks.detection.injected import Notes
from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.config import AlarmConfig, BandConfig, Config, NodeConfig, SourceConfig
from edgespec.observer.startup import open_observer
from edgespec.records import EventType
from edgespec.sources import open_source

__all__ = ["Said", "heard_in", "main", "markdown"]


@dataclass(frozen=True, slots=True)
class Said:
    """One event of a recording as it ended; without a ``detector`` there was none.

    ``rhythm`` is how far that of a band without a cell was known at the end, '' where any-band did
    not watch: beside a cell, and where one was still looked for.
    """

    recording: str
    rate_hz: float
    duration_s: float
    cell: str
    distrust: str
    rhythm: str = ""
    detector: str = ""
    kind: str = ""
    start_s: float = 0.0
    length_s: float = 0.0
    lower_hz: float = 0.0
    upper_hz: float = 0.0
    excess_db: float = 0.0
    ratio: float = 0.0


def heard_in(meta: Path, folder: Path) -> list[Said]:
    """Monitor a recording; return its events, or one row without."""
    uri = f"sigmf:{meta}"
    source = open_source(uri)
    rate_hz, center_hz = source.info.sample_rate_hz, source.info.center_freq_hz
    n_samples = 0
    samples = source.info.sample_format.empty(1 << 16)
    while (block := source.read(samples)) is not None:
        n_samples += block.n_samples
    source.close()
    config = Config(
        node=NodeConfig(id="benchmark", state_dir=folder / "state"),
        source=(SourceConfig(uri=uri),),
        band=(BandConfig(),),
        alarm=AlarmConfig(state_s=0.05),
    )
    notes = Notes()
    open_observer(config, [notes]).monitor.run()
    state = notes.last
    cell = "" if state is None or state.cell is None else str(state.cell.state)
    distrust = "" if state is None else state.distrust
    rhythm = "" if state is None or state.rhythm is None else str(state.rhythm.state)
    base = (meta.stem, rate_hz, n_samples / rate_hz, cell, distrust, rhythm)
    last = {event.event_id: event for event in notes.messages}
    news = [event for event in notes.messages if event.event_type is EventType.NEW]
    rows = [
        Said(
            *base,
            event.detector,
            event.kind,
            event.sample_start / rate_hz,
            event.n_samples / rate_hz,
            event.freq_lower_hz - center_hz,
            event.freq_upper_hz - center_hz,
            event.excess_db,
            event.score / event.threshold,
        )
        for event in (last[one.event_id] for one in news)
    ]
    return rows or [Said(*base)]


def markdown(rows: Sequence[Said]) -> str:
    """Return the events of each recording, one a line."""
    lines = []
    for row in rows:
        line: list[object] = [
            row.recording, f"{row.rate_hz / 1e6:g}", f"{row.duration_s:.2f}",
            f"{row.cell}{', not trusted' if row.distrust else ''}", row.rhythm,
        ]  # fmt: skip
        if row.detector:
            place = f"{row.lower_hz / 1e3:+.0f} to {row.upper_hz / 1e3:+.0f}"
            times = f"{row.start_s:.3f} for {row.length_s:.3f}"
            line += [row.detector, row.kind, times, place, f"{row.excess_db:+.1f}",
                     f"{row.ratio:.2f}"]  # fmt: skip
        else:
            line += ["none", "", "", "", "", ""]
        lines.append(line)
    head = ["recording", "MS/s", "s", "cell", "any-band", "event by", "called", "at, s",
            "kHz", "excess, dB", "score / threshold"]  # fmt: skip
    n_events = sum(bool(row.detector) for row in rows)
    names = {row.recording for row in rows}
    return f"{n_events} events in {len(names)} recordings.\n\n{markdown_table(head, lines)}\n"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(data: Path, save: bool) -> None:
    """Tell every event of recordings that have no known interferer."""
    rows: list[Said] = []
    for meta in sorted(data.glob("*.sigmf-meta")):
        click.echo(meta.stem, err=True)
        with tempfile.TemporaryDirectory() as folder:
            rows += heard_in(meta, Path(folder))
    title = "Events of real recordings as they are"
    kept = [asdict(row) for row in rows]
    click.echo(save_rows("untouched", title, facts(), kept, markdown(rows), save=save))


if __name__ == "__main__":
    main()
