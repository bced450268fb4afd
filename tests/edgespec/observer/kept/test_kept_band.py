"""The rhythm of a band outlives a restart, and nothing else is taken for it."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.observer.kept.kept_band import KeptBand, load_kept_band, rhythm_file, save_kept_band

RANGE_HZ = (98e6, 100e6)


@pytest.fixture
def kept(rng: np.random.Generator) -> KeptBand:
    reference = {"highest_db": rng.normal(-90.0, 3.0, (4, 7)).astype(np.float32)}
    return KeptBand(5, "rtlsdr:", 20.0, RANGE_HZ, reference)


def test_it_is_the_same_behind_a_restart(kept: KeptBand, tmp_path: Path) -> None:
    save_kept_band(tmp_path / "a", kept)
    again = load_kept_band(tmp_path / "a")
    assert again is not None
    assert (again.utc_ns, again.source, again.gain_db) == (5, "rtlsdr:", 20.0)
    np.testing.assert_array_equal(again.reference["highest_db"], kept.reference["highest_db"])


def test_at_another_source_gain_or_range_it_means_nothing(kept: KeptBand, tmp_path: Path) -> None:
    file = rhythm_file(tmp_path, "b", "rtlsdr:", 20.0, RANGE_HZ)
    assert file is not None
    assert kept.is_of(file)
    assert not kept.is_of(replace(file, source="rtlsdr:1"))
    assert not kept.is_of(replace(file, gain_db=30.0))
    assert not kept.is_of(replace(file, range_hz=(98e6, 101e6)))
    assert rhythm_file(tmp_path, "b", "rtlsdr:", None, RANGE_HZ) is None


def test_what_is_damaged_is_not_used(
    kept: KeptBand, tmp_path: Path, rng: np.random.Generator, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a"
    save_kept_band(path, kept)
    whole = path.read_bytes()
    for stop in rng.integers(0, len(whole) - 1, 40):
        path.write_bytes(whole[:stop])
        assert load_kept_band(path) is None
    assert "is not the rhythm of a band" in caplog.text
    save_kept_band(path, replace(kept, gain_db=float("nan")))
    assert load_kept_band(path) is None
    assert load_kept_band(tmp_path / "none") is None
