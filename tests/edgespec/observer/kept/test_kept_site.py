"""What is known of a site outlives a restart, and nothing else is taken for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.detect.slow.levels import SiteLevels
from edgespec.errors import ModelError
from edgespec.observer.kept.kept_site import KeptSite, load_kept_site, save_kept_site, site_file
from tests.made.slow_site import N_BINS, Site

RANGE_HZ = (0.0, 32e3)


@pytest.fixture
def kept(rng: np.random.Generator, tmp_path: Path) -> KeptSite:
    site = Site(rng)
    site.hear(3)
    site.watch.levels.hours.n_blocks[3] = 60
    site.watch.levels.hours.low_dbfs[3] = -77.0
    file = site_file(tmp_path, "b", "rtlsdr:", 20.0)
    assert file is not None
    return KeptSite.of(file, 5, RANGE_HZ, site.watch.levels)


def test_it_is_the_same_behind_a_restart(kept: KeptSite, tmp_path: Path) -> None:
    save_kept_site(tmp_path / "s", kept)
    again = load_kept_site(tmp_path / "s")
    assert again is not None
    assert (again.utc_ns, again.source, again.gain_db) == (5, "rtlsdr:", 20.0)
    for name in ("spread_db", "step_square"):
        np.testing.assert_array_equal(getattr(again.first, name), getattr(kept.first, name))
    np.testing.assert_array_equal(again.first.levels.low_dbfs, kept.first.levels.low_dbfs)
    np.testing.assert_array_equal(again.first.levels.high_dbfs, kept.first.levels.high_dbfs)
    np.testing.assert_array_equal(again.hours.low_dbfs, kept.hours.low_dbfs)
    np.testing.assert_array_equal(again.hours.n_blocks, kept.hours.n_blocks)


def test_at_another_source_gain_or_range_it_means_nothing(kept: KeptSite, tmp_path: Path) -> None:
    file = site_file(tmp_path, "b", "rtlsdr:", 20.0)
    assert file is not None
    assert kept.is_of(file, RANGE_HZ, N_BINS)
    assert not kept.is_of(replace(file, source="rtlsdr:1"), RANGE_HZ, N_BINS)
    assert not kept.is_of(replace(file, gain_db=30.0), RANGE_HZ, N_BINS)
    assert not kept.is_of(file, (1e6, 1.032e6), N_BINS)
    assert not kept.is_of(file, RANGE_HZ, N_BINS + 1)


def test_of_a_receiver_that_sets_its_own_gain_nothing_is_kept(tmp_path: Path) -> None:
    assert site_file(tmp_path, "b", "rtlsdr:", None) is None


def test_nothing_is_kept_of_what_is_not_known_yet(tmp_path: Path) -> None:
    file = site_file(tmp_path, "b", "rtlsdr:", 20.0)
    assert file is not None
    with pytest.raises(ModelError, match="commissioned"):
        KeptSite.of(file, 5, RANGE_HZ, SiteLevels(N_BINS))


def test_what_is_damaged_is_not_used(
    kept: KeptSite, tmp_path: Path, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "s"
    save_kept_site(path, kept)
    whole = path.read_bytes()
    for stop in rng.integers(0, len(whole) - 1, 40):
        path.write_bytes(whole[:stop])
        assert load_kept_site(path) is None
    assert "is not what was known of a site" in caplog.text
    # Nor is one that says what cannot be.
    kept.first.spread_db[3] = -1.0
    save_kept_site(path, kept)
    assert load_kept_site(path) is None
    assert load_kept_site(tmp_path / "none") is None
