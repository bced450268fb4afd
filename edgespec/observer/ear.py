"""Listening to a band beside its chain, which neither waits for it nor notices."""

from contextlib import AbstractContextManager
from dataclasses import dataclass

from edgespec.records import SourceInfo
from edgespec.sources.reader import Reader
from edgespec.sources.ring import Ring

__all__ = ["Ear"]

#: What may wait for a disk that is slow, or for a process that is.
_WAITS_S, _MAX_BYTES = 4.0, 32_000_000


@dataclass(frozen=True, slots=True)
class Ear:
    """Where a band is heard: its source, who reads that, and where it is tuned to in its turn."""

    info: SourceInfo
    reader: Reader
    center_freq_hz: float | None

    def listen(self) -> AbstractContextManager[Ring]:
        """Give a ring with all blocks of the band from now on, for a while.

        Whoever is too slow loses blocks of his own, which are counted in the next.
        """
        return self.reader.overheard(_WAITS_S, _MAX_BYTES, self.center_freq_hz)
