"""Which kinds of events are told apart where one thing is to be known again."""

from collections.abc import Collection

from edgespec.kinds import (
    DROPPED,
    LTE_LIKE,
    MODEL_TAKEN_BACK,
    NARROWBAND,
    OVERLOAD,
    RECEIVER,
    THROTTLED,
    TONE,
    UNDERVOLTAGE,
    UNKNOWN,
    WIDEBAND,
)
from edgespec.records import Event

__all__ = ["LEVELLESS", "STEADY", "is_like", "sure_kind"]

#: They differ in width and edges, which are compared themselves, and the same interferer is called
#: one or another as the traffic beside it changes.
STEADY = frozenset({TONE, NARROWBAND, WIDEBAND, LTE_LIKE, UNKNOWN})
#: Trouble of the receiver or its board: how strong what causes it is, nothing tells.
LEVELLESS = frozenset({OVERLOAD, RECEIVER, DROPPED, UNDERVOLTAGE, THROTTLED, MODEL_TAKEN_BACK})
#: A kind less probable than this says nothing, as that of many first messages.
_SURE = 0.75


def sure_kind(event: Event) -> str:
    """Return the kind of an event, or unknown where that is not probable enough."""
    return event.kind if event.kind_probability >= _SURE else UNKNOWN


def is_like(event: Event, kinds: Collection[str]) -> bool:
    """Whether an event may be of one of these kinds, or of one that is not told apart from it.

    One whose kind is not known for sure may.
    """
    if event.kind_probability < _SURE:
        return True
    return any(event.kind == kind or {event.kind, kind} <= STEADY for kind in kinds)
