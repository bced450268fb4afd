"""What the reproduction found, as tables and as the figure of the paper."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import pyplot
from numpy.typing import NDArray

from benchmarks.papers.schoesser2024.scores import FALSE_ALARMS
from converter.report.markdown_table import markdown_table

__all__ = ["LIARS", "POWERS_DBM", "SIGMAS_DB", "UNIT_COUNTS", "Case", "as_text", "draw_rocs"]

Rows = Sequence[dict[str, Any]]

SIGMAS_DB = (0.0, 3.0, 6.0)
UNIT_COUNTS = (3, 4, 6, 8, 10, 12)
LIARS = (0, 1, 2, 3)
POWERS_DBM = (20.0, 10.0, 0.0, -10.0, -20.0)

#: AUC of the paper at 0, 3 and 6 dB, by height and detector (sec. IV-D, fig. 2, ray-traced twin).
PAPER = {
    ("1.5 m", "energy"): (0.939, 0.883, 0.816),
    ("5 m", "energy"): (0.995, 0.852, 0.741),
    ("1.5 m", "lof"): (0.947, 0.825, 0.724),
    ("5 m", "lof"): (0.989, 0.786, 0.623),
}
#: What ours is to reach at 1.5 m.
TARGET = (0.975, 0.95, 0.92)
_NAMES = {
    "energy": "energy detector",
    "lof": "LOF",
    "matched": "matched",
    "likelihood": "likelihood",
    "likelihood, witnessed": "likelihood without the best witness",
}
#: What a model error is called in the tables, and how long it lasts.
_KINDS = {"sample": "snapshot", "placement": "placement", "field": "field", "static": "constant"}
_KIND_TEXT = """The model error N(0, sigma) of each unit is new in each **snapshot**; or new in each
**placement** and the same in its ten snapshots, so that averaging does not help; or a **field**
that never changes, smooth over some 5 m of the transmitter's place (Gaussian correlation); or a
**constant** of the unit, which is what a learnt bias takes away."""


@dataclass(frozen=True, slots=True)
class Case:
    """One row of a comparison, apart from its values."""

    experiment: str
    heights: str
    twin: str
    kind: str
    sigma_db: float
    jammer: str
    n_snapshots: int
    n_subbands: int
    detector: str
    n_units: int = 12
    n_liars: int = 0
    jammer_dbm: float = 20.0


def _chosen(rows: Rows, **where: object) -> list[dict[str, Any]]:
    return [row for row in rows if all(row[name] == value for name, value in where.items())]


def _aucs(rows: Rows, spread: bool = False) -> list[str]:
    """Return AUCs at 0, 3 and 6 dB as cells of a table."""
    cells = []
    for sigma_db in SIGMAS_DB:
        found = _chosen(rows, sigma_db=sigma_db)
        cell = f"{found[0]['auc']:.3f}" if found else "-"
        cells.append(cell + (f" +-{found[0]['spread']:.3f}" if found and spread else ""))
    return cells


def _published(rows: Rows) -> str:
    lines = []
    for heights in ("1.5 m", "5 m", "mixed"):
        for detector in ("energy", "lof", "matched", "likelihood"):
            for twin in ("maps", "forest", "plain maps"):
                found = _chosen(
                    rows, experiment="published", heights=heights, detector=detector, twin=twin
                )
                if found:
                    paper = PAPER.get((heights, detector)) if twin == "maps" else None
                    shown = "/".join(f"{value:.3f}" for value in paper) if paper else "-"
                    lines.append((heights, _NAMES[detector], twin, *_aucs(found, True), shown))
    head = ("units at", "detector", "twin", "0 dB", "3 dB", "6 dB", "paper, 0/3/6 dB")
    return markdown_table(head, lines)


def _ours(rows: Rows) -> str:
    lines = []
    for heights in ("1.5 m", "5 m", "mixed"):
        for kind, words in _KINDS.items():
            for jammer in ("narrow", "wide", "mimic"):
                for detector in ("energy", "matched", "likelihood"):
                    found = _chosen(
                        rows,
                        experiment="ours",
                        heights=heights,
                        kind=kind,
                        jammer=jammer,
                        detector=detector,
                    )
                    if found:
                        at = "/".join(f"{row['at_1_percent']:.2f}" for row in found)
                        lines.append((heights, words, jammer, _NAMES[detector], *_aucs(found), at))
    head = ("units at", "model error", "jammer", "detector", "0 dB", "3 dB", "6 dB")
    return markdown_table((*head, "detected at 1% false alarms, 0/3/6 dB"), lines)


def _steps(rows: Rows) -> str:
    steps = (
        ("the paper: one snapshot, one band, plain mean", 1, 1, "energy"),
        ("+ learnt bias, units weighted", 1, 1, "matched"),
        ("+ ten snapshots", 10, 1, "matched"),
        ("eight subbands instead", 1, 8, "matched"),
        ("+ ten snapshots and eight subbands", 10, 8, "matched"),
        ("likelihood, one snapshot, one band", 1, 1, "likelihood"),
        ("likelihood, ten snapshots, one band", 10, 1, "likelihood"),
        ("likelihood, one snapshot, eight subbands", 1, 8, "likelihood"),
        ("likelihood, ten snapshots and eight subbands", 10, 8, "likelihood"),
        ("ten snapshots, one band, plain mean", 10, 1, "energy"),
    )
    lines = []
    for words, n_snapshots, n_subbands, detector in steps:
        cells = []
        for kind in ("sample", "placement", "static"):
            found = [
                row
                for row in rows
                if row["experiment"] in ("steps", "ours")
                and (row["heights"], row["jammer"], row["kind"]) == ("1.5 m", "narrow", kind)
                and (row["n_snapshots"], row["n_subbands"]) == (n_snapshots, n_subbands)
                and row["detector"] == detector
            ]
            cells.append("/".join(_aucs(found)))
        lines.append((words, *cells))
    head = ("detector", "error of each snapshot", "of each placement", "constant")
    return markdown_table(head, lines)


def _by_number(rows: Rows, experiment: str, key: str, numbers: Sequence[float], sigma: bool) -> str:
    lines = []
    names = ["energy", "matched", "likelihood"]
    if experiment == "liars":
        names.append("likelihood, witnessed")
    for name in names:
        for sigma_db in SIGMAS_DB if sigma else (3.0,):
            cells = []
            for number in numbers:
                found = _chosen(rows, experiment=experiment, detector=name, sigma_db=sigma_db)
                found = _chosen(found, **{key: number})
                cells.append(f"{found[0]['auc']:.3f}" if found else "-")
            lines.append((_NAMES[name], f"{sigma_db:g} dB", *cells))
    return markdown_table(("detector", "model error", *(f"{n:g}" for n in numbers)), lines)


def _independent(rows: Rows) -> str:
    lines = []
    for heights in ("1.5 m", "5 m"):
        for twin in ("maps", "forest", "log-distance"):
            for kind in ("placement", "static"):
                for detector in ("energy", "matched", "likelihood"):
                    found = _chosen(
                        rows,
                        experiment="independent",
                        heights=heights,
                        twin=twin,
                        kind=kind,
                        detector=detector,
                    )
                    lines.append((heights, twin, _KINDS[kind], _NAMES[detector], *_aucs(found)))
    head = ("units at", "twin", "model error", "detector", "0 dB", "3 dB", "6 dB")
    return markdown_table(head, lines)


def _location(location: dict[str, dict[str, float]]) -> str:
    lines = []
    groups: dict[tuple[str, ...], list[str]] = {}
    for key, found in location.items():
        heights, twin, kind, _ = key.split("|")
        cell = f"{found['median_m']:.1f} / {found['p90_m']:.1f}"
        groups.setdefault((heights, twin, _KINDS[kind], f"{found['n']}"), []).append(cell)
    lines = [(*group, *cells) for group, cells in groups.items()]
    head = ("units at", "twin", "model error", "placements", "0 dB", "3 dB", "6 dB")
    return markdown_table(head, lines)


def _reached(rows: Rows) -> str:
    """Return in words whether the target was reached, for each kind of error."""
    sentences = []
    for kind, words in _KINDS.items():
        found = _chosen(
            rows,
            experiment="ours",
            heights="1.5 m",
            jammer="narrow",
            kind=kind,
            detector="likelihood",
        )
        values = [row["auc"] for row in sorted(found, key=lambda row: row["sigma_db"])]
        misses = [
            f"{target - value:.3f} short at {sigma_db:g} dB"
            for value, target, sigma_db in zip(values, TARGET, SIGMAS_DB, strict=True)
            if value < target
        ]
        verdict = "reached" if not misses else "missed: " + ", ".join(misses)
        shown = "/".join(f"{value:.3f}" for value in values)
        sentences.append(f"- {words}: {shown}, {verdict}")
    return "\n".join(sentences)


def _residuals(found: dict[str, dict[str, float]]) -> str:
    return "; ".join(
        f"units at {name} {values['mean_db']:+.2f} and {values['std_db']:.2f}"
        for name, values in found.items()
    )


def as_text(result: dict[str, Any]) -> str:
    """Return the results as Markdown."""
    rows = result["rows"]
    machine = result["machine"]
    target = "/".join(f"{value:g}" for value in TARGET)
    return f"""# The experiment of Schoesser et al. 2024, reproduced and extended

`python -m benchmarks.papers.schoesser2024.reproduce`, {machine["date"]}, {machine["cpu"]}.
Three transmitters and 0 or 1 jammer at 20 dBm, uniform outside of the metal at 1.5 m; transmitters
are located with an error of N(0, 0.37 m) at a uniform angle, drawn again where it would
lie in metal. 2800 normal snapshots to learn from, 600 windows to test, half of them jammed; five
repeats. AUC, +- the standard deviation over repeats. "5 m" is 0.2 m under the ceiling.

## As published

One snapshot, the power of the whole band, a model error N(0, sigma) for each unit and sample. Truth
and twin read the same maps; the forest is that of the paper. In "plain maps" truth and twin are
plain radio maps at the height of the transmitters, which miss the direct path (see surrogate.md).

{_published(rows)}

Normal residuals without a model error, from the localisation alone, mean and standard deviation in
dB: {_residuals(result["normal_residuals"])}.

![ROC](reproduce.png)

## Ours

The same with the means of {10} snapshots in eight subbands. The transmitters fill the band: three,
three and two subbands. The jammer is narrow (one subband), wide (all) or mimics one transmitter
(its subbands). The localisation is new in each snapshot. With {10} snapshots in a window there are
280 placements to learn from. "Matched" removes the learnt bias and weighs each unit by its
reliability; "likelihood" is the twin's default, the mean likelihood ratio over places of a source.

{_KIND_TEXT}

{_ours(rows)}

The target with a learnt bias, ten snapshots and subbands at 1.5 m: {target} at 0/3/6 dB. The
likelihood detector against a narrowband jammer, by what the model error belongs to:

{_reached(rows)}

## What each step brings

Units at 1.5 m, a narrowband jammer, AUC at 0/3/6 dB.

{_steps(rows)}

## Number of units

Units at 1.5 m, narrowband jammer, error new in each placement; each repeat draws which units.

{_by_number(rows, "units", "n_units", UNIT_COUNTS, True)}

## Weaker jammers

As above with all twelve, a model error of 3 dB, by the power of the jammer in dBm.

{_by_number(rows, "weaker", "jammer_dbm", POWERS_DBM, False)}

## Units that lie

In the test, units drawn anew for each window report 10 to 20 dB too much or too little, in jammed
and normal windows alike. "Without the best witness" is the lowest score that is left when any one
unit is not asked, which the central unit demands of an alarm. It also distrusts a unit that differs
for long; these windows are too short for that, so it is not counted here.

{_by_number(rows, "liars", "n_liars", LIARS, False)}

## A truth that the twin has not seen

Transmitters and jammers stand at places traced on their own (half of them for learning, half for
the test); the twin expects by its maps, by the forest, or by log-distance and walls without a ray
tracer. Narrowband jammer, ten snapshots, eight subbands.

{_independent(rows)}

Where the jammer is, from the same windows: median / 90% error in metres.

{_location(result["location"])}
"""


def draw_rocs(roc: Callable[[Case], NDArray[np.float64]], rows: Rows, path: Path) -> None:
    """Draw the figure of the paper with every curve, and ours below."""
    figure, axes = pyplot.subplots(2, 2, figsize=(11, 10), layout="constrained")
    colours = ("tab:blue", "tab:orange", "tab:red")
    for column, heights in enumerate(("1.5 m", "5 m")):
        upper, lower = axes[0, column], axes[1, column]
        for detector, twin, style in (
            ("energy", "maps", "-"),
            ("energy", "forest", "-."),
            ("lof", "maps", "--"),
            ("lof", "forest", ":"),
        ):
            for index, sigma_db in enumerate(SIGMAS_DB):
                case = Case("published", heights, twin, "sample", sigma_db, "wide", 1, 1, detector)
                paper = PAPER[heights, detector][index]
                name = "ED" if detector == "energy" else "LOF"
                label = f"{name}, {twin}, {sigma_db:g} dB: {_auc(rows, case):.3f} ({paper:.3f})"
                upper.plot(FALSE_ALARMS, roc(case), style, color=colours[index], label=label)
        for detector, kind, style in (
            ("likelihood", "static", "-"),
            ("likelihood", "placement", "--"),
            ("matched", "placement", "-."),
            ("energy", "placement", ":"),
        ):
            for index, sigma_db in enumerate(SIGMAS_DB):
                case = Case(
                    *("ours", heights, "maps", kind, sigma_db, "narrow", 10, 8, detector),
                )
                label = f"{detector}, {kind} {sigma_db:g} dB: {_auc(rows, case):.3f}"
                lower.plot(FALSE_ALARMS, roc(case), style, color=colours[index], label=label)
        upper.set_title(f"as published, {heights}: ours (the paper's, ray-traced)", fontsize=10)
        lower.set_title(f"ten snapshots, eight subbands, narrow jammer, {heights}", fontsize=10)
    for axis in axes.flat:
        axis.plot([0, 1], [0, 1], color="0.8", linewidth=1)
        axis.set(xlim=(0, 1), ylim=(0, 1.01), xlabel="false-alarm rate", ylabel="detection rate")
        axis.legend(fontsize=7, loc="lower right")
    figure.savefig(path, dpi=90)
    pyplot.close(figure)


def _auc(rows: Rows, case: Case) -> float:
    where = {name: getattr(case, name) for name in Case.__slots__}
    return float(_chosen(rows, **where)[0]["auc"])
