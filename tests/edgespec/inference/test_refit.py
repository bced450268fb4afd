"""A refitted layer is that of least squares, and changes nothing where nothing is to be gained."""

import numpy as np
import pytest

from edgespec.errors import ModelError
from edgespec.inference.headspace import HeadSpace
from edgespec.inference.network import Dense
from edgespec.inference.refit import N_FOLDS, STRENGTHS, Refit, Refitted, cosines
from tests import naive

N_HORIZON, N_BINS = 4, 64


def drawn_head(rng: np.random.Generator, n_inputs: int = 6) -> Dense:
    kernel = rng.standard_normal((n_inputs, N_HORIZON * N_BINS)).astype(np.float32)
    return Dense("linear", kernel, rng.standard_normal(N_HORIZON * N_BINS).astype(np.float32))


def heard(
    rng: np.random.Generator, head: Dense, true: Dense, n: int, noise: float = 0.3
) -> tuple[np.ndarray, np.ndarray]:
    """Return outputs of the old layer and what it leaves of what the true one would give."""
    inputs = np.tanh(rng.standard_normal((n, head.n_inputs))).astype(np.float32)
    outputs = inputs @ head.kernel + head.bias
    targets = inputs @ true.kernel + true.bias
    targets = targets + noise * rng.standard_normal(targets.shape)
    return outputs, (targets - outputs).astype(np.float32)


def refit(space: HeadSpace, outputs: np.ndarray, left: np.ndarray, weights: np.ndarray) -> Refit:
    made = Refit(space, N_HORIZON, N_BINS)
    for n, (output, rest, weight) in enumerate(zip(outputs, left, weights, strict=True)):
        fold = n * N_FOLDS // len(outputs)
        made.add(fold, space.features(output), rest.reshape(N_HORIZON, N_BINS), weight)
    return made


def fitted(rng: np.random.Generator, head: Dense, true: Dense, n: int, noise: float) -> Refitted:
    outputs, left = heard(rng, head, true, n, noise)
    return refit(HeadSpace(head), outputs, left, np.ones(n)).solve()


def test_the_features_hold_all_that_the_layer_uses(rng: np.random.Generator) -> None:
    head, other = drawn_head(rng), drawn_head(rng)
    # An input that the layer hardly uses is none of its features.
    head.kernel[3] = 0.0
    other.kernel[3] = 0.0
    space = HeadSpace(head)
    assert space.n_features == 5
    inputs = rng.standard_normal((7, 6)).astype(np.float32)
    old, new = inputs @ head.kernel + head.bias, inputs @ other.kernel + other.bias
    slopes, offset = space.change_to(other)
    for before, after in zip(old, new, strict=True):
        # float32 of sums of six.
        np.testing.assert_allclose(
            before + space.features(before) @ slopes + offset, after, atol=2e-5
        )
    again = space.changed(slopes, offset)
    np.testing.assert_allclose(again.kernel, other.kernel, atol=2e-6)
    np.testing.assert_allclose(again.bias, other.bias, atol=1e-6)


def test_the_cosines_are_orthonormal_and_begin_with_the_mean() -> None:
    table = cosines(25)
    np.testing.assert_allclose(table @ table.T, np.eye(25), atol=1e-12)
    np.testing.assert_allclose(table[0], np.full(25, 0.2), atol=1e-12)


def test_it_changes_nothing_where_the_old_layer_explains_all(rng: np.random.Generator) -> None:
    head = drawn_head(rng)
    got = fitted(rng, head, head, 200, noise=0.0)
    assert got.n_changed == 0
    assert np.array_equal(got.head.kernel, head.kernel)
    assert np.array_equal(got.head.bias, head.bias)


def test_it_finds_a_layer_that_explains_all(rng: np.random.Generator) -> None:
    head, true = drawn_head(rng), drawn_head(rng)
    got = fitted(rng, head, true, 4000, noise=0.0)
    assert got.n_changed == N_HORIZON
    # Inputs in which nothing is said cannot be known: the layers agree on what was heard. The
    # weakest pull leaves 1e-4 of a change that is as large as the layer.
    outputs, left = heard(rng, head, true, 50, noise=0.0)
    slopes, offset = HeadSpace(head).change_to(got.head)
    change = HeadSpace(head).features(outputs[0]) @ slopes + offset
    assert np.abs(change - left[0]).max() < 5e-3 * np.abs(left[0]).max()


def test_it_is_the_plain_fit_by_folds(rng: np.random.Generator) -> None:
    """Against rows and ``lstsq``, with weights: orders, starts, strengths and their choice."""
    head = drawn_head(rng)
    true = Dense("linear", head.kernel * np.float32(1.2), head.bias + np.float32(0.1))
    outputs, left = heard(rng, head, true, 160, noise=1.0)
    weights = rng.uniform(0.5, 2.0, 160)
    space = HeadSpace(head)
    got = refit(space, outputs, left, weights).solve()
    features = np.array([space.features(output) for output in outputs], np.float64)
    wanted, choices = naive.refit_by_folds(
        features, outputs, left, weights, N_HORIZON, N_FOLDS, STRENGTHS
    )
    assert got.choices == choices
    slopes, offset = space.change_to(got.head)
    # float32 of the layers between.
    np.testing.assert_allclose(slopes, wanted[:-1], atol=1e-4)
    np.testing.assert_allclose(offset, wanted[-1], atol=1e-4)


def test_an_offset_of_a_bin_is_known_from_little(rng: np.random.Generator) -> None:
    """Of 40 windows of noise: less than half of the error of all bins by themselves is left."""
    head = drawn_head(rng)
    shape = np.tile(0.5 * rng.standard_normal(N_BINS), N_HORIZON).astype(np.float32)
    got = fitted(rng, head, Dense("linear", head.kernel, head.bias + shape), 40, noise=1.0)
    assert got.choices[0][1] >= 10.0
    error = got.head.bias - head.bias - shape
    assert float(np.std(error)) < 0.15
    assert np.abs(got.head.kernel - head.kernel).max() < 0.1


def test_the_affine_part_alone_is_slope_and_offset_of_each_bin(rng: np.random.Generator) -> None:
    head = drawn_head(rng)
    slope = np.tile(rng.uniform(0.5, 1.5, N_BINS), N_HORIZON).astype(np.float32)
    offset = np.tile(rng.normal(0, 0.5, N_BINS), N_HORIZON).astype(np.float32)
    true = Dense("linear", head.kernel * slope, head.bias * slope + offset)
    outputs, left = heard(rng, head, true, 100, noise=0.0)
    got = refit(HeadSpace(head), outputs, left, np.ones(100)).affine()
    np.testing.assert_allclose(got.head.kernel, true.kernel, atol=2e-4)
    np.testing.assert_allclose(got.head.bias, true.bias, atol=2e-4)


def test_a_fold_without_windows_is_refused(rng: np.random.Generator) -> None:
    space = HeadSpace(drawn_head(rng))
    made = Refit(space, N_HORIZON, N_BINS)
    with pytest.raises(ModelError, match="0 windows are too few"):
        made.affine()
    made.add(0, np.ones(6, np.float32), np.ones((N_HORIZON, N_BINS), np.float32), 1.0)
    with pytest.raises(ModelError, match="1 windows are too few"):
        made.solve()
