"""What events on sweeps are called: a sweep shows how wide something is, and no more."""

from edgespec.detect.describer import Describer
from edgespec.detect.naming import Naming
from edgespec.detect.track import Track
from edgespec.kinds import NARROWBAND, POWER_STEP, SIGNAL_LOST, WIDEBAND
from edgespec.records import FloatArray

__all__ = ["SweepDescriber"]

#: Of the bins of a band; what is wider is wideband.
_NARROW_SHARE = 0.1


class SweepDescriber(Describer):
    """Names events by their width alone: a pulse or a chirp is over before a sweep is.

    Args:
        n_bins: of the band.
    """

    def __init__(self, n_bins: int) -> None:
        super().__init__()
        self._n_bins = n_bins

    def first_name(self, track: Track) -> Naming:
        """Return the name, which takes no look."""
        return self.name(track, None)

    def name(self, track: Track, normal: FloatArray | None) -> Naming:
        """Return ``signal-lost``, ``narrowband``, ``wideband``, or ``power-step`` of all bins."""
        region = track.region
        if region.sign < 0:
            return Naming(SIGNAL_LOST)
        if region.n_bins >= self._n_bins:
            return Naming(POWER_STEP)
        is_narrow = region.n_bins <= max(_NARROW_SHARE * self._n_bins, 2)
        return Naming(NARROWBAND if is_narrow else WIDEBAND)
