"""Which kinds of events are not told apart where one thing is to be known again."""

from edgespec.kinds import LTE_LIKE, NARROWBAND, TONE, UNKNOWN, WIDEBAND

__all__ = ["STEADY", "family_of"]

#: They differ in width and edges, which are compared themselves, and the same interferer is called
#: one or another as the traffic beside it changes.
STEADY = frozenset({TONE, NARROWBAND, WIDEBAND, LTE_LIKE, UNKNOWN})


def family_of(kind: str) -> str:
    """Return what stands for a kind and those that are not told apart from it."""
    return UNKNOWN if kind in STEADY else kind
