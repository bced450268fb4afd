"""Quantiles of prediction errors: Figures 8, 9, 10 and 11."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.papers.li2019 import published
from benchmarks.papers.li2019.figures.style import COLOURS, panels, quantile_mark
from converter.report.amounts import amount, isr_text
from converter.report.document import Picture
from converter.report.kinship import LAST_LAYER, Kin, Kinship
from converter.report.results import Results
from converter.report.transfers import METHODS

__all__ = ["figure_8", "figure_9", "figure_10", "figure_11"]

#: Side by side as long as the row is no wider.
_WIDEST_INCHES = 13.5
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
#: Names that are too wide for a tick.
_SHORT = {"closed-form": "closed\nform"}
_MARKS = "Quantiles of the error: line 5 to 95 %, bar 25 to 75 %, dot 50 %; dotted, the floor."
_OWN = (
    '"self" was trained on as few windows and epochs as the transfers beside it, "own model" on '
    "its full share; the tables compare with the own model."
)

_COLOURS = {
    **dict.fromkeys(("zero-shot", "threshold"), COLOURS[7]),
    **dict(zip(("affine", "1L", "closed-form", "2L", "All-L"), COLOURS, strict=False)),
    "self": COLOURS[6],
}


def _models(results: Results, kinship: Kinship, target: str) -> dict[str, tuple[str, str]]:
    """Return label and method of every model that was tested on a target, in order."""
    own = kinship.own(target)
    found = {
        name: (spec.method or "", kinship.seconds(name))
        for name, spec in kinship.transfers(target).items()
    }
    if not any(method == "zero-shot" for method, _ in found.values()):
        found[kinship.unified] = ("zero-shot", 0.0)
    tested = {name: key for name, key in found.items() if results.errors.has(target, name)}
    order = sorted(tested, key=lambda n: (METHODS.index(tested[n][0]), tested[n][1]))
    out = {}
    for name in order:
        method, seconds = tested[name]
        is_blind = method in ("zero-shot", "threshold")
        out[name] = (
            "as it is" if is_blind else f"{_SHORT.get(method, method)}\n{amount(seconds)}",
            method,
        )
    if own is not None and results.errors.has(target, own):
        out[own] = (f"own\nmodel\n{amount(kinship.seconds(own))}", "self")
    return out


def _draw(
    path: Path,
    shown: Mapping[str, Sequence[tuple[str, str, Sequence[float]]]],
    floor_db: float,
    xlabel: str = "",
) -> dict[str, dict[str, list[float]]]:
    """Draw a panel of (label, colour, quantiles) for each title; return the quantiles."""
    most = max(map(len, shown.values()))
    inches = (max(3.2, 0.56 * most + 1.0), 3.2)
    n_columns = max(1, min(3, int(_WIDEST_INCHES / inches[0])))
    with panels(path, len(shown), inches, n_columns) as axes:
        for number, (axis, (title, marks)) in enumerate(zip(axes, shown.items(), strict=True)):
            for x, (_, colour, quantiles) in enumerate(marks):
                quantile_mark(axis, x, quantiles, colour)
            axis.set_xticks(range(len(marks)), [label for label, _, _ in marks], fontsize=7)
            axis.set_xlim(-0.6, len(marks) - 0.4)
            axis.grid(False, axis="x")
            axis.set_title(title, fontsize=9)
            axis.axhline(floor_db, color="#777777", linewidth=0.8, linestyle=":")
            axis.set_ylim(bottom=0)
            axis.set_xlabel(xlabel, fontsize=9)
            if number % n_columns == 0:
                axis.set_ylabel("prediction error, dB", fontsize=9)
    return {
        title: {label.replace("\n", " "): list(quantiles) for label, _, quantiles in marks}
        for title, marks in shown.items()
    }


def _of_targets(
    results: Results, kin: Kin, path: Path, methods: Sequence[str], caption: str, left_out: str
) -> Picture | str:
    kinship = results.kinship
    shown: dict[str, list[tuple[str, str, Sequence[float]]]] = {}
    floor_db = 0.0
    for target in kinship.populations(kin) if kinship else []:
        if kinship is None or not kinship.transfers(target):
            continue
        marks: list[tuple[str, str, Sequence[float]]] = []
        for name, (label, method) in _models(results, kinship, target).items():
            if method in methods:
                summary = results.errors.summary(name, target)
                floor_db = summary.floor_db
                marks.append((label, _COLOURS[method], summary.quantiles_db))
        if len(marks) > 1:
            shown[target] = marks
    if not shown:
        return left_out
    shown = dict(list(shown.items())[:6])
    return Picture(path.name, f"{caption} {_OWN} {_MARKS}", _draw(path, shown, floor_db))


def figure_8(results: Results, folder: Path) -> Picture | str:
    """Self, the other cell's model, and the last layer fitted."""
    theirs = published.CROSS_CELL
    return _of_targets(
        results,
        Kin.CELL,
        folder / "figure-8.png",
        ("zero-shot", "affine", *LAST_LAYER, "self"),
        "Figure 8 in our setting. Means in the paper: self "
        f"{theirs['self']}, the other cell's {theirs['zero-shot']}, last layer on 5 min "
        f"{theirs['1L, 5 min']} dB.",
        "Figure 8 is left out: nothing was transferred to another cell.",
    )


def figure_9(results: Results, folder: Path) -> Picture | str:
    """Transfers to another band."""
    theirs = published.CROSS_BAND
    return _of_targets(
        results,
        Kin.BAND,
        folder / "figure-9.png",
        METHODS,
        f"Figure 9 in our setting. Means in the paper: self {theirs['self']}, teacher "
        f"{theirs['zero-shot']}, last layer {theirs['1L']} dB; two layers on an hour about "
        "self, all layers on a day slightly better.",
        "Figure 9 is left out: nothing was transferred to another band.",
    )


def figure_10(results: Results, folder: Path) -> Picture | str:
    """Transfers from downlink to uplink."""
    return _of_targets(
        results,
        Kin.UPLINK,
        folder / "figure-10.png",
        METHODS,
        "Figure 10 in our setting. In the paper self, with one LSTM layer more, has "
        f"{published.UPLINK} dB and no transfer reaches it.",
        "Figure 10 is left out: nothing was transferred to the uplink.",
    )


def figure_11(results: Results, folder: Path) -> Picture | str:
    """Errors without and with an interferer, by band and ISR."""
    kinship = results.kinship
    shown: dict[str, list[tuple[str, str, Sequence[float]]]] = {}
    if kinship is not None:
        for name in (
            kinship.home,
            *kinship.populations(Kin.BAND),
            *kinship.populations(Kin.UPLINK),
        ):
            own = kinship.unified if name == kinship.home else kinship.own(name)
            detection = results.detection_with(name, own)
            if own is None or detection is None or not detection.isrs_db:
                continue
            normal, _ = detection.rows(own, False, detection.pick())
            marks = [("none", COLOURS[6], np.quantile(normal, _LEVELS).tolist())]
            for isr_db in detection.isrs_db:
                _, scores = detection.rows(own, False, detection.pick(isrs_db=[isr_db]))
                marks.append((isr_text(isr_db), COLOURS[1], np.quantile(scores, _LEVELS).tolist()))
            shown[results.title_of(name)] = marks
    if not shown:
        return "Figure 11 is left out: no detection with the unified model on its population."
    path = folder / "figure-11.png"
    floor_db = _floor_db(results)
    caption = (
        "Figure 11 in our setting: error without an interferer and with one, by ISR, onset and "
        f"persistent together. {_MARKS} The paper: reasonably apart for the downlink bands, "
        "a slight overlap for the uplink; its quantiles are a picture."
    )
    return Picture(path.name, caption, _draw(path, shown, floor_db, "ISR of the interferer, dB"))


def _floor_db(results: Results) -> float:
    from converter.lab.measures.prediction_error import irreducible_error_db

    return irreducible_error_db(results.experiment.geometry.n_averages)
