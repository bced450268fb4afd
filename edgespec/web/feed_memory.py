"""The memory that the processes of an observer and of its page share, and who looks into it."""

import fcntl
import mmap
import os

from edgespec.web.plane_memory import PLANE_BYTES, PlaneReader

__all__ = ["PLANES", "BandLook", "FeedMemory", "plane_of", "stamp_of"]

#: Planes of a band by their ids, with the level of the value 0 and of each step.
PLANES = {"power": (-124.0, 0.5), "residual": (-16.0, 0.25)}
#: The stamp of who looks, alone in its line of the cache.
_STAMP_BYTES = 64
_BAND_BYTES = _STAMP_BYTES + len(PLANES) * PLANE_BYTES


class FeedMemory:
    """Memory that the processes of an observer and of its page share, without a name in any folder.

    Args:
        n_bands: that it is for.
        descriptor: of memory that another process has made; None: it is made here.

    Attributes:
        descriptor: by which a child shares it.
    """

    def __init__(self, n_bands: int, descriptor: int | None = None) -> None:
        n_bytes = n_bands * _BAND_BYTES
        if descriptor is None:
            descriptor = os.memfd_create("edgespec-feed", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
            os.ftruncate(descriptor, n_bytes)
            # Memory that another process makes shorter ends whoever writes to it.
            fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
        self.descriptor = descriptor
        self._memory = memoryview(mmap.mmap(descriptor, n_bytes))

    def band(self, number: int) -> memoryview:
        """Return the part of a band."""
        return self._memory[number * _BAND_BYTES : (number + 1) * _BAND_BYTES]


def plane_of(memory: memoryview, number: int) -> memoryview:
    """Return the part of a plane in that of its band."""
    start = _STAMP_BYTES + number * PLANE_BYTES
    return memory[start : start + PLANE_BYTES]


def stamp_of(memory: memoryview) -> memoryview:
    """Return until when somebody looks at a band, one word, on the monotonic clock in ns."""
    return memory[:8].cast("q")


class BandLook:
    """One who looks at a band, from another process.

    Args:
        memory: the band's part of it.
    """

    def __init__(self, memory: memoryview) -> None:
        self._until_ns = stamp_of(memory)
        self.planes = {
            name: PlaneReader(plane_of(memory, number)) for number, name in enumerate(PLANES)
        }

    def look(self, until_ns: int) -> None:
        """Say that somebody looks until then, on the monotonic clock; others may look longer."""
        if until_ns > self._until_ns[0]:
            self._until_ns[0] = until_ns
