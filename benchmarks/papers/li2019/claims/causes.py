"""Why a claim is not confirmed: one sentence, with the figure of the tables that shows it."""

from collections.abc import Callable, Container, Mapping
from contextlib import suppress
from functools import partial
from math import ceil

import numpy as np

from benchmarks.papers.claim import Claim, Measured, UntestableError
from benchmarks.papers.li2019 import published
from benchmarks.papers.li2019.claims.error_measures import related
from benchmarks.papers.li2019.claims.heard_causes import hours_differ, too_little_of_it, unheard
from converter.lab.numbers.cells import MODES
from converter.lab.numbers.intervals import Interval
from converter.lab.numbers.thresholds import observer_names
from converter.report.detection_scores import DetectionScores, mean_of
from converter.report.kinship import Kin
from converter.report.resamples import Floats, interval
from converter.report.results import Results

__all__ = ["CAUSES", "cause_of"]

_LINEAR = "linear-ar"


def cause_of(claim: Claim[Results], results: Results) -> str:
    """Return why a claim is not confirmed; empty where it is, or where no table tells.

    Where the figure itself is on the claim's side and only its interval is not, it is the number of
    observers that is missing.
    """
    try:
        measured = claim.measure(results)
    except UntestableError:
        return ""
    failed = [
        (bound, judged)
        for judged in measured.judged
        for bound in claim.bounds
        if not bound.holds(judged)
    ]
    if not failed:
        return ""
    if all(bound.holds(_point(judged)) for bound, judged in failed):
        return _undecided(claim, measured, results)
    try:
        return CAUSES[claim.key](results) if claim.key in CAUSES else ""
    except UntestableError:
        return ""


def _point(judged: Interval) -> Interval:
    return Interval(judged.value, judged.value, judged.value)


def _undecided(claim: Claim[Results], measured: Measured, results: Results) -> str:
    bound, judged = next(
        (bound, judged)
        for judged in measured.judged
        for bound in claim.bounds
        if not bound.holds(judged)
    )
    unit = bound.unit
    room, reach = abs(judged.value - bound.tolerance), abs(bound.value(judged) - judged.value)
    sentence = f"the figure itself is, {judged.value:+.3g}{unit}, but its interval is too wide"
    n_observers = 0
    if results.kinship is not None:
        observers = results.experiment.observers_of(results.kinship.home)
        n_observers = observers.test * observers.n_seeds
    if not room or not n_observers:
        return f"{sentence} to tell"
    needed = ceil(n_observers * (reach / room) ** 2)
    return f"{sentence}: it would take about {needed} observers in place of {n_observers}"


def behind_linear(results: Results) -> str:
    """Return by how much the network's error is above that of a linear autoregression."""
    less = _linear_gap(results)
    if less.low <= 0:
        raise UntestableError("the network is not surely behind a linear autoregression")
    return (
        f"the network is {less:.2f} dB behind a linear autoregression on the same horizons: its "
        "training limits it, not what it was trained on"
    )


def first_of(*causes: Callable[[Results], str]) -> Callable[[Results], str]:
    """Return a cause that is the first of some which the tables show."""

    def told(results: Results) -> str:
        for cause in causes[:-1]:
            with suppress(UntestableError):
                return cause(results)
        return causes[-1](results)

    return told


def own_falls_short(results: Results) -> str:
    """Return by how much places' own models are behind the unified one there, if they are."""
    kinship, parts = results.kinship, []
    if kinship is None:
        raise UntestableError("no unified model")
    for place in kinship.populations(Kin.PLACE):
        own = kinship.own(place)
        if own is not None and results.errors.has(place, own, kinship.unified):
            parts.append(results.errors.difference(own, kinship.unified, place))
    less = interval(np.mean(parts, axis=0)) if parts else None
    if less is None or less.low <= 0:
        return behind_linear(results)
    return (
        f"a place's own model is {less:.2f} dB behind the unified one at that very place, for want "
        "of data: it has no advantage that it could lose elsewhere"
    )


def diluted(results: Results) -> str:
    """Return by how much the nearest interferer to 0 dB raises the error, in its deviations."""
    rise, spread, isr_db = _rise(results)
    return (
        f"an interferer at {isr_db:g} dB raises the mean error over all bins by {rise:.2f} dB, "
        f"where that of normal horizons varies by {spread:.2f} dB: {rise / spread:.1f} deviations"
    )


def taken_out(results: Results) -> str:
    """Return what the transform does to onsets and to what lasts, unless the error hardly moves."""
    rise, spread, _ = _rise(results)
    main, unified = _main(results)
    plain = [
        name
        for name in related(results).variants(architecture="lstm", transform=False)
        if name in main.scorers
    ]
    if rise < spread or not plain:
        return diluted(results)
    parts = []
    for mode in MODES:
        cells = main.pick([mode])
        if cells.any():
            without, with_it = (mean_of(main.auc(n, False), cells)[0] for n in (plain[0], unified))
            parts.append(f"{mode} {with_it:.3f} against {without:.3f}")
    return (
        f"AUC with the transform against without it: {', '.join(parts)}; with it, what has filled "
        "the context is taken for the band's level"
    )


def outdone(rivals: Container[str] | None, results: Results) -> str:
    """Return how near the closest of some scores comes, or that the error hardly moves at all.

    None asks of every score that is no model's.
    """
    rise, spread, _ = _rise(results)
    if rise < spread:
        return diluted(results)
    main, unified = _main(results)
    cells = main.pick()
    found = {
        name: float(mean_of(main.auc(name, False), cells)[0])
        for name in main.scorers
        if name != "random" and not results.is_model(name) and (rivals is None or name in rivals)
    }
    if not found:
        raise UntestableError("no other score in the table")
    closest = max(found, key=lambda name: found[name])
    parts = []
    for mode in MODES:
        of_mode = main.pick([mode])
        if of_mode.any():
            mine, its = (mean_of(main.auc(n, False), of_mode)[0] for n in (unified, closest))
            parts.append(f"{mode} {mine:.2f} against {its:.2f}")
    said = ", ".join(parts)
    return f"{closest} comes as near without a network: AUC of the network against it, {said}"


def _rise(results: Results) -> tuple[float, float, float]:
    main, unified = _main(results)
    isr_db = min(main.isrs_db, key=abs, default=None)
    if isr_db is None:
        raise UntestableError("no interferers in the table")
    normal, anomalous = main.rows(unified, False, main.pick(isrs_db=[isr_db]))
    return float(np.median(anomalous) - np.median(normal)), float(normal.std()), isr_db


def between_observers(results: Results) -> str:
    """Return what share of the variance of normal errors lies between observers."""
    main, unified = _main(results)
    scores = main.bench.scores(unified, "raw")[main.layout.normal.rows]
    means = _by_observer(main, unified)
    share = float(means.var() / scores.var())
    skew = float(np.mean(((scores - scores.mean()) / scores.std()) ** 3))
    return (
        f"{share:.0%} of the variance of normal errors lies between observers (means of "
        f"{means.min():.2f} to {means.max():.2f} dB) and the skewness is {skew:+.1f}: no Gaussian "
        "of other observers fits one of them"
    )


def faults_small(results: Results) -> str:
    """Return by how much each fault raises the error, when it begins and when it lasts."""
    main, unified = _main(results)
    parts = []
    spread = 1.0
    for fault in main.faults:
        rises = []
        for mode in MODES:
            cells = main.pick([mode], [fault], faults=True)
            if cells.any():
                normal, anomalous = main.rows(unified, False, cells)
                spread = float(normal.std())
                rises.append(f"{np.median(anomalous) - np.median(normal):+.2f} {mode}")
        parts.append(f"{fault} {', '.join(rises)}")
    if not parts:
        raise UntestableError("no faults in the table")
    return (
        f"normal errors vary by {spread:.2f} dB, and faults move the median by so many dB: "
        f"{'; '.join(parts)}"
    )


def sees_the_horizon(results: Results) -> str:
    """Return the autoencoder's error beside what no forecast can be below."""
    kinship = results.kinship
    if kinship is None:
        raise UntestableError("no unified model")
    for name in kinship.variants(architecture="autoencoder"):
        if results.errors.has(kinship.home, name):
            found = results.errors.summary(name, kinship.home)
            return (
                f"it is given the horizon itself: {found.rmse.value:.2f} dB is the error of a "
                f"copy, where a forecast cannot be below {found.floor_db:.2f} dB and has to guess"
            )
    raise UntestableError("no autoencoder was tested")


def alike(kin: Kin, results: Results) -> str:
    """Return how far observers of one population lie apart, beside populations of a kind."""
    kinship = results.kinship
    if kinship is None:
        raise UntestableError("no unified model")
    errors, means = results.errors, {}
    for name in (kinship.home, *kinship.populations(kin)):
        own = kinship.own(name) if name != kinship.home else kinship.unified
        if own is not None and errors.has(name, own):
            column = errors.column(own, name, "rmse_db")
            means[name] = column[np.isfinite(column)]
    if len(means) < 2:
        raise UntestableError("one population only")
    within = float(np.mean([column.std() for column in means.values()]))
    across = float(np.std([column.mean() for column in means.values()]))
    return (
        f"observers of one {kin} lie {within:.2f} dB apart (standard deviation of their errors), "
        f"the means of {len(means)} of them {across:.2f} dB: who hears matters more than what"
    )


def _linear_gap(results: Results) -> Interval:
    main, unified = _main(results)
    linear = _linear(main, results)
    return _mean(_by_observer(main, unified) - _by_observer(main, linear))


CAUSES: Mapping[str, Callable[[Results], str]] = {
    "unified-places": first_of(partial(unheard, Kin.PLACE, _linear_gap), behind_linear),
    "unified-times": first_of(partial(unheard, Kin.TIME, _linear_gap), behind_linear),
    "unified-mobility": first_of(partial(unheard, Kin.MOBILITY, _linear_gap), behind_linear),
    "reuse-error": own_falls_short,
    "place-over-time": first_of(hours_differ, own_falls_short),
    "transform-error": behind_linear,
    "autoencoder": sees_the_horizon,
    "bands-alike": partial(alike, Kin.BAND),
    "poisoning": behind_linear,
    "cross-cell": partial(alike, Kin.CELL),
    "cell-transfer": behind_linear,
    "cell-closed-form": behind_linear,
    "less-data": first_of(partial(too_little_of_it, "1L"), behind_linear),
    "less-data-closed-form": first_of(partial(too_little_of_it, "closed-form"), behind_linear),
    "cross-band": partial(alike, Kin.BAND),
    "band-1l": partial(alike, Kin.BAND),
    "band-2l": behind_linear,
    "band-all": behind_linear,
    "uplink-transfer": behind_linear,
    "rivals": partial(outdone, published.RIVALS),
    "simple": partial(outdone, None),
    "reuse-detection": own_falls_short,
    "raises-error": diluted,
    "uplink-detection": diluted,
    "unified-detection": diluted,
    "transform-detection": taken_out,
    "transfer-detection": diluted,
    "faults": faults_small,
    "gaussian": between_observers,
}


def _main(results: Results) -> tuple[DetectionScores, str]:
    if results.main is None or results.kinship is None:
        raise UntestableError("no detection on the unified model's population")
    if results.kinship.unified not in results.main.scorers:
        raise UntestableError("the unified model is not among the scorers")
    return results.main, results.kinship.unified


def _linear(main: DetectionScores, results: Results) -> str:
    """Return the scorer that is a linear autoregression."""
    models = results.experiment.models
    for scorer in main.scorers:
        if scorer == _LINEAR or (scorer in models and models[scorer].architecture == _LINEAR):
            return scorer
    raise UntestableError("no linear autoregression among the scorers")


def _by_observer(main: DetectionScores, scorer: str) -> Floats:
    """Return the mean error of the normal segments of each test observer, dB."""
    rows = main.layout.normal.rows
    scores, names = main.bench.scores(scorer, "raw")[rows], observer_names(main.frame.columns)[rows]
    return np.array([scores[names == name].mean() for name in np.unique(names)])


def _mean(values: Floats) -> Interval:
    rng = np.random.default_rng(0)
    drawn = rng.choice(values, (1000, len(values))).mean(axis=1)
    return interval(np.concatenate([[values.mean()], drawn]))
