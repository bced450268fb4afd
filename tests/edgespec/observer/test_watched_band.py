"""A band without a cell: calibrating, then watching; silent beside a cell; kept over a restart."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.band_rhythm import RhythmState
from edgespec.detect.any_band.detector import MANY_BURSTS, THRESHOLD
from edgespec.grid import Grid
from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept_band import load_kept_band, rhythm_file
from edgespec.observer.watched_band import WatchedBand
from edgespec.records import FloatArray, Geometry

GEOMETRY = Geometry(32, 2.56e-4, n_context=1, n_horizon=25, hop_frames=25)
RANGE_HZ = Grid(98e6 + np.arange(32) * 62.5e3, 62.5e3, 512, 2e6).range_hz
N_HOPS = 120
LEARNING_S = N_HOPS * GEOMETRY.hop_s
DELAY = 3


def noise(rng: np.random.Generator) -> FloatArray:
    shape = (GEOMETRY.n_horizon, GEOMETRY.n_bins)
    hop: FloatArray = 10.0 * np.log10(rng.gamma(10.0, 0.1, shape).astype(np.float32))
    return hop - np.float32(90.0)


def with_tone(rng: np.random.Generator) -> FloatArray:
    hop = noise(rng)
    hop[:, 9] += 20.0
    return hop


class Trust:
    """Whether the warm-up is trusted, as a test says it."""

    def __init__(self) -> None:
        self.is_there = True

    def __call__(self) -> bool:
        return self.is_there


def band(file: LevelFile | None = None, trust: Trust | None = None) -> WatchedBand:
    return WatchedBand(
        GEOMETRY,
        RANGE_HZ,
        (LEARNING_S, 5 * LEARNING_S),
        DELAY,
        file,
        is_trusted=trust or Trust(),
        utc_ns=lambda: 7,
    )


def hear(one: WatchedBand, rng: np.random.Generator, n_hops: int) -> None:
    for _ in range(n_hops):
        one.take(noise(rng), has_cell=False, is_alarm=False)


@pytest.fixture
def file(tmp_path: Path) -> LevelFile:
    made = rhythm_file(tmp_path, "b", "rtlsdr:", 20.0, RANGE_HZ)
    assert made is not None
    return made


def test_it_says_what_is_missing_and_then_from_where_on_it_tells(rng: np.random.Generator) -> None:
    one = band()
    assert one.heard(THRESHOLD) is None
    hear(one, rng, 40)
    heard = one.heard(THRESHOLD)
    assert heard is not None
    assert heard.state is RhythmState.CALIBRATING
    assert heard.left_s == pytest.approx((N_HOPS - 40 + DELAY) * GEOMETRY.hop_s, rel=0.02)
    assert "calibrating, 1 s left" in str(heard)
    # Each stage waits for the hops that an alarm might be about.
    hear(one, rng, N_HOPS - 40 + 2 * DELAY)
    heard = one.heard(THRESHOLD)
    assert heard is not None
    assert heard.state is RhythmState.WATCHING
    assert heard.loud_db >= 0.3 * THRESHOLD
    assert f"told from {heard.loud_db:.1f} dB over the loudest" in str(heard)
    assert one.heard(2.0 * THRESHOLD).loud_db > heard.loud_db  # type: ignore[union-attr]


def test_where_bursts_are_rare_it_says_how_many_are_missing(rng: np.random.Generator) -> None:
    one = band()
    for number in range(2 * N_HOPS):
        hop = with_tone(rng) if number % 30 == 5 else noise(rng)
        hop[:, 8:16] += 12.0 * (number % 30 == 5)
        one.take(hop, has_cell=False, is_alarm=False)
    heard = one.heard(THRESHOLD)
    assert heard is not None
    assert heard.is_calibrating
    assert 0 < heard.n_bursts < MANY_BURSTS == heard.wanted_bursts
    assert f"calibrating, {heard.n_bursts} of {MANY_BURSTS} bursts heard" in str(heard)


def test_beside_a_cell_it_neither_learns_nor_speaks(rng: np.random.Generator) -> None:
    one = band()
    hear(one, rng, N_HOPS + 2 * DELAY)
    for hop in (noise(rng), with_tone(rng)):
        assert one.take(hop, has_cell=True, is_alarm=False) is None
        assert one.heard(THRESHOLD) is None
    score = one.take(with_tone(rng), has_cell=False, is_alarm=False)
    assert score is not None
    assert score.value > THRESHOLD


def test_a_restart_goes_on_with_what_is_known_and_who_is_there_then_is_told(
    rng: np.random.Generator, file: LevelFile
) -> None:
    first = band(file)
    hear(first, rng, N_HOPS + 2 * DELAY)
    first.finish()
    kept = load_kept_band(file.path)
    assert kept is not None
    assert kept.utc_ns == 7
    again = band(file)
    score = again.take(with_tone(rng), has_cell=False, is_alarm=False)
    assert score is not None
    assert score.value > THRESHOLD
    # What it knows stays as it was, whatever it hears.
    for _ in range(3 * N_HOPS):
        again.take(with_tone(rng), has_cell=False, is_alarm=False)
    again.finish()
    later = load_kept_band(file.path)
    assert later is not None
    for name, array in kept.reference.items():
        assert np.array_equal(later.reference[name], array)


def test_a_warmup_that_is_not_trusted_is_forgotten_and_not_kept(
    rng: np.random.Generator, file: LevelFile
) -> None:
    trust = Trust()
    one = band(file, trust)
    for _ in range(N_HOPS // 2):
        one.take(with_tone(rng), has_cell=False, is_alarm=False)
    trust.is_there = False
    hear(one, rng, N_HOPS + 2 * DELAY)
    score = one.take(with_tone(rng), has_cell=False, is_alarm=False)
    assert score is not None
    assert score.value > THRESHOLD
    one.finish()
    assert not file.path.exists()


def test_what_an_earlier_run_knew_outlives_a_warmup_that_is_not_trusted(
    rng: np.random.Generator, file: LevelFile
) -> None:
    first = band(file)
    hear(first, rng, N_HOPS + 2 * DELAY)
    first.finish()
    trust = Trust()
    trust.is_there = False
    again = band(file, trust)
    assert again.take(noise(rng), has_cell=False, is_alarm=False) is not None


def test_a_file_of_another_band_is_not_used(
    rng: np.random.Generator, file: LevelFile, caplog: pytest.LogCaptureFixture
) -> None:
    first = band(file)
    hear(first, rng, N_HOPS + 2 * DELAY)
    first.finish()
    wide = Geometry(64, 2.56e-4, n_context=1, n_horizon=25, hop_frames=25)
    other = WatchedBand(wide, RANGE_HZ, (LEARNING_S, LEARNING_S), DELAY, file)
    hop = np.full((25, 64), -90.0, np.float32)
    assert other.take(hop, has_cell=False, is_alarm=False) is None
    assert "is not used" in caplog.text


def test_a_calibration_lets_the_others_learn_anew_and_not_the_rhythm(
    rng: np.random.Generator,
) -> None:
    one = band()
    hear(one, rng, N_HOPS + 2 * DELAY)
    before = one.reference()
    one.retune(Grid(98e6 + np.arange(32) * 62.5e3, 62.5e3, 512, 2e6))
    assert before
    assert one.reference().keys() == before.keys()


def test_a_site_that_changed_for_good_is_learnt_anew_and_kept_in_place_of_what_was(
    rng: np.random.Generator, file: LevelFile
) -> None:
    one = band(file)
    hear(one, rng, N_HOPS + 2 * DELAY)
    one.forget()
    for number in range(N_HOPS + 2 * DELAY + 1):
        score = one.take(with_tone(rng), has_cell=False, is_alarm=False)
        assert (score is None) is (number < N_HOPS + 2 * DELAY)
    assert score is not None
    assert score.value < THRESHOLD
    one.finish()
    again = band(file)
    score = again.take(with_tone(rng), has_cell=False, is_alarm=False)
    assert score is not None
    assert score.value < THRESHOLD


def test_a_retune_begins_anew_and_is_not_kept_in_the_file_of_before(
    rng: np.random.Generator, file: LevelFile
) -> None:
    one = band(file)
    hear(one, rng, 10)
    freqs_hz = 430e6 + np.arange(32) * 62.5e3
    one.retune(Grid(freqs_hz, 93e3, 512, 2e6))
    hear(one, rng, N_HOPS + 2 * DELAY)
    assert one.reference()
    one.finish()
    assert not file.path.exists()


def test_a_replay_of_one_that_was_still_calibrating_says_nothing(rng: np.random.Generator) -> None:
    live, replay = band(), band()
    hear(live, rng, 20)
    replay.take_reference(live.reference())
    hear(replay, rng, N_HOPS + 2 * DELAY)
    assert replay.take(with_tone(rng), has_cell=False, is_alarm=False) is None
    assert replay.heard(THRESHOLD) is None
