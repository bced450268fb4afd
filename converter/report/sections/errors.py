"""Prediction errors: contexts, bands, the transform, the autoencoder, poisoning, other traffic."""

from collections.abc import Mapping

from converter.report.detection_scores import RATE, mean_of
from converter.report.document import Cell, Part, Section, Table
from converter.report.kinship import Kin, Kinship
from converter.report.resamples import interval
from converter.report.results import Results

__all__ = [
    "ERROR_COLUMNS",
    "ERROR_NOTE",
    "band_rows",
    "bands",
    "contexts",
    "tested_on",
    "variants",
]

ERROR_COLUMNS = ("tested on", "model", "observers", "error, dB", "std, dB", "floor", "excess, dB")
ERROR_NOTE = (
    "Error: mean over observers of the mean RMSE of their segments. Std: over all segments, as in "
    "the paper. Excess: what is left when the irreducible floor is taken off in squares."
)
_DETECTED = "AUC and rate: mean over interferers, ISRs, onset and persistent, scores per site."
_CONTEXTS: Mapping[Kin, str] = {
    Kin.PLACE: "Places",
    Kin.TIME: "Times of day",
    Kin.MOBILITY: "Movement",
}


def contexts(results: Results) -> Section:
    """Return errors of models of single places, times and movements beside the unified one."""
    title = "One model or one for each context"
    kinship = results.kinship
    if kinship is None:
        return Section(title, ["Left out: the experiment has no unified model."])
    parts: list[Part] = []
    for kin, name in _CONTEXTS.items():
        populations, models = tested_on(results, kinship, kin)
        rows = [
            _row(results, model, population)
            for population in populations
            for model in models
            if results.errors.has(population, model)
        ]
        if populations:
            parts.append(Table(name, ERROR_COLUMNS, rows, ERROR_NOTE))
        else:
            parts.append(f"{name}: left out, nothing was tested on such populations.")
    return Section(title, parts)


def tested_on(results: Results, kinship: Kinship, kin: Kin) -> tuple[list[str], list[str]]:
    """Return the populations of a kind, and the unified one, and the models tested on them.

    Populations without a test are left out, as are models without one: they were made for another
    table. Nothing where only the unified population was tested on.
    """
    names, has = kinship.populations(kin), results.errors.has
    models = [own for name in names if (own := kinship.own(name))]
    models = list(dict.fromkeys([*models, kinship.unified]))
    populations = list(dict.fromkeys([*names, kinship.home]))
    populations = [name for name in populations if any(has(name, m) for m in models)]
    models = [m for m in models if any(has(name, m) for name in populations)]
    if not any(name in names for name in populations):
        return [], []
    return populations, models


def bands(results: Results) -> Section:
    """Return the errors of each band's own model."""
    title = "Bands, each with its own model"
    rows = band_rows(results)
    if len(rows) < 2:
        return Section(title, ["Left out: models of several bands were not tested."])
    return Section(title, [Table("", ERROR_COLUMNS, rows, ERROR_NOTE)])


def band_rows(results: Results) -> list[tuple[Cell, ...]]:
    """Return a row of :data:`ERROR_COLUMNS` a band: the unified one first, uplinks last."""
    kinship = results.kinship
    if kinship is None:
        return []
    names = [kinship.home, *kinship.populations(Kin.BAND), *kinship.populations(Kin.UPLINK)]
    own = {name: kinship.own(name) for name in names} | {kinship.home: kinship.unified}
    return [
        _row(results, model, name)
        for name, model in own.items()
        if model is not None and results.errors.has(name, model)
    ]


def _row(results: Results, model: str, population: str) -> tuple[Cell, ...]:
    s = results.errors.summary(model, population)
    return (population, model, s.n_observers, s.rmse, s.std_db, s.floor_db, s.excess)


def variants(results: Results) -> Section:
    """Return other models on the unified population, poisoned ones, and other populations."""
    title = "Transform, architecture, contamination, other families of signal"
    kinship = results.kinship
    if kinship is None:
        return Section(title, ["Left out: the experiment has no unified model."])
    models = [kinship.unified, *kinship.variants(), *_poisoned(kinship)]
    rows: list[tuple[Cell, ...]] = [
        (
            *_row(results, model, kinship.home),
            _against(results, model, kinship),
            *_detected(results, model),
        )
        for model in dict.fromkeys(models)
        if results.errors.has(kinship.home, model)
    ]
    parts: list[Part] = []
    if len(rows) > 1:
        columns = (*ERROR_COLUMNS, "less unified, dB", "AUC", "detected at 1 %")
        note = f"{ERROR_NOTE} {_DETECTED}"
        parts.append(Table("Models on the unified population", columns, rows, note, ".3f"))
    else:
        parts.append("Other models on the unified population: left out, none was tested.")
    shown = [
        population
        for kin in (Kin.TRAFFIC, Kin.SAME, Kin.CELL, Kin.BAND, Kin.MIXED)
        for population in kinship.populations(kin)
        if population != kinship.home and results.errors.has(population, kinship.unified)
    ]
    if shown:
        families: list[tuple[Cell, ...]] = [
            (
                *_row(results, kinship.unified, population),
                str(kinship.kin(population)),
                _less_own(results, kinship, population),
            )
            for population in shown
        ]
        titles = (*ERROR_COLUMNS, "differs in", "less its own model, dB")
        parts.append(Table("The unified model on other families", titles, families, ERROR_NOTE))
    else:
        parts.append("Other families of signal: left out, none was tested.")
    return Section(title, parts)


def _poisoned(kinship: Kinship) -> list[str]:
    owned = [kinship.own(name) for name in kinship.populations(Kin.POISONED)]
    return [own for own in owned if own]


def _less_own(results: Results, kinship: Kinship, population: str) -> Cell:
    own = kinship.own(population)
    if own is None or not results.errors.has(population, own):
        return None
    return interval(results.errors.difference(kinship.unified, own, population))


def _detected(results: Results, model: str) -> tuple[Cell, Cell]:
    """Return AUC and rate of detection, where the model is a scorer on its population."""
    if results.main is None or model not in results.main.scorers:
        return None, None
    main, cells = results.main, results.main.pick()
    found = mean_of(main.auc(model, True), cells), mean_of(main.detected(model, RATE, True), cells)
    return interval(found[0]), interval(found[1])


def _against(results: Results, model: str, kinship: Kinship) -> Cell:
    if model == kinship.unified:
        return None
    return interval(results.errors.difference(model, kinship.unified, kinship.home))
