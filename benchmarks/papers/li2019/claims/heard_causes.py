"""Causes that lie in what a model heard: other hours, other places, less of a cell."""

from collections.abc import Callable
from itertools import pairwise

from benchmarks.papers.claim import UntestableError
from benchmarks.papers.li2019.claims.error_measures import related
from benchmarks.papers.li2019.claims.transfer_measures import cell_steps
from converter.lab.numbers.intervals import Interval
from converter.report.amounts import amount
from converter.report.kinship import Kin
from converter.report.resamples import interval
from converter.report.results import Results
from converter.report.transfers import AS_SELF_DB

__all__ = ["hours_differ", "too_little_of_it", "unheard"]


def unheard(kin: Kin, gap: Callable[[Results], Interval], results: Results) -> str:
    """Return that the unified model heard next to nothing like the population it is worst at.

    Only where its deficit there is more than ``gap``, that of its training everywhere, and most of
    that of a model which heard nothing like it at all.
    """
    kinship, errors = related(results), results.errors
    names = [name for name in kinship.populations(kin) if kinship.own(name)]
    behind = {
        name: errors.difference(kinship.unified, own, name)
        for name in names
        if (own := kinship.own(name)) and errors.has(name, own, kinship.unified)
    }
    if not behind:
        raise UntestableError(f"no models of a single {kin} beside the unified one")
    worst = max(behind, key=lambda name: float(behind[name][0]))
    own, less = kinship.own(worst), interval(behind[worst])
    foreign = {
        name: errors.difference(other, own, worst)
        for name in names
        if name != worst and (other := kinship.own(name)) and own and errors.has(worst, other, own)
    }
    if not foreign or less.low <= gap(results).high:
        raise UntestableError("its training everywhere explains as much")
    nearest = min(foreign, key=lambda name: float(foreign[name][0]))
    strange = interval(foreign[nearest])
    if less.value < strange.value / 2:
        raise UntestableError("it is well ahead of a model that heard nothing like it")
    return (
        f"at {worst} the unified model is {less:.2f} dB behind the one that was trained there, and "
        f"one that heard {nearest} alone is {strange:.2f} dB behind it: what the unified model "
        "heard has next to nothing like it"
    )


def hours_differ(results: Results) -> str:
    """Return how far hours lie apart beside places, by models of their own, if it is more."""
    kinship, errors = related(results), results.errors
    spans = {}
    for kin in (Kin.PLACE, Kin.TIME):
        own = {name: kinship.own(name) for name in kinship.populations(kin)}
        found = [
            errors.summary(model, name).rmse.value
            for name, model in own.items()
            if model and errors.has(name, model)
        ]
        if len(found) < 2:
            raise UntestableError(f"one {kin} only")
        spans[kin] = (min(found), max(found))
    (low, high), (least, most) = spans[Kin.PLACE], spans[Kin.TIME]
    if most - least <= high - low:
        raise UntestableError("places differ more than hours")
    return (
        "places are more alike than hours: by models of their own, places have errors of "
        f"{low:.2f} to {high:.2f} dB, hours of {least:.2f} to {most:.2f} dB"
    )


def too_little_of_it(method: str, results: Results) -> str:
    """Return what a transfer by a method costs with the next smaller amount of data.

    That is the first at which it is no longer as good as self, which says where the claim ends.
    """
    found = cell_steps(method, results)
    for enough, less in pairwise(found):
        if enough.difference.high <= AS_SELF_DB < less.difference.high:
            return (
                f"with {amount(less.seconds)}, {less.less_data:.3g} times less than self has, it "
                f"is {less.difference:+.3f} dB against self, where {AS_SELF_DB:g} dB is as good"
            )
    raise UntestableError("it is as good as self with no amount of data, or with all")
