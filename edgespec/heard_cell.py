"""What an observer knows of the cell of a band: a record that its states carry."""

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["CellState", "HeardCell"]


class CellState(StrEnum):
    """How far the cell of a band is known."""

    SEARCHING = "searching"
    LEARNING = "learning"
    TRACKING = "tracking"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class HeardCell:
    """The cell that is cancelled, as it is tracked now.

    ``identity`` is None before one was found; the rest is then 0 or ''. ``technology`` is ``lte``
    or ``nr``; of NR the ``duplex`` is not known, and ''. ``quality``, 0 to 1, is
    the share of the cell in the power of the band, ``snr_db`` that of its synchronisation signals
    when it was found; ``cfo_hz`` is its carrier minus the receiver's centre, ``ppm`` how many
    samples the receiver takes beyond the nominal ones. ``distrust`` says why what is left of it
    says nothing; '' where it does.
    """

    state: CellState
    identity: int | None = None
    duplex: str = ""
    snr_db: float = 0.0
    quality: float = 0.0
    cfo_hz: float = 0.0
    ppm: float = 0.0
    distrust: str = ""
    technology: str = ""
