"""The campus of uncalibrated receivers: how it is read, and how errors on it are told."""

import numpy as np
import pytest

from benchmarks.record import DATA
from benchmarks.twin.campus import load_campus
from benchmarks.twin.powder import Found, figures, neighbours
from edgespec.twin.walk.walk import Walk


@pytest.mark.skipif(not (DATA / "powder_rss.npz").exists(), reason="needs ../shared/data")
def test_the_campus_is_read_as_a_walk_of_its_user() -> None:
    campus = load_campus()
    assert (len(campus.rest), len(campus.grid), len(campus.site.unit)) == (3409, 541, 29)
    with np.load(DATA / "powder_rss.npz") as data:
        rest = data["split"] == "rest"
        np.testing.assert_allclose(campus.rest.levels_db, data["rss_db"][rest], atol=0.006)
        north_m = np.ptp(data["tx_lat_lon"][rest, 0]) * 110_950.0
    assert np.ptp(campus.rest.places_m[:, 1]) == pytest.approx(north_m, abs=0.1)


def test_neighbours_know_what_they_have_seen(rng: np.random.Generator) -> None:
    places_m = np.repeat(rng.uniform(0.0, 900.0, (20, 2)), 5, axis=0)
    levels_db = np.repeat(rng.uniform(-90.0, -50.0, (20, 8)), 5, axis=0)
    walk = Walk(places_m, levels_db, np.zeros(100, np.int64))
    np.testing.assert_allclose(neighbours(walk, walk), places_m)


def test_intervals_are_of_squares_not_of_readings(rng: np.random.Generator) -> None:
    """A thousand readings of two squares know no more than the two."""
    places_m = np.repeat([[10.0, 10.0], [500.0, 500.0]], 500, axis=0)
    error_m = np.repeat([50.0, 150.0], 500) + rng.normal(0.0, 1.0, 1000)
    value, low, high = figures(Found(error_m), places_m)["median_m"]
    assert low < 60.0 < value < 140.0 < high
