"""A bundle is what was written, or one sentence that says what is wrong with it."""

import hashlib
import io
import json
import os
import re
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.errors import ConfigError, ModelError
from edgespec.inference import bundle as bundle_module
from edgespec.inference.arrays import arrays_from_npz, npz_from_arrays, zip_bytes
from edgespec.inference.bundle import load_bundle, put_bundle, shipped_bundle_path, write_bundle
from edgespec.inference.manifest_json import manifest_from_json, manifest_to_json
from tests.made import tiny


def rewrite(path: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    path.write_bytes(zip_bytes(members))


def rehash(members: dict[str, bytes]) -> None:
    """Bind the members to the manifest again, as a forger would."""
    data = json.loads(members["manifest.json"])
    data["files"] = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in members.items()
        if name != "manifest.json"
    }
    members["manifest.json"] = json.dumps(data).encode()


def test_what_is_written_is_what_is_read(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "tiny.edgespec"
    written = tiny.bundle(path, rng, model=b"\x00\x01network")
    loaded = load_bundle(path)
    assert loaded.manifest == written.manifest
    assert replace(loaded.manifest, files={}) == tiny.manifest()
    assert loaded.model == b"\x00\x01network"
    assert np.array_equal(loaded.golden_inputs, written.golden_inputs)
    assert np.array_equal(loaded.golden_outputs, written.golden_outputs)
    assert loaded.weights is None


def test_id_is_the_hash_of_the_file(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "tiny.edgespec"
    written = tiny.bundle(path, rng)
    assert written.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert load_bundle(path).sha256 == written.sha256


def test_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    first = tiny.bundle(tmp_path / "a.edgespec", np.random.default_rng(1))
    second = tiny.bundle(tmp_path / "b.edgespec", np.random.default_rng(1))
    assert first.sha256 == second.sha256


def test_writing_leaves_nothing_but_the_bundle(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "folder" / "tiny.edgespec"
    tiny.bundle(path, rng)
    tiny.bundle(path, rng, model=b"another")
    assert [item.name for item in path.parent.iterdir()] == ["tiny.edgespec"]
    assert load_bundle(path).model == b"another"


@pytest.mark.parametrize("step", ["fsync", "rename"])
def test_a_power_cut_leaves_the_bundle_that_was_there(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """Whatever was written by then lies beside its place: the old file is whole."""
    path = tmp_path / "tiny.edgespec"
    tiny.bundle(path, rng)
    old, seen = path.read_bytes(), []

    def cut(*_: object) -> None:
        seen.append(path.read_bytes())
        raise OSError(5, "the power is gone")

    with monkeypatch.context() as patch:
        patch.setattr(*((os, "fsync") if step == "fsync" else (Path, "replace")), cut)
        with pytest.raises(ConfigError, match="edgespec cannot be written: the power is gone"):
            tiny.bundle(path, rng, model=b"another")
    assert seen == [old]
    assert path.read_bytes() == old


def test_a_new_bundle_takes_the_place_of_no_file(tmp_path: Path, rng: np.random.Generator) -> None:
    bundle = tiny.bundle(tmp_path / "a.edgespec", rng)
    content = bundle.path.read_bytes()
    with pytest.raises(ConfigError, match="exists and is not overwritten"):
        put_bundle(bundle, b"another", is_new=True)
    assert bundle.path.read_bytes() == content
    put_bundle(replace(bundle, path=tmp_path / "new" / "b.edgespec"), content, is_new=True)
    assert load_bundle(tmp_path / "new" / "b.edgespec").sha256 == bundle.sha256


def test_a_refused_write_leaves_the_old_bundle(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "tiny.edgespec"
    old = tiny.bundle(path, rng)
    golden = np.full((1, 8, 64), np.nan, np.float32), np.zeros((1, 4, 64), np.float32)
    with pytest.raises(ModelError, match="not all finite"):
        write_bundle(path, tiny.manifest(), b"new", *golden)
    assert load_bundle(path).sha256 == old.sha256


def test_weights_are_bound_like_the_rest(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "tiny.edgespec"
    golden = rng.random((1, 8, 64), np.float32), rng.random((1, 4, 64), np.float32)
    write_bundle(path, tiny.manifest(), b"m", *golden, weights=npz_from_arrays(k=golden[0]))
    weights = load_bundle(path).weights
    assert weights is not None
    assert np.array_equal(arrays_from_npz(weights, "weights")["k"], golden[0])
    rewrite(path, lambda members: members.update({"weights.npz": b"other"}))
    with pytest.raises(ModelError, match=r"weights\.npz has the SHA-256"):
        load_bundle(path)


def test_any_damaged_byte_is_refused_or_harmless(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "tiny.edgespec"
    good = tiny.bundle(path, rng)
    content = path.read_bytes()
    where = {*range(80), *range(len(content) - 400, len(content))}
    where |= set(rng.integers(0, len(content), 400).tolist())
    refused = 0
    for position in sorted(where):
        damaged = bytearray(content)
        damaged[position] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        try:
            loaded = load_bundle(path)
        except ModelError:
            refused += 1
            continue
        assert replace(loaded, sha256=good.sha256).manifest == good.manifest
        assert loaded.model == good.model
        assert np.array_equal(loaded.golden_inputs, good.golden_inputs)
        assert np.array_equal(loaded.golden_outputs, good.golden_outputs)
    assert refused > len(where) // 2


def test_any_truncation_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "tiny.edgespec"
    tiny.bundle(path, rng)
    content = path.read_bytes()
    for length in [0, 1, 21, 22, *rng.integers(0, len(content), 100).tolist(), len(content) - 1]:
        path.write_bytes(content[:length])
        with pytest.raises(ModelError):
            load_bundle(path)


def _drop_golden(members: dict[str, bytes]) -> None:
    del members["golden.npz"]
    rehash(members)


def _nan_golden(members: dict[str, bytes]) -> None:
    inputs = np.zeros((1, 8, 64), np.float32)
    inputs[0, 3, 5] = np.inf
    members["golden.npz"] = npz_from_arrays(inputs=inputs, outputs=np.zeros((1, 4, 64), np.float32))
    rehash(members)


def _wide_golden(members: dict[str, bytes]) -> None:
    members["golden.npz"] = npz_from_arrays(
        inputs=np.zeros((1, 8, 128), np.float32), outputs=np.zeros((1, 4, 64), np.float32)
    )
    rehash(members)


def _uneven_golden(members: dict[str, bytes]) -> None:
    members["golden.npz"] = npz_from_arrays(
        inputs=np.zeros((2, 8, 64), np.float32), outputs=np.zeros((1, 4, 64), np.float32)
    )
    rehash(members)


def _pickled_golden(members: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], object), allow_pickle=True)
    members["golden.npz"] = zip_bytes(
        {"inputs.npy": buffer.getvalue(), "outputs.npy": buffer.getvalue()}
    )
    rehash(members)


def _huge_golden(members: dict[str, bytes]) -> None:
    buffer = io.BytesIO()
    header = {"descr": "<f4", "fortran_order": False, "shape": (10**13,)}
    np.lib.format.write_array_header_1_0(buffer, header)
    members["golden.npz"] = zip_bytes({"inputs.npy": buffer.getvalue()})
    rehash(members)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_drop_golden, r"has no golden\.npz"),
        (_nan_golden, "not all finite"),
        (_wide_golden, "the geometry asks for"),
        (_uneven_golden, "2 golden inputs but 1 outputs"),
        (_pickled_golden, "not a plain array"),
        (_huge_golden, "not a plain array"),
        (lambda m: m.update({"model.tflite": b"evil"}), r"model\.tflite has the SHA-256"),
        (lambda m: m.update({"../evil": b""}), r"unknown member '\.\./evil'"),
        (lambda m: m.update({"weights.npz": b""}), "its manifest lists"),
        (lambda m: m.update({"manifest.json": b"{"}), "not JSON"),
        (lambda m: m.update({"manifest.json": b"\xff"}), "not UTF-8"),
        (lambda m: m.update({"manifest.json": b"[" * 100_000}), "not JSON"),
        (lambda m: m.update({"manifest.json": b"[]"}), "JSON object"),
    ],
)
def test_a_forged_bundle_is_refused(
    tmp_path: Path,
    rng: np.random.Generator,
    change: Callable[[dict[str, bytes]], None],
    message: str,
) -> None:
    path = tmp_path / "tiny.edgespec"
    tiny.bundle(path, rng)
    rewrite(path, change)
    with pytest.raises(ModelError, match=message):
        load_bundle(path)


def test_compressed_and_duplicate_members_are_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = tmp_path / "tiny.edgespec"
    tiny.bundle(path, rng)
    with zipfile.ZipFile(path) as archive:
        manifest = archive.read("manifest.json")
    with zipfile.ZipFile(tmp_path / "bomb", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("manifest.json", manifest)
    with pytest.raises(ModelError, match="compressed"):
        load_bundle(tmp_path / "bomb")
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("manifest.json", manifest)
    with pytest.raises(ModelError, match="3 of them distinct"):
        load_bundle(path)


def test_a_missing_or_too_large_file_is_refused(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError, match="cannot be read"):
        load_bundle(tmp_path / "missing.edgespec")
    with pytest.raises(ModelError, match="cannot be read"):
        load_bundle(tmp_path)
    tiny.bundle(tmp_path / "tiny.edgespec", rng)
    monkeypatch.setattr(bundle_module, "MAX_BUNDLE_BYTES", 1000)
    with pytest.raises(ModelError, match="give another file"):
        load_bundle(tmp_path / "tiny.edgespec")


def paths(data: object, prefix: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Every key of every object in the manifest that has a fixed set of keys."""
    if not isinstance(data, dict) or prefix[-1:] in (
        ("training",),
        ("files",),
        ("parity",),
        ("thresholds",),
    ):
        return []
    own = [] if prefix == ("detectors",) else [(*prefix, key) for key in data]
    return own + [path for key in data for path in paths(data[key], (*prefix, key))]


MANIFEST_PATHS = paths(json.loads(manifest_to_json(tiny.manifest())))


def test_manifest_round_trips() -> None:
    for manifest in (tiny.manifest(), tiny.manifest(detectors={}, training={})):
        assert manifest_from_json(manifest_to_json(manifest)) == manifest


@pytest.mark.parametrize("path", MANIFEST_PATHS, ids=".".join)
def test_a_missing_or_unknown_key_is_named(path: tuple[str, ...]) -> None:
    data = json.loads(manifest_to_json(tiny.manifest()))
    record = data
    for key in path[:-1]:
        record = record[key]
    record["surprise"] = record[path[-1]]
    with pytest.raises(ModelError, match="surprise"):
        manifest_from_json(json.dumps(data))
    del record["surprise"], record[path[-1]]
    with pytest.raises(ModelError, match=path[-1]):
        manifest_from_json(json.dumps(data))


@pytest.mark.parametrize("path", MANIFEST_PATHS, ids=".".join)
@pytest.mark.parametrize("value", [None, [], {}, "", -1, True, [None], {"a": None}], ids=repr)
def test_a_wrong_value_is_refused_or_harmless(path: tuple[str, ...], value: object) -> None:
    data = json.loads(manifest_to_json(tiny.manifest()))
    record = data
    for key in path[:-1]:
        record = record[key]
    record[path[-1]] = value
    try:
        manifest = manifest_from_json(json.dumps(data))
    except ModelError:
        return
    assert manifest_from_json(manifest_to_json(manifest)) == manifest


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("files", {"model.tflite": "abc"}, "files.model.tflite is 'abc'; it must be a SHA-256"),
        ("model.role", "oracle", "model.role is 'oracle'; it must be one of 'forecast'"),
        (
            "model.input_shape",
            [2, 256],
            "model.input_shape is (2, 256); it must start with a batch",
        ),
        ("model.operators", [""], "model.operators is ''; it must be a text that is not empty"),
        ("discriminant", "DTW", "discriminant is 'DTW'; it must be a discriminant, such as"),
        ("golden_atol", 0, "golden_atol is 0.0; it must be above 0"),
        ("detectors.model.n_scores", 1.5, "n_scores is 1.5; it must be a whole number, at least 1"),
        ("detectors.model.thresholds", {"2": {}}, "detectors.model.thresholds has the false-alarm"),
    ],
)
def test_a_wrong_value_is_shown_with_its_place(path: str, value: object, said: str) -> None:
    data = json.loads(manifest_to_json(tiny.manifest()))
    *names, last = path.split(".")
    record = data
    for name in names:
        record = record[name]
    record[last] = value
    with pytest.raises(ModelError, match=rf"^manifest\.json: .*{re.escape(said)}"):
        manifest_from_json(json.dumps(data))


def test_a_bundle_that_names_no_discriminant_compares_by_the_root_mean_square() -> None:
    usual, other = tiny.manifest(), tiny.manifest(discriminant="dtw:3")
    assert usual.discriminant == "rmse"
    assert "discriminant" not in json.loads(manifest_to_json(usual))
    assert manifest_from_json(manifest_to_json(other)) == other


def test_another_version_says_so() -> None:
    data = json.loads(manifest_to_json(tiny.manifest()))
    data["schema"] = "edgespec.bundle/2"
    with pytest.raises(ModelError, match="update edgespec"):
        manifest_from_json(json.dumps(data))


def test_shapes_must_be_those_of_the_geometry() -> None:
    with pytest.raises(ModelError, match="input_shape"):
        tiny.manifest(model=tiny.model_info(input_shape=(1, 4, 64)))
    with pytest.raises(ModelError, match="output_shape"):
        tiny.manifest(model=tiny.model_info(output_shape=(1, 255)))
    reconstruction = tiny.model_info(role="reconstruction", input_shape=(1, 4, 64), gate=None)
    assert tiny.manifest(model=reconstruction).window_shape == (4, 64)
    with pytest.raises(ModelError, match="error_std_db"):
        tiny.manifest(detectors={"model": tiny.calibration(error_std_db=(1.0,) * 63)})


def test_threshold_is_found_by_rate_and_method() -> None:
    calibration = tiny.calibration()
    assert calibration.threshold(0.01, "quantile") == 3.1
    assert calibration.threshold(0.001, "gaussian") == 3.12
    with pytest.raises(ModelError, match=r"the bundle has 1e-3, 0\.01"):
        calibration.threshold(0.05, "gaussian")
    with pytest.raises(ModelError, match="the bundle has gaussian"):
        calibration.threshold(0.001, "quantile")
    with pytest.raises(ModelError, match="the bundle has none"):
        tiny.calibration(thresholds={}).threshold(0.01, "gaussian")


def test_training_that_json_cannot_hold_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    for value in (float("nan"), object()):
        with pytest.raises(ModelError, match="as JSON"):
            tiny.bundle(tmp_path / "x", rng, training={"loss": value})


def test_shipped_bundle_is_found_or_the_error_helps(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module.resources, "files", lambda _: tmp_path)
    with pytest.raises(ModelError, match="--model"):
        shipped_bundle_path()
    tiny.bundle(tmp_path / "models" / "lte.edgespec", rng)
    assert load_bundle(shipped_bundle_path()).manifest.name == "tiny"
