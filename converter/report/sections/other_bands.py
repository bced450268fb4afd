"""Bands without a cell: how the detector for any band does beside those of the device."""

from converter.lab.numbers.cells import MODES
from converter.report.amounts import isr_text
from converter.report.detection_scores import RATE, DetectionScores, mean_of
from converter.report.document import Cell, Part, Section, Table, with_best
from converter.report.resamples import interval
from converter.report.results import Results

__all__ = ["by_every_score", "other_bands"]


def other_bands(results: Results) -> Section:
    """Return a table for each detection on a population that has a service in place of a cell."""
    title = "Bands without a cell"
    parts: list[Part] = []
    for name, scores in results.detections.items():
        service = results.experiment.populations[scores.population].service
        if service and scores.isrs_db:
            parts += by_every_score(f"`{name}` ({service}), {scores.n_observers} observers", scores)
    if not parts:
        return Section(title, ["Left out: no detection was run on a band without a cell."])
    note = (
        "Simulated; ISR is against the strongest transmission of the band while it is on, and "
        "there are few observers. What is at the level of a band's own bursts is one of them to "
        "any of these scores."
    )
    return Section(title, [note, *parts])


def by_every_score(head: str, scores: DetectionScores) -> list[Part]:
    """Return areas, and what is found at :data:`RATE`, of every score by mode and ISR."""
    columns = {
        f"{mode} {isr_text(isr)}": mask
        for mode in MODES
        for isr in scores.isrs_db
        if (mask := scores.pick([mode], isrs_db=[isr])).any()
    }
    parts: list[Part] = []
    areas: list[tuple[Cell, ...]] = []
    found: list[tuple[Cell, ...]] = []
    for scorer in scores.scorers:
        area, share = scores.auc(scorer, True), scores.detected(scorer, RATE, True)
        far = scores.false_alarms(scorer, RATE, True)
        areas.append((scorer, *(interval(mean_of(area, mask)) for mask in columns.values())))
        shares = (float(mean_of(share, mask)[0]) for mask in columns.values())
        found.append((scorer, 100 * float(far[0]), *shares))
    parts.append(Table(f"{head}: AUC", ("score", *columns), with_best(areas), "", ".2f", False))
    if scores.has_thresholds(RATE):
        title = f"{head}: found at a threshold for {RATE:.0%} of calibration segments"
        parts.append(Table(title, ("score", "false, %", *columns), found, "", ".2f"))
    return parts
