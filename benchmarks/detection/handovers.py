"""Walks in which a neighbour becomes louder than the cell: what is raised for nothing, and found.

``python -m benchmarks.detection.handovers --kept walks.jsonl`` plays three observers of
:mod:`benchmarks.detection.hours` that made most false events of one kind, and interferers behind
each. They were looked at when the rules were made: the figures say what a change does to them, and
nothing of other places. Every walk that is through is a line of ``walks.jsonl``; run again, the
script goes on where it was. A walk takes some two minutes of a processor.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.detection.hours import observe, plays
from benchmarks.detection.hours_tables import ISR_GROUPS, found_in_groups
from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table

__all__ = ["WALKS", "main", "markdown"]

#: Rounds and observers.
WALKS = ((21, "walk-013"), (23, "walk-007"), (25, "walk-028"))
_SET = "residual, zscore, energy"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table: what was raised for nothing at each walk, and found behind it."""
    lines = []
    for row in rows:
        heard = row["sets"][_SET]
        by = sorted(f"{event['detector']} {event['kind']}" for event in heard["events"])
        lines.append(
            [
                f"{row['observer']} of round {row['round'] % 1000}",
                f"{heard['scored_s']:.0f}",
                ": ".join([str(len(by)), *([", ".join(by)] if by else [])]),
                f"{heard['alarm_s']:.1f}",
                *found_in_groups(row["episodes"], _SET),
            ]
        )
    titles = ["walk", "seconds", "false events", "s in alarm", *(name for name, _ in ISR_GROUPS)]
    return f"Interferers found behind the walk, by their ISR:\n\n{markdown_table(titles, lines)}"


@click.command()
@click.option("--seconds", default=120.0, help="Normal signal of each, warm-up included.")
@click.option("--interferers", default=16, help="Heard behind it by each.")
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(seconds: float, interferers: int, kept: Path, save: bool) -> None:
    """Count false events of three walks, and what is found behind them."""
    done = {row["observer"] for row in read_rows(kept)}
    for number, name in WALKS:
        if name in done:
            continue
        for play in plays([number], 36, seconds, 1.92e6, interferers, (_SET,)):
            if play.spec.name == name:
                click.echo(f"{name} of round {number}: {seconds:.0f} s", err=True)
                keep_row(kept, observe(play))
    rows = read_rows(kept)
    for row in rows:
        # Half a million numbers, which stay in the file.
        row["sets"][_SET].pop("peaks", None)
    title = "Walks from cell to cell, and interferers behind them"
    click.echo(save_rows("handovers", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
