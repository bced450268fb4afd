"""A swept band with a day to learn from, as files, as a data set, and networks that know it."""

import functools
from pathlib import Path

import numpy as np
from click.testing import CliRunner

from converter.cli import main
from converter.data.sweeps.band_sweeps import BandSweeps, open_band
from converter.data.sweeps.sweep_file import save_sweeps
from converter.training.settings import TrainSettings
from edgespec.sweep_table import SweepTable
from tests.made import tiny_training

#: A whole day of UTC.
DAY_S = 20_000 * 86_400.0
STEP_S, N_POINTS = 360.0, 10
N_CONTEXT, N_HORIZON = 6, 3
#: Parts of the file of a site, in time.
SHARES = (0.4, 0.1, 0.4, 0.1)


def sweeps(n_days: float = 9.0, seed: int = 5, begin_s: float = 0.0) -> SweepTable:
    """Ten sweeps an hour; the band rises by day and falls by night."""
    rng = np.random.default_rng(seed)
    utc_s = DAY_S + begin_s + STEP_S * np.arange(round(n_days * 86_400 / STEP_S))
    points = np.arange(N_POINTS)
    phase = 2 * np.pi * utc_s[:, None] / 86_400
    levels = -80 + 2.0 * points + 3 * np.sin(phase) + rng.normal(0, 1.0, (len(utc_s), N_POINTS))
    return SweepTable("site", utc_s, 925e6 + 2e5 * points, levels.astype(np.float32), STEP_S, 2e5)


def command(*arguments: object) -> str:
    """Run a command of the converter as a user does, and return what it prints."""
    done = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert done.exit_code == 0, done.output
    return done.stdout


@functools.cache
def dataset_folder() -> Path:
    """Return a data set of one recording, which is cut in time."""
    home = tiny_training.folder() / "swept"
    save_sweeps(home / "site.npz", sweeps())
    shares = ",".join(map(str, SHARES))
    command(
        *("dataset-sweeps", home / "site.npz", "-o", home / "dataset", "--band", "uplink"),
        *("--fractions", shares),
    )
    return home / "dataset"


def band() -> BandSweeps:
    return open_band(dataset_folder(), n_context=N_CONTEXT, n_horizon=N_HORIZON)


def settings(architecture: str = "spatio-temporal", **changes: object) -> TrainSettings:
    few = {"n_filters": 2, "n_units": 8} if architecture.startswith("spatio") else {}
    values = {"hyper": few, "epochs": 3, "learning_rate": 1e-2, **changes}
    return TrainSettings(architecture=architecture, **values)  # type: ignore[arg-type]


@functools.cache
def trained() -> Path:
    """Return a network of few weights with hours and days."""
    where = tiny_training.folder() / "swept-network"
    command(
        *("train", dataset_folder(), "-o", where, "--architecture", "spatio-temporal"),
        *("--context", N_CONTEXT, "--horizon", N_HORIZON, "--epochs", 3, "--learning-rate", 0.01),
        *("--set", "n_filters=2", "--set", "n_units=8", "--set", "residual_of=mean"),
    )
    return where


@functools.cache
def bundle() -> Path:
    """Return its bundle, with thresholds from the calibration part of the file."""
    path = tiny_training.folder() / "uplink.edgespec"
    command("quantize", trained(), "-o", path, "--dataset", dataset_folder())
    command("calibrate", path, "--dataset", dataset_folder())
    return path
