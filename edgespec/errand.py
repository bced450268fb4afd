"""What somebody asked an observer for that takes a while, and how far it is."""

from dataclasses import dataclass

__all__ = ["Errand"]


@dataclass(frozen=True, slots=True)
class Errand:
    """A ``command`` that goes on for a band beside the watching, by its ``id``.

    A ``share`` of it is done, 0 to 1.
    """

    command: str
    id: str
    band: str
    share: float = 0.0
