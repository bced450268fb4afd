"""How many samples are missing between two reads, as far as a radio says."""

__all__ = ["Stamps"]

_NS = 1e9
#: What was lost may have been so long on its way.
_BUFFERED_S = 2.0


class Stamps:
    """Compares the time stamps of reads with the samples that were read.

    A stamp of a radio counts its samples: where the next one is later than what was read since, so
    many are lost. Some modules stamp by a clock that jitters or steps: a stamp that is too early by
    a sample, or that means more than the time since the last read, shows it, and none of that radio
    is believed from then on.

    Args:
        rate_hz: of the samples.
    """

    def __init__(self, rate_hz: float) -> None:
        self._rate_hz = rate_hz
        self._next_ns: float | None = None
        self._read_s = 0.0
        self._is_believed = True
        self._has_overflowed = False

    def overflow(self) -> None:
        """Take note that the radio says that it lost samples before the next read."""
        self._has_overflowed = True

    def lost(self, stamp_ns: int | None, n_samples: int, now_s: float) -> tuple[int, bool]:
        """Return how many samples are missing before a read, and whether that is all that is known.

        An overflow without stamps has lost at least one, and nobody knows how many.

        Args:
            stamp_ns: when its first sample was taken; None where the radio does not say.
            n_samples: how many were read.
            now_s: on a clock that never steps.
        """
        n_lost, is_known = 0, stamp_ns is not None and self._is_believed
        if stamp_ns is None:
            self._next_ns = None
        else:
            if self._next_ns is not None:
                n_lost = round((stamp_ns - self._next_ns) / _NS * self._rate_hz)
            else:
                is_known = False
            longest_s = now_s - self._read_s + _BUFFERED_S
            if not 0 <= n_lost <= longest_s * self._rate_hz:
                self._is_believed = is_known = False
            self._next_ns = stamp_ns + n_samples / self._rate_hz * _NS
        self._read_s = now_s
        if not self._is_believed:
            n_lost, is_known = 0, False
        has_overflowed, self._has_overflowed = self._has_overflowed, False
        if has_overflowed:
            return max(1, n_lost), is_known
        return n_lost, True
