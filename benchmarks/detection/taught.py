"""What 'this is normal' silences: an interferer that comes again, and the same one 6 dB stronger.

``python -m benchmarks.detection.taught`` plays a simulated cell in which an interferer is on
1.2 s of every 4, lets the observer tell its events, and teaches some of them, in every order that
they come in. Silent is an event of which no message alarms.
"""

import logging
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import click

from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.alerts.incidents import IncidentTable, load_incidents
from edgespec.alerts.normal import Normal, normal_of
from edgespec.config import Config, NodeConfig, override
from edgespec.observer.startup import open_observer
from edgespec.records import Event

__all__ = ["Row", "main", "rows_of"]

#: Each is on while ``duty`` of ``period_s`` lasts.
KINDS = {
    "tone": "kind=tone&offset_hz=200e3",
    "qpsk": "kind=qpsk&offset_hz=-300e3",
    "wideband": "kind=wideband&offset_hz=200e3&bandwidth_hz=300e3",
}
ISR_DB, STRONGER_DB = -3.0, 6.0
TAUGHT = (1, 2, 4)
_SCENE = "sim:lte-dl?load=.6&snr_db=20&sample_rate=1.92M&period_s=4&duty=.3&start_s=6&stop_s={stop}"
_RATE_HZ, _N_BINS = 1.92e6, 128


@dataclass(frozen=True, slots=True)
class Row:
    """Of ``n_events``, and of as many ``stronger`` ones, the share that is silent once taught."""

    kind: str
    seed: int
    n_events: int
    n_incidents: int
    n_taught: int
    silent: float
    n_stronger: int
    silent_stronger: float


def told(uri: str) -> list[list[Event]]:
    """Return the messages of each event that an observer tells of a stream, as they began."""
    found: defaultdict[str, list[Event]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder:
        config = override(Config(), source=uri)
        config = replace(config, node=NodeConfig(id="taught", state_dir=Path(folder)))
        observer = open_observer(config, on_event=lambda one: found[one.event_id].append(one))
        observer.monitor.run()
    return list(found.values())


def rows_of(
    kind: str, seed: int, like: Sequence[list[Event]], stronger: Sequence[list[Event]]
) -> Iterator[Row]:
    """Yield a row for each number of events that are taught."""
    everything, _ = _taught(like)
    for n_taught in TAUGHT:
        if n_taught >= len(like):
            return
        silent, silent_stronger = [], []
        for first in range(len(like)):
            order = [*like[first:], *like[:first]]
            _, normals = _taught(order[:n_taught])
            silent += [_is_silent(event, normals) for event in order[n_taught:]]
            silent_stronger += [_is_silent(event, normals) for event in stronger]
        yield Row(
            kind, seed, len(like), everything, n_taught, sum(silent) / len(silent),
            len(stronger), sum(silent_stronger) / max(len(silent_stronger), 1),
        )  # fmt: skip


def _taught(events: Sequence[list[Event]]) -> tuple[int, list[Normal]]:
    """Return how many incidents events are, and the templates of all of them."""
    slack_hz = 2.0 * _RATE_HZ / _N_BINS
    table = IncidentTable({event.band: slack_hz for messages in events for event in messages})
    for messages in events:
        for message in messages:
            table.take(message)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "incidents.json"
        path.write_bytes(table.content())
        return len(table), [normal_of(one, "normal", 0, None) for one in load_incidents(path)]


def _is_silent(messages: Sequence[Event], normals: Sequence[Normal]) -> bool:
    return all(any(one.covers(message) for one in normals) for message in messages)


@click.command()
@click.option("--seconds", type=click.IntRange(12, 3600), default=42, show_default=True)
@click.option("--seeds", type=click.IntRange(1, 100), default=2, show_default=True)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(seconds: int, seeds: int, save: bool) -> None:
    """Teach that an interferer is normal, and see what is silent."""
    logging.disable(logging.WARNING)
    rows: list[Row] = []
    for kind, words in KINDS.items():
        for seed in range(1, seeds + 1):
            click.echo(f"{kind}, seed {seed}", err=True)
            uri = f"{_SCENE.format(stop=seconds - 2)}&{words}&seed={seed}&duration_s={seconds}"
            like, stronger = (
                told(f"{uri}&isr_db={ISR_DB + more_db:g}") for more_db in (0.0, STRONGER_DB)
            )
            rows += rows_of(kind, seed, like, stronger)
    head = ["interferer, scene", "events", "incidents", "taught", "silent", "6 dB stronger, silent"]
    table = [
        [f"{row.kind}, {row.seed}", str(row.n_events), str(row.n_incidents), str(row.n_taught),
         f"{row.silent:.0%}", f"{row.silent_stronger:.0%} of {row.n_stronger}"]
        for row in rows
    ]  # fmt: skip
    text = f"ISR {ISR_DB:+g} dB.\n\n{markdown_table(head, table)}\n"
    title = "What is silent once it was called normal"
    click.echo(save_rows("taught", title, facts(), map(asdict, rows), text, save=save))


if __name__ == "__main__":
    main()
