"""A model is examined in a process apart: what is said there is said here, and so is a crash."""

import threading
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig
from edgespec.errors import ConfigError, ModelError
from edgespec.inference.bundle import read_bundle
from edgespec.observer.models import examination_apart
from edgespec.observer.models.examination_apart import examine_apart
from tests.edgespec.observer.models.test_shadow import candidate


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return Config(
        node=NodeConfig(state_dir=tmp_path / "state", computing="plain"),
        band=(BandConfig(id="b", backend="litert"),),
        detect=DetectConfig(detectors=("model", "zscore")),
    )


def test_what_it_shows_and_what_speaks_against_it_come_back(
    config: Config, tmp_path: Path, rng: np.random.Generator
) -> None:
    bundle, content = read_bundle(candidate(tmp_path, rng).path)
    found = examine_apart(config, bundle, content, threading.Event())
    assert found.backend == "litert"
    assert found.max_error <= found.golden_atol
    assert "golden vectors within" in found.words
    assert len(found.doubts) == 1
    with pytest.raises(ModelError, match="bundle"):
        examine_apart(config, bundle, content[:-40], threading.Event())


def test_a_crash_ends_nothing_here(
    config: Config, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle, content = read_bundle(candidate(tmp_path, rng).path)
    monkeypatch.setattr(examination_apart, "_MODULE", "tests.made.crash")
    with pytest.raises(ModelError, match="crashed"):
        examine_apart(config, bundle, content, threading.Event())
    stopping = threading.Event()
    stopping.set()
    monkeypatch.setattr(examination_apart, "_MODULE", "http.server")
    with pytest.raises(ConfigError, match="stopped"):
        examine_apart(config, bundle, content, stopping)
