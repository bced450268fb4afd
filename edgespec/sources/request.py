"""What is wanted of a source by whoever opens it."""

from dataclasses import dataclass

__all__ = ["Request"]


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants of a source that leaves it open; its URI goes first.

    ``centers_hz`` are where it will be tuned later: the opening checks them.
    """

    center_freq_hz: float | None = None
    sample_rate_hz: float | None = None
    gain_db: float | None = None
    block_samples: int = 32_768
    ppm: float | None = None
    is_awaited: bool = False
    centers_hz: tuple[float, ...] = ()
