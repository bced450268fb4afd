"""Bundles of single cells: found and opened beforehand, or refused with the reason."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig
from edgespec.errors import ModelError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, write_bundle
from edgespec.observer.kept.kept_cells import MOST_CELLS
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.cell_models import adapted_cell, cell_models, model_path
from tests.made import tiny_dense
from tests.made.tiny import FRAMING

CENTER_HZ = 806e6
GRID = FRAMING.grid(CENTER_HZ)
DETECT = DetectConfig(detectors=("model", "energy"))


@pytest.fixture
def parent(tmp_path: Path, rng: np.random.Generator) -> Bundle:
    return tiny_dense.write(tmp_path / "parent.edgespec", rng)


def config_of(folder: Path, *named: Path) -> Config:
    band = BandConfig(cell_models=named)
    return Config(node=NodeConfig(state_dir=folder), band=(band,), detect=DETECT)


def basis_of(parent: Bundle) -> Basis:
    return Basis.of_bundle(parent, open_backend(parent, "litert"), DETECT)


def child(path: Path, parent: Bundle, cell: object, **manifest: Any) -> Path:
    """Write the parent once more, as adapted to a cell."""
    training = {"adapted": {"cell": cell}}
    path.parent.mkdir(exist_ok=True)
    write_bundle(
        path,
        replace(parent.manifest, training=training, **manifest),
        parent.model,
        parent.golden_inputs,
        parent.golden_outputs,
        parent.weights,
    )
    return path


def cell(identity: object = 7, center_hz: float = CENTER_HZ) -> dict[str, object]:
    return {"technology": "lte", "identity": identity, "center_freq_hz": center_hz}


def test_one_in_the_state_directory_is_open_before_its_cell_is_entered(
    tmp_path: Path, parent: Bundle, rng: np.random.Generator
) -> None:
    path = child(model_path(tmp_path, "lte-7", CENTER_HZ), parent, cell())
    found = cell_models(config_of(tmp_path), basis_of(parent), GRID)
    assert list(found) == ["lte-7"]
    own = found["lte-7"]
    assert own.bundle is not None
    assert own.bundle.path == path
    assert own.backend is not None
    window = rng.standard_normal((8, 64), np.float32)
    assert own.backend.predict(window).shape == (4, 64)
    assert own.model_sha256 != parent.sha256


def test_one_that_is_named_is_before_those_that_are_found(tmp_path: Path, parent: Bundle) -> None:
    child(model_path(tmp_path, "lte-7", CENTER_HZ), parent, cell())
    named = child(tmp_path / "named.edgespec", parent, cell(), name="named")
    found = cell_models(config_of(tmp_path, named), basis_of(parent), GRID)
    assert [(label, basis.model) for label, basis in found.items()] == [("lte-7", "named")]


def test_without_a_model_of_the_band_there_is_none_of_a_cell(
    tmp_path: Path, parent: Bundle
) -> None:
    child(model_path(tmp_path, "lte-7", CENTER_HZ), parent, cell())
    basis = replace(basis_of(parent), backend=None)
    assert cell_models(config_of(tmp_path), basis, GRID) == {}


def test_those_that_were_made_last_count(tmp_path: Path, parent: Bundle) -> None:
    for number in range(MOST_CELLS + 2):
        path = child(tmp_path / "models" / f"{number}.edgespec", parent, cell(number))
        os.utime(path, (1000.0 + number, 1000.0 + number))
    found = cell_models(config_of(tmp_path), basis_of(parent), GRID)
    assert list(found) == [f"lte-{number}" for number in range(MOST_CELLS + 1, 1, -1)]


def test_one_of_another_band_is_passed_over(
    tmp_path: Path, parent: Bundle, caplog: pytest.LogCaptureFixture
) -> None:
    child(tmp_path / "models" / "a.edgespec", parent, cell(center_hz=CENTER_HZ + 10e6))
    assert cell_models(config_of(tmp_path), basis_of(parent), GRID) == {}
    assert caplog.text == ""


def made_wrong(path: Path, parent: Bundle, why: str, rng: np.random.Generator) -> None:
    if why == "frames":
        recipe = replace(parent.manifest.recipe, n_averages=8)
        child(path, parent, cell(), made_with=recipe)
    elif why == "cell":
        child(path, parent, None)
    elif why == "identity":
        child(path, parent, cell("seven"))
    elif why == "centre":
        child(path, parent, cell(center_hz=CENTER_HZ + 10e6))
    elif why == "golden":
        wrong = replace(parent, golden_outputs=parent.golden_outputs + np.float32(1.0))
        child(path, wrong, cell())
    elif why == "damaged":
        child(path, parent, cell())
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(bytes(content))


@pytest.mark.parametrize(
    ("why", "says"),
    [
        ("missing", "cannot be read"),
        ("damaged", ""),
        ("frames", "other frames"),
        ("cell", "names no cell"),
        ("identity", "names no cell"),
        ("centre", "a cell at 816000000 Hz"),
        ("golden", "differs from the golden vectors"),
    ],
)
def test_what_cannot_be_used_is_said_and_the_others_count(
    tmp_path: Path,
    parent: Bundle,
    rng: np.random.Generator,
    caplog: pytest.LogCaptureFixture,
    why: str,
    says: str,
) -> None:
    wrong = tmp_path / "wrong.edgespec"
    made_wrong(wrong, parent, why, rng)
    right = child(tmp_path / "right.edgespec", parent, cell(8))
    found = cell_models(config_of(tmp_path, wrong, right), basis_of(parent), GRID)
    assert list(found) == ["lte-8"]
    assert str(wrong) in caplog.text
    assert says in caplog.text
    assert "goes on with the model that it has" in caplog.text


def test_the_shipped_kind_of_bundle_is_of_no_cell(parent: Bundle) -> None:
    with pytest.raises(ModelError, match="names no cell"):
        adapted_cell(parent)
