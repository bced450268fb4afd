"""How loud a source is, block by block: its level, its peak, and what of it clips."""

import numpy as np

from edgespec.dsp.believed import silence_unbelieved
from edgespec.dsp.quality import ClipLimits
from edgespec.records import IqBlock, SampleFormat
from edgespec.units import db_from_ratio

__all__ = ["Meter"]

_BAR = 20
#: The bar begins at this level in dBFS.
_QUIETEST_DBFS = -60.0


class Meter:
    """Measures blocks; the live line shows the last one, the totals all of them.

    Attributes:
        level_dbfs: mean power of the last block.
        peak: largest modulus of I or Q of all blocks, 1 at full scale.
        clipped_share: of all I and Q; 0 where samples do not say whether they clip.
    """

    def __init__(self, sample_format: SampleFormat) -> None:
        self._format = sample_format
        self._limits = ClipLimits.of(sample_format, 1.0)
        self._power = self._clipped = 0.0
        self._n = 0
        self.level_dbfs = db_from_ratio(0.0)
        self.peak = 0.0

    def add(self, block: IqBlock) -> float:
        """Measure a block; return the share of it that clips."""
        parts = silence_unbelieved(self._format.to_complex(block.samples)).view(np.float32)
        power = float(np.sum(parts * parts, dtype=np.float64))
        self.level_dbfs = db_from_ratio(power / block.n_samples)
        self.peak = max(self.peak, float(parts.max()), -float(parts.min()))
        share = self._limits.clipped_share(np.ascontiguousarray(block.samples))
        self._power += power
        self._clipped += share * block.n_samples
        self._n += block.n_samples
        return share

    @property
    def mean_dbfs(self) -> float:
        """Mean power of all blocks."""
        return db_from_ratio(self._power / max(self._n, 1))

    @property
    def clipped_share(self) -> float:
        """Share of I and Q that clipped in all blocks."""
        return self._clipped / max(self._n, 1)

    def bar(self) -> str:
        """Return the level of the last block as a bar from -60 to 0 dBFS."""
        share = min(max(1.0 - self.level_dbfs / _QUIETEST_DBFS, 0.0), 1.0)
        n_full = round(share * _BAR)
        return f"[{'#' * n_full}{'.' * (_BAR - n_full)}]"
