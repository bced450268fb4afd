"""Listening to a band beside its chain, which neither waits for it nor notices."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass

from edgespec.records import SourceInfo
from edgespec.sources.reader import Reader
from edgespec.sources.ring import Ring

__all__ = ["Ear"]

#: What may wait for a disk that is slow, or for a process that is.
_WAITS_S, _MAX_BYTES = 4.0, 32_000_000
#: A radio that gives nothing for so long is not waited for.
_SILENT_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class Ear:
    """Where a band is heard: its source, who reads that, and where it is tuned to in its turn."""

    info: SourceInfo
    reader: Reader
    center_freq_hz: float | None

    @property
    def is_silent(self) -> bool:
        """Whether the radio has given nothing for some time, to whichever band it is tuned."""
        return time.monotonic_ns() - self.reader.heard_ns > _SILENT_NS

    def listen(self) -> AbstractContextManager[Ring]:
        """Give a ring with all blocks of the band from now on, for a while.

        Whoever is too slow loses blocks of his own, which are counted in the next.
        """
        return self.reader.overheard(_WAITS_S, _MAX_BYTES, self.center_freq_hz)
