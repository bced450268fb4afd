"""A bundle with another last layer is the same file but for that, and every runtime proves it."""

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
from edgespec.inference.rehead import Reheaded, head_of, pack_reheaded, proved_in
from edgespec.inference.tflite_head import head_of_tflite, with_head_in_tflite
from tests.made import tiny_dense


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
