"""The report of a WORK folder: Markdown for people, JSON for machines, PNG for both."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path

from converter.lab.engine.folder import write_atomically
from converter.lab.toml import load_experiment
from converter.report.document import Document, Part, Section
from converter.report.markdown import as_json, as_markdown
from converter.report.results import Results
from converter.report.sections.detection import (
    detection_figures,
    main_detection,
    simple_against_ours,
)
from converter.report.sections.errors import table_1, table_2, variants
from converter.report.sections.events import episodes, real_captures
from converter.report.sections.faults import table_3
from converter.report.sections.head import facts, head
from converter.report.sections.quantised import quantised
from converter.report.sections.ramps import ramps
from converter.report.sections.transfer import transfer
from converter.report.sections.verdicts import judge_all, verdicts

__all__ = ["report_on", "write_report"]


def write_report(work: Path, out: Path, progress: Callable[[str], None] = lambda _: None) -> Path:
    """Write ``report.md``, ``report.json`` and the figures of an experiment to a folder.

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
    experiment = load_experiment(work / "experiment.toml")
    progress("reading tables")
    results = Results.read(experiment, work, progress)
    out.mkdir(parents=True, exist_ok=True)
    command = (
        f"edgespec-converter evaluate benchmarks/experiments/{shlex.quote(experiment.name)}.toml "
        f"--work {work.name} && "
        f"edgespec-converter report {work.name} -o {out.name}"
    )
    document = report_on(results, out, command, progress)
    write_atomically(out / "report.md", as_markdown(document))
    content = json.dumps(as_json(document), indent=1, allow_nan=False)
    write_atomically(out / "report.json", content + "\n")
    return out / "report.md"


def report_on(
    results: Results, out: Path, command: str, progress: Callable[[str], None] = lambda _: None
) -> Document:
    """Return the report of what was read; figures are written to ``out``."""
    # First, because everything else asks for the same figures: its progress is the slow part.
    detection = main_detection(results, progress)
    judged = judge_all(results, progress)
    sections = [
        head(results, command),
        verdicts(judged),
        table_1(results),
        table_2(results),
        variants(results, out),
        transfer(results, out),
        simple_against_ours(results),
        detection,
        detection_figures(results, out, progress),
        table_3(results),
        quantised(results),
        episodes(results),
        ramps(results),
        real_captures(results),
    ]
    known = facts(results, command) | {
        "claims": {
            claim.key: {
                "verdict": str(finding.verdict),
                "measured": finding.measured,
                "why": finding.why,
                "figures": finding.figures,
            }
            for claim, finding in judged
        }
    }
    title = f"Experiment {results.experiment.name}: spectrum anomalies, simulated"
    return Document(title, [_whole(section) for section in sections], known)


def _whole(section: Section) -> Section:
    """Return the section without empty parts."""
    parts: list[Part] = [part for part in section.parts if part != ""]
    return Section(section.title, parts)
