"""Prediction errors are counted as the device would make the segments, above a known floor."""

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import polygamma

from converter.data.views import segment_starts
from converter.lab.measures.prediction_error import (
    irreducible_error_db,
    prediction_row,
    segment_errors_db,
)
from converter.lab.measures.predictor import Predictor
from edgespec.errors import SourceError, UsageError
from edgespec.framing import Recipe
from edgespec.records import FloatArray, FrameFlag, Scaling, Spectrogram
from tests.made import tiny, tiny_training

PAPER_DB = {1: 5.57, 3: 2.73, 4: 2.31, 5: 2.04, 10: 1.41}


def flat(recipe: Recipe = tiny.RECIPE, level_db: float = -60.0) -> Predictor:
    """Expects one level everywhere."""

    def run(windows: FloatArray) -> FloatArray:
        return np.zeros((len(windows), recipe.n_horizon * recipe.framing.n_bins), np.float32)

    return Predictor(recipe, "forecast", run, Scaling(level_db, 1.0))


@pytest.mark.parametrize("n_averages", PAPER_DB)
def test_the_floor_is_that_of_averaged_exponential_power(n_averages: int) -> None:
    floor_db = irreducible_error_db(n_averages)
    assert floor_db == pytest.approx(PAPER_DB[n_averages], abs=0.005)
    trigamma = float(polygamma(1, n_averages))
    assert floor_db == pytest.approx(10 / math.log(10) * math.sqrt(trigamma), rel=1e-12)


def test_the_floor_is_measured_on_noise(rng: np.random.Generator) -> None:
    powers = rng.exponential(size=(4, 200_000)).mean(axis=0)
    # The standard error of a standard deviation of 200,000 values, four times.
    tolerance = 4 * 2.31 / math.sqrt(2 * powers.size) * 1.5
    assert np.std(10 * np.log10(powers)) == pytest.approx(irreducible_error_db(4), abs=tolerance)
    with pytest.raises(UsageError, match="at least 1"):
        irreducible_error_db(0)


def damaged(rng: np.random.Generator) -> Spectrogram:
    frames = tiny_training.moving_ridge(rng, 2000)
    frames.flags[[77, 500]] = FrameFlag.CLIPPED
    frames.flags[900] = FrameFlag.DROPPED
    start = frames.tick_start
    start[1400:] += 12345
    return frames


def expected_errors(frames: Spectrogram) -> FloatArray:
    geometry = tiny.GEOMETRY
    return np.array(
        [
            np.sqrt(np.mean((frames.power_dbfs[s + 8 : s + 12].astype(np.float64) + 60) ** 2))
            for s in segment_starts(frames, geometry)
        ]
    )


@pytest.mark.parametrize("piece_frames", [1, 37, 2000])
def test_any_division_of_a_recording_gives_its_segments(
    rng: np.random.Generator, piece_frames: int
) -> None:
    frames = damaged(rng)
    expected = expected_errors(frames)
    assert len(expected) > 256
    buffer = np.empty((piece_frames, 64), np.float32)

    def pieces():
        """Each piece in the buffer of the one before."""
        for first in range(0, frames.n_frames, piece_frames):
            some = slice(first, min(first + piece_frames, frames.n_frames))
            power = buffer[: some.stop - some.start]
            power[...] = frames.power_dbfs[some]
            yield replace(frames.part(some), power_dbfs=power)
            power[...] = np.nan

    actual = segment_errors_db(flat(), pieces())
    np.testing.assert_allclose(actual, expected, rtol=1e-5)


def test_a_row_sums_up_the_segments(rng: np.random.Generator) -> None:
    frames = damaged(rng)
    errors = expected_errors(frames)
    row = prediction_row(flat(), [frames])
    assert list(row) == [
        "n_segments",
        "rmse_db",
        "std_db",
        *("q05_db", "q25_db", "q50_db", "q75_db", "q95_db"),
        "floor_db",
        "excess_db",
    ]
    assert row["n_segments"] == len(errors)
    assert row["rmse_db"] == pytest.approx(errors.mean(), rel=1e-5)
    assert row["std_db"] == pytest.approx(errors.std(), rel=1e-3)
    assert row["q05_db"] == pytest.approx(np.quantile(errors, 0.05), rel=1e-5)
    assert row["q95_db"] == pytest.approx(np.quantile(errors, 0.95), rel=1e-5)
    assert row["floor_db"] == irreducible_error_db(tiny.FRAMING.n_averages)
    assert row["excess_db"] ** 2 + row["floor_db"] ** 2 == pytest.approx(
        np.mean(errors**2), rel=1e-5
    )


def test_the_right_expectation_of_noise_has_no_excess(rng: np.random.Generator) -> None:
    n_averages = tiny.FRAMING.n_averages
    power = rng.exponential(size=(400, 64, n_averages)).mean(axis=2)
    power_db = (10 * np.log10(power)).astype(np.float32)
    starts = np.arange(400, dtype=np.int64) * tiny.FRAMING.frame_samples
    frames = Spectrogram(power_db, np.zeros(400, np.uint8), starts, tiny.FRAMING.grid())
    exact = prediction_row(flat(level_db=float(power_db.mean())), [frames])
    # 25,000 cells: the mean square is known to 1%, its root of an excess to a tenth of the floor.
    assert exact["excess_db"] < 0.15 * exact["floor_db"]
    wrong = prediction_row(flat(level_db=float(power_db.mean()) + 3.0), [frames])
    assert wrong["excess_db"] == pytest.approx(3.0, rel=0.05)


def test_a_recording_without_a_segment_is_refused(rng: np.random.Generator) -> None:
    with pytest.raises(SourceError, match="12 valid frames"):
        prediction_row(flat(), [tiny_training.moving_ridge(rng, 11)])
    with pytest.raises(SourceError, match="longer one"):
        prediction_row(flat(replace(tiny.RECIPE, hop_frames=1)), [])
