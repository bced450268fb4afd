"""Walks in which a neighbour becomes louder than the cell: what is raised for nothing, and found.

``python -m benchmarks.detection.handovers --kept walks.jsonl`` plays three observers of
:mod:`benchmarks.detection.hours` that made most false events of one kind, and interferers behind
each. They were looked at when the rules were made: the figures say what a change does to them, and
nothing of other places.
"""

from pathlib import Path

import click

from benchmarks.detection.hours import observe, plays
from benchmarks.detection.kept_rows import keep_row, read_rows

__all__ = ["WALKS", "main"]

#: Rounds and observers.
WALKS = ((21, "walk-013"), (23, "walk-007"), (25, "walk-028"))
_SET = "residual, zscore, energy"


@click.command()
@click.option("--seconds", default=120.0, help="Normal signal of each, warm-up included.")
@click.option("--interferers", default=16, help="Heard behind it by each.")
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
def main(seconds: float, interferers: int, kept: Path) -> None:
    """Count false events of three walks, and what is found behind them."""
    done = {row["observer"] for row in read_rows(kept)}
    for number, name in WALKS:
        if name in done:
            continue
        for play in plays([number], 36, seconds, 1.92e6, interferers, (_SET,)):
            if play.spec.name == name:
                keep_row(kept, observe(play))
    for row in read_rows(kept):
        events = row["sets"][_SET]["events"]
        by = sorted(f"{event['detector']} {event['kind']}" for event in events)
        found = sum(_SET in one["found"] for one in row["episodes"])
        click.echo(
            f"{row['round']} {row['observer']}: {len(events)} false events ({', '.join(by)}), "
            f"{row['sets'][_SET]['alarm_s']:.1f} s in alarm; "
            f"{found} of {len(row['episodes'])} interferers found"
        )


if __name__ == "__main__":
    main()
