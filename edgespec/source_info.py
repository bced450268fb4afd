"""What a source delivers."""

from dataclasses import dataclass
from pathlib import Path

from edgespec.sample_format import SampleFormat

__all__ = ["SourceInfo"]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source delivers: known once it is open.

    ``quiet_s`` is how long nothing had been found yet in a recording that was kept of an alert, and
    ``normal_path`` where what was normal then is kept beside it.
    """

    uri: str
    sample_rate_hz: float
    center_freq_hz: float
    sample_format: SampleFormat
    is_live: bool
    n_samples: int | None = None
    quiet_s: float | None = None
    normal_path: Path | None = None
