"""Events of the shipped bundle on simulated traffic of every kind: false ones, and those found.

``python -m benchmarks.detection.episodes`` plays the observers of ``[episodes.device]`` in
``benchmarks/experiments/full.toml`` through the device's chain with the bundle of the package, and
writes ``benchmarks/results/episodes.md``. It is the laboratory's step of that name without its
trainings, so the figures follow every change of the chain.
"""

from collections.abc import Sequence
from typing import Any

import click
import numpy as np

from benchmarks.record import ROOT, facts, save_rows
from converter.lab.measures.episodes import play_observer
from converter.lab.observers import test_specs
from converter.lab.toml import load_experiment
from converter.report.markdown_table import markdown_table
from edgespec.inference.bundle import load_bundle, shipped_bundle_path

__all__ = ["main", "markdown"]

_EXPERIMENT = ROOT / "benchmarks" / "experiments" / "full.toml"
_NAME = "device"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return false events by how the observers move, and finds by ISR."""
    normal = [row for row in rows if not row["kind"]]
    contexts = list(dict.fromkeys(row["context"] for row in normal))
    false_rows = []
    for context in contexts:
        here = [row for row in normal if row["context"] == context]
        n_events = sum(int(row["n_events"]) for row in here)
        seconds = sum(float(row["seconds"]) for row in here)
        quiet = sum(not row["n_events"] for row in here)
        false_rows.append([context, f"{seconds:.0f}", n_events, f"{quiet} of {len(here)}"])
    found_rows = []
    for isr_db in sorted({float(row["isr_db"]) for row in rows if row["kind"]}):
        here = [row for row in rows if row["kind"] and float(row["isr_db"]) == isr_db]
        delays = [float(row["delay_ms"]) for row in here if row["detected"]]
        median = f"{np.median(delays):.0f}" if delays else "-"
        found_rows.append([f"{isr_db:+.0f}", f"{len(delays)} of {len(here)}", median])
    false_head = ["observers", "normal signal, s", "false events", "stretches without any"]
    return (
        f"{markdown_table(false_head, false_rows)}\n\n"
        f"{markdown_table(['ISR dB', 'found', 'median delay, ms'], found_rows)}\n"
    )


@click.command()
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(save: bool) -> None:
    """Count false events and finds of the shipped bundle on simulated observers."""
    experiment = load_experiment(_EXPERIMENT)
    episodes = experiment.episodes[_NAME]
    bundle = load_bundle(shipped_bundle_path())
    rows: list[dict[str, Any]] = []
    for seed, spec in test_specs(experiment, episodes.population):
        click.echo(f"seed {seed}, {spec.name}", err=True)
        rows += [{**row, "seed": seed} for row in play_observer(spec, bundle, episodes)]
    title = "Events of the shipped bundle on simulated traffic"
    click.echo(save_rows("episodes", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
