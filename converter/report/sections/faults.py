"""The base station itself misbehaves: which faults are found at 1% false alarms."""

from collections.abc import Iterable

from converter.report.detection_scores import RATE, DetectionScores, mean_of
from converter.report.document import Cell, Section, Table
from converter.report.resamples import Floats, interval
from converter.report.results import Results

__all__ = ["FAULT_NOTE", "FAULT_PARTS", "fault_rates", "fault_rows", "faults", "same_fault"]

#: What EVALUATION asks for, in percent: static observers, and those that move.
TARGETS = {
    "power-step:3": "95 static, 75 mobile",
    "power-step:5": "99 static, 92 mobile",
    "frequencies-down:0.33": "90",
    "frequencies-down:0.66": "99",
    "frequencies-down:1": "100",
}
#: Which observers the columns of the table are about.
FAULT_PARTS = ("all", "static", "mobile")
FAULT_NOTE = (
    f"Percent of segments above the threshold for {RATE:.0%}, mean of those in which the fault "
    "begins and those that it fills; thresholds from calibration observers."
)
_MOBILE = ("walk", "drive")


def faults(results: Results) -> Section:
    """Return detection of every fault at 1% false alarms, beside what is asked of the product."""
    title = "Faults of the station at 1 % false alarms"
    rows = fault_rows(results)
    if not rows:
        return Section(title, ["Left out: no fault was scored on the unified population."])
    columns = ("fault", "score", "threshold", *FAULT_PARTS, "target")
    return Section(title, [Table("", columns, rows, FAULT_NOTE, ".0f")])


def fault_rows(results: Results) -> list[tuple[Cell, ...]]:
    """Return fault, score, threshold, percent by :data:`FAULT_PARTS`, and the target; by fault."""
    main = results.main
    if main is None or not main.faults:
        return []
    rows: list[tuple[Cell, ...]] = []
    observers = (main, main.moving("static"), main.moving(*_MOBILE))
    parts = dict(zip(FAULT_PARTS, observers, strict=True))
    for scorer in _shown(results, main):
        for site in (False, True):
            found: dict[str, dict[str, Floats]] = {
                who: fault_rates(part, scorer, site)
                for who, part in parts.items()
                if part is not None
            }
            for fault in main.faults:
                cells = [
                    interval(100 * found[who][fault])
                    if who in found and fault in found[who]
                    else None
                    for who in parts
                ]
                target = TARGETS.get(same_fault(fault, TARGETS))
                rows.append((fault, scorer, "per site" if site else "raw", *cells, target))
    return sorted(rows, key=lambda row: main.faults.index(str(row[0])))


def fault_rates(detection: DetectionScores, scorer: str, site: bool) -> dict[str, Floats]:
    """Return, for each fault, the rate of detection at 1% false alarms once it is there.

    Segments in which the fault begins and those that it fills count alike.
    """
    rates = detection.detected(scorer, RATE, site)
    return {
        fault: mean_of(rates, detection.pick(kinds=(fault,), faults=True))
        for fault in detection.faults
    }


def same_fault(name: str, known: Iterable[str]) -> str:
    """Return the fault of ``known`` that is about the same: 0.33 for ``frequencies-down:0.333``."""
    kind, _, amount = name.partition(":")
    for other in known:
        other_kind, _, other_amount = other.partition(":")
        if kind == other_kind and amount and abs(float(amount) - float(other_amount)) < 0.01:
            return other
    return name


def _shown(results: Results, main: DetectionScores) -> list[str]:
    """Return the unified model and the two simple scores that find most faults."""
    unified = results.kinship.unified if results.kinship else ""
    simple = [s for s in main.scorers if not results.is_model(s) and s != "random"]

    def found(scorer: str) -> float:
        rates = fault_rates(main, scorer, True)
        return sum(float(rate[0]) for rate in rates.values())

    best = sorted(simple, key=lambda scorer: -found(scorer))[:2]
    return [s for s in (unified, *best) if s in main.scorers]
