"""Claims of a paper with their verdicts, as a section for people and as facts for machines."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from benchmarks.papers.claim import Claim, Finding, Verdict
from converter.report.document import Section, Table

__all__ = ["as_facts", "verdicts"]

_COLUMNS = ("claim", "the paper", "measured here", "verdict", "why", "cause")


def verdicts(judged: Sequence[tuple[Claim[Any], Finding]]) -> Section:
    """Return the table of verdicts, and the rules that they follow."""
    counts = Counter(finding.verdict for _, finding in judged)
    rows = [
        (
            claim.text,
            claim.paper,
            finding.measured,
            f"**{finding.verdict}**"
            if finding.verdict is not Verdict.NOT_TESTABLE
            else str(finding.verdict),
            finding.why,
            finding.cause or "-",
        )
        for claim, finding in judged
    ]
    rules = [(claim.text, claim.rule) for claim, _ in judged]
    said = ", ".join(f"{counts[verdict]} {verdict}" for verdict in Verdict)
    return Section(
        "Verdicts",
        [
            f"{said}. Each verdict follows from the figures by its rule below, which is code and "
            "was not chosen by looking at them; `not confirmed` also stands where the interval is "
            "too wide to tell.",
            Table("", _COLUMNS, rows),
            Table("Rules", ("claim", "confirmed if"), rules),
        ],
    )


def as_facts(judged: Sequence[tuple[Claim[Any], Finding]]) -> dict[str, object]:
    """Return the findings for machines, by the key of their claim."""
    return {
        claim.key: {
            "verdict": str(finding.verdict),
            "measured": finding.measured,
            "why": finding.why,
            "cause": finding.cause,
            "figures": finding.figures,
        }
        for claim, finding in judged
    }
