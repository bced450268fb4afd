"""What another warm-up changes: false alarms and areas of the same scores, side by side."""

from collections.abc import Iterator

from converter.lab.numbers.cells import MODES
from converter.report.detection_scores import RATE, DetectionScores, mean_of
from converter.report.document import Cell, Section, Table
from converter.report.resamples import interval
from converter.report.results import Results

__all__ = ["warm_ups"]


def warm_ups(results: Results) -> Section:
    """Return a table for each detection whose warm-up is not as long as that of the main one."""
    title = "After another warm-up"
    main, experiment = results.main, results.experiment
    others: list[DetectionScores] = []
    if main is not None:
        own_s = experiment.detections[main.name].warmup_s
        others = [
            scores
            for name, scores in results.detections.items()
            if experiment.detections[name].warmup_s != own_s
            and not experiment.populations[scores.population].service
        ]
    if main is None or not others:
        return Section(title, ["Left out: every detection warms up for as long as the main one."])
    note = (
        "Scores in deviations of the site's own warm-up; thresholds are for "
        f"{RATE:.0%} of the segments of calibration observers that warmed up for as long. The "
        "observers are others, so that a difference is one between populations as well."
    )
    tables = []
    for other in others:
        seconds = (experiment.detections[one.name].warmup_s for one in (main, other))
        tables.append(_beside(main, other, *(f"{s:g} s" for s in seconds)))
    return Section(title, [note, *tables])


def _beside(main: DetectionScores, other: DetectionScores, own: str, its: str) -> Table:
    isrs_db = [isr_db for isr_db in main.isrs_db if isr_db in other.isrs_db]
    rows = [
        (scorer, *_figures(main, scorer, isrs_db), *_figures(other, scorer, isrs_db))
        for scorer in main.scorers
        if scorer in other.scorers
    ]
    titles = ("false, %", "worst observer, %", *(f"{mode}, AUC" for mode in MODES[:2]))
    columns = (f"{word} after {when}" for when in (own, its) for word in titles)
    head = f"`{main.name}`, {main.n_observers} observers, and `{other.name}`, {other.n_observers}"
    return Table(head, ("score", *columns), rows, "", ".3f")


def _figures(scores: DetectionScores, scorer: str, isrs_db: list[float]) -> Iterator[Cell]:
    """Yield the rate of false alarms, that of the worst observer, and areas over these ISRs."""
    has_thresholds = scores.has_thresholds(RATE)
    far = interval(100 * scores.false_alarms(scorer, RATE, True))
    yield far if has_thresholds else None
    (row,) = (
        row
        for row in scores.false_alarm_rows
        if (row["scorer"], row["standardisation"], row["method"], row["rate"])
        == (scorer, "site", "quantile", RATE)
    )
    yield 100 * float(row["worst"]) if has_thresholds else None
    for mode in MODES[:2]:
        cells = scores.pick([mode], isrs_db=isrs_db)
        yield interval(mean_of(scores.auc(scorer, True), cells)) if cells.any() else None
