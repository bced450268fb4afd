"""Verdicts of two runs beside each other, such as in two settings."""

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.papers.claim import Claim, Finding
from converter.report.document import Section, Table
from converter.report.results import Results
from edgespec.decode.text import parse_object, read_bounded
from edgespec.errors import SourceError

__all__ = ["Other", "beside", "read_other"]

_ADVICE = "give the report.json of `python -m benchmarks.papers.li2019`"
_COLUMNS = ("claim", "here", "measured here", "there", "measured there", "cause")

#: The experiment of another report, and what it says of each claim.
Other = tuple[str, Mapping[str, Mapping[str, Any]]]


def read_other(path: Path) -> Other:
    """Return what another run's ``report.json`` says of the claims.

    Raises:
        SourceError: it cannot be read, or is no such report.
    """
    content = read_bounded(path, SourceError, _ADVICE)
    facts = parse_object(content, SourceError, str(path), _ADVICE).get("facts")
    claims = facts.get("claims") if isinstance(facts, dict) else None
    if not isinstance(facts, dict) or not isinstance(claims, dict):
        raise SourceError(f"{str(path)!r} has no facts.claims: {_ADVICE}")
    return str(facts.get("experiment", path.parent.name)), claims


def beside(judged: list[tuple[Claim[Results], Finding]], other: Other) -> Section:
    """Return the table of both runs' verdicts, and of how many pairs there are."""
    name, claims = other
    rows, pairs = [], Counter[str]()
    for claim, finding in judged:
        there = claims.get(claim.key, {})
        verdict = str(there.get("verdict", "-"))
        pairs[f"{finding.verdict} here and {verdict} there"] += 1
        cause = finding.cause or there.get("cause") or "-"
        measured = str(there.get("measured", "-"))
        rows.append((claim.text, str(finding.verdict), finding.measured, verdict, measured, cause))
    said = "; ".join(f"{n} {pair}" for pair, n in pairs.most_common())
    text = f"There is experiment `{name}`. {said}."
    return Section("Verdicts beside another run's", [text, Table("", _COLUMNS, rows)])
