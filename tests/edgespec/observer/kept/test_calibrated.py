"""What a calibration is kept as, and which observer it is used by."""

import json
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.detect.calibration import Calibration, DetectorTail
from edgespec.observer.kept.calibrated import (
    KeptCalibration,
    Setting,
    calibration_path,
    load_calibration,
    promised,
    save_calibration,
)
from edgespec.tail import Tail

SETTING = Setting("rtl_tcp:pi", 20.0, 805e6, 807e6, "c0ffee", 2, 3, 0.0064)
TAIL = Tail(3.0, 1000.0, 0.8, 0.1)
DETECTORS = (
    DetectorTail("zscore", TAIL, 5.0, (TAIL, replace(TAIL, scale=1.0))),
    DetectorTail("residual", TAIL, 5.0, (TAIL, TAIL)),
)
KEPT = KeptCalibration(10**18, SETTING, Calibration(1800.0, DETECTORS))
USUAL = {"zscore": 6.7, "residual": 12.0, "energy": 4.8}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    place = calibration_path(tmp_path, "lte/800")
    save_calibration(place, KEPT)
    return place


def test_it_is_what_was_kept(path: Path) -> None:
    assert load_calibration(path) == KEPT
    assert calibration_path(path.parents[1], "lte/801") != path


def test_thresholds_keep_the_promise(path: Path) -> None:
    thresholds, promise = promised(path, SETTING, 4.0, USUAL, "lte")
    assert promise is not None
    # What a calibration says nothing of keeps its threshold.
    assert thresholds["energy"] == USUAL["energy"]
    # Half an hour expects .083 events of 4 a day.
    trust = 1.0 + np.log10(4.0 / 48.0) / 2.0
    wanted = trust * TAIL.score_at(2.0) + (1.0 - trust) * USUAL["residual"]
    assert thresholds["residual"] == pytest.approx(wanted, abs=0.01)
    often, _ = promised(path, SETTING, 100.0, USUAL, "lte")
    assert often["residual"] == pytest.approx(TAIL.score_at(50.0), abs=0.01)
    assert promise.per_day == 4.0
    assert promise.low <= 4.0 <= promise.high
    strict, _ = promised(path, SETTING, 0.1, USUAL, "lte")
    assert strict["residual"] > thresholds["residual"]


@pytest.mark.parametrize("said", ["residual", "any-band"])
def test_of_two_that_never_score_together_one_says_nothing_and_that_is_no_news(
    said: str, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    detectors = (DETECTORS[0], replace(DETECTORS[1], name=said))
    save_calibration(path, replace(KEPT, calibration=Calibration(1800.0, detectors)))
    usual = {"zscore": 6.7, "residual": 12.0, "any-band": 12.0}
    thresholds, _ = promised(path, SETTING, 4.0, usual, "lte")
    assert "says nothing" not in caplog.text
    assert [name for name in usual if thresholds[name] == 12.0] == sorted(
        {"residual", "any-band"} - {said}
    )


@pytest.mark.parametrize(
    "other",
    [
        {"source": "rtl_tcp:other"},
        {"gain_db": None},
        {"lower_hz": 804e6},
        {"model_sha256": ""},
        {"k": 1},
        {"hop_s": 0.01},
    ],
    ids=str,
)
def test_of_another_observer_it_says_nothing(
    path: Path, other: dict[str, object], caplog: pytest.LogCaptureFixture
) -> None:
    thresholds, promise = promised(path, replace(SETTING, **other), 4.0, USUAL, "lte")
    assert promise is None
    assert thresholds == USUAL
    assert "calibrate again" in caplog.text


def test_a_rate_that_a_radio_rounds_is_the_same_setting(path: Path) -> None:
    """An RTL-SDR that is asked for 1.92 MS/s gives 1,919,999.98 or so."""
    off_hz = 1e-5 * (SETTING.upper_hz - SETTING.lower_hz)
    rounded = replace(
        SETTING,
        lower_hz=SETTING.lower_hz + off_hz,
        upper_hz=SETTING.upper_hz - off_hz,
        hop_s=SETTING.hop_s * (1.0 + 1e-5),
    )
    _, promise = promised(path, rounded, 4.0, USUAL, "lte")
    assert promise is not None


def test_without_a_calibration_nothing_is_promised(tmp_path: Path) -> None:
    assert promised(tmp_path / "none", SETTING, 4.0, USUAL, "lte") == (USUAL, None)


def test_damaged_files_promise_nothing(path: Path) -> None:
    whole = path.read_bytes()
    rng = np.random.default_rng(1)
    for _ in range(200):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        path.write_bytes(data[: rng.integers(len(data) + 1)])
        thresholds, _ = promised(path, SETTING, 4.0, USUAL, "lte")
        assert set(thresholds) == set(USUAL)
        assert np.isfinite(list(thresholds.values())).all()


@pytest.mark.parametrize(
    "tail",
    [{"shape": -0.1}, {"shape": 3.0}, {"rate": -1.0}, {"scale": -1.0}, {"base": 1e400}],
    ids=str,
)
def test_a_tail_that_is_none_is_not_used(
    path: Path, tail: dict[str, float], caplog: pytest.LogCaptureFixture
) -> None:
    table = {"schema": "edgespec.calibration/1", **asdict(KEPT)}
    table["calibration"]["detectors"][0]["tail"] |= tail
    path.write_text(json.dumps(table))
    assert load_calibration(path) is None
    assert "calibrate again" in caplog.text


def test_what_was_calibrated_in_a_cell_is_of_that_cell(path: Path) -> None:
    """Each of two cells has its own; who is in a third, or in none yet, gets no other's promise."""
    strict = replace(TAIL, rate=10.0)
    detectors = tuple(DetectorTail(one.name, strict, 5.0) for one in DETECTORS)
    save_calibration(path, replace(KEPT, cell="lte-1"))
    other = replace(KEPT, calibration=Calibration(600.0, detectors), cell="lte-2")
    save_calibration(path, other)
    first, promise = promised(path, SETTING, 4.0, USUAL, "lte", "lte-1")
    second, _ = promised(path, SETTING, 4.0, USUAL, "lte", "lte-2")
    assert promise is not None
    assert promise.signal_s == 1800.0
    assert first["residual"] > second["residual"]
    assert promised(path, SETTING, 4.0, USUAL, "lte", "lte-3") == (USUAL, None)
    # Before a cell is known, the newest counts.
    assert promised(path, SETTING, 4.0, USUAL, "lte")[0] == second


def test_what_was_calibrated_without_a_cell_counts_in_all(path: Path) -> None:
    everywhere = promised(path, SETTING, 4.0, USUAL, "lte")
    assert promised(path, SETTING, 4.0, USUAL, "lte", "nr-5") == everywhere
