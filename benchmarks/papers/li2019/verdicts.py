"""Every claim with its verdict."""

from collections import Counter
from collections.abc import Callable

from benchmarks.papers.li2019.claims.claim import Claim, Finding, Verdict
from benchmarks.papers.li2019.claims.claims import CLAIMS
from converter.report.document import Section, Table
from converter.report.results import Results

__all__ = ["as_facts", "judge_all", "verdicts"]


def judge_all(
    results: Results, progress: Callable[[str], None] = lambda _: None
) -> list[tuple[Claim, Finding]]:
    """Return what became of every claim."""
    out = []
    for claim in CLAIMS:
        progress(f"claim {claim.key}")
        out.append((claim, claim.on(results)))
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
            Table("", ("claim", "the paper", "measured here", "verdict", "why"), rows),
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
            "figures": finding.figures,
        }
        for claim, finding in judged
    }
