"""False events a day from blocks of normal signal."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from edgespec.detect.calibration import Calibration, DetectorTail, calibrate, peaks_over
from edgespec.errors import ModelError
from edgespec.tail import Tail

DAY_BLOCKS = 172_800


def normal_blocks(seed: int, n_blocks: int) -> np.ndarray:
    """Maxima of scores that have a light and a heavier tail, in runs as fades make them."""
    rng = np.random.default_rng(seed)
    light = rng.gumbel(2.0, 0.5, n_blocks)
    slow = np.repeat(rng.standard_t(6, -(-n_blocks // 4)), 4)[:n_blocks]
    return np.stack([light, slow + rng.normal(0, 0.1, n_blocks)], axis=1).astype(np.float32)


@given(arrays(np.float64, st.integers(1, 60), elements=st.floats(-5, 5)), st.floats(-4, 4))
def test_a_run_of_blocks_is_one_event(blocks, base):
    expected, highest = [], None
    for value in [*blocks, -np.inf]:
        if value > base:
            highest = value if highest is None else max(highest, value)
        elif highest is not None:
            expected.append(highest)
            highest = None
    assert peaks_over(blocks, base).tolist() == expected


@pytest.mark.parametrize(
    ("n_scored", "n_blocks", "says"),
    [
        (1, 1, r"^0.5 s of normal signal are too few .*; give a longer recording, or a longer"),
        (190, 190, r"^95 s of normal signal .*: some 100 s are the least"),
        (0, 400, r"^0 s that could be scored of 200 s of signal are too few .* 'edgespec look'"),
    ],
)
def test_too_little_signal_says_how_much_it_was_and_what_to_do(n_scored, n_blocks, says):
    blocks = np.full((n_blocks, 1), -np.inf, np.float32)
    blocks[:n_scored] = 1.0
    with pytest.raises(ModelError, match=says):
        calibrate(("light",), blocks, 0.5)


def test_what_is_promised_is_what_comes():
    """Sites that are calibrated on half an hour, and the events of the days that follow."""
    came, n_held, n_sites = [], 0, 6
    for seed in range(n_sites):
        calibration = calibrate(("light", "slow"), normal_blocks(seed, 3600), 0.5)
        thresholds = calibration.thresholds(20.0)
        expected = calibration.expected(thresholds)
        later = normal_blocks(1000 + seed, 4 * DAY_BLOCKS).astype(np.float64)
        came.append(
            sum(
                len(peaks_over(later[:, place], thresholds[name])) / 4.0
                for place, name in enumerate(("light", "slow"))
            )
        )
        n_held += expected.low <= came[-1] <= expected.high
    # A tail is taken to be without end, so that rather fewer come.
    assert 5.0 < np.exp(np.mean(np.log(came))) < 30.0
    assert n_held >= 0.6 * n_sites


def test_the_interval_holds_what_is_true_and_narrows():
    few = calibrate(("light", "slow"), normal_blocks(1, 1200), 0.5)
    many = calibrate(("light", "slow"), normal_blocks(1, 12_000), 0.5)
    widths = []
    for calibration in (few, many):
        expected = calibration.expected(calibration.thresholds(5.0))
        assert expected.per_day == pytest.approx(5.0, rel=0.01)
        assert expected.low < 5.0 < expected.high
        widths.append(np.log(expected.high / expected.low))
        assert calibration.needed_s(expected) >= calibration.signal_s
    assert widths[1] < widths[0]


def test_fewer_events_take_higher_thresholds():
    calibration = calibrate(("light", "slow"), normal_blocks(2, 3600), 0.5)
    found = [calibration.thresholds(per_day) for per_day in (0.1, 1.0, 5.0, 20.0, 100.0)]
    for name in ("light", "slow"):
        values = [one[name] for one in found]
        assert values == sorted(values, reverse=True)


def test_what_a_signal_cannot_show_stays_near_the_usual_thresholds():
    """Half an hour expects .02 of one event a day, .1 of 5, and more than one of 100."""
    calibration = calibrate(("light", "slow"), normal_blocks(2, 3600), 0.5)
    high = dict.fromkeys(("light", "slow"), 1e3)
    for per_day, trust in ((0.1, 0.0), (0.48, 0.0), (4.8, 0.5), (48.0, 1.0), (100.0, 1.0)):
        assert calibration.trusted(per_day) == pytest.approx(trust, abs=1e-9)
        own = calibration.thresholds(per_day)
        for name, value in calibration.thresholds(per_day, high).items():
            assert value == pytest.approx(trust * own[name] + (1.0 - trust) * 1e3)
        # Nothing is lowered by what is usual, and what is not known changes nothing.
        assert calibration.thresholds(per_day, dict.fromkeys(own, -5.0)) == own
        assert calibration.thresholds(per_day, {"light": -5.0}) == own
    found = [calibration.thresholds(per_day, high) for per_day in (0.1, 1.0, 5.0, 20.0, 100.0)]
    for name in ("light", "slow"):
        values = [one[name] for one in found]
        assert values == sorted(values, reverse=True)
    longer = calibrate(("light", "slow"), normal_blocks(2, 7200), 0.5)
    assert longer.trusted(5.0) > calibration.trusted(5.0)
    assert longer.trusted(86_400.0 / longer.signal_s) == pytest.approx(1.0)
    assert calibration.trusted_s(5.0) == 86_400.0 / 5.0


def test_higher_thresholds_promise_no_more_than_was_asked_for():
    calibration = calibrate(("light", "slow"), normal_blocks(2, 3600), 0.5)
    usual = {name: value + 2.0 for name, value in calibration.thresholds(1.0).items()}
    assert calibration.expected(calibration.thresholds(1.0, usual)).per_day < 1.0


def test_too_little_and_what_hardly_scored():
    with pytest.raises(ModelError, match=r"60 s of normal signal are too few.*100 s"):
        calibrate(("a",), normal_blocks(1, 120)[:, :1], 0.5)
    blocks = normal_blocks(1, 400)
    blocks[50:, 1] = -np.inf
    calibration = calibrate(("light", "slow"), blocks, 0.5)
    assert [one.name for one in calibration.detectors] == ["light"]


@settings(max_examples=10, deadline=None)
@given(st.floats(-1e3, 1e3, width=32))
def test_a_signal_without_any_change_promises_no_event(value):
    calibration = calibrate(("a",), np.full((400, 1), value, np.float32), 0.5)
    thresholds = calibration.thresholds(1.0)
    assert thresholds["a"] == pytest.approx(value)
    assert calibration.expected(thresholds).per_day == 0.0


def test_detectors_share_the_budget():
    tail = Tail(1.0, 1000.0, 1.0)
    one = Calibration(60.0, (DetectorTail("a", tail, 3.0),))
    two = Calibration(60.0, (DetectorTail("a", tail, 3.0), DetectorTail("b", tail, 3.0)))
    assert two.thresholds(4.0)["b"] == one.thresholds(2.0)["a"]
    assert two.expected(two.thresholds(4.0)).per_day == pytest.approx(4.0, rel=0.01)
