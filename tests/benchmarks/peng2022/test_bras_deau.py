"""The forecasters of sweeps see nothing that comes later, and are measured as is said."""

import numpy as np
import pytest

from benchmarks import record
from benchmarks.papers.peng2022.bras_deau import BAR, CANDIDATES, errors_of, gain, measure
from benchmarks.papers.peng2022.sweep_blocks import N_TRAIN, load_blocks
from benchmarks.papers.peng2022.sweep_features import N_BEFORE
from edgespec.records import FloatArray


def blocks(rng: np.random.Generator, n_points: int = 24) -> list[FloatArray]:
    """Two blocks of 80 sweeps: levels that stay, drift together and have noise of 1 dB."""
    made = []
    for _ in range(2):
        level = rng.uniform(-90.0, -70.0, n_points)
        drift = np.cumsum(rng.normal(0.0, 0.1, (80, 1)), axis=0)
        made.append((level + drift + rng.normal(0.0, 1.0, (80, n_points))).astype(np.float32))
    return made


# What is fitted by many trees or epochs takes the path of the others, and long.
QUICK = [name for name in CANDIDATES if "trees" not in name and "network" not in name]


@pytest.mark.parametrize("name", QUICK)
def test_what_is_expected_depends_on_what_was_before_alone(
    name: str, rng: np.random.Generator
) -> None:
    given = blocks(rng)
    forecaster = CANDIDATES[name]()
    forecaster.fit([block[:N_TRAIN] for block in given])
    block = given[0]
    expected = forecaster.expect(block)
    assert expected.shape == block.shape
    assert np.isfinite(expected[N_BEFORE:]).all()
    for t in (N_BEFORE, 40, 70):
        other = block.copy()
        other[t:] += rng.normal(0.0, 5.0, other[t:].shape).astype(np.float32)
        np.testing.assert_array_equal(forecaster.expect(other)[N_BEFORE : t + 1],
                                      expected[N_BEFORE : t + 1])  # fmt: skip
        earlier = block.copy()
        earlier[t - 1] += np.float32(20.0)
        assert np.abs(forecaster.expect(earlier)[t] - expected[t]).max() > 0.1


def test_errors_are_those_of_the_sweeps_behind_the_training(rng: np.random.Generator) -> None:
    given = blocks(rng)
    found = errors_of(CANDIDATES[BAR](), given, N_TRAIN, None)
    by_hand = [
        [np.abs(b[t] - b[t - 6 : t].mean(axis=0)).mean() for t in range(N_TRAIN, len(b))]
        for b in given
    ]
    np.testing.assert_allclose(found, by_hand, rtol=1e-5)
    # Nothing of the test moves the choice.
    later = [np.concatenate([b[:N_TRAIN], b[N_TRAIN:] + np.float32(30.0)]) for b in given]
    names = ["last sweep", BAR, "mixture for each point, 50, and its bias"]
    one, other = measure(given, names), measure(later, names)
    assert [row["validation_db"] for row in one["rows"]] == [
        row["validation_db"] for row in other["rows"]
    ]
    assert one["chosen"] == other["chosen"] != "last sweep"
    assert one["n_test_sweeps"] == 2 * (80 - N_TRAIN)


def test_the_gain_is_of_pairs_and_its_interval_holds_it(rng: np.random.Generator) -> None:
    bar = [rng.uniform(0.5, 1.5, 35).astype(np.float32) for _ in range(6)]
    found, low, high = gain(bar, [np.float32(0.9) * one for one in bar], rng)
    assert found == pytest.approx(0.1, abs=1e-6)
    assert low == pytest.approx(0.1, abs=1e-6) == high
    noisy = [one + rng.normal(0.0, 0.1, 35).astype(np.float32) for one in bar]
    found, low, high = gain(bar, noisy, rng)
    assert low < found < high


def test_the_sweeps_of_bras_deau_are_blocks_of_a_day() -> None:
    path = record.DATA / "sweeps_bras_deau.npz"
    if not path.exists():
        pytest.skip("the sweeps are beside the project, not in it")
    assert [len(block) for block in load_blocks(path, 0)] == [95, 95, 96, 95, 95, 95]
    assert [len(block) for block in load_blocks(path, 2)] == [95] * 5
    bar = errors_of(CANDIDATES[BAR](), load_blocks(path, 0), N_TRAIN, None)
    assert np.concatenate(bar).mean() == pytest.approx(0.843, abs=5e-4)
