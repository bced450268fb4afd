"""Events of the shipped bundle on simulated traffic: false ones, those found, and how soon.

``python -m benchmarks.detection.episodes --kept episodes.jsonl`` plays the observers of
``[episodes.device]`` in ``benchmarks/experiments/full.toml`` through the device's chain with the
bundle of the package. It is the laboratory's step of that name without its trainings, so the
figures follow every change of the chain: what one and the same file finds, and what it takes from
the last sample to the message. Every observer that is through is a line of ``episodes.jsonl``; run
again, the script goes on where it was.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.detection.kept_rows import keep_row, read_rows
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
    """Return false events by how the observers move, and by ISR what is found, and how soon."""
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
        found = [row for row in here if row["detected"]]
        found_rows.append(
            [
                f"{isr_db:+.0f}",
                f"{len(found)} of {len(here)}",
                _median(found, "iou", 2),
                _median(found, "delay_ms", 0),
                _median(found, "compute_ms", 2),
                _median(found, "told_ms", 2),
            ]
        )
    false_head = ["observers", "normal signal, s", "false events", "stretches without any"]
    found_head = ["ISR dB", "found", "IoU", "signal it takes, ms"]
    found_head += ["processor, ms: a hop", "from the last sample to the message"]
    return (
        f"{markdown_table(false_head, false_rows)}\n\n"
        f"{markdown_table(found_head, found_rows)}\n\n"
        "Medians over those found. A hop is 6.4 ms of signal; times are those of one processor.\n"
    )


def _median(rows: Sequence[dict[str, Any]], name: str, digits: int) -> str:
    values = [float(row[name]) for row in rows if row[name] is not None]
    return f"{np.median(values):.{digits}f}" if values else "-"


@click.command(help=__doc__)
@click.option("--kept", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--observers", default=12, show_default=True, help="Of those of the experiment.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(kept: Path, observers: int, save: bool) -> None:
    """Count false events and finds of the shipped bundle on simulated observers."""
    experiment = load_experiment(_EXPERIMENT)
    episodes = experiment.episodes[_NAME]
    bundle = load_bundle(shipped_bundle_path())
    done = {row["observer"]: row for row in read_rows(kept)}
    rows: list[dict[str, Any]] = []
    for seed, spec in islice(test_specs(experiment, episodes.population), observers):
        name = f"{seed} {spec.name}"
        if name not in done:
            click.echo(f"seed {seed}, {spec.name}", err=True)
            played = [{**row, "seed": seed} for row in play_observer(spec, bundle, episodes)]
            done[name] = {"observer": name, "sha256": bundle.sha256, "rows": played}
            keep_row(kept, done[name])
        rows += done[name]["rows"]
    title = "Events of the shipped bundle on simulated traffic"
    text = (
        f"Bundle `{bundle.manifest.name}` {bundle.sha256[:12]}, detectors "
        f"{', '.join(episodes.detectors)}, {observers} observers.\n\n{markdown(rows)}"
    )
    click.echo(save_rows("episodes", title, facts(), rows, text, save=save))


if __name__ == "__main__":
    main()
