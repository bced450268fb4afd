"""Measures of detection: areas under the ROC, rates at 1% false alarms, realised false alarms."""

from collections.abc import Iterator, Mapping

import numpy as np

from benchmarks.papers.claim import Measured, UntestableError
from benchmarks.papers.li2019 import published
from benchmarks.papers.li2019.claims.error_measures import related
from converter.lab.numbers.intervals import Interval
from converter.report.amounts import counted
from converter.report.detection_scores import RATE, DetectionScores, mean_of
from converter.report.kinship import LAST_LAYER, Kin, Kinship
from converter.report.resamples import Floats, interval
from converter.report.results import Results
from converter.report.sections.faults import fault_rates, same_fault
from converter.report.sections.quantised import quantised_points

__all__ = [
    "fault_margins",
    "gaussian_rate",
    "own_less_foreign",
    "quantised_less_original",
    "raised_error",
    "rival_leads",
    "simple_leads",
    "transferred_less_self",
    "transform_lead",
    "unified_less_place",
    "uplink_less_downlink",
]


def rival_leads(results: Results) -> Measured:
    """Return the unified model's AUC less that of each of the paper's rivals; least is judged."""
    kinship, main = _main(results)
    rivals = published.RIVALS
    leads = _leads(main, kinship.unified, [name for name in rivals if name in main.scorers])
    if not leads:
        raise UntestableError("none of the paper's classical scores is in the table")
    closest = min(leads, key=lambda name: leads[name].low)
    text = "AUC more than " + "; ".join(f"{rivals[n]} {leads[n]:+.3f}" for n in leads)
    return Measured((leads[closest],), text, leads, {"name": rivals[closest]})


def simple_leads(results: Results) -> Measured:
    """Return the unified model's AUC less that of every simple score; all are judged.

    The question behind Figure 4, with every simple score of the laboratory.
    """
    kinship, main = _main(results)
    simple = [name for name in main.scorers if not results.is_model(name) and name != "random"]
    leads = _leads(main, kinship.unified, simple)
    if not leads:
        raise UntestableError("no simple score in the table")
    rival = min(leads, key=lambda name: leads[name].value)
    return Measured(
        tuple(leads.values()),
        f"closest of {len(simple)} or best above it: {rival}, AUC lead {leads[rival]:+.3f}",
        leads,
        {"n": len(simple), "n_better": sum(each.high < 0 for each in leads.values())},
    )


def own_less_foreign(results: Results) -> Measured:
    """Return the AUC of a place's own model less that of another place's, mean over pairs."""
    kinship = related(results)
    places = kinship.populations(Kin.PLACE)
    parts: dict[str, Floats] = {}
    for place in places:
        for home in places:
            own, foreign = kinship.own(place), kinship.own(home)
            if home == place or own is None or foreign is None:
                continue
            detection = results.detection_with(place, own, foreign)
            if detection is not None:
                parts[f"{home} at {place}"] = _lead(detection, own, foreign)
    if not parts:
        raise UntestableError("no detection with models of two places at one of them")
    return _mean_lead(parts, "own less foreign", "pair")


def unified_less_place(results: Results) -> Measured:
    """Return the AUC of the unified model less that of a place's own, mean over places."""
    kinship = related(results)
    parts: dict[str, Floats] = {}
    for place in kinship.populations(Kin.PLACE):
        own = kinship.own(place)
        detection = results.detection_with(place, own, kinship.unified)
        if detection is not None and own is not None:
            parts[place] = _lead(detection, kinship.unified, own)
    if not parts:
        raise UntestableError("no detection with the unified and a place's own model")
    return _mean_lead(parts, "unified less own", "place")


def transferred_less_self(results: Results) -> Measured:
    """Return the AUC of a last layer fitted on the most data less that of self, mean over cells."""
    parts = dict(_transferred(results, related(results)))
    if not parts:
        raise UntestableError("no detection with a transferred model and self in another cell")
    found = _mean_lead(parts, "transferred less self", "cell")
    return Measured(found.judged, found.text, {"mean": found.judged[0]})


def _transferred(results: Results, kinship: Kinship) -> Iterator[tuple[str, Floats]]:
    for cell in kinship.targets(Kin.CELL):
        own = kinship.own(cell)
        for name, spec in sorted(
            kinship.transfers(cell).items(), key=lambda item: -kinship.seconds(item[0])
        ):
            detection = results.detection_with(cell, own, name)
            if spec.method in LAST_LAYER and detection is not None and own is not None:
                yield f"{name} at {cell}", _lead(detection, name, own)
                break


def transform_lead(results: Results) -> Measured:
    """Return the AUC of the unified model less that of the one without the transform."""
    kinship, main = _main(results)
    plain = [
        name
        for name in kinship.variants(architecture="lstm", transform=False)
        if name in main.scorers
    ]
    if not plain:
        raise UntestableError("no model without the transform among the scorers")
    more = interval(_lead(main, kinship.unified, plain[0]))
    cells = main.pick()
    rates = [
        mean_of(main.detected(name, RATE, False), cells) for name in (kinship.unified, plain[0])
    ]
    rate = interval(100 * (rates[0] - rates[1]))
    text = f"with less without: AUC {more:+.3f}; at 1 % {rate:+.1f} points"
    return Measured((more,), text, {"auc": more, "points": rate})


def uplink_less_downlink(results: Results) -> Measured:
    """Return the AUC of the uplink's own model there less that of the unified one at home."""
    kinship, main = results.kinship, results.main
    if kinship is None or main is None or kinship.unified not in main.scorers:
        raise UntestableError("no detection on the unified model's population")
    for population in kinship.populations(Kin.UPLINK):
        own = kinship.own(population)
        detection = results.detection_with(population, own)
        if detection is None or own is None:
            continue
        up, down = (
            mean_of(table.auc(name, False), table.pick())
            for table, name in ((detection, own), (main, kinship.unified))
        )
        less = interval(up - down)
        text = f"AUC uplink {interval(up):.3f}, downlink {interval(down):.3f}"
        return Measured((less,), text, {"difference": less})
    raise UntestableError("no detection on the uplink")


def raised_error(results: Results) -> Measured:
    """Return the AUC of the unified model's raw error, with its medians without and with."""
    kinship, main = _main(results)
    auc = interval(mean_of(main.auc(kinship.unified, False), main.pick()))
    normal, anomalous = main.rows(kinship.unified, False, main.pick())
    medians = float(np.median(normal)), float(np.median(anomalous))
    text = f"median {medians[0]:.2f} dB without, {medians[1]:.2f} dB with; AUC {auc:.3f}"
    return Measured((auc,), text, {"auc": auc, "normal_db": medians[0], "anomalous_db": medians[1]})


def fault_margins(results: Results) -> Measured:
    """Return how far percents of detected faults reach above the paper's least; all are judged."""
    kinship, main = _main(results)
    table_3 = published.FAULTS
    found = {
        same_fault(name, table_3): interval(100 * rate)
        for name, rate in fault_rates(main, kinship.unified, False).items()
    }
    compared = {n: f for n, f in found.items() if n in table_3 and np.isfinite(f.value)}
    if not compared:
        why = "no fault of Table 3 in the table, or too few calibration segments for 1 %"
        raise UntestableError(why)
    margins = [
        Interval(*(figure - min(table_3[name]) for figure in (f.value, f.low, f.high)))
        for name, f in compared.items()
    ]
    return Measured(
        tuple(margins),
        "; ".join(f"{name} {rate:.0f} %" for name, rate in compared.items()),
        compared,
        {"n": len(margins), "n_reached": sum(margin.high >= 0 for margin in margins)},
    )


def gaussian_rate(results: Results) -> Measured:
    """Return the realised rate of false alarms at a Gaussian threshold for 1%."""
    kinship, main = _main(results)
    wanted = (kinship.unified, "raw", "gaussian", RATE)
    for row in main.false_alarm_rows:
        if (row["scorer"], row["standardisation"], row["method"], row["rate"]) == wanted:
            rate = Interval(row["realised"], row["low"], row["high"])
            if not np.isfinite(rate.value):
                break
            text = f"{rate.times(100):.2f} % at 1 %; worst observer {row['worst']:.1%}"
            return Measured((rate,), text, {"realised": rate, "worst_observer": row["worst"]})
    raise UntestableError("too few calibration segments")


def quantised_less_original(results: Results) -> Measured:
    """Return the points of detection that quantised models gain; all are judged, least first."""
    points = {
        name: each
        for detection in results.detections.values()
        for name, each in quantised_points(results, detection).items()
        if np.isfinite(each.value)
    }
    if not points:
        raise UntestableError("no quantised model beside its original in a detection table")
    worst = min(points, key=lambda name: points[name].low)
    text = "; ".join(f"{name} {each:+.2f}" for name, each in points.items()) + " points at 1 %"
    return Measured((points[worst], *points.values()), text, points, {"name": worst})


def _main(results: Results) -> tuple[Kinship, DetectionScores]:
    """Return the relations, and the table in which the unified model is among the scorers."""
    kinship, main = results.kinship, results.main
    if kinship is None or main is None:
        raise UntestableError("no detection on the unified model's population")
    if kinship.unified not in main.scorers:
        raise UntestableError("the unified model is not among the scorers")
    return kinship, main


def _lead(detection: DetectionScores, scorer: str, other: str) -> Floats:
    """Return the AUC of a scorer less that of another, mean over all interferers and ISRs."""
    cells = detection.pick()
    one, two = (mean_of(detection.auc(name, False), cells) for name in (scorer, other))
    return one - two


def _leads(main: DetectionScores, scorer: str, others: list[str]) -> dict[str, Interval]:
    return {name: interval(_lead(main, scorer, name)) for name in others}


def _mean_lead(parts: Mapping[str, Floats], what: str, noun: str) -> Measured:
    mean = interval(np.asarray(np.mean(list(parts.values()), axis=0)))
    text = f"{what}: AUC {mean:+.3f} over {counted(len(parts), noun)}"
    figures = {"mean": mean, **{name: interval(part) for name, part in parts.items()}}
    return Measured((mean,), text, figures)
