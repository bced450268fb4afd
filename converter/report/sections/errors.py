"""Prediction errors: Tables 1 and 2, the transform, the autoencoder, poisoning, other traffic."""

from collections.abc import Mapping
from pathlib import Path

from converter.report import paper
from converter.report.claims.detection import RATE
from converter.report.detection_scores import mean_of
from converter.report.document import Cell, Part, Section, Table
from converter.report.figures.spectrogram import figure_7
from converter.report.kinship import Kin, Kinship
from converter.report.paper import Published
from converter.report.resamples import interval
from converter.report.results import Results
from converter.simulate.population import Population

__all__ = ["paper_name", "table_1", "table_2", "variants"]

_COLUMNS = ("tested on", "model", "observers", "error, dB", "std, dB", "floor", "excess, dB")
_NOTE = (
    "Error: mean over observers of the mean RMSE of their segments. Std: over all segments, as in "
    "the paper. Excess: what is left when the irreducible floor is taken off in squares."
)
_DETECTED = "AUC and rate: mean over interferers, ISRs, onset and persistent, scores per site."
_TABLES: Mapping[Kin, tuple[str, Mapping[tuple[str, str], Published]]] = {
    Kin.PLACE: ("Table 1(a), places", paper.PLACES),
    Kin.TIME: ("Table 1(b), times of day", paper.TIMES),
    Kin.MOBILITY: ("Table 1(c), movement", paper.MOBILITY),
}


def paper_name(population: Population, kin: Kin, number: int) -> str:
    """Return what the paper's table calls a population; ``number`` counts those of its kind."""
    if kin is Kin.PLACE:
        return f"place {number + 1}"
    if kin is Kin.TIME and population.hours is not None:
        start, stop = population.hours
        middle = (start + stop + (24.0 if stop < start else 0.0)) / 2 % 24
        return "day" if 7 <= middle < 21 else "night"
    if kin is Kin.MOBILITY:
        return population.contexts[0]
    return "mixed"


def _row(results: Results, model: str, population: str) -> tuple[Cell, ...]:
    s = results.errors.summary(model, population)
    return (population, model, s.n_observers, s.rmse, s.std_db, s.floor_db, s.excess)


def table_1(results: Results) -> Section:
    """Return the matrices of places, times and movement beside the paper's."""
    title = "Tables 1(a), (b), (c): one model or one for each context"
    kinship = results.kinship
    if kinship is None:
        return Section(title, ["Left out: the experiment has no unified model."])
    parts: list[str | Table] = []
    for kin, (name, published) in _TABLES.items():
        parts += _matrix(results, kinship, kin, name, published)
    return Section(title, parts)


def _matrix(
    results: Results,
    kinship: Kinship,
    kin: Kin,
    title: str,
    published: Mapping[tuple[str, str], Published],
) -> list[str | Table]:
    names = kinship.populations(kin)
    called = {
        name: paper_name(results.experiment.populations[name], kin, number)
        for number, name in enumerate(names)
    }
    models = {own: called[name] for name in names if (own := kinship.own(name))}
    models[kinship.unified] = "unified"
    has = results.errors.has
    tested = {name: called[name] for name in names} | {kinship.home: "mixed"}
    # A population or model of the kind that was made for another table has no place in this one.
    tested = {name: test for name, test in tested.items() if any(has(name, m) for m in models)}
    models = {m: train for m, train in models.items() if any(has(name, m) for name in tested)}
    pairs = [
        (model, population)
        for population in tested
        for model in models
        if results.errors.has(population, model)
    ]
    if not any(population in names for _, population in pairs):
        return [f"{title}: left out, nothing was tested on such populations."]
    rows: list[tuple[Cell, ...]] = []
    details: list[tuple[Cell, ...]] = []
    for population, test in tested.items():
        row: list[Cell] = [population]
        for model, train in models.items():
            if not results.errors.has(population, model):
                row.append(None)
                continue
            summary = results.errors.summary(model, population)
            theirs = published.get((train, test))
            ours = f"{summary.rmse.value:.2f} ({summary.std_db:.2f})"
            row.append(f"{ours}; paper {theirs}" if theirs else ours)
            details.append((*_row(results, model, population), str(theirs) if theirs else None))
        rows.append(tuple(row))
    columns = ("tested on", *(f"trained on {called}" for called in models.values()))
    note = (
        "Mean and standard deviation over segments, dB; the paper's figures are of its own "
        "measurements at 880 MHz, so only their order can be compared with ours."
    )
    return [
        Table(title, columns, rows, note),
        Table(f"{title}, in detail", (*_COLUMNS, "paper, dB"), details, _NOTE),
    ]


def table_2(results: Results) -> Section:
    """Return the errors of each band's own model."""
    title = "Table 2: bands"
    kinship = results.kinship
    names = (
        []
        if kinship is None
        else [kinship.home, *kinship.populations(Kin.BAND), *kinship.populations(Kin.UPLINK)]
    )
    rows: list[tuple[Cell, ...]] = []
    for name in names:
        own = kinship.unified if kinship and name == kinship.home else None
        own = own or (kinship.own(name) if kinship else None)
        if own is None or not results.errors.has(name, own):
            continue
        is_up = kinship is not None and kinship.kin(name) is Kin.UPLINK
        theirs = paper.UPLINK if is_up else (paper.UNIFIED if not rows else None)
        rows.append((*_row(results, own, name), str(theirs) if theirs else None))
    if len(rows) < 2:
        return Section(title, ["Left out: models of several bands were not tested."])
    others = ", ".join(f"{band} {early}" for band, (early, _) in paper.BANDS.items())
    months = ", ".join(f"{band} {late}" for band, (_, late) in paper.BANDS.items())
    note = (
        f"{_NOTE} The paper, early 2018: {others} dB; June 2018: {months} dB. Its bands are not "
        "ours; the simulator has no months."
    )
    return Section(title, [Table("", (*_COLUMNS, "paper, dB"), rows, note)])


def variants(results: Results, folder: Path) -> Section:
    """Return other models on the unified population, poisoned ones, other populations, Figure 7."""
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
        columns = (*_COLUMNS, "less unified, dB", "AUC", "detected at 1 %")
        note = f"{_NOTE} {_DETECTED}"
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
        titles = (*_COLUMNS, "differs in", "less its own model, dB")
        parts.append(Table("The unified model on other families", titles, families, _NOTE))
    else:
        parts.append("Other families of signal: left out, none was tested.")
    parts.append(figure_7(results, folder))
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
