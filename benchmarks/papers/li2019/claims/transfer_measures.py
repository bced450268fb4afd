"""Measures of transfers: errors of fitted models less that of the target's own model, in dB."""

from collections.abc import Iterable

from benchmarks.papers.claim import Measured, UntestableError
from benchmarks.papers.li2019 import published
from benchmarks.papers.li2019.claims.error_measures import related
from converter.lab.numbers.intervals import Interval
from converter.report.amounts import amount, counted
from converter.report.kinship import Kin
from converter.report.results import Results
from converter.report.transfers import AS_SELF_DB, Step, steps

__all__ = ["best_fitted", "cell_steps", "data_ratio", "most_data", "up_to", "zero_shot"]

_TARGETS = {Kin.CELL: "another cell", Kin.BAND: "another band", Kin.UPLINK: "the uplink"}


def zero_shot(kin: Kin, results: Results) -> Measured:
    """Return the error of the teacher as it is less that of self."""
    for step in _steps(results, kin):
        if step.method == "zero-shot":
            return _measured(step, f", over {counted(step.n_targets, 'target')}")
    raise UntestableError("the teacher was not tested as it is")


def up_to(
    kin: Kin, methods: tuple[str, ...], most_s: float, what: str, results: Results
) -> Measured:
    """Return the error of the first method there is less self, on most data up to ``most_s``."""
    step = _largest(_steps(results, kin), methods, most_s)
    if step is None:
        raise UntestableError(f"no transfer of {what} in the experiment")
    more = f", over {counted(step.n_targets, 'target')}, {step.less_data:.3g} times less data"
    found = _measured(step, more)
    return Measured(found.judged, found.text, {**found.figures, "less_data": step.less_data})


def most_data(kin: Kin, methods: tuple[str, ...], what: str, results: Results) -> Measured:
    """Return the error of the first method there is less self, with the most data tested."""
    step = _largest(_steps(results, kin), methods)
    if step is None:
        raise UntestableError(f"no transfer of {what} in the experiment")
    return _measured(step, ", the most data tested")


def best_fitted(kin: Kin, results: Results) -> Measured:
    """Return the best fitted model's error less self; all fitted ones are judged."""
    blind = ("zero-shot", "threshold", "self")
    fitted = [step for step in _steps(results, kin) if step.method not in blind]
    if not fitted:
        raise UntestableError(f"nothing was fitted to {_TARGETS[kin]}")
    best = min(fitted, key=lambda step: step.difference.value)
    return Measured(
        (best.difference, *(step.difference for step in fitted)),
        f"best of {len(fitted)}: {_about(best)}",
        {"difference_db": best.difference},
    )


def data_ratio(method: str, results: Results) -> Measured:
    """Return how many times less data than self has is enough to be as good as self.

    From the most data to the least, as long as the last layer alone is as good as self.
    """
    return _down_to(method, cell_steps(method, results), ", ".join(_least_targets(method, results)))


def cell_steps(method: str, results: Results) -> list[Step]:
    """Return transfers to cells by a method, from the most data to the least.

    Over the targets that the least data was tested on, so that every step is about the same.
    """
    targets = _least_targets(method, results)
    found = [s for s in steps(results, related(results), Kin.CELL, targets) if s.method == method]
    if not found:
        raise UntestableError("the target has no self")
    return sorted(found, key=lambda step: -step.seconds)


def _least_targets(method: str, results: Results) -> list[str]:
    kinship = related(results)
    tested = {
        target: min(seconds)
        for target in kinship.populations(Kin.CELL)
        if (
            seconds := [
                kinship.seconds(name)
                for name, spec in kinship.transfers(target).items()
                if spec.method == method and results.errors.has(target, name)
            ]
        )
    }
    if not tested:
        raise UntestableError(f"no transfer of one layer by {method} in the experiment")
    return [target for target, least in tested.items() if least == min(tested.values())]


def _down_to(method: str, found: list[Step], targets: str) -> Measured:
    good: list[Step] = []
    for step in found:
        if step.difference.high > AS_SELF_DB:
            break
        good.append(step)
    if not good:
        none = Interval(0.0, 0.0, 0.0)
        why = "not as good as self with the most data tested"
        return Measured((none,), f"{_about(found[0])}, on {targets}", {}, {"against": why})
    ratio, wanted = good[-1].less_data, published.DATA_RATIO
    text = (
        f"{method} is as good as self down to {amount(good[-1].seconds)}, {ratio:.3g} times less, "
        f"on {targets}"
    )
    figures = {"less_data": ratio}
    if ratio < wanted and len(good) == len(found):
        why = f"least data tested is {ratio:.3g} times less than self, not {wanted}"
        raise UntestableError(why, text, figures)
    known = Interval(ratio, ratio, ratio)
    return Measured((known,), text, figures, {"against": f"against {wanted} times"})


def _steps(results: Results, kin: Kin) -> list[Step]:
    found = steps(results, related(results), kin)
    if not found:
        raise UntestableError(f"nothing was transferred to {_TARGETS[kin]} that has a self")
    return found


def _largest(
    found: Iterable[Step], methods: tuple[str, ...], most_s: float = float("inf")
) -> Step | None:
    """Return the step of the first method that is there, with the most data up to ``most_s``."""
    found = list(found)
    for method in methods:
        fitting = [s for s in found if s.method == method and 0 < s.seconds <= most_s]
        if fitting:
            return max(fitting, key=lambda step: step.seconds)
    return None


def _measured(step: Step, more: str) -> Measured:
    return Measured((step.difference,), f"{_about(step)}{more}", {"difference_db": step.difference})


def _about(step: Step) -> str:
    data = amount(step.seconds) if step.seconds else "no data"
    return f"{step.method}, {data}: {step.difference:+.3f} dB against self"
