"""Models installed, listed and taken back by a person, with everything that is wrong with them."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.framing import Recipe
from edgespec.observer.models import examination
from edgespec.sweep_recipe import SweepRecipe
from edgespec.updates.store import ModelStore
from tests.made import tiny, tiny_network

DETECT = '[detect]\ndetectors = ["model", "energy"]\n'


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "c.toml"
    path.write_text(
        f'[node]\nstate_dir = "state"\n[[source]]\nuri = "rtlsdr:"\nsample_rate_hz = 1e6\n{DETECT}'
    )
    return path


@pytest.fixture
def model(tmp_path: Path) -> Callable[..., Path]:
    rng = np.random.default_rng(5)

    def made(name: str, **changes: object) -> Path:
        path = tmp_path / f"{name}.edgespec"
        tiny_network.write(path, rng, **{"name": name, **changes})
        return path

    return made


Model = Callable[..., Path]


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["model", *map(str, words)])


def told(*words: object) -> dict[str, Any]:
    found = run(*words, "--json")
    assert found.exit_code == 0, found.stderr
    said: dict[str, Any] = json.loads(found.stdout)
    return said


def test_a_model_is_installed_listed_and_taken_back(config: Path, model: Model) -> None:
    assert told("list", "-c", config)["runs"] is None
    first = told("install", model("a"), "-c", config)
    assert (first["schema"], first["band"], first["name"]) == ("edgespec.install/1", "band0", "a")
    assert first["runs"] == first["current"]
    assert first["max_error"] <= 1e-4
    assert first["call_ms"] < first["hop_ms"]
    said = run("install", model("b"), "-c", config)
    assert said.exit_code == 0
    assert "band0: b " in said.stdout
    assert "not signed: nothing says who made it" in said.stdout
    assert "golden vectors within" in said.stdout
    second = told("list", "-c", config)
    assert (second["name"], second["previous"]) == ("b", first["current"])
    back = told("rollback", "-c", config, "--why", "it is deaf")
    assert (back["name"], back["refused"]) == ("a", [second["current"]])
    assert back["why"] == "rolled back by hand: it is deaf"
    none = run("rollback", "-c", config)
    assert "no installed model: the shipped one at its rate" in none.stdout
    again = run("rollback", "-c", config)
    assert again.exit_code == 5
    assert "no installed model runs in this band" in again.stderr


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"made_with": replace(tiny.RECIPE, sample_rate_hz=2e6)},
            "set source.sample_rate_hz = 2000000",
        ),
        ({"made_with": SweepRecipe(88e6, 108e6, 64, 2.0, 8, 4, 4)}, "was made for .* sweeps"),
        ({"golden_atol": 1e-30}, "differs from the golden vectors"),
        ({"detectors": {}}, "has no threshold for 'forecast'"),
        (
            {
                "model": tiny.model_info(
                    architecture="mean", gate=None, operators=("FlexMean",),
                    output_shape=(1, tiny.GEOMETRY.n_horizon, tiny.GEOMETRY.n_bins),
                )
            },
            "FlexMean, which needs all of TensorFlow",
        ),
    ],
)  # fmt: skip
def test_a_model_that_does_not_fit_or_run_changes_nothing(
    config: Path, model: Model, changes: dict[str, object], message: str
) -> None:
    first = told("install", model("good"), "-c", config)["current"]
    if "golden_atol" in changes:
        # The mean of a few numbers is exact by chance; what the file promises is not.
        path = model("bad", golden_atol=1e-30)
        spoil_golden(path)
    else:
        path = model("bad", **changes)
    found = run("install", path, "-c", config)
    assert found.exit_code == 5, found.output
    assert re.search(message, found.stderr), found.stderr
    assert told("list", "-c", config)["current"] == first


def spoil_golden(path: Path) -> None:
    """Write other golden outputs than the network gives, with hashes that are right."""
    from edgespec.inference.bundle import load_bundle, write_bundle

    it = load_bundle(path)
    write_bundle(path, it.manifest, it.model, it.golden_inputs, it.golden_outputs + np.float32(1))


def test_a_model_that_is_too_slow_is_refused_with_figures(
    config: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Everything is right with it but its speed."""
    usual = examination.measure

    def slow(*given: Any) -> Any:
        return tuple(replace(one, call_s=0.7e-3) for one in usual(*given))

    monkeypatch.setattr(examination, "measure", slow)
    found = run("install", model("slow"), "-c", config)
    assert found.exit_code == 5
    # A segment of 4 frames of 256 samples at 1 MS/s.
    assert "its fastest call takes 0.7 ms here" in found.stderr
    assert "a segment comes every 1.02 ms, of which 50% may be the model's" in found.stderr
    assert told("list", "-c", config)["current"] is None


def test_of_a_folder_the_newest_that_passes_is_taken(
    config: Path, model: Model, tmp_path: Path
) -> None:
    model("old", created_utc="2026-01-01T00:00:00Z")
    model("new", created_utc="2026-02-01T00:00:00Z")
    other = Recipe(2e6, 64, 4, n_context=8, n_horizon=4, hop_frames=4)
    model("newest", created_utc="2026-03-01T00:00:00Z", made_with=other)
    (tmp_path / "rubbish.edgespec").write_bytes(b"PK")
    found = run("install", tmp_path, "-c", config)
    assert found.exit_code == 0, found.stderr
    assert "band0: new " in found.stdout
    assert "newest.edgespec is not taken: " in found.stderr
    empty = tmp_path / "empty"
    empty.mkdir()
    none = run("install", empty, "-c", config)
    assert none.exit_code == 5
    assert "holds no bundle" in none.stderr


def test_a_damaged_model_is_said_by_the_list_as_by_the_state(config: Path, model: Model) -> None:
    told("install", model("a"), "-c", config)
    current = told("install", model("b"), "-c", config)["current"]
    store = ModelStore(config.parent / "state")
    store.path(current).write_bytes(b"")
    found = told("list", "-c", config)
    assert (found["name"], found["current"]) == ("a", current)
    assert "the one before it runs, a" in found["caution"]
    assert "caution: the installed model cannot be used" in run("list", "-c", config).stdout


def test_with_several_bands_one_is_named(config: Path, model: Model) -> None:
    more = '[[band]]\nid = "one"\n[[band]]\nid = "two"\n'
    config.write_text(config.read_text() + more)
    path = model("a")
    found = run("install", path, "-c", config)
    assert found.exit_code == 2
    assert "several bands (one, two): name one with --band" in found.stderr
    assert told("install", path, "-c", config, "--band", "two")["band"] == "two"
    wrong = run("install", path, "-c", config, "--band", "three")
    assert wrong.exit_code == 3
    assert run("list", "-c", config).stdout.splitlines()[0].startswith("one: no installed model")


def test_what_the_configuration_names_goes_before_and_is_said(config: Path, model: Model) -> None:
    named = model("named")
    config.write_text(config.read_text() + f'[[band]]\nmodel = "{named}"\n')
    found = run("install", model("a"), "-c", config)
    assert f"caution: the configuration names {named}, which goes before it" in found.stdout


def test_signed_models_never_fall_behind_until_a_person_asks(
    config: Path, model: Model, tmp_path: Path
) -> None:
    pytest.importorskip("cryptography", reason="needs the extra `updates`")
    key = run("key", tmp_path / "maker.pem").stdout.strip()
    config.write_text(config.read_text() + f'[updates]\ntrusted_keys = ["{key}"]\n')
    first, second = model("first"), model("second")
    unsigned = run("install", first, "-c", config)
    assert unsigned.exit_code == 5
    assert "is not signed, and what is installed here must be signed" in unsigned.stderr
    for number, path in enumerate((first, second), 1):
        signing = run("sign", path, "--key", tmp_path / "maker.pem", "--counter", number)
        assert signing.exit_code == 0
    found = told("install", second, "-c", config)
    assert (found["name"], found["version"]) == ("second", 2)
    assert found["notes"][0].startswith(f"signed by {key}")
    older = run("install", first, "-c", config)
    assert older.exit_code == 5
    assert "has the version 1, and version 2 was here" in older.stderr
    assert "`edgespec model rollback --to FILE`" in older.stderr
    back = told("rollback", "--to", first, "-c", config)
    assert (back["name"], back["version"]) == ("first", 1)
    assert back["why"] == "rolled back by hand"


def test_root_does_not_install_for_an_observer_of_another_user(
    config: Path, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    told("install", model("a"), "-c", config)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    usual = Path.stat

    def stat(path: Path, **more: Any) -> Any:
        found = usual(path, **more)
        return Mock(wraps=found, st_uid=12345) if path.name == "state" else found

    monkeypatch.setattr(Path, "stat", stat)
    found = run("rollback", "-c", config)
    assert found.exit_code == 3
    assert "sudo -u '#12345' edgespec model" in found.stderr
