"""What ``look`` and ``doctor`` say of a band's rhythm: known, to be learnt, or never kept."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.detect.any_band.detector import AnyBand, Rhythm
from edgespec.observer.kept.kept_band import KeptBand, rhythm_file, save_kept_band
from edgespec.ops.checks.finding import Subject
from edgespec.ops.checks.rhythm import check_rhythm
from edgespec.ops.rhythm import rhythm_before
from edgespec.records import Geometry

GEOMETRY = Geometry(32, 2.56e-4, n_context=1, n_horizon=25, hop_frames=25)
RANGE_HZ = (97e6, 99e6)
NOW_NS = 1_800_000_000 * 10**9
URI = "rtlsdr:?center_freq=98M&gain=20"


def config_of(folder: Path, uri: str = URI, **detect: object) -> Config:
    return Config(
        node=NodeConfig(id="n", state_dir=folder),
        source=(SourceConfig(uri=uri),),
        band=(BandConfig(id="fm"),),
        detect=replace(DetectConfig(), **detect),  # type: ignore[arg-type]
    )


def keep(folder: Path, rng: np.random.Generator, uri: str = URI, gain_db: float = 20.0) -> None:
    """Keep what 40 hops of noise taught two hours ago."""
    one = AnyBand(GEOMETRY, Rhythm(40, 40))
    while not one.is_settled:
        hop = 10.0 * np.log10(rng.gamma(10.0, 0.1, (25, 32))).astype(np.float32)
        one.take(hop, is_alarm=False)
    file = rhythm_file(folder, "fm", uri, gain_db, RANGE_HZ)
    assert file is not None
    kept = KeptBand(NOW_NS - 7200 * 10**9, uri, gain_db, RANGE_HZ, one.reference())
    save_kept_band(file.path, kept)


def test_before_the_first_run_it_says_how_long_and_that_nothing_is_promised(
    tmp_path: Path,
) -> None:
    before = rhythm_before(config_of(tmp_path), config_of(tmp_path).band[0], RANGE_HZ, GEOMETRY)
    assert before is not None
    said = str(before)
    assert "calibrates for 60 s, and where there are bursts until it has heard 100, 10 min" in said
    assert "zscore" in said
    assert "nothing is promised" in said
    assert before.as_json()["state"] == "calibrating"
    finding = check_rhythm(Subject(config_of(tmp_path)))
    assert (finding.status, finding.detail) == ("ok", f"band fm: {said}")


def test_what_the_last_run_learnt_is_said_with_its_age(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    keep(tmp_path, rng)
    config = config_of(tmp_path)
    before = rhythm_before(config, config.band[0], RANGE_HZ, GEOMETRY, lambda: NOW_NS)
    assert before is not None
    assert before.known is not None
    assert before.known.loud_db > 3.0
    assert str(before).startswith("known from 0 s, by a run 2.0 h ago: told from ")
    assert before.as_json()["state"] == "watching"
    finding = check_rhythm(Subject(config))
    assert finding.status == "ok"
    assert "known, by a run " in finding.detail
    assert "`edgespec calibrate --forget`" in finding.detail


@pytest.mark.parametrize(
    ("uri", "gain_db", "range_hz"),
    [(URI, 30.0, RANGE_HZ), ("rtlsdr:7", 20.0, RANGE_HZ), (URI, 20.0, (430e6, 432e6))],
)
def test_what_was_learnt_elsewhere_does_not_count(
    tmp_path: Path, rng: np.random.Generator, uri: str, gain_db: float,
    range_hz: tuple[float, float],
) -> None:  # fmt: skip
    keep(tmp_path, rng, uri, gain_db)
    config = config_of(tmp_path)
    before = rhythm_before(config, config.band[0], range_hz, GEOMETRY)
    assert before is not None
    assert before.age_s is None


def test_where_the_gain_is_not_fixed_it_is_learnt_at_every_start(tmp_path: Path) -> None:
    finding = check_rhythm(Subject(config_of(tmp_path, "rtlsdr:?center_freq=98M&gain=auto")))
    assert finding.status == "warn"
    assert "at every start, since the gain is not fixed" in finding.detail
    assert "source.gain_db" in finding.fix


@pytest.mark.parametrize(
    ("uri", "detect"),
    [("raw:a.cu8?datatype=cu8&sample_rate=1M", {}), (URI, {"detectors": ("zscore",)}),
     ("sweep:rtlsdr:?start=88M&stop=108M", {})],
)  # fmt: skip
def test_where_nothing_is_learnt_nothing_is_said(
    tmp_path: Path, uri: str, detect: dict[str, object]
) -> None:
    config = config_of(tmp_path, uri, **detect)
    assert rhythm_before(config, config.band[0]) is None
    assert check_rhythm(Subject(config)).status == "skipped"
