"""Offset and drift of a cell's timing, from edges that scatter: a Kalman filter of two states."""

import math

__all__ = ["TimingFilter"]

#: What a search may be wrong by: half a sample of 1.92 MS/s, and the drift.
_OFFSET_S = 0.26e-6
_DRIFT_PPM = 3.0
#: A crystal that is warmed by its board wanders by so much in a second (the root of it in time),
_WANDER_PPM = 0.05
#: and the edge of the prefix by so much, as the echoes change.
_ECHO_S = 0.02e-6
#: An edge is not better known than this, however many windows it is made of.
_LEAST_S = 0.03e-6
#: Edges farther away, in standard deviations, count as if they were this far.
_MOST_DEVIATIONS = 3.0
#: Where the offset is known worse than this, it has to be pulled in again, or searched for.
_DOUBTFUL_S = 0.2e-6
_USELESS_S = 1.0e-6


class TimingFilter:
    """How far timing is off now, in samples, and how much more each second.

    The estimate is handed out by :meth:`correction`, which sets it to zero; what stays is how well
    it is known. ``e' = e + d t``; an edge is ``e`` with an error (Bar-Shalom et al. 2001, sec.
    6.3.2).
    """

    def __init__(self, sample_rate_hz: float) -> None:
        self._rate_hz = sample_rate_hz
        self._offset = self._drift = 0.0
        self._var_offset = (_OFFSET_S * sample_rate_hz) ** 2
        self._var_drift = (_DRIFT_PPM * 1e-6 * sample_rate_hz) ** 2
        self._covariance = 0.0

    @property
    def is_doubtful(self) -> bool:
        """Whether the offset has to be pulled in again."""
        return math.sqrt(self._var_offset) > _DOUBTFUL_S * self._rate_hz

    @property
    def is_useless(self) -> bool:
        """Whether the edge may lie outside of what is looked at."""
        return math.sqrt(self._var_offset) > _USELESS_S * self._rate_hz

    def wait(self, time_s: float) -> None:
        """Let time go by."""
        self._offset += self._drift * time_s
        self._var_offset += 2.0 * time_s * self._covariance + time_s**2 * self._var_drift
        self._var_offset += (_ECHO_S * self._rate_hz) ** 2 * time_s
        self._covariance += time_s * self._var_drift
        self._var_drift += (_WANDER_PPM * 1e-6 * self._rate_hz) ** 2 * time_s

    def take(self, edge: float, coherence: float, n_windows: float, n_edge: int) -> None:
        """Take an edge, in samples later than expected.

        Outside of the prefix the products of each window scatter by their whole power, of which
        ``coherence`` is the cell's; half of it lies along its phase.
        """
        variance = 0.5 * n_edge / (n_windows * coherence**2) + (_LEAST_S * self._rate_hz) ** 2
        total = self._var_offset + variance
        most = _MOST_DEVIATIONS * math.sqrt(total)
        surprise = min(max(edge - self._offset, -most), most)
        gain, drift_gain = self._var_offset / total, self._covariance / total
        self._offset += gain * surprise
        self._drift += drift_gain * surprise
        self._var_drift -= drift_gain * self._covariance
        self._covariance *= 1.0 - gain
        self._var_offset *= 1.0 - gain

    def loosen(self) -> None:
        """Know the offset no better than a search does, as behind a jump; the drift is as known.

        What a jump was wrong by is then made good by the next edges, and does not count as drift.
        """
        self._var_offset = max(self._var_offset, (_OFFSET_S * self._rate_hz) ** 2)
        self._covariance = 0.0

    def correction(self) -> tuple[float, float]:
        """Return how many samples later slots begin, and the drift in ppm; zero from then on."""
        offset, drift_ppm = self._offset, 1e6 * self._drift / self._rate_hz
        self._offset = self._drift = 0.0
        return offset, drift_ppm
