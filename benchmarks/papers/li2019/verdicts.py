"""Every claim judged, and why what is not confirmed is not."""

from collections.abc import Callable
from dataclasses import replace

from benchmarks.papers.claim import Claim, Finding, Verdict
from benchmarks.papers.li2019.claims.causes import cause_of
from benchmarks.papers.li2019.claims.claims import CLAIMS
from converter.report.results import Results

__all__ = ["judge", "judge_all"]


def judge_all(
    results: Results, progress: Callable[[str], None] = lambda _: None
) -> list[tuple[Claim[Results], Finding]]:
    """Return what became of every claim."""
    out = []
    for claim in CLAIMS:
        progress(f"claim {claim.key}")
        finding = judge(claim, results)
        if finding.verdict is Verdict.NOT_CONFIRMED:
            finding = replace(finding, cause=cause_of(claim, results))
        out.append((claim, finding))
    return out


def judge(claim: Claim[Results], results: Results) -> Finding:
    """Return what became of a claim; the test observers are the unified model's, of all seeds."""
    n_observers = 0
    if results.kinship is not None:
        observers = results.experiment.observers_of(results.kinship.home)
        n_observers = observers.test * observers.n_seeds
    return claim.on(results, n_observers)
