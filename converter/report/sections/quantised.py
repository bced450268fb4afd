"""Quantised models beside their Keras originals."""

from converter.lab.numbers.intervals import Interval
from converter.report.detection_scores import RATE, DetectionScores, mean_of
from converter.report.document import Cell, Section, Table
from converter.report.resamples import interval
from converter.report.results import Results

__all__ = ["quantised", "quantised_points"]


def quantised_points(results: Results, detection: DetectionScores) -> dict[str, Interval]:
    """Return, for each quantised model beside its original, the points of detection it gains."""
    cells = detection.pick()
    points = {}
    for name, spec in results.experiment.quantisations.items():
        if name in detection.scorers and spec.model in detection.scorers:
            own, original = (
                mean_of(detection.detected(scorer, RATE, True), cells)
                for scorer in (name, spec.model)
            )
            points[name] = interval(100 * (own - original))
    return points


def quantised(results: Results) -> Section:
    """Return detection of every quantised model, and what it lost."""
    title = "Quantised models"
    rows: list[tuple[Cell, ...]] = []
    for detection in results.detections.values():
        points = quantised_points(results, detection)
        cells = detection.pick()
        for name, gained in points.items():
            spec = results.experiment.quantisations[name]
            auc = [mean_of(detection.auc(s, True), cells) for s in (name, spec.model)]
            rows.append(
                (
                    detection.name,
                    name,
                    spec.kind,
                    spec.model,
                    format(interval(auc[0]), ".3f"),
                    format(interval(auc[0] - auc[1]), "+.4f"),
                    interval(100 * mean_of(detection.detected(name, RATE, True), cells)),
                    gained,
                    interval(100 * detection.false_alarms(name, RATE, True)),
                    "yes" if gained.low >= -1 else "**no**",
                )
            )
    if not rows:
        return Section(title, ["Left out: no quantised model was scored beside its original."])
    columns = (
        *("detection", "model", "kind", "original", "AUC", "AUC less original"),
        *("detected at 1 %, %", "points less original", "false alarms, %", "within 1 point"),
    )
    note = (
        "Scores standardised by the site; mean over interferers, ISRs, onset and persistent. Each "
        "model has its own threshold. Within 1 point: the lower bound of the paired difference is "
        "at least -1."
    )
    return Section(title, [Table("", columns, rows, note)])
