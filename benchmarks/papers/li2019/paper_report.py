"""The report beside the paper: verdicts on its claims, its tables, its figures."""

from collections.abc import Callable
from pathlib import Path

from benchmarks.papers.li2019.beside import Other, beside, read_other
from benchmarks.papers.li2019.figures import FIGURES
from benchmarks.papers.li2019.tables import table_1, table_2, table_3
from benchmarks.papers.li2019.verdicts import judge_all
from benchmarks.papers.verdicts import as_facts, verdicts
from converter.report.document import Document, Part, Section
from converter.report.report import evaluated, read_results, write_document
from converter.report.results import Results
from converter.report.sections.head import facts, head

__all__ = ["paper_on", "write_paper"]


def write_paper(
    work: Path,
    out: Path,
    progress: Callable[[str], None] = lambda _: None,
    other: Path | None = None,
) -> Path:
    """Write ``report.md``, ``report.json`` and the figures; return the path of the first.

    Whatever was not run is left out with a line that says so.

    Args:
        work: folder that ``edgespec-converter evaluate`` has filled.
        out: made if need be; files of the same names are written over.
        progress: told what is done next.
        other: ``report.json`` of another run, whose verdicts are to stand beside these.

    Raises:
        ConfigError: the folder has no experiment file, or one that is not accepted.
        SourceError: a table is damaged, or there is no such report.
    """
    known = None if other is None else read_other(other)
    results = read_results(work, progress)
    command = f"{evaluated(results)} && python -m {__package__} {work.name} -o {out.name}"
    out.mkdir(parents=True, exist_ok=True)
    return write_document(paper_on(results, out, command, progress, known), out)


def paper_on(
    results: Results,
    out: Path,
    command: str,
    progress: Callable[[str], None] = lambda _: None,
    other: Other | None = None,
) -> Document:
    """Return the report of what was read; figures are written to ``out``."""
    judged = judge_all(results, progress)
    run = head(results, command)
    sections = [
        Section(run.title, [part for part in run.parts if isinstance(part, str)]),
        verdicts(judged),
        *([] if other is None else [beside(judged, other)]),
        table_1(results),
        table_2(results),
        table_3(results),
        _figures(results, out, progress),
    ]
    title = f"Li et al. 2019 beside experiment {results.experiment.name}, simulated"
    return Document(title, sections, facts(results, command) | {"claims": as_facts(judged)})


def _figures(results: Results, out: Path, progress: Callable[[str], None]) -> Section:
    parts: list[Part] = []
    for draw in FIGURES:
        progress(draw.__name__.replace("_", " "))
        parts.append(draw(results, out))
    return Section("Figures", parts)
