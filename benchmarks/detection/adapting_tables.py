"""Tables of what an adaptation gains, and of what is found afterwards."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from benchmarks.detection.transfer import excess_db
from converter.report.markdown_table import markdown_table

__all__ = ["ALONE", "DEFAULT", "OLD", "markdown", "said_s"]

#: The bundle as it was shipped; what else there is is called by the signal it was adapted on.
OLD = "shipped"
#: By what is detected.
ALONE, DEFAULT = "the model alone", "default detectors"
_N_DRAWS = 4000

Row = Mapping[str, Any]


def said_s(seconds: float) -> str:
    """Return an amount of signal as it is said in a table."""
    return f"{seconds:g} s" if seconds < 60.0 else f"{seconds / 60.0:g} min"


def markdown(rows: Sequence[Row], n_averages: int) -> str:
    """Return the tables: errors beside the bars, the trials, and what was heard."""
    simulated = [row for row in rows if "heard" in row]
    parts = []
    if simulated:
        longest = said_s(max(simulated[0]["amounts_s"]))
        words = (
            "Errors are means over segments of their RMS in dB, and over observers; excess is what "
            "is left of them without the error that no forecast of noise avoids, in squares. "
            f"'Own' is the shipped network with its last layer fitted on {longest} of the same "
            "place."
        )
        parts += [
            f"**Error on normal signal behind what was heard**\n\n{words}\n\n"
            f"{_errors(simulated, n_averages)}",
            f"**Whether `adapt` writes the bundle**\n\n{_trials(simulated)}",
            f"**What is heard with each bundle**\n\n{_heard(simulated)}",
            f"**Error of each observer, dB**\n\n{_each(simulated)}",
        ]
    others = [row for row in rows if "heard" not in row]
    if others:
        words = "A recording of another LTE stack, of which .9 s were learnt from and .45 s tested."
        parts.append(f"**Recording**\n\n{words}\n\n{_each(others)}")
    return "\n\n".join(parts) + "\n"


def _errors(rows: Sequence[Row], n_averages: int) -> str:
    own = f"adapted, {said_s(max(rows[0]['amounts_s']))}"
    rng, lines = np.random.default_rng(0), []
    drawn = rng.integers(len(rows), size=(_N_DRAWS, len(rows)))
    at_home = np.array([excess_db(row["errors_db"][own], n_averages) for row in rows])
    for way in rows[0]["errors_db"]:
        errors = np.array([row["errors_db"][way] for row in rows])
        less = np.array([excess_db(error, n_averages) for error in errors]) - at_home
        low, high = np.quantile(less[drawn].mean(axis=1), (0.025, 0.975))
        lines.append(
            [
                way,
                f"{errors.mean():.3f}",
                f"{less.mean():+.3f} [{low:+.3f}, {high:+.3f}]",
                f"{less.max():+.3f}",
            ]
        )
    titles = ["forecast", "error, dB", "excess less own, dB (95%)", "worst observer"]
    return markdown_table(titles, lines, right_from=1)


def _trials(rows: Sequence[Row]) -> str:
    lines = []
    for name in rows[0]["trials"]:
        trials = [row["trials"][name] for row in rows]
        n_better = sum(trial["better"] for trial in trials)
        change_db = np.mean([trial["difference_db"] for trial in trials])
        lines.append([name, f"{n_better} of {len(trials)}", f"{change_db:+.3f}"])
    titles = ["signal", "better by more than chance", "change on its own held-back fifth, dB"]
    return markdown_table(titles, lines, right_from=1)


def _heard(rows: Sequence[Row]) -> str:
    lines = []
    isrs_db = sorted({one["isr_db"] for one in rows[0]["heard"][OLD][ALONE]["episodes"]})
    for by in (ALONE, DEFAULT):
        for model in rows[0]["heard"]:
            heard = [row["heard"][model][by] for row in rows]
            minutes = sum(one["normal_s"] for one in heard) / 60.0
            n_before = sum(one["false_before"] for one in heard)
            n_between = sum(one["false_between"] for one in heard)
            cells = [by, model, f"{n_before} in {minutes:.1f} min", str(n_between)]
            for isr_db in isrs_db:
                episodes = [
                    episode
                    for one in heard
                    for episode in one["episodes"]
                    if episode["isr_db"] == isr_db
                ]
                n_found = sum(episode["found"] for episode in episodes)
                areas = [episode["auc"] for episode in episodes if episode["auc"] is not None]
                area = f" ({np.mean(areas):.3f})" if areas and by == ALONE else ""
                cells.append(f"{n_found} of {len(episodes)}{area}")
            lines.append(cells)
    titles = ["by", "bundle", "false events", "between interferers"]
    titles += [f"found at {isr_db:+g} dB (AUC of onsets)" for isr_db in isrs_db]
    return markdown_table(titles, lines, right_from=2)


def _each(rows: Sequence[Row]) -> str:
    ways = list(rows[0]["errors_db"])
    lines = [
        [str(row["observer"])] + [f"{row['errors_db'][way]:.3f}" for way in ways] for row in rows
    ]
    return markdown_table(["observer", *ways], lines, right_from=1)
