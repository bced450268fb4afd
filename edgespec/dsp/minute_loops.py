"""What a minute holds of one target, in one compiled pass."""

import numpy as np

from edgespec.dsp.level_loops import add_rows
from edgespec.jit import kernel

__all__ = ["hold_target", "load"]

_LEAST = 1e-20


def load() -> None:
    """Compile the loop, or fetch it from the cache, before the first sample waits for it."""
    rows = np.zeros((2, 2), np.float32)
    flags, counts = np.zeros(2, np.uint8), np.zeros((2, 2), np.uint32)
    hold_target(
        rows,
        flags,
        rows.copy(),
        np.zeros(2),
        np.zeros(2),
        np.zeros(2),
        counts,
        counts[0],
        -160.0,
        0.5,
    )


@kernel
def hold_target(  # type: ignore[no-untyped-def]
    target_dbfs, flags, linear, sums, total, most, counts, frames, lowest_dbfs, step_db
):
    """Add the mean of each bin over the frames to ``total``, ``most`` and ``counts``.

    The power of each frame is counted in ``frames``: by what the sums have grown, which is exact to
    some 150 dB below the loudest frame. ``flags`` uint8 ``(n_frames,)`` are all 0.
    """
    n_frames, n_bins = target_dbfs.shape
    n_steps = counts.shape[1]
    sums[:] = 0.0
    before = 0.0
    for t in range(n_frames):
        add_rows(target_dbfs[t : t + 1], flags[t : t + 1], 0, linear, sums)
        power = 0.0
        for b in range(n_bins):
            power += sums[b]
        step = int((10.0 * np.log10(max(power - before, _LEAST)) - lowest_dbfs) / step_db)
        frames[min(max(step, 0), n_steps - 1)] += 1
        before = power
    for b in range(n_bins):
        mean = sums[b] / n_frames
        total[b] += mean
        most[b] = max(most[b], mean)
        step = int((10.0 * np.log10(max(mean, _LEAST)) - lowest_dbfs) / step_db)
        counts[b, min(max(step, 0), n_steps - 1)] += 1
