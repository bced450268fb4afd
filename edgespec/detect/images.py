"""What a converter that clips makes of the strongest signal in the band."""

from collections.abc import Callable, Sequence

import numpy as np

from edgespec.detect.track import Sighting
from edgespec.records import FloatArray, FrameFlag, Segment

__all__ = ["is_clipped", "without_images"]

#: The strongest image of a clipped tone is its third harmonic, -9.5 dB where it is clipped to a
#: square: what is within 6 dB of the strongest is none.
IMAGE_SHARE = 10.0 ** (-6.0 / 10.0)


def is_clipped(segment: Segment) -> bool:
    """Return whether a frame of the target clips."""
    # Counting is quicker than anything else, and hardly ever is there something to count.
    if segment.flags is None or not np.count_nonzero(segment.flags):
        return False
    return bool(np.bitwise_or.reduce(segment.flags[-len(segment.target) :]) & FrameFlag.CLIPPED)


def without_images(
    seen: Sequence[Sighting], power: FloatArray, goes_on: Callable[[Sighting], bool]
) -> list[Sighting]:
    """Return what is seen without what clipping alone may have made of the strongest.

    Clipping puts harmonics and products of what drives it all over the band, and takes from all
    else: neither can be told from weaker sources that came, or went, at the same time. What was an
    event before goes on.

    Args:
        seen: in a segment that clips.
        power: ``(n_bins,)`` of the segment, linear.
        goes_on: whether a sighting is of an event that is going on.
    """
    gains = [float(power[one.region.peak_bin]) for one in seen if one.region.sign > 0]
    if not gains:
        return list(seen)
    least = IMAGE_SHARE * max(gains)
    return [
        one
        for one in seen
        if (one.region.sign > 0 and power[one.region.peak_bin] >= least) or goes_on(one)
    ]
