"""What can happen to a cell, and the record of its having been seen."""

from dataclasses import dataclass

__all__ = ["KINDS", "CellScore", "CellSighting"]

#: ``gain step`` is the receiver's: noise moves with the level.
KINDS = ("cell lost", "power step", "carriers down", "gain step", "new cell")


@dataclass(frozen=True, slots=True)
class CellSighting:
    """Something that happened to a cell.

    Attributes:
        kind: one of :data:`KINDS`.
        tick: sample of the source at which it happened, to a slot or two.
        size_db: level after over level before, between the edges; for a new cell its level over
            the known one's.
        share: of the cell's band that is observed, 0 to 1, between the edges.
        freq_lower_hz: edges, in the frequencies of the plane's grid.
        freq_upper_hz: the upper one.
        score: how far from normal it was, beside ``threshold``: a step's deviation, how far a lost
            cell's coherence lies below that of another identity, in how many looks in a row a new
            cell was found.
        threshold: what the score is above, or reaches.
        identity: of a new cell; -1 otherwise.
    """

    kind: str
    tick: int
    size_db: float
    share: float
    freq_lower_hz: float
    freq_upper_hz: float
    score: float = 1.0
    threshold: float = 1.0
    identity: int = -1


@dataclass(frozen=True, slots=True)
class CellScore:
    """What a watch says of a run of slots.

    Attributes:
        value: the largest deviation of a step, 1 being the most that the site's own normal signal
            shows in some 97% of its 6.5 ms; high is anomalous.
        sightings: what was seen, in order.
        coherence: of the reference signals with their sequence, 0 to 1, over the last slots.
    """

    value: float
    sightings: tuple[CellSighting, ...]
    coherence: float
