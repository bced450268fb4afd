"""Every claim with its verdict."""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from benchmarks.papers.li2019.claims.causes import cause_of
from benchmarks.papers.li2019.claims.claim import Claim, Finding, Verdict
from benchmarks.papers.li2019.claims.claims import CLAIMS
from converter.report.document import Section, Table
from converter.report.results import Results

__all__ = ["as_facts", "judge_all", "verdicts"]

_COLUMNS = ("claim", "the paper", "measured here", "verdict", "why", "cause")


def judge_all(
    results: Results, progress: Callable[[str], None] = lambda _: None
) -> list[tuple[Claim, Finding]]:
    """Return what became of every claim."""
    out = []
    for claim in CLAIMS:
        progress(f"claim {claim.key}")
        finding = claim.on(results)
        if finding.verdict is Verdict.NOT_CONFIRMED:
            finding = replace(finding, cause=cause_of(claim, results))
        out.append((claim, finding))
    return out


def verdicts(judged: list[tuple[Claim, Finding]]) -> Section:
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


def as_facts(judged: list[tuple[Claim, Finding]]) -> dict[str, object]:
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
