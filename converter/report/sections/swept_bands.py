"""Swept bands: which forecast and which discriminant tell an anomaly from what is usual."""

from collections.abc import Sequence

from converter.report.amounts import isr_text
from converter.report.detection_scores import DetectionScores, mean_of
from converter.report.document import Cell, Part, Section, Table, with_best
from converter.report.resamples import interval
from converter.report.results import Results
from converter.report.sections.other_bands import by_every_score

__all__ = ["swept_bands"]


def swept_bands(results: Results) -> Section:
    """Return the tables of each swept detection: areas, what a budget finds, areas by kind."""
    title = "Swept bands"
    parts: list[Part] = []
    for name, scores in results.swept.items():
        if not scores.isrs_db:
            continue
        band = results.experiment.swept[scores.population].band
        head = f"`{name}` ({band}), {scores.n_observers} places"
        parts += by_every_score(head, scores)
        parts.append(_by_kind(head, scores, scores.isrs_db))
    if not parts:
        return Section(title, ["Left out: no swept band was measured."])
    note = (
        "Simulated; an anomaly is in the sweeps that are judged and not in those before, and its "
        "ISR is over the band's own signals, summed over the points. A name alone is the root mean "
        "square error, `@` names another discriminant; scores are in standard deviations of the "
        "place's own warm-up."
    )
    return Section(title, [note, *parts])


def _by_kind(head: str, scores: DetectionScores, isrs_db: Sequence[float]) -> Table:
    """Return the area of every score for each kind, at the ISR in the middle of the table."""
    isr_db = float(sorted(isrs_db)[len(isrs_db) // 2])
    columns = {kind: scores.pick(kinds=[kind], isrs_db=[isr_db]) for kind in scores.kinds}
    rows: list[tuple[Cell, ...]] = [
        (scorer, *(interval(mean_of(scores.auc(scorer, True), mask)) for mask in columns.values()))
        for scorer in scores.scorers
    ]
    text = f"{head}: AUC of each kind at {isr_text(isr_db)}"
    return Table(text, ("score", *columns), with_best(rows), "", ".2f", False)
