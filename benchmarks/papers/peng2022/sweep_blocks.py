"""Real sweeps in blocks: as long as antenna and receiver stay as they are.

The sweeps of Bras d'Eau change polarisation or azimuth about every 24 hours, and levels with them:
nothing is learnt of one block that is told of another but weights.
"""

from pathlib import Path

import numpy as np

from edgespec.records import FloatArray

__all__ = ["BANDS", "MOST_GAP_S", "N_FIT", "N_TRAIN", "load_blocks"]

#: The bands of the file, and where they lie.
BANDS = {0: "1 to 1000 MHz", 1: "325 to 329 MHz", 2: "327.275 to 327.525 MHz"}
#: Sweeps of each block that are trained on; the others are the test.
N_TRAIN = 60
#: Those of them that candidates are fitted to; the others choose between them.
N_FIT = 42
#: Sweeps are 15 minutes apart; behind a longer gap a new block begins.
MOST_GAP_S = 3600.0


def load_blocks(path: Path, band: int) -> list[FloatArray]:
    """Return the blocks of a band that are longer than the training part.

    Each is float32 ``(n_sweeps, n_points)`` in dBm, oldest sweep first.
    """
    with np.load(path) as data:
        levels_dbm = data[f"band{band}_power_dbm"]
        time_s = data[f"band{band}_time_s"]
        settings = data[f"band{band}_polarisation"], data[f"band{band}_azimuth_deg"]
    is_new = np.diff(time_s) > MOST_GAP_S
    for setting in settings:
        is_new |= setting[1:] != setting[:-1]
    blocks = np.split(levels_dbm, np.flatnonzero(is_new) + 1)
    return [block for block in blocks if len(block) > N_TRAIN]
