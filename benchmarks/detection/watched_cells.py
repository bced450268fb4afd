"""What an observer says of the cell it watches: of faults, of interferers, and of nothing at all.

``python -m benchmarks.detection.watched_cells`` gives simulated cells and the recordings of real
ones to the whole chain and counts the events whose detector is ``cell``. Observers stand, walk
(5 Hz) and drive (70 Hz), every second one beside a neighbour; their cell, SNR of 5 to 30 dB, load
and profile are drawn. Half of an observer's time nothing happens; then it meets every fault of
the cell, and six kinds of interferers, which are none. It writes
``benchmarks/results/watched_cells.md``.
"""

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.config import Config, override
from edgespec.observer.startup import open_observer
from edgespec.records import Event, EventType

__all__ = ["cell_events", "main", "markdown", "observers"]

_DOPPLER_HZ = {"still": 0.0, "walk": 5.0, "drive": 70.0}
_DETECTORS = ("residual", "cell", "zscore", "energy")
#: Warm-up. When a fault or an interferer begins, how long it lasts, and how long it is listened to.
_WARMUP_S, _START_S, _LENGTH_S, _STOP_S = 1.0, 2.5, 0.8, 4.0
#: An event is of a fault if it begins so near to it.
_NEAR_S = 0.05
_FAULTS = {
    **{f"{db:+g} dB": f"fault=power-step&step_db={db:g}" for db in (-3, 3, -6, 6, -10, 10)},
    **{f"{share:.0%} down": f"fault=frequencies-down&share={share}" for share in (0.33, 0.66)},
    "station lost": "fault=station-lost",
}
_NAMES = {"fault=power-step": "power-step", "fault=frequencies-down": "carriers-down"}
_INTERFERERS = ("tone", "chirp", "pulse", "wideband", "barrage", "qpsk")
_ISRS_DB = (-10, 0, 10, 20)


def observers(n_each: int, first: int = 0) -> Iterator[tuple[str, int, str]]:
    """Yield context, number (from ``first`` on) and URI of simulated observers, endless ones."""
    for place, (context, doppler_hz) in enumerate(_DOPPLER_HZ.items()):
        for number in range(first, first + n_each):
            rng = np.random.default_rng((number, round(doppler_hz)))
            options = {
                "sample_rate": 1.92e6,
                "seed": int(rng.integers(2**31)),
                "pci": int(rng.integers(504)),
                "snr_db": round(float(rng.uniform(5.0, 30.0)), 1),
                "load": round(float(rng.uniform(0.1, 0.9)), 2),
                "profile": str(rng.choice(["flat", "epa", "eva"])),
                "doppler_hz": doppler_hz,
            }
            if (number + place) % 2:
                options["neighbour_db"] = round(float(rng.uniform(-15.0, -3.0)), 1)
            yield context, number, "sim:lte-dl?" + "&".join(f"{k}={v}" for k, v in options.items())


def cell_events(uri: str, **detect: Any) -> tuple[list[Event], float, bool]:
    """Return what was said of the cell, the sample rate, and whether one was watched."""
    events: list[Event] = []
    with tempfile.TemporaryDirectory() as folder:
        config = override(Config(), source=uri, state_dir=Path(folder))
        wanted = replace(config.detect, detectors=_DETECTORS, **detect)
        observer = open_observer(replace(config, detect=wanted), [], on_event=events.append)
        observer.monitor.run()
    band = observer.monitor.workers[0].chain
    watched = None if band.cancelled is None else band.cancelled.watched
    of_cell = [event for event in events if event.detector == "cell"]
    return of_cell, band.sample_rate_hz, watched is not None and watched.identity is not None


def _judge(uri: str, fault: str) -> tuple[str, list[str]]:
    """Return the kind that a fault was called, '' where it was not seen, and all that was false."""
    found, false = "", []
    events, rate_hz, _ = cell_events(uri, warmup_s=_WARMUP_S)
    for event in events:
        if event.event_type is not EventType.NEW:
            continue
        begin_s = event.sample_start / rate_hz
        stop_s = _START_S + _LENGTH_S
        if fault and abs(begin_s - _START_S) < _NEAR_S and not found:
            found = event.kind
        elif not (fault and min(abs(begin_s - _START_S), abs(begin_s - stop_s)) < _NEAR_S):
            false.append(f"{event.kind} {event.excess_db:+.1f} dB at {begin_s:.2f} s")
    return found, false


def observe(n_each: int, quiet_s: float, first: int = 0) -> Iterator[dict[str, Any]]:
    """Yield a row for each thing that an observer met."""
    when = f"&duration_s={_STOP_S}&"
    for context, number, uri in observers(n_each, first):
        about = {"context": context, "number": number, "uri": uri}
        _, false = _judge(f"{uri}&duration_s={quiet_s:g}", "")
        yield about | {"case": "nothing", "seconds": quiet_s, "found": "", "false": false}
        of_fault = f"&fault_start_s={_START_S}&fault_stop_s={_START_S + _LENGTH_S}"
        for name, fault in _FAULTS.items():
            found, false = _judge(uri + when + fault + of_fault, name)
            yield about | {"case": name, "seconds": _STOP_S, "found": found, "false": false}
        kind = _INTERFERERS[number % len(_INTERFERERS)]
        for isr_db in _ISRS_DB:
            meeting = f"kind={kind}&isr_db={isr_db}&start_s={_START_S}"
            _, false = _judge(uri + when + meeting, "")
            case = f"{kind} {isr_db:+d} dB"
            yield about | {"case": case, "seconds": _STOP_S, "found": "", "false": false}


def recordings() -> Iterator[dict[str, Any]]:
    """Yield a row for each recording of a real or generated cell."""
    for path in sorted(DATA.glob("*.sigmf-meta")):
        events, _, is_watched = cell_events(f"sigmf:{path.with_suffix('')}", warmup_s=0.4)
        if is_watched:
            said = [event.kind for event in events if event.event_type is EventType.NEW]
            yield {"context": "recording", "case": path.stem, "found": "", "false": said}


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return tables of what was found, and of what was said where there was nothing."""
    found, false = [], []
    for context in _DOPPLER_HZ:
        own = [row for row in rows if row["context"] == context]
        counts = []
        for name, fault in _FAULTS.items():
            met = [row for row in own if row["case"] == name]
            kind = _NAMES.get(fault.split("&", maxsplit=1)[0], "cell-lost")
            seen = sum(bool(row["found"]) for row in met)
            right = sum(row["found"] == kind for row in met)
            counts.append(f"{right}, {seen} of {len(met)}")
        found.append([context, *counts])
        for what, parts in (
            ("nothing", [row for row in own if row["case"] == "nothing"]),
            ("faults", [row for row in own if row["case"] in _FAULTS]),
            ("interferers", [row for row in own if row["case"] not in ("nothing", *_FAULTS)]),
        ):
            false.append([context, what, *_false_of(parts)])
    heard = [row for row in rows if row["context"] == "recording"]
    false.append([f"{len(heard)} recordings", "nothing", *_false_of(heard)])
    return (
        "Called what it is, then seen at all:\n\n"
        f"{markdown_table(['observer', *_FAULTS], found)}\n\n"
        "False events of the cell, by what was met:\n\n"
        f"{markdown_table(['observer', 'met', 'seconds', 'false events'], false)}"
    )


def _false_of(rows: Sequence[dict[str, Any]]) -> tuple[str, str]:
    kinds = Counter(text.split()[0] for row in rows for text in row["false"])
    said = ", ".join(f"{n} {kind}" for kind, n in sorted(kinds.items()))
    return f"{sum(row.get('seconds', 0.0) for row in rows):.0f}", said or "0"


@click.command()
@click.option("--observers", "n_each", default=6, show_default=True, help="Of each context.")
@click.option("--quiet", "quiet_s", default=65.0, show_default=True, help="Seconds of nothing.")
@click.option("--first", default=0, show_default=True, help="Number of the first of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_each: int, quiet_s: float, first: int, save: bool) -> None:
    """Listen, print and write the table."""
    rows = []
    for row in chain(recordings(), observe(n_each, quiet_s, first)):
        rows.append(row)
        click.echo(f"{row['context']} {row['case']}: {row['found']} {row['false']}")
    text = markdown(rows)
    title = "What an observer says of the cell it watches"
    click.echo(save_rows("watched_cells", title, facts(), rows, text, save=save))


if __name__ == "__main__":
    main()
