"""Claims of the paper and of this project, each with the rule of its verdict."""

from converter.report.claims import detection, prediction, transfer
from converter.report.claims.finding import Claim, Finding, Verdict

__all__ = ["CLAIMS", "Claim", "Finding", "Verdict"]

#: In the order of the paper.
CLAIMS: tuple[Claim, ...] = (*prediction.CLAIMS, *transfer.CLAIMS, *detection.CLAIMS)
