"""Two cells whose levels cross: an observer that walks from the one into the other."""

import numpy as np
from numpy.typing import NDArray

from tests.made.simulated import simulated

__all__ = ["FIRST", "SECOND", "crossing"]

#: The identities of the two.
FIRST, SECOND = 123, 250
#: The second one's frames begin so much later: its prefixes come between those of the first.
_LATER_S = 0.00323
#: Of I and Q at 0 dB.
_RMS = 1500.0
_CELL = "load=0.6&snr_db=40"


def crossing(
    rng: np.random.Generator, rate_hz: float, duration_s: float, levels_db: NDArray[np.float64]
) -> NDArray[np.int16]:
    """Return samples of both, int16 ``(n, 2)``, and noise at -25 dB.

    Args:
        rng: of the noise.
        rate_hz: sample rate.
        duration_s: how long.
        levels_db: ``(n_points, 2)`` of the first and the second, evenly spread over that time.
    """
    n = round(duration_s * rate_hz)
    uri = f"sim:lte-dl?sample_rate={rate_hz:g}&{_CELL}&duration_s={duration_s + 0.1:g}"
    points = np.linspace(0, n - 1, len(levels_db))
    late = round(_LATER_S * rate_hz)
    total = np.zeros((n, 2), np.float32)
    for column, (options, first) in enumerate(
        ((f"seed=4&pci={FIRST}", 0), (f"seed=9&pci={SECOND}", late))
    ):
        wave = simulated(f"{uri}&{options}", n + late)[first : first + n].astype(np.float32)
        usual = float(np.sqrt((wave**2).mean()))
        level_db = np.interp(np.arange(n), points, levels_db[:, column])
        total += wave * (_RMS / usual * 10.0 ** (level_db / 20.0)).astype(np.float32)[:, None]
    total += _RMS * 10.0 ** (-25.0 / 20.0) * rng.standard_normal((n, 2), np.float32)
    return np.clip(np.round(total), -32768, 32767).astype(np.int16)
