"""A cell of OFDM symbols as a search found it."""

from dataclasses import dataclass

__all__ = ["Cell"]


@dataclass(frozen=True, slots=True)
class Cell:
    """One OFDM cell.

    Slot ``k`` of frame 0 begins at sample
    ``frame_start + k * slot_s * sample_rate_hz * (1 + ppm * 1e-6)`` of the stream that was
    searched, where a slot lasts 0.5 ms.

    Attributes:
        technology: ``lte``.
        identity: physical cell identity, 0 to 503.
        duplex: ``fdd`` or ``tdd``.
        prefix: ``normal`` or ``extended``.
        sample_rate_hz: nominal rate of the stream.
        frame_start: where a radio frame of 10 ms begins, in samples (a fraction counts) on the
            stream's count.
        cfo_hz: carrier of the cell minus the receiver's centre.
        ppm: samples of the stream beyond the nominal ones, in millionths.
        snr_db: power of a subcarrier of the synchronisation signals over the noise in it.
        coherence: of the received SSS with its sequence, 0 to 1.
        margin: that coherence over the one of the best other identity.
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
