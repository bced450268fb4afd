"""What a scan remembers of past slots: sums, and nothing that grows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.scan.terms import LANE_TERMS, N_BEST, N_TERMS, RUN_TERMS
from edgespec.detect.scan.windows import BLOCKS, LONG, MOST_NEW, SHORT, Windows

__all__ = ["Memory"]

_Doubles = NDArray[Any]
#: The running sums begin anew every ten hops or so.
_N_ROWS = SHORT[-1] + 8 * MOST_NEW + 1


@dataclass(slots=True)
class Memory:
    """Buffers of one scan.

    Attributes:
        terms: float64 ``(MOST_NEW, N_TERMS, n_bands)``, of the slots that are taken now.
        sums: float64 ``(N_TERMS, n_bands, n_rows)``, running sums of the terms over the newest
            slots, zero before the first. When they are full they begin anew with the newest
            ``SHORT[-1]``, so no rounding error outlasts that.
        blocks: float64 ``(n_long, BLOCKS, N_TERMS, n_bands)``, sums over blocks for each long
            length.
        open: float64 ``(n_long, N_TERMS, n_bands)``, of the block that is not yet full.
        bands: float64 ``(RUN_TERMS, n_bands + 1)``, scratch; ``lanes``
            ``(n_bands + 1, LANE_TERMS, MOST_NEW)``, that of many windows.
        counts: int64 ``(1 + 2 n_long,)``: slots in the running sums; for each long length what its
            open block holds; and for each of them how many blocks there were.
        best: float64 ``(N_BEST, 1 + n_long)``, the largest deviation of all short lengths, and of
            each long one.
        ratio: float32 ``(SHORT[-1], n_bands)``, measured over expected, the newest slot last.
        heard: float64 ``(n_bands,)``, sum of measured over expected since somebody asked, of
            ``n_heard`` slots.
        runs: int64 ``(2, n_runs)``, first band of each run and the one behind its last.
    """

    windows: Windows
    runs: NDArray[np.int64] = field(init=False)
    terms: _Doubles = field(init=False)
    sums: _Doubles = field(init=False)
    blocks: _Doubles = field(init=False)
    open: _Doubles = field(init=False)
    bands: _Doubles = field(init=False)
    lanes: _Doubles = field(init=False)
    counts: NDArray[np.int64] = field(init=False)
    best: _Doubles = field(init=False)
    ratio: NDArray[np.float32] = field(init=False)
    heard: _Doubles = field(init=False)
    n_heard: int = field(init=False)

    def __post_init__(self) -> None:
        n_bands, n_long = self.windows.n_bands, len(LONG)
        self.runs = np.stack([self.windows.lower, self.windows.stop])
        self.terms = np.zeros((MOST_NEW, N_TERMS, n_bands))
        self.sums = np.zeros((N_TERMS, n_bands, _N_ROWS))
        self.blocks = np.zeros((n_long, BLOCKS, N_TERMS, n_bands))
        self.open = np.zeros((n_long, N_TERMS, n_bands))
        self.bands = np.zeros((RUN_TERMS, n_bands + 1))
        self.lanes = np.zeros((n_bands + 1, LANE_TERMS, MOST_NEW))
        self.counts = np.zeros(1 + 2 * n_long, np.int64)
        self.best = np.zeros((N_BEST, 1 + n_long))
        self.ratio = np.ones((SHORT[-1], n_bands), np.float32)
        self.heard = np.zeros(n_bands)
        self.clear()

    def clear(self) -> None:
        """Forget every slot."""
        self.counts[:] = 0
        self.open[:] = 0.0
        self.best[0] = -np.inf
        self.ratio[:] = 1.0
        self.heard[:] = 0.0
        self.n_heard = 0

    @property
    def phase(self) -> int:
        """How many slots the open blocks of the long lengths hold: when they will be full."""
        return sum(count * 10**k for k, count in enumerate(self._open_counts.tolist()))

    @phase.setter
    def phase(self, n_slots: int) -> None:
        self._open_counts[:] = [n_slots // 10**k % 10 for k in range(len(LONG))]

    @property
    def _open_counts(self) -> NDArray[np.int64]:
        # A block of one length is full with ten of the one before, the first with ten slots.
        return self.counts[1 : 1 + len(LONG)]

    def take_ratio(self) -> _Doubles:
        """Return the mean of measured over expected of the last ``n_heard`` slots, and begin anew.

        float64 ``(n_bands,)``.
        """
        means = self.heard / max(self.n_heard, 1)
        self.heard[:] = 0.0
        self.n_heard = 0
        return means
