"""The report of a WORK folder: Markdown for people, JSON for machines."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

from converter.lab.engine.folder import write_atomically
from converter.lab.toml import load_experiment
from converter.report.document import Document, Part, Section
from converter.report.markdown import as_json, as_markdown
from converter.report.results import Results
from converter.report.sections.choice import choice
from converter.report.sections.detection import main_detection, simple_against_ours
from converter.report.sections.errors import bands, contexts, variants
from converter.report.sections.events import episodes, real_captures
from converter.report.sections.faults import faults
from converter.report.sections.head import facts, head
from converter.report.sections.other_bands import other_bands
from converter.report.sections.quantised import quantised
from converter.report.sections.ramps import ramps
from converter.report.sections.swept_bands import swept_bands
from converter.report.sections.transfer import transfer
from converter.report.sections.warm_ups import warm_ups

__all__ = ["evaluated", "read_results", "report_on", "write_document", "write_report"]


def write_report(work: Path, out: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """Write ``report.md`` and ``report.json`` of an experiment to a folder.

    Whatever was not run is left out with a line that says so.

    Args:
        work: folder of the experiment, with ``experiment.toml`` and ``tables``.
        out: made if need be; files of the same names are written over.
        progress: told what is done next.

    Returns:
        Path of ``report.md``.

    Raises:
        ConfigError: the folder has no experiment file, or one that is not accepted.
        SourceError: a table is damaged.
    """
    results = read_results(work, progress)
    command = f"{evaluated(results)} && edgespec-converter report {work.name} -o {out.name}"
    return write_document(report_on(results, command, progress), out)


def read_results(work: Path, progress: Callable[[str], None] = lambda _: None) -> Results:
    """Return all that a folder holds.

    Raises:
        ConfigError: the folder has no experiment file, or one that is not accepted.
        SourceError: a table is damaged.
    """
    experiment = load_experiment(work / "experiment.toml")
    progress("reading tables")
    return Results.read(experiment, work, progress)


def evaluated(results: Results) -> str:
    """Return the command that fills the folder again."""
    name = shlex.quote(results.experiment.name)
    return (
        f"edgespec-converter evaluate benchmarks/experiments/{name}.toml --work {results.work.name}"
    )


def write_document(document: Document, out: Path) -> Path:
    """Write a document as ``report.md`` and ``report.json``; return the path of the former."""
    out.mkdir(parents=True, exist_ok=True)
    write_atomically(out / "report.md", as_markdown(document))
    content = json.dumps(as_json(document), indent=1, allow_nan=False)
    write_atomically(out / "report.json", content + "\n")
    return out / "report.md"


def report_on(
    results: Results, command: str, progress: Callable[[str], None] = lambda _: None
) -> Document:
    """Return the report of what was read."""
    title = f"Experiment {results.experiment.name}: spectrum anomalies, simulated"
    if not results.experiment.hears_samples:
        # Of sweeps alone all other sections would say that they are left out.
        return Document(
            title, [head(results, command), swept_bands(results)], facts(results, command)
        )
    # First, because everything else asks for the same figures: its progress is the slow part.
    detection = main_detection(results, progress)
    sections = [
        choice(results),
        head(results, command),
        contexts(results),
        bands(results),
        variants(results),
        transfer(results),
        simple_against_ours(results),
        detection,
        warm_ups(results),
        faults(results),
        quantised(results),
        episodes(results),
        ramps(results),
        other_bands(results),
        *([swept_bands(results)] if results.experiment.swept_detections else []),
        real_captures(results),
    ]
    return Document(title, [_whole(section) for section in sections], facts(results, command))


def _whole(section: Section) -> Section:
    """Return the section without empty parts."""
    parts: list[Part] = [part for part in section.parts if part != ""]
    return Section(section.title, parts)
