"""What an observer knows of a band without a cell: a record that its states carry."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["BandRhythm", "RhythmState"]


class RhythmState(StrEnum):
    """How far the rhythm of a band is known."""

    CALIBRATING = "calibrating"
    WATCHING = "watching"


@dataclass(frozen=True, slots=True)
class BandRhythm:
    """How far the rhythm of a band is known, and from where on anything new is told.

    While it is calibrating, ``left_s`` of signal are still to be learnt from at least, or, once
    that is 0, more bursts than ``n_bursts`` are missing: ``wanted_bursts``; alarms are not learnt
    from. Then it was learnt from ``heard_s``: told is what comes to ``loud_db`` over the loudest
    that was heard at its place, or fills a gap by ``fill_db``; both are 0 before.
    """

    state: RhythmState
    heard_s: float
    left_s: float = 0.0
    n_bursts: int = 0
    wanted_bursts: int = 0
    loud_db: float = 0.0
    fill_db: float = 0.0

    @property
    def is_calibrating(self) -> bool:
        """Whether nothing is told yet."""
        return self.state is RhythmState.CALIBRATING

    @property
    def learnt(self) -> str:
        """How much it was learnt from, in words."""
        return f"from {self.heard_s:.0f} s"

    @property
    def told(self) -> str:
        """From where on anything new is told, in words."""
        return f"told from {self.loud_db:.1f} dB over the loudest, {self.fill_db:.1f} dB in a gap"

    def __str__(self) -> str:
        """Return it in words for people."""
        if not self.is_calibrating:
            return f"rhythm known {self.learnt}: {self.told}"
        if self.left_s:
            return f"calibrating, {max(self.left_s, 1.0):.0f} s left"
        return f"calibrating, {self.n_bursts} of {self.wanted_bursts} bursts heard"
