"""A segment with what every detector says of it."""

from dataclasses import dataclass

from edgespec.records import Decision, Segment

__all__ = ["ScoredSegment"]


@dataclass(frozen=True, slots=True)
class ScoredSegment(Decision):
    """The decision on a segment, and the segment: valid until the next one is taken.

    In the warm-up scores are in dB and are not to be compared with thresholds.
    """

    segment: Segment
