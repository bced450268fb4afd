"""Transfers: methods by amounts of data, to other cells, bands, and the uplink."""

import numpy as np

from converter.report.amounts import amount
from converter.report.detection_scores import RATE, DetectionScores, mean_of
from converter.report.document import Cell, Part, Section, Table
from converter.report.kinship import Kin, Kinship
from converter.report.resamples import interval
from converter.report.results import Results
from converter.report.transfers import AS_SELF_DB, steps

__all__ = ["transfer"]

_TITLES = {Kin.CELL: "another cell", Kin.BAND: "another band", Kin.UPLINK: "the uplink"}


def transfer(results: Results) -> Section:
    """Return summary, targets one by one, and detection there."""
    kinship = results.kinship
    parts: list[Part] = [
        "All cells, bands and data are simulated. `zero-shot` is the teacher as it is, with its "
        "own thresholds; `threshold` the teacher with thresholds of the new place; `affine` one "
        "slope and offset a bin; `1L` the last layer by gradient descent; `closed-form` the last "
        "layer by ridge regression; `self` a model of all of the target's own data."
    ]
    if kinship is None:
        return Section("Transfer", ["Left out: the experiment has no unified model."])
    for kin, title in _TITLES.items():
        found = steps(results, kinship, kin)
        if found:
            rows: list[tuple[Cell, ...]] = [
                (
                    step.method,
                    amount(step.seconds) if step.seconds else "none",
                    step.n_targets,
                    step.difference,
                    interval(step.excess_draws),
                )
                for step in found
            ]
            columns = ("method", "data", "targets", "error less self, dB", "excess less self, dB")
            selves_s = [seconds for step in found for seconds in step.selves_s]
            least, most = amount(min(selves_s)), amount(max(selves_s))
            of_self = least if least == most else f"{least} to {most}"
            note = (
                f"Paired, mean over the targets; as good as self where the upper bound is at most "
                f"{AS_SELF_DB} dB. Self is the target's own model, of {of_self}. Target of the "
                "project: with 10 s of data, an excess of at most +0.05 dB more."
            )
            parts.append(Table(f"To {title}: against self", columns, rows, note, "+.3f"))
            parts.append(_one_by_one(results, kinship, kin, title))
        else:
            parts.append(f"To {title}: left out, nothing was transferred there that has a self.")
    return Section("Transfer", parts)


def _one_by_one(results: Results, kinship: Kinship, kin: Kin, title: str) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for target in kinship.populations(kin):
        own = kinship.own(target)
        labels = {kinship.unified: ("zero-shot", 0.0)} | {
            name: (spec.method or "", kinship.seconds(name))
            for name, spec in kinship.transfers(target).items()
        }
        if any(method == "zero-shot" for method, _ in list(labels.values())[1:]):
            del labels[kinship.unified]
        if own is not None:
            labels[own] = ("self", kinship.seconds(own))
        for name, (method, seconds) in labels.items():
            if not results.errors.has(target, name):
                continue
            summary = results.errors.summary(name, target)
            is_blind = method in ("zero-shot", "threshold")
            rows.append(
                (
                    target,
                    method,
                    "none" if is_blind else amount(seconds),
                    summary.n_observers,
                    summary.rmse,
                    summary.excess,
                    *_detection(results, kinship, target, name, method),
                )
            )
    columns = (
        *("target", "method", "data", "observers", "error, dB", "excess, dB"),
        *("AUC", "detected at 1 %", "false alarms", "false alarms, per site"),
    )
    note = (
        "AUC and detection: mean over interferers, ISRs, onset and persistent; thresholds for 1 %, "
        "of the target's calibration observers, for `zero-shot` of the teacher's own. Detection "
        "with raw errors, the last column with scores standardised by the site's warm-up."
    )
    return Table(f"To {title}: one by one", columns, rows, note, ".3f")


def _detection(
    results: Results, kinship: Kinship, target: str, name: str, method: str
) -> tuple[Cell, ...]:
    """Return AUC, detection and false alarms with raw errors, false alarms per site."""
    detection = results.detection_with(target, name)
    if detection is None:
        return (None, None, None, None)
    auc = interval(mean_of(detection.auc(name, False), detection.pick()))
    if method == "zero-shot":
        home = results.detection_with(kinship.home, kinship.unified)
        if home is None:
            return (auc, None, None, None)
        return (auc, *_with_thresholds_of(home, kinship.unified, detection, name))
    detected = mean_of(detection.detected(name, RATE, False), detection.pick())
    return (
        auc,
        interval(detected),
        *(interval(detection.false_alarms(name, RATE, site)) for site in (False, True)),
    )


def _with_thresholds_of(
    home: DetectionScores, teacher: str, there: DetectionScores, name: str
) -> tuple[Cell, ...]:
    thresholds = {site: home.measured(teacher, site).thresholds[0] for site in (False, True)}
    if not np.isfinite(list(thresholds.values())).all():
        return (None, None, None)
    far, detected = there.above(name, False, float(thresholds[False]))
    far_site, _ = there.above(name, True, float(thresholds[True]))
    return (interval(detected), interval(far), interval(far_site))
