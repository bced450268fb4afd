"""The windows of a scan: how long they are, and which neighbouring bands they take together."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["BLOCKS", "LONG", "MOST_NEW", "NEWEST_BLOCKS", "SHORT", "STRIDES", "Windows"]

#: Lengths in slots that are looked at slot by slot.
SHORT = (1, 2, 3, 4, 6, 8, 12, 24, 62)
#: Slots from one window of such a length to the next: a sixth of it, which costs 4% of the
#: deviation of what lies between two windows at worst.
STRIDES = tuple(max(1, length // 6) for length in SHORT)
#: Longer windows are made of so many blocks, and move by one of them. A block of one length is
#: ten blocks of the length before; nothing is ever subtracted, so nothing drifts over days.
BLOCKS = 20
LONG = (200, 2_000, 20_000)
#: The newest tenth of a long window must bear it out.
NEWEST_BLOCKS = 2
#: Most slots that are taken at once.
MOST_NEW = 16


@dataclass(frozen=True, slots=True)
class Windows:
    """Runs of neighbouring bands, and the lengths of time they are looked at over.

    ``lower`` and ``stop`` int64 ``(n_runs,)`` say which bands a run holds, the latter not among
    them: every run of the ``widths`` that fit, and all bands.
    """

    n_bands: int
    widths: tuple[int, ...] = (1, 2, 4)
    lower: NDArray[np.int64] = field(init=False)
    stop: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        widths = sorted({width for width in self.widths if width < self.n_bands} | {self.n_bands})
        runs: NDArray[Any] = np.array(
            [
                (lower, lower + width)
                for width in widths
                for lower in range(self.n_bands - width + 1)
            ],
            np.int64,
        )
        object.__setattr__(self, "lower", np.ascontiguousarray(runs[:, 0]))
        object.__setattr__(self, "stop", np.ascontiguousarray(runs[:, 1]))

    @property
    def n_runs(self) -> int:
        """Number of runs of bands."""
        return len(self.lower)

    @property
    def lengths(self) -> tuple[int, ...]:
        """All lengths in slots, rising."""
        return SHORT + LONG
