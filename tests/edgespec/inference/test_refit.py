"""A refitted layer is that of least squares, changes nothing for nothing, and runs everywhere."""

from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import ModelError
from edgespec.inference.backends import BACKENDS, check_golden, open_backend
from edgespec.inference.bundle import Bundle, load_bundle, put_bundle
from edgespec.inference.headspace import HeadSpace
from edgespec.inference.network import Dense, Network
from edgespec.inference.refit import N_FOLDS, STRENGTHS, Refit, Refitted, cosines
from edgespec.inference.rehead import Reheaded, head_of, pack_reheaded, proved_in
from edgespec.inference.tflite_head import head_of_tflite, with_head_in_tflite
from tests import naive
from tests.made import tiny_dense

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
    made.add(0, np.ones(6, np.float32), np.ones((N_HORIZON, N_BINS), np.float32), 1.0)
    with pytest.raises(ModelError, match="1 windows are too few"):
        made.solve()


# The bundle.


@pytest.fixture(params=[False, True], ids=["float32", "float16"])
def parent(request: pytest.FixtureRequest, tmp_path: Path, rng: np.random.Generator) -> Bundle:
    return tiny_dense.write(tmp_path / "parent.edgespec", rng, half=request.param)


def new_head(parent: Bundle, rng: np.random.Generator) -> Reheaded:
    space = HeadSpace(head_of(parent))
    slopes = rng.normal(0, 0.1, (space.n_features, 256)).astype(np.float32)
    return Reheaded.of(parent, space, space.changed(slopes, slopes[0]))


TRAINING = {"adapted": {"utc": "2026-11-28T00:00:00Z", "parent_sha256": "x"}}


def test_every_runtime_runs_the_new_layer(parent: Bundle, rng: np.random.Generator) -> None:
    new = new_head(parent, rng)
    path = parent.path.with_name("child.edgespec")
    made, content = pack_reheaded(path, parent, open_backend(parent, "numba"), new, TRAINING)
    assert not path.exists()
    found = proved_in(made)
    assert found
    assert "numba" in found
    put_bundle(made, content)
    child = load_bundle(path)
    assert child.sha256 == made.sha256
    assert child.manifest.name == "tiny-adapted"
    assert child.manifest.training == TRAINING
    assert len(child.model) == len(parent.model)
    window = rng.standard_normal((8, 64), np.float32)
    results = []
    for name in found:
        old = open_backend(parent, name).predict(window).reshape(-1).copy()
        results.append(open_backend(child, name).predict(window).reshape(-1).copy())
        # float32; and the change is one: a child that is its parent would pass the rest.
        np.testing.assert_allclose(results[-1], new.outputs(old), atol=2e-5)
        assert np.abs(results[-1] - old).max() > 0.05
    np.testing.assert_allclose(results[0], results[-1], atol=2e-5)


def test_a_change_that_did_not_arrive_is_found(parent: Bundle, rng: np.random.Generator) -> None:
    """The golden vectors are those of the new layer; the old file under them is refused."""
    new = new_head(parent, rng)
    made, _ = pack_reheaded(parent.path, parent, open_backend(parent, "numba"), new, TRAINING)
    for name in proved_in(made):
        with pytest.raises(ModelError, match="differs from the golden vectors"):
            check_golden(made, BACKENDS[name](parent, 1))


def test_the_file_is_changed_in_two_places_and_nowhere_else(
    parent: Bundle, rng: np.random.Generator
) -> None:
    head = head_of_tflite(parent.model)
    assert with_head_in_tflite(parent.model, head) == parent.model
    other = Dense("linear", head.kernel + np.float32(1.0), head.bias - np.float32(1.0))
    changed = with_head_in_tflite(parent.model, other)
    got = head_of_tflite(changed)
    np.testing.assert_allclose(got.kernel, other.kernel, atol=1e-3)
    np.testing.assert_allclose(got.bias, other.bias, atol=1e-3)
    differ = np.flatnonzero(
        np.frombuffer(changed, np.uint8) != np.frombuffer(parent.model, np.uint8)
    )
    n_bytes = (2 if parent.manifest.model.quantisation == "float16" else 4) * 256
    assert len(differ) <= n_bytes * (tiny_dense.N_HIDDEN + 1)
    assert with_head_in_tflite(changed, head) == parent.model


def test_layers_that_cannot_be_refitted(rng: np.random.Generator, tmp_path: Path) -> None:
    network = tiny_dense.layers(rng)
    relu = tiny_dense.tflite(network, activation=1)
    with pytest.raises(ModelError, match="without activation"):
        head_of_tflite(relu)
    with pytest.raises(ModelError, match="shares its numbers"):
        head_of_tflite(tiny_dense.tflite(network, shared=True))
    good = tiny_dense.tflite(network)
    with pytest.raises(ModelError, match="linear of"):
        with_head_in_tflite(good, network.denses[0])
    too_large = Dense("linear", network.denses[1].kernel, np.full(256, 1e6, np.float32))
    with pytest.raises(ModelError, match="cannot hold"):
        with_head_in_tflite(tiny_dense.tflite(network, half=True), too_large)
    other = tiny_dense.layers(rng)
    two = tiny_dense.write(tmp_path / "two.edgespec", rng, network=network)
    mixed = Reheaded.of(two, HeadSpace(head_of(two)), other.denses[1])
    with pytest.raises(ModelError, match="two last layers that differ"):
        head_of(replace(two, model=mixed.model))


def test_damaged_files_are_refused(rng: np.random.Generator) -> None:
    """Cut anywhere, or with any byte changed, the reader says so or reads some numbers."""
    network: Network = tiny_dense.layers(rng)
    good = tiny_dense.tflite(network)
    for stop in (*range(0, 64, 4), *range(64, len(good), 997)):
        with pytest.raises(ModelError):
            head_of_tflite(good[:stop])
    for at in rng.integers(0, len(good), 300):
        bad = bytearray(good)
        bad[at] ^= int(rng.integers(1, 256))
        # Numbers of the layer may have changed, which nobody can tell here.
        with suppress(ModelError):
            head_of_tflite(bytes(bad))
