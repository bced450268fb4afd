"""What a source delivers."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid
from edgespec.sample_format import SampleFormat

__all__ = ["SourceInfo"]


@dataclass(frozen=True, slots=True)
class SourceInfo:
    """What a source delivers: known once it is open.

    ``quiet_s`` is how long nothing had been found yet in a recording that was kept of an alert, and
    ``normal_path`` where what was normal then is kept beside it.

    A source of sweeps has a ``grid``, that of its first ones, and no samples: what is said of those
    here and in a block is then said of sweeps, and ``sample_rate_hz`` is how many come a second.
    """

    uri: str
    sample_rate_hz: float
    center_freq_hz: float
    sample_format: SampleFormat
    is_live: bool
    n_samples: int | None = None
    quiet_s: float | None = None
    normal_path: Path | None = None
    grid: Grid | None = None

    def empty(self, n_samples: int) -> NDArray[Any]:
        """Return a buffer for so many samples; for sweeps none, which come in arrays of theirs."""
        if self.grid is not None:
            return np.empty((n_samples, 0), np.float32)
        return self.sample_format.empty(n_samples)
