"""Which model a band starts with, and what becomes of it where the installed one is not sound."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.opening.band_model import model_caution, named_bundle, usual_bundle
from edgespec.observer.opening.cautions import cautions
from edgespec.observer.radio_opening import open_basis
from edgespec.observer.startup import open_observer
from edgespec.records import SampleFormat, SourceInfo
from edgespec.sweep_recipe import SweepRecipe
from edgespec.updates.store import ModelStore
from tests.made import tiny, tiny_network

DETECT = DetectConfig(detectors=("model", "energy"))
RATE_HZ = tiny.RECIPE.sample_rate_hz
#: Of whatever rate, the band is all of the source.
SOURCE = SourceInfo("radio", RATE_HZ, 806e6, SampleFormat.CF32, True)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(node=NodeConfig(state_dir=tmp_path / "state"), detect=DETECT)


@pytest.fixture
def install(config: Config, tmp_path: Path) -> Callable[..., str]:
    rng = np.random.default_rng(3)

    def installed(name: str, **changes: object) -> str:
        path = tmp_path / f"{name}.edgespec"
        sha256 = tiny_network.write(path, rng, name=name, **changes).sha256
        ModelStore(config.node.state_dir).install("band0", path.read_bytes(), "by hand")
        return sha256

    return installed


Install = Callable[..., str]


def named(config: Config, path: Path) -> Config:
    return replace(config, band=(BandConfig(model=path),))


def test_the_configuration_comes_before_what_is_installed_and_that_before_the_shipped(
    config: Config, install: Install, tmp_path: Path
) -> None:
    shipped = load_bundle(shipped_bundle_path())
    assert named_bundle(config) is None
    assert usual_bundle(config).sha256 == shipped.sha256
    assert open_basis(config, SOURCE, None).bundle is None
    sha256 = install("a")
    assert named_bundle(config) is None
    assert usual_bundle(config).sha256 == sha256
    assert open_basis(config, SOURCE, None).model_sha256 == sha256
    assert model_caution(config, sha256) == ""
    other = tiny_network.write(tmp_path / "b.edgespec", np.random.default_rng(1), name="b")
    by_name = named(config, other.path)
    bundle = named_bundle(by_name)
    assert bundle is not None
    assert bundle.sha256 == other.sha256 == open_basis(by_name, SOURCE, bundle).model_sha256
    # It was asked for.
    assert model_caution(by_name, other.sha256) == ""
    # A part of a source is judged by it whatever the source delivers.
    part = replace(config, band=(BandConfig(center_freq_hz=806e6),))
    found = named_bundle(part)
    assert found is not None
    assert open_basis(part, replace(SOURCE, sample_rate_hz=8e6), found).model_sha256 == sha256


def test_at_another_rate_the_shipped_one_or_none_runs_and_that_is_said(
    config: Config, install: Install
) -> None:
    sha256 = install("a")
    shipped = load_bundle(shipped_bundle_path())
    at_its_rate = replace(SOURCE, sample_rate_hz=shipped.manifest.recipe.sample_rate_hz)
    basis = open_basis(config, at_its_rate, None)
    assert basis.model_sha256 == shipped.sha256
    assert "the installed model a does not run" in model_caution(config, basis.model_sha256)
    assert open_basis(config, replace(SOURCE, sample_rate_hz=3e6), None).bundle is None
    assert model_caution(config, sha256) == ""


def test_a_damaged_model_leaves_its_place_to_the_one_before_it(
    config: Config, install: Install
) -> None:
    first, second = install("a"), install("b")
    ModelStore(config.node.state_dir).path(second).write_bytes(b"PK")
    assert open_basis(config, SOURCE, None).model_sha256 == first
    assert "the one before it runs, a" in model_caution(config, first)
    # Before a start, `edgespec config check` and `edgespec doctor` say it, too.
    (said,) = cautions(config)
    assert said.startswith("band band0: the installed model cannot be used: ")


def test_a_model_that_nothing_here_can_run_leaves_its_place_to_the_one_before_it(
    config: Config, install: Install, caplog: pytest.LogCaptureFixture
) -> None:
    """As after an update of the runtime: it was checked when it was installed."""
    first = install("a")
    install("b", golden_atol=1e-30, model=tiny.model_info(
        architecture="mean", gate=None, operators=("FlexMean",),
        output_shape=(1, tiny.GEOMETRY.n_horizon, tiny.GEOMETRY.n_bins),
    ))  # fmt: skip
    basis = open_basis(config, SOURCE, None)
    assert basis.model_sha256 == first
    assert "the installed model does not run" in caplog.text
    assert "nothing here can run it" in model_caution(config, basis.model_sha256)


def test_a_model_that_nothing_can_run_and_none_before_it_is_no_end(
    config: Config, install: Install
) -> None:
    install("b", model=tiny.model_info(
        architecture="mean", gate=None, operators=("FlexMean",),
        output_shape=(1, tiny.GEOMETRY.n_horizon, tiny.GEOMETRY.n_bins),
    ))  # fmt: skip
    assert open_basis(config, SOURCE, None).bundle is None


def test_a_model_of_sweeps_is_taken_for_sweeps_alone(config: Config, install: Install) -> None:
    recipe = SweepRecipe(88e6, 108e6, 64, 2.0, 8, 4, 4)
    sha256 = install("sweeps", made_with=recipe)
    assert named_bundle(config) is None
    assert open_basis(config, SOURCE, None).bundle is None
    swept = replace(config, source=(SourceConfig(uri="rtl_power:sweeps.csv"),))
    found = named_bundle(swept)
    assert found is not None
    assert found.sha256 == sha256


def test_an_observer_says_in_its_state_that_it_does_not_run_what_is_installed(
    config: Config, install: Install
) -> None:
    """A simulated cell has another rate than the model."""
    install("a")
    source = SourceConfig(uri="sim:lte-dl?sample_rate=1.92e6&duration_s=0.3")
    sink = Mock()
    open_observer(replace(config, source=(source,)), [sink]).monitor.run()
    said = [call.args[0].model_caution for call in sink.state.call_args_list]
    assert said
    assert all("the installed model a does not run" in words for words in said)
