"""Measures of prediction errors, in dB: paired differences over observers, and their ratios."""

from collections.abc import Iterable

import numpy as np

from benchmarks.papers.claim import Measured, UntestableError
from converter.lab.numbers.intervals import Interval
from converter.report.kinship import Kin, Kinship
from converter.report.resamples import Floats, interval
from converter.report.results import Results

__all__ = [
    "band_spread",
    "foreign_less_own",
    "no_months",
    "place_less_time",
    "poisoned_less_clean",
    "related",
    "unified_less_own",
    "uplink_less_downlink",
    "variant_less_unified",
    "variant_percent",
]

_PLURAL = {Kin.PLACE: "places", Kin.TIME: "times of day", Kin.MOBILITY: "kinds of movement"}
#: Amounts of training data that differ by no more than this are the same.
_ALIKE = 1.1


def related(results: Results) -> Kinship:
    """Return how everything relates to the unified model."""
    if results.kinship is None:
        raise UntestableError("no unified model in the experiment")
    return results.kinship


def unified_less_own(kin: Kin, results: Results) -> Measured:
    """Return the unified model's error less that of a population's own; the worst is judged."""
    kinship = related(results)
    parts = {
        name: results.errors.difference(kinship.unified, own, name)
        for name in kinship.populations(kin)
        if (own := kinship.own(name)) and results.errors.has(name, own, kinship.unified)
    }
    if not parts:
        raise UntestableError(f"no models of single {_PLURAL[kin]} beside the unified one")
    mean = interval(_mean(parts.values()))
    worst = max(parts, key=lambda name: float(parts[name][0]))
    each = interval(parts[worst])
    return Measured(
        (each,),
        f"unified less own: mean {mean:+.3f} dB; worst {worst} {each:+.3f} dB",
        {"mean_db": mean, **{f"{name}_db": interval(part) for name, part in parts.items()}},
    )


def foreign_less_own(results: Results) -> Measured:
    """Return the error of another place's model less that of the place's own, mean over pairs."""
    parts = _foreign_penalty(results, related(results), Kin.PLACE)
    if not parts:
        raise UntestableError("no models of single places on other places")
    mean = interval(_mean(parts.values()))
    (home, name), worst = max(parts.items(), key=lambda item: float(item[1][0]))
    return Measured(
        (mean,),
        f"foreign less own: mean {mean:+.3f} dB; most {interval(worst):+.2f} dB ({home} at {name})",
        {"mean_db": mean},
    )


def place_less_time(results: Results) -> Measured:
    """Return what a foreign place costs less what a foreign time of day costs."""
    kinship = related(results)
    places, times = (
        _foreign_penalty(results, kinship, kin).values() for kin in (Kin.PLACE, Kin.TIME)
    )
    if not places or not times:
        raise UntestableError("needs models of single places and of single times of day")
    place, time = _mean(places), _mean(times)
    more = interval(place - time)
    return Measured(
        (more,),
        f"a foreign place costs {interval(place):+.3f} dB, a foreign time {interval(time):+.3f} dB",
        {"place_db": interval(place), "time_db": interval(time), "difference_db": more},
    )


def variant_less_unified(results: Results) -> Measured:
    """Return the error of the LSTM without the transform less that of the one with it."""
    kinship = related(results)
    plain = _tested(results, kinship, kinship.variants(architecture="lstm", transform=False))
    if not plain:
        raise UntestableError("no model without the transform")
    more = interval(results.errors.difference(plain[0], kinship.unified, kinship.home))
    return Measured((more,), f"without less with: {more:+.3f} dB", {"difference_db": more})


def variant_percent(results: Results) -> Measured:
    """Return by how many percent the autoencoder's error is larger than the LSTM's."""
    kinship = related(results)
    found = _tested(results, kinship, kinship.variants(architecture="autoencoder", transform=True))
    if not found:
        raise UntestableError("no autoencoder in the experiment")
    ratio = results.errors.ratio(found[0], kinship.unified, kinship.home)
    more = interval(100 * (ratio - 1))
    return Measured((more,), f"{more:+.1f} % against the LSTM", {"percent": more})


def uplink_less_downlink(results: Results) -> Measured:
    """Return the mean error of the uplinks' own models less that of the downlinks'."""
    kinship = related(results)
    up = _own_errors(results, kinship, kinship.populations(Kin.UPLINK))
    down = _own_errors(results, kinship, [kinship.home, *kinship.populations(Kin.BAND)])
    if not up or not down:
        raise UntestableError("needs a model of the uplink and one of the downlink")
    more = interval(_mean(up.values()) - _mean(down.values()))
    return Measured(
        (more,),
        f"uplink {interval(_mean(up.values())):.2f} dB, downlink "
        f"{interval(_mean(down.values())):.2f} dB",
        {"difference_db": more},
    )


def band_spread(results: Results) -> Measured:
    """Return the largest less the smallest error of the downlink bands' own models."""
    kinship = related(results)
    errors = _own_errors(results, kinship, [kinship.home, *kinship.populations(Kin.BAND)])
    if len(errors) < 2:
        raise UntestableError("needs models of several downlink bands")
    stacked = np.stack(list(errors.values()))
    spread = interval(stacked.max(0) - stacked.min(0))
    return Measured(
        (spread,), f"{len(errors)} bands lie within {spread:.2f} dB", {"spread_db": spread}
    )


def no_months(_: Results) -> Measured:
    """Say that the simulator has no seasons."""
    raise UntestableError("the simulator has no months")


def poisoned_less_clean(margin_db: float, results: Results) -> Measured:
    """Return the error of models of contaminated data less that of the clean one; worst is judged.

    On the unified model's test observers, where nothing is contaminated. Above ``margin_db`` it
    tells nothing where the clean model had more data.
    """
    kinship = related(results)
    parts: dict[float, Interval] = {}
    clean_s = kinship.seconds(kinship.unified)
    less: dict[float, float] = {}
    for population in kinship.populations(Kin.POISONED):
        own = kinship.own(population)
        share = results.experiment.populations[population].contamination
        for tested in (kinship.home, population):
            if own and results.errors.has(tested, own, kinship.unified):
                parts[share] = interval(results.errors.difference(own, kinship.unified, tested))
                less[share] = clean_s / kinship.seconds(own)
                break
    if not parts:
        raise UntestableError("no model of contaminated data")
    worst = max(parts.values(), key=lambda part: part.high)
    text = "; ".join(f"{share:.0%} contaminated {part:+.3f} dB" for share, part in parts.items())
    figures = {f"{share:g}": part for share, part in parts.items()}
    if max(less.values()) > _ALIKE and worst.high > margin_db:
        why = f"the clean model had {max(less.values()):.2g} times the data, which may be all of it"
        raise UntestableError(why, text, figures)
    return Measured((worst,), text, figures)


def _mean(parts: Iterable[Floats]) -> Floats:
    """Return the mean of independent draws, those of each population on their own."""
    return np.asarray(np.mean(list(parts), axis=0))


def _tested(results: Results, kinship: Kinship, models: list[str]) -> list[str]:
    """Return those models that were tested beside the unified one on its population."""
    return [name for name in models if results.errors.has(kinship.home, name, kinship.unified)]


def _foreign_penalty(results: Results, kinship: Kinship, kin: Kin) -> dict[tuple[str, str], Floats]:
    """Return, by (model's population, population), the error of a foreign model less the own's."""
    names = kinship.populations(kin)
    return {
        (home, name): results.errors.difference(foreign, own, name)
        for name in names
        for home in names
        if home != name
        and (own := kinship.own(name))
        and (foreign := kinship.own(home))
        and results.errors.has(name, own, foreign)
    }


def _own_errors(results: Results, kinship: Kinship, names: list[str]) -> dict[str, Floats]:
    return {
        name: results.errors.resampled(own, name)
        for name in names
        if (own := kinship.own(name)) and results.errors.has(name, own)
    }
