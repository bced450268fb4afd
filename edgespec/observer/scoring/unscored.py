"""What was not scored lately, and why: a band that is not scored is not quiet."""

from collections import deque
from dataclasses import dataclass
from math import ceil

from edgespec.records import Geometry

__all__ = ["NO_CELL", "NO_CONTEXT", "Lately", "Unscored"]

_LATELY_S = 1.0
#: Reason of a segment that only detectors that need its context could have scored.
NO_CONTEXT = "context"
#: ... and of one that only what is left of a cell could have, where none is tracked.
NO_CELL = "no cell"


@dataclass(frozen=True, slots=True)
class Lately:
    """Share of the last second that was not scored and its usual reason, '' where there is none.

    ``duration_s`` is how long nothing has been scored now.
    """

    reason: str = ""
    share: float = 0.0
    duration_s: float = 0.0


class Unscored:
    """Counts segments and those among them that were not scored, over the last second of signal.

    Args:
        geometry: of the segments.
    """

    def __init__(self, geometry: Geometry) -> None:
        self._hop_s = geometry.hop_s
        self._reasons: deque[str] = deque(maxlen=max(ceil(_LATELY_S / self._hop_s), 2))
        self._n_since = 0

    def add(self, reason: str = "", n_segments: int = 1) -> None:
        """Take segments that were not scored for a reason, or one that was where it is empty."""
        if not reason:
            self._n_since = 0
            self._reasons.append(reason)
            return
        self._n_since += n_segments
        for _ in range(min(n_segments, self._reasons.maxlen or 0)):
            self._reasons.append(reason)

    def lately(self) -> Lately:
        """Return what a state says of it."""
        found = [reason for reason in self._reasons if reason]
        if not found:
            return Lately()
        reason = max(sorted(set(found)), key=found.count)
        return Lately(reason, len(found) / len(self._reasons), self._n_since * self._hop_s)
