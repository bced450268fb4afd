"""Whether learnt biases can be those of receivers, or a source was on the air meanwhile."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["implausible_biases"]

FloatArray = NDArray[np.float64]


def implausible_biases(
    bias_db: FloatArray, nodes: Sequence[str], is_calibrated: bool, most_db: float
) -> str:
    """Return in words why biases ``(2, n_units, n_subbands)`` are not believed; empty if they are.

    The bias of a calibrated receiver is the error of its calibration and of the path gains: no
    unit's is above ``most_db``, and as these errors differ from unit to unit, their median is not
    above half of it. Of one that is not calibrated only the differences between subbands are known.
    """
    if not is_calibrated:
        # Whatever reads 0 dBFS there is a part of the bias.
        bias_db = bias_db - np.median(bias_db, axis=(0, 2), keepdims=True)
    # The same in most subbands, or it may be a narrow neighbour that the site file leaves out.
    of_units = np.median(bias_db, axis=2) if is_calibrated else bias_db.transpose(0, 2, 1)
    of_units = of_units.reshape(-1, len(nodes))
    row, worst = divmod(int(np.abs(of_units).argmax()), len(nodes))
    found_db = float(of_units[row, worst])
    shared_db = float(np.median(of_units, axis=1).max()) if is_calibrated else 0.0
    if abs(found_db) <= most_db and shared_db <= most_db / 2:
        return ""
    which = "more" if found_db > 0 else "less"
    return (
        f"what was heard while learning is not believed: {nodes[worst]} hears "
        f"{abs(found_db):.0f} dB {which} than the site file explains, and half of the units "
        f"{shared_db:.0f} dB more (detect.max_bias_db is {most_db:g}). Was a source on the air? "
        "Otherwise correct positions, powers and full_scale_dbm, or raise the bound"
    )
