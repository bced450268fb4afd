"""What is wanted of a source by whoever opens it."""

from dataclasses import dataclass
from typing import NamedTuple

__all__ = ["Request", "Tuning"]


class Tuning(NamedTuple):
    """What a radio is told while it streams; a ``gain_db`` of None leaves its gain as it is."""

    center_freq_hz: float
    gain_db: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What the user wants of a source that leaves it open; its URI goes first.

    ``later`` is what it will be tuned to after that: the opening checks it.
    """

    center_freq_hz: float | None = None
    sample_rate_hz: float | None = None
    gain_db: float | None = None
    block_samples: int = 32_768
    ppm: float | None = None
    is_awaited: bool = False
    later: tuple[Tuning, ...] = ()
