"""The layer from running sums is that of least squares, and little data change little."""

import numpy as np
import pytest

from edgespec.errors import ModelError, UsageError
from edgespec.inference.ridge import NormalEquations

N_FEATURES, N_TARGETS = 7, 11


def problem(
    rng: np.random.Generator, n_rows: int, n_features: int = N_FEATURES
) -> tuple[np.ndarray, np.ndarray]:
    features = np.tanh(rng.standard_normal((n_rows, n_features))).astype(np.float32)
    layer = rng.standard_normal((n_features, N_TARGETS))
    targets = features @ layer + 0.3 + 0.2 * rng.standard_normal((n_rows, N_TARGETS))
    return features, targets.astype(np.float32)


def teacher(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    weights = rng.standard_normal((N_FEATURES, N_TARGETS)).astype(np.float32)
    return weights, rng.standard_normal(N_TARGETS).astype(np.float32)


def summed(features: np.ndarray, targets: np.ndarray, chunk: int = 1000) -> NormalEquations:
    sums = NormalEquations(features.shape[1], targets.shape[1])
    for first in range(0, len(features), chunk):
        sums.add(features[first : first + chunk], targets[first : first + chunk])
    return sums


def direct(
    features: np.ndarray, targets: np.ndarray, l2: float, start: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Rows ``sqrt(l2) I`` under the data hold the layer; lstsq itself knows nothing of l2."""
    inputs = np.column_stack([features, np.ones(len(features))]).astype(np.float64)
    held = np.sqrt(l2) * np.eye(inputs.shape[1])
    stacked = np.vstack([inputs, held])
    wanted = np.vstack([targets - inputs @ start, np.zeros_like(start)])
    layer = start + np.linalg.lstsq(stacked, wanted, rcond=None)[0]
    return layer[:-1], layer[-1]


@pytest.mark.parametrize("l2", [0.0, 1e-3, 10.0])
@pytest.mark.parametrize("n_rows", [3, 64, 200])
def test_it_is_the_least_squares_solution(rng: np.random.Generator, l2: float, n_rows: int) -> None:
    features, targets = problem(rng, n_rows)
    weights, bias = teacher(rng)
    start = np.vstack([weights, bias]).astype(np.float64)
    sums = summed(features, targets)
    # 1e-5: float32 of the result; three rows for eight unknowns are the case without full rank.
    for found, wanted in zip(
        sums.solve(l2, (weights, bias)), direct(features, targets, l2, start), strict=True
    ):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-5)
    from_zero = direct(features, targets, l2, np.zeros_like(start))
    np.testing.assert_allclose(sums.solve(l2)[0], from_zero[0], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("chunk", [1, 3, 64, 100])
def test_any_chunking_gives_the_same_bits(rng: np.random.Generator, chunk: int) -> None:
    features, targets = problem(rng, 197)
    once, often = summed(features, targets), summed(features, targets, chunk)
    assert once.n_rows == often.n_rows == 197
    for one, other in zip(once.solve(0.5), often.solve(0.5), strict=True):
        assert np.array_equal(one, other)
    assert once.mean_square_error(*once.solve()) == often.mean_square_error(*once.solve())


def test_merged_sums_are_those_of_all_rows(rng: np.random.Generator) -> None:
    features, targets = problem(rng, 300)
    whole = summed(features, targets)
    first, second = summed(features[:90], targets[:90]), summed(features[90:], targets[90:])
    before = second.solve(1.0)
    first.merge(second)
    assert first.n_rows == 300
    np.testing.assert_allclose(first.solve(1.0)[0], whole.solve(1.0)[0], rtol=1e-5, atol=1e-6)
    # The other one is as it was, and both go on.
    assert np.array_equal(before[0], second.solve(1.0)[0])
    first.add(features[:5], targets[:5])
    whole.add(features[:5], targets[:5])
    np.testing.assert_allclose(first.solve()[0], whole.solve()[0], rtol=1e-5, atol=1e-6)


def test_little_data_change_little(rng: np.random.Generator) -> None:
    features, targets = problem(rng, 20_000)
    weights, bias = teacher(rng)
    changes = []
    for n_rows in (0, 1, 10, 100, 20_000):
        found, _ = summed(features[:n_rows], targets[:n_rows]).solve(100.0, (weights, bias))
        changes.append(float(np.linalg.norm(found - weights)))
    assert changes[0] == 0.0
    assert changes == sorted(changes)
    free, _ = summed(features, targets).solve()
    # A hundredth of what one unit of l2 per row would hold back.
    assert np.linalg.norm(found - free) < 0.05 * np.linalg.norm(weights - free)
    assert changes[1] < 0.05 * np.linalg.norm(weights - free)


def test_more_l2_stays_nearer_to_the_teacher_and_fits_worse(rng: np.random.Generator) -> None:
    features, targets = problem(rng, 50)
    weights, bias = teacher(rng)
    sums = summed(features, targets)
    found = [sums.solve(l2, (weights, bias)) for l2 in (0.0, 1.0, 100.0, 1e8)]
    distances = [float(np.linalg.norm(w - weights)) for w, _ in found]
    errors = [sums.mean_square_error(*layer) for layer in found]
    assert distances == sorted(distances, reverse=True)
    assert errors == sorted(errors)
    assert distances[-1] < 1e-4


def test_the_error_is_that_of_the_rows(rng: np.random.Generator) -> None:
    features, targets = problem(rng, 150)
    weights, bias = teacher(rng)
    wanted = np.mean((features.astype(np.float64) @ weights + bias - targets) ** 2)
    assert summed(features, targets).mean_square_error(weights, bias) == pytest.approx(wanted)
    with pytest.raises(UsageError, match="add some"):
        NormalEquations(N_FEATURES, N_TARGETS).mean_square_error(weights, bias)


def test_what_the_data_do_not_determine_stays(rng: np.random.Generator) -> None:
    """A unit of the network that never fires keeps its weights; twins share what is to be done."""
    features, targets = problem(rng, 100)
    features[:, 2] = 0.0
    features[:, 5] = features[:, 4]
    weights, bias = teacher(rng)
    found, found_bias = summed(features, targets).solve(0.0, (weights, bias))
    np.testing.assert_allclose(found[2], weights[2], atol=1e-5)
    np.testing.assert_allclose(found[5] - weights[5], found[4] - weights[4], atol=1e-4)
    inputs = np.column_stack([features, np.ones(100)]).astype(np.float64)
    best = inputs @ np.linalg.lstsq(inputs, targets.astype(np.float64), rcond=None)[0]
    np.testing.assert_allclose(features @ found + found_bias, best, atol=1e-4)


def test_sums_do_not_grow_and_can_be_cleared(rng: np.random.Generator) -> None:
    features, targets = problem(rng, 500)
    sums = summed(features, targets)
    arrays = [value for value in vars(sums).values() if isinstance(value, np.ndarray)]
    before = [(array.ctypes.data, array.nbytes) for array in arrays]
    sums.add(features, targets)
    assert before == [(array.ctypes.data, array.nbytes) for array in arrays]
    shipped = NormalEquations(64, 3200)
    n_bytes = sum(v.nbytes for v in vars(shipped).values() if isinstance(v, np.ndarray))
    assert n_bytes < 5e6
    sums.clear()
    assert sums.n_rows == 0
    sums.add(features[:80], targets[:80])
    again = summed(features[:80], targets[:80])
    assert np.array_equal(sums.solve(1.0)[0], again.solve(1.0)[0])


def test_wrong_arguments_are_refused(rng: np.random.Generator) -> None:
    features, targets = problem(rng, 10)
    sums = summed(features, targets)
    before = sums.solve()
    for bad in ((features[:4], targets), (features[:, :3], targets), (features[0], targets[0])):
        with pytest.raises(UsageError, match="accepted are"):
            sums.add(*bad)
    for values in ((np.nan, 0.0), (np.inf, -np.inf)):
        poisoned = features.copy()
        poisoned[3, :2] = values
        with pytest.raises(ModelError, match="not finite"):
            sums.add(poisoned, targets)
    assert np.array_equal(before[0], sums.solve()[0])
    for l2 in (-1.0, np.inf, np.nan):
        with pytest.raises(UsageError, match="l2 is"):
            sums.solve(l2)
    with pytest.raises(UsageError, match="the layer has"):
        sums.solve(1.0, (np.zeros((3, 4)), np.zeros(4)))
    with pytest.raises(UsageError, match="cannot be merged"):
        sums.merge(NormalEquations(N_FEATURES, 2))
    for sizes in ({"n_features": 0}, {"n_targets": 0}, {"block_rows": 0}):
        with pytest.raises(UsageError, match="must be positive"):
            NormalEquations(**{"n_features": 2, "n_targets": 3, **sizes})
