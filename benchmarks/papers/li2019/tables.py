"""Tables 1, 2 and 3 of the paper, its figures beside ours."""

from collections.abc import Mapping

from benchmarks.papers.li2019 import published
from benchmarks.papers.li2019.published import Published
from converter.report.document import Cell, Part, Section, Table
from converter.report.kinship import Kin, Kinship
from converter.report.results import Results
from converter.report.sections.errors import ERROR_COLUMNS, ERROR_NOTE, band_rows, tested_on
from converter.report.sections.faults import FAULT_NOTE, FAULT_PARTS, fault_rows, same_fault
from converter.simulate.population import Population

__all__ = ["paper_name", "table_1", "table_2", "table_3"]

_MATRICES: Mapping[Kin, tuple[str, Mapping[tuple[str, str], Published]]] = {
    Kin.PLACE: ("Table 1(a), places", published.PLACES),
    Kin.TIME: ("Table 1(b), times of day", published.TIMES),
    Kin.MOBILITY: ("Table 1(c), movement", published.MOBILITY),
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


def table_1(results: Results) -> Section:
    """Return the matrices of places, times and movement beside the paper's."""
    title = "Tables 1(a), (b), (c): one model or one for each context"
    kinship = results.kinship
    if kinship is None:
        return Section(title, ["Left out: the experiment has no unified model."])
    return Section(title, [_matrix(results, kinship, kin) for kin in _MATRICES])


def _matrix(results: Results, kinship: Kinship, kin: Kin) -> Part:
    title, theirs = _MATRICES[kin]
    populations, models = tested_on(results, kinship, kin)
    if not populations:
        return f"{title}: left out, nothing was tested on such populations."
    names = kinship.populations(kin)
    called = {
        name: paper_name(results.experiment.populations[name], kin, number)
        for number, name in enumerate(names)
    }
    trained_on = {own: called[name] for name in names if (own := kinship.own(name))}
    called[kinship.home], trained_on[kinship.unified] = "mixed", "unified"
    rows: list[tuple[Cell, ...]] = []
    for population in populations:
        row: list[Cell] = [population]
        for model in models:
            if not results.errors.has(population, model):
                row.append(None)
                continue
            summary = results.errors.summary(model, population)
            ours = f"{summary.rmse.value:.2f} ({summary.std_db:.2f})"
            beside = theirs.get((trained_on[model], called[population]))
            row.append(f"{ours}; paper {beside}" if beside else ours)
        rows.append(tuple(row))
    columns = ("tested on", *(f"trained on {trained_on[model]}" for model in models))
    note = (
        "Mean and standard deviation over segments, dB; the paper's figures are of its own "
        "measurements at 880 MHz, so only their order can be compared with ours."
    )
    return Table(title, columns, rows, note)


def table_2(results: Results) -> Section:
    """Return the errors of each band's own model beside the paper's."""
    title = "Table 2: bands"
    kinship, ours = results.kinship, band_rows(results)
    if kinship is None or len(ours) < 2:
        return Section(title, ["Left out: models of several bands were not tested."])
    rows: list[tuple[Cell, ...]] = []
    for row in ours:
        theirs = published.UNIFIED if not rows else None
        if kinship.kin(str(row[0])) is Kin.UPLINK:
            theirs = published.UPLINK
        rows.append((*row, str(theirs) if theirs else None))
    others = ", ".join(f"{band} {early}" for band, (early, _) in published.BANDS.items())
    months = ", ".join(f"{band} {late}" for band, (_, late) in published.BANDS.items())
    note = (
        f"{ERROR_NOTE} The paper, early 2018: {others} dB; June 2018: {months} dB. Its bands are "
        "not ours; the simulator has no months."
    )
    return Section(title, [Table("", (*ERROR_COLUMNS, "paper, dB"), rows, note)])


def table_3(results: Results) -> Section:
    """Return detection of faults at 1% false alarms beside the paper's."""
    title = "Table 3: misconfigurations at 1 % false alarms"
    rows: list[tuple[Cell, ...]] = []
    for *row, target in fault_rows(results):
        theirs = published.FAULTS.get(same_fault(str(row[0]), published.FAULTS))
        rows.append((*row, f"{min(theirs)} to {max(theirs)}" if theirs else None, target))
    if not rows:
        return Section(title, ["Left out: no fault was scored on the unified population."])
    columns = ("fault", "score", "threshold", *FAULT_PARTS, "paper", "target")
    note = f"{FAULT_NOTE} The paper's are at 880, 750 and 730 MHz."
    return Section(title, [Table("", columns, rows, note, ".0f")])
