"""By how much noise has moved beside a cell, whatever the cell does, and whether all of it has."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.detect.scan.noise_move import NoiseMove, noise_move
from edgespec.detect.scan.site import Site
from edgespec.records import FloatArray

N_SLOTS, N_SUBBANDS = 60, 5
#: Products that a slot's residual is the mean of.
N_MEAN = 7
Array = NDArray[np.float64]


def site(leak: float = 1e-3) -> Site:
    shape = (20, N_SUBBANDS)
    return Site(
        np.full(shape, 1e-4), np.full(shape, leak), np.full(shape, N_MEAN**-0.5),
        np.full(N_SUBBANDS, 1.0), 1e-4, np.full(N_SUBBANDS, 1e-2), 0.1,
    )  # fmt: skip


def heard(
    rng: np.random.Generator, gain_db: float, cell_db: float, leak: float = 1e-3
) -> NoiseMove:
    """Return what is said of slots with noise and traffic, each at its own level."""
    gain, place = 10.0 ** (gain_db / 10.0), np.arange(N_SLOTS) % 20
    traffic = 10.0 ** (rng.uniform(-20.0, 0.0, (N_SLOTS, 1)) / 10.0) * np.ones(N_SUBBANDS)
    power = gain * 10.0 ** (cell_db / 10.0) * 0.02 * traffic
    here = site(leak)
    residual = (gain * here.noise[place] + leak * power) * scatter(rng)
    return noise_move(*as_heard(residual, power), place, here)


def scatter(rng: np.random.Generator) -> Array:
    return rng.gamma(N_MEAN, 1.0 / N_MEAN, (N_SLOTS, N_SUBBANDS))


def as_heard(residual: Array, power: Array) -> tuple[FloatArray, FloatArray]:
    return residual.astype(np.float32), power.astype(np.float32)


@pytest.mark.parametrize("gain_db", [-20.0, -3.0, 0.0, 1.5, 3.0, 20.0])
@pytest.mark.parametrize("cell_db", [-10.0, 0.0, 6.0])
def test_noise_moves_with_the_gain_and_not_with_the_cell(
    rng: np.random.Generator, gain_db: float, cell_db: float
) -> None:
    found = heard(rng, gain_db, cell_db)
    assert found.is_alike
    assert abs(found.move_db - gain_db) < max(0.5, 4.0 * found.sigma_db)
    assert (found.sigmas > 3.0) == (gain_db != 0.0)


def test_where_the_leak_is_all_there_is_nothing_is_known(rng: np.random.Generator) -> None:
    """Of a cell whose leak is 30 dB above the noise a step cannot be told from one of the gain."""
    found = heard(rng, 0.0, 20.0, leak=1.0)
    assert not found.is_alike
    assert found.sigmas == 0.0


@pytest.mark.parametrize("n_taken", [1, 2, 4])
def test_whoever_is_in_some_subbands_has_not_moved_all(
    rng: np.random.Generator, n_taken: int
) -> None:
    here, place = site(), np.arange(N_SLOTS) % 20
    power = np.full((N_SLOTS, N_SUBBANDS), 1e-3)
    residual = here.expected(power.astype(np.float32), place) * scatter(rng)
    residual[:, :n_taken] *= 4.0
    assert not noise_move(*as_heard(residual, power), place, here).is_alike


def test_whoever_is_in_other_subbands_every_time_has_not_moved_noise(
    rng: np.random.Generator,
) -> None:
    """On average a sweep is in all of them alike."""
    here, place = site(), np.arange(N_SLOTS) % 20
    power = np.full((N_SLOTS, N_SUBBANDS), 1e-3)
    residual = here.expected(power.astype(np.float32), place) * scatter(rng)
    residual[np.arange(N_SLOTS), np.arange(N_SLOTS) % N_SUBBANDS] *= 10.0
    assert not noise_move(*as_heard(residual, power), place, here).is_alike
