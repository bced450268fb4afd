"""A cell of OFDM symbols as a search found it."""

from dataclasses import dataclass

from edgespec.lte.numerology import SUBCARRIER_HZ

__all__ = ["UNNAMED", "Cell"]

#: The identity of a cell of which the cyclic prefixes alone are known.
UNNAMED = -1


@dataclass(frozen=True, slots=True)
class Cell:
    """One OFDM cell.

    Slot ``k`` of frame 0 begins at sample
    ``frame_start + k * slot_s * sample_rate_hz * (1 + ppm * 1e-6)`` of the stream that was
    searched, where a slot lasts 0.5 ms.

    Attributes:
        technology: ``lte`` or ``nr``; ``ofdm`` where it may be either.
        identity: physical cell identity, 0 to 503 of LTE and 0 to 1007 of NR;
            :data:`UNNAMED` where its prefixes alone are known.
        duplex: ``fdd`` or ``tdd``; '' where it is not known, as with NR.
        prefix: ``normal`` or ``extended``.
        sample_rate_hz: nominal rate of the stream.
        frame_start: where a radio frame of 10 ms begins, in samples (a fraction counts) on the
            stream's count.
        cfo_hz: carrier of the cell minus the receiver's centre; of NR, of the middle of its block
            of synchronisation signals.
        ppm: samples of the stream beyond the nominal ones, in millionths.
        snr_db: power of a subcarrier of the synchronisation signals over the noise in it.
        coherence: of the received SSS with its sequence, 0 to 1.
        margin: that coherence over the one of the best other identity.
        spacing_hz: of the subcarriers; a copy comes one period of it after its prefix.
    """

    technology: str
    identity: int
    duplex: str
    prefix: str
    sample_rate_hz: float
    frame_start: float
    cfo_hz: float
    ppm: float
    snr_db: float
    coherence: float
    margin: float
    spacing_hz: float = SUBCARRIER_HZ

    @property
    def is_named(self) -> bool:
        """Whether its identity is known."""
        return self.identity != UNNAMED

    @property
    def label(self) -> str:
        """What it is called in names of files and records, such as ``lte-123``."""
        return f"{self.technology}-{self.identity}"

    def is_again(self, other: "Cell") -> bool:
        """Return whether it is a cell that was found before, whenever its frames begin now."""
        parts = ("technology", "identity", "prefix", "duplex", "spacing_hz")
        return all(getattr(self, part) == getattr(other, part) for part in parts)
