"""What a mask of emissions says of an event."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Listing", "MaskWord"]


class MaskWord(StrEnum):
    """Whether emissions of these frequencies are listed, and whether one is over its level."""

    LISTED = "listed"
    OVER = "over"
    NOT_LISTED = "not-listed"


@dataclass(frozen=True, slots=True)
class Listing:
    """What a mask says: the word, the ``name`` of the entry, '' for none, and its level.

    ``over_db`` is the peak over the largest level of the entry; None where it names none.
    """

    word: MaskWord
    name: str = ""
    over_db: float | None = None

    @property
    def text(self) -> str:
        """The same for people."""
        if self.word is MaskWord.NOT_LISTED:
            return "not listed"
        over = f", {self.over_db:.1f} dB over" if self.word is MaskWord.OVER else ""
        return f"listed: {self.name}{over}"
