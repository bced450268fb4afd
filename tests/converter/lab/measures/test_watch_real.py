"""Laws of watching recordings: all of it is counted, and what cannot be watched is said."""

from pathlib import Path

import numpy as np
import pytest
from scipy.signal import resample_poly

from converter.lab.measures.real import can_watch, watch_real
from edgespec.errors import ModelError, SourceError, UsageError
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from tests.made import band, tiny, tiny_network

pytestmark = [pytest.mark.converter, pytest.mark.slow_without_jit]

NAMES = ("model", "zscore")
N_SEGMENT = tiny.GEOMETRY.n_segment * tiny.FRAMING.frame_samples
HOP = tiny.RECIPE.hop_samples


def test_every_segment_after_the_warmup_has_a_row(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = band.cu8(band.noise(rng, 0.4))
    rows = watch_real(band.write_sigmf(tmp_path / "a", samples), tiny_network.bundle(), NAMES, 0.25)
    n_segments = (len(samples) - N_SEGMENT) // HOP + 1
    assert rows[0]["n_warmup"] == round(n_segments / 4)
    assert [row["segment"] for row in rows] == list(range(round(n_segments / 4), n_segments))
    for row in rows:
        assert row["alarm:forecast"] == (row["score:forecast"] > 8.0)
        assert row["alarm:zscore"] == (row["score:zscore"] > 8.0)
    assert not any(row["alarm:forecast"] for row in rows)


def test_a_tone_in_the_second_half_alarms_there(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = band.cu8(band.with_tone(band.noise(rng, 0.6), 0.45, 0.6))
    uri = band.write_sigmf(tmp_path / "a", samples)
    rows = watch_real(uri, tiny_network.bundle(), NAMES, 0.5, false_alarm_rate=0.01)
    start = {row["segment"]: row["segment"] * HOP + N_SEGMENT for row in rows}
    alarms = [row["segment"] for row in rows if row["alarm:zscore"]]
    assert alarms
    assert min(start[segment] for segment in alarms) > 0.45 * band.RATE_HZ
    late = [row for row in rows if start[row["segment"]] > 0.46 * band.RATE_HZ]
    assert all(row["alarm:zscore"] for row in late)


def test_a_higher_rate_is_brought_down_to_the_bundle(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    clean = band.cf32(band.noise(rng, 0.3))
    faster = resample_poly(clean, 96, 25).astype(np.complex64)
    uris = [
        band.write_sigmf(tmp_path / "a", clean),
        band.write_sigmf(tmp_path / "b", faster, **{"core:sample_rate": 3.84e6}),
    ]
    plain, resampled = (watch_real(uri, tiny_network.bundle(), NAMES, 0.5) for uri in uris)
    assert len(resampled) == len(plain)
    assert (plain[0]["recorded_hz"], resampled[0]["recorded_hz"]) == (1e6, 3.84e6)
    # Two filters cut the edges of the band, where this noise is 20 dB down; the forecast's error
    # lies in the middle.
    scores = [[row["score:forecast"] for row in rows] for rows in (plain, resampled)]
    assert np.corrcoef(scores)[0, 1] > 0.9


def test_only_a_higher_rate_of_small_numbers_can_be_watched() -> None:
    assert can_watch(5e6, 5e6)
    assert can_watch(19.2e6, 5e6)
    assert can_watch(10e6, 5e6)
    assert not can_watch(1.92e6, 5e6)
    assert not can_watch(5.0173e6, 5e6)


def test_what_cannot_be_watched_is_said(tmp_path: Path, rng: np.random.Generator) -> None:
    samples = band.cf32(band.noise(rng, 0.1))
    uri = band.write_sigmf(tmp_path / "a", samples)
    slow = band.write_sigmf(tmp_path / "b", samples, **{"core:sample_rate": 0.5e6})
    with pytest.raises(SourceError, match="has 500000 samples/s, which cannot become the 1000000"):
        watch_real(slow, tiny_network.bundle(), NAMES, 0.5)
    for share in (0.0, 1.0):
        with pytest.raises(UsageError, match="must lie between 0 and 1"):
            watch_real(uri, tiny_network.bundle(), NAMES, share)
    with pytest.raises(ModelError, match=r"0\.3 was not calibrated"):
        watch_real(uri, tiny_network.bundle(), NAMES, 0.5, false_alarm_rate=0.3)
    with pytest.raises(SourceError, match="has no end"):
        watch_real("sim:lte-dl?sample_rate=1e6", tiny_network.bundle(), NAMES, 0.5)


def test_a_recording_that_is_too_short_has_no_rows(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    short = band.cf32(band.noise(rng, 0.005))
    uri = band.write_sigmf(tmp_path / "a", short)
    assert watch_real(uri, tiny_network.bundle(), NAMES, 0.5) == []


@pytest.mark.parametrize(
    ("name", "n_rows"),
    [
        ("synth_srsran_lte25prb_5M_varying", 115),
        # 80 ms, brought down from 19.2 MS/s.
        ("lte_tdd_f2360_s19.2_bw20_0.08s_hackrf", 4),
    ],
)
def test_real_recordings_go_through(shared_data: Path, name: str, n_rows: int) -> None:
    bundle = load_bundle(shipped_bundle_path())
    uri = f"sigmf:{shared_data / name}.sigmf-meta"
    rows = watch_real(uri, bundle, ("model", "zscore", "energy"), 0.5)
    assert len(rows) == n_rows
    scores = [row[name] for row in rows for name in row if name.startswith("score:")]
    assert len(scores) == 3 * n_rows
    assert np.isfinite(scores).all()
