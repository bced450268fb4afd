"""Thresholds that keep to a budget of events, at those who make most: walks beside a neighbour.

``python -m benchmarks.detection.kept_budget --kept walkers.jsonl`` plays those observers of
:mod:`benchmarks.detection.hours` that walk beside a neighbour cell, each through two chains: by the
usual thresholds, and by those that a live observer raises by itself to keep to its budget
(``detect.keep_budget``). Behind the walk each hears interferers, so what that costs stands beside
what it spares. It is chosen by how they move, not by what came; run again, the script goes on.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from benchmarks.detection.hours import played, plays
from benchmarks.detection.hours_tables import ISR_GROUPS, found_in_groups
from benchmarks.detection.injected_report import TROUBLE_KINDS
from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.config import DetectConfig

__all__ = ["main", "markdown"]

_SET = "residual, zscore, energy"


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a table: false events and seconds in alarm of each walk, and who was found."""
    names = list(dict.fromkeys(name for row in rows for name in row["sets"]))
    lines = []
    for row in rows:
        for name in names:
            heard = row["sets"][name]
            n_false = sum(event["kind"] not in TROUBLE_KINDS for event in heard["events"])
            raised = ", ".join(f"{one} x{by:.1f}" for one, by in heard["raised_before"].items())
            lines.append(
                [
                    f"{row['observer']} of round {row['round'] % 1000}",
                    "raised" if name != _SET else "usual",
                    f"{heard['scored_s']:.0f}",
                    n_false,
                    f"{heard['alarm_s']:.1f}",
                    raised or "-",
                    *found_in_groups(row["episodes"], name),
                ]
            )
    for name in names:
        heard = [row["sets"][name] for row in rows]
        n_false = [e["kind"] not in TROUBLE_KINDS for one in heard for e in one["events"]]
        lines.append(
            [
                "all",
                "raised" if name != _SET else "usual",
                f"{sum(one['scored_s'] for one in heard):.0f}",
                sum(n_false),
                f"{sum(one['alarm_s'] for one in heard):.1f}",
                f"{sum(bool(one['raised_before']) for one in heard)} of {len(heard)}",
                *found_in_groups([one for row in rows for one in row["episodes"]], name),
            ]
        )
    head = ["walk", "thresholds", "seconds", "false events", "s in alarm", "raised in the walk"]
    return markdown_table([*head, *(f"found, {group}" for group, _ in ISR_GROUPS)], lines)


@click.command()
@click.option("--rounds", default="30,31,32,33,34", help="Numbers of rounds, such as 0,1,2.")
@click.option("--seconds", default=300.0, help="Normal signal of each, warm-up included.")
@click.option("--interferers", default=16, help="Heard behind it by each.")
@click.option("--budget", "per_day", default=DetectConfig().budget_per_day, help="Events a day.")
@click.option("--workers", default=1, help="Processes.")
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    rounds: str, seconds: float, interferers: int, per_day: float, workers: int, kept: Path,
    save: bool,
) -> None:  # fmt: skip
    """Count false events of walkers, and who is found, with thresholds as usual and raised."""
    done = {(row["observer"], row["round"]) for row in read_rows(kept)}
    numbers = [int(one) for one in rounds.split(",") if one]
    asked = plays(numbers, 36, seconds, 1.92e6, interferers, (_SET,), budget_per_day=per_day)
    left = [
        play
        for play in asked
        if play.spec.context == "walk"
        and play.spec.scene.neighbours
        and (play.spec.name, play.round_seed) not in done
    ]
    for number, row in enumerate(played(left, workers), 1):
        for heard in row["sets"].values():
            # Half a million numbers.
            heard.pop("peaks", None)
        keep_row(kept, row)
        click.echo(f"{number} of {len(left)}: {row['observer']}", err=True)
    rows = read_rows(kept)
    title = "Walks beside a neighbour cell, with thresholds that keep to a budget"
    click.echo(save_rows("kept_budget", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
