"""A bundle of sweeps with the network that is written by hand, and the sweeps that it is for."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from edgespec.grid import Grid
from edgespec.inference.bundle import Bundle
from edgespec.inference.manifest import Calibration
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sweep_block import SweepBlock, sweep_grid
from edgespec.sweep_recipe import SweepRecipe
from tests.made import tiny, tiny_network
from tests.made.sweeps import LOWER_HZ, STEP_HZ

N_POINTS, INTERVAL_S = tiny.GEOMETRY.n_bins, 1.0
FREQS_HZ = LOWER_HZ + STEP_HZ * np.arange(N_POINTS)
RECIPE = SweepRecipe(
    LOWER_HZ,
    float(FREQS_HZ[-1]),
    N_POINTS,
    INTERVAL_S,
    tiny.GEOMETRY.n_context,
    tiny.GEOMETRY.n_horizon,
    tiny.GEOMETRY.hop_frames,
)


def grid(offset_hz: float = 0.0) -> Grid:
    return sweep_grid(FREQS_HZ + offset_hz, INTERVAL_S)


def write(path: Path, rng: np.random.Generator, times: float = 1.0) -> Bundle:
    """Write a bundle whose thresholds are so many times the usual ones."""
    thresholds = {
        rate: {method: times * limit for method, limit in methods.items()}
        for rate, methods in tiny_network.THRESHOLDS.items()
    }
    calibration = Calibration(0.0, 1.0, 1000, thresholds, (1.0,) * N_POINTS)
    return tiny_network.write(
        path, rng, name=path.stem, made_with=RECIPE, detectors={"forecast": calibration}
    )


class Sweeps:
    """A source of live sweeps; whoever tests gives its blocks himself."""

    def __init__(self, rng: np.random.Generator, *, is_live: bool = True) -> None:
        self.grid = grid()
        self.info = SourceInfo(
            "rtl_power:-", 1.0 / INTERVAL_S, 91e6, SampleFormat.CF32, is_live, grid=self.grid
        )
        self._rng, self.n_given = rng, 0

    def next(self, tone_db: float = 0.0) -> SweepBlock:
        """Return the next sweep: noise of 0.7 dB, and so much more at one point."""
        levels_db: NDArray[np.float32] = self._rng.normal(-60, 0.7, (1, N_POINTS)).astype("f4")
        levels_db[0, 20] += tone_db
        at, self.n_given = self.n_given, self.n_given + 1
        utc_ns = round(1e9 * INTERVAL_S * at)
        return SweepBlock(levels_db, 1.0 / INTERVAL_S, 91e6, at, utc_ns, 0, 1, grid=self.grid)

    def read(self, out: object) -> None:
        return None

    def close(self) -> None:
        return None
