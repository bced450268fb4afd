"""A swept band follows what is installed while it runs, and goes back by itself."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import (
    BandConfig,
    Config,
    DetectConfig,
    NodeConfig,
    SourceConfig,
    SweepConfig,
)
from edgespec.kinds import MODEL_TAKEN_BACK
from edgespec.observer import board_events
from edgespec.observer.models import model_switch
from edgespec.observer.models.model_switch import installed_ids, open_switch
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.radio_opening import open_radio
from edgespec.records import EventType
from edgespec.updates.store import ModelStore
from tests.made import swept_bundle
from tests.made.tape import Notebook

BAND = "b"


class Watch:
    """A live band of sweeps and what follows its installed model, without threads."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self.config = Config(
            node=NodeConfig(state_dir=folder, computing="plain"),
            source=(SourceConfig(uri="rtl_power:-"),),
            band=(BandConfig(id=BAND, backend="litert"),),
            detect=DetectConfig(detectors=("model", "residual"), false_events_per_day=1.0),
            sweep=SweepConfig(warmup_sweeps=40),
        )
        self.store, self.source = ModelStore(folder), swept_bundle.Sweeps(rng)
        self.begin()

    def begin(self) -> None:
        """Start, as an observer does."""
        begun_with = installed_ids(self.config)
        opened = open_radio(self.config, self.config.source[0], opened=self.source)
        radio = Radio("r", self.source, opened.chains, (), opened.remake)
        self.notebook = Notebook()
        (self.worker,) = Monitor([radio], [self.notebook], state_s=1e9).workers
        model = open_switch(self.config, [radio], begun_with).of(BAND)
        assert model is not None
        self.model = model
        self.worker.tellers.append(model)
        self.worker.succession = model.succession

    def hears(self, n_sweeps: int, tone_db: float = 0.0) -> "Watch":
        """Hear sweeps; each hop of a warm band must be scored by all of its detectors."""
        for _ in range(n_sweeps):
            chain, n_segments = self.worker.chain, self.worker.chain.n_segments
            was_warm = chain.scorer.is_warm
            self.worker._work(self.source.next(tone_db))
            if was_warm:
                hop = chain.geometry.hop_frames
                is_whole = chain.n_segments == n_segments + 1
                assert is_whole or hop > 1
                assert chain.last is not None
                assert len(chain.last.scores) == len(chain.thresholds)
            for event in self.model.look(self.worker.chain, self.source.n_given):
                self.notebook.event(event)
        return self

    def install(self, path: Path) -> None:
        self.store.install(BAND, path.read_bytes(), "by hand")
        self.model.poll()

    @property
    def sha256(self) -> str | None:
        return self.worker.chain.info.model_sha256


@pytest.fixture
def watch(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Watch:
    monkeypatch.setattr(model_switch, "_LOOK_S", 0.0)
    monkeypatch.setattr(board_events, "_LOOK_S", 0.0)
    return Watch(tmp_path / "state", rng)


@pytest.fixture
def paths(tmp_path: Path, rng: np.random.Generator) -> Iterator[Path]:
    """Bundles of sweeps, one after the other."""
    return (
        swept_bundle.write(tmp_path / f"model-{n}.edgespec", rng, times=1.0 + n / 8).path
        for n in range(9)
    )


def test_the_first_model_of_a_swept_band_takes_its_place_and_the_way_back_is_one_sweep(
    watch: Watch, paths: Iterator[Path]
) -> None:
    """It brings other segments than the scan alone has; every sweep is scored by one of them."""
    watch.hears(60)
    before = watch.worker.chain
    assert (before.scorer.is_warm, before.geometry.hop_frames, watch.sha256) == (True, 1, None)
    path = next(paths)
    watch.install(path)
    assert watch.hears(30).sha256 is None
    assert watch.hears(90).sha256 is not None
    assert watch.worker.chain.scorer.is_warm
    assert watch.worker.chain.geometry.hop_frames == 4
    assert set(watch.worker.chain.thresholds) == {"scan", "forecast"}
    assert watch.model.note == "by hand"
    # What watches the receiver and the slow levels went with it.
    assert watch.worker.chain.trouble is not None
    assert before.trouble is None
    watch.store.roll_back(BAND, "it is Monday")
    watch.model.poll()
    # One sweep lets it be taken, with the next one it is in force, and warm.
    assert watch.hears(2).worker.chain is before
    assert before.scorer.is_warm
    assert before.trouble is not None
    assert watch.notebook.events == []


def test_an_event_goes_on_by_the_one_that_told_it_and_teaches_nothing(
    watch: Watch, paths: Iterator[Path]
) -> None:
    watch.hears(60).install(next(paths))
    watch.hears(20).hears(30, tone_db=25.0)
    assert watch.notebook.types[0] == "new"
    assert watch.sha256 is None
    watch.hears(150)
    assert watch.notebook.types.count("new") == watch.notebook.types.count("end") == 1
    assert watch.sha256 is not None
    # It was not learnt: it is told anew.
    watch.hears(30, tone_db=25.0)
    assert [one.model_sha256 for one in watch.notebook.events[-1:]] == [watch.sha256]


def test_what_goes_on_for_good_does_not_hold_a_model_up(
    watch: Watch, paths: Iterator[Path]
) -> None:
    """After as long as a warm-up it belongs to the place; its event ends with the model."""
    watch.hears(60).install(next(paths))
    watch.hears(400, tone_db=25.0)
    assert watch.sha256 is not None
    assert watch.notebook.types.count("new") == watch.notebook.types.count("end")


def test_one_that_makes_too_many_events_is_taken_back_for_the_one_before(
    watch: Watch, tmp_path: Path, rng: np.random.Generator, paths: Iterator[Path]
) -> None:
    watch.hears(60).install(next(paths))
    first = watch.hears(150).sha256
    noisy = swept_bundle.write(tmp_path / "noisy.edgespec", rng, times=0.25)
    watch.install(noisy.path)
    for _ in range(20):
        watch.hears(50).model.poll()
        if any(one.kind == MODEL_TAKEN_BACK for one in watch.notebook.events):
            break
    taken = [one for one in watch.notebook.events if one.kind == MODEL_TAKEN_BACK]
    assert (taken[0].event_type, taken[0].model_sha256) == (EventType.NEW, noisy.sha256)
    assert watch.hears(2).sha256 == first is not None
    installed = watch.store.installed(BAND)
    assert installed is not None
    assert installed.refused == (noisy.sha256,)


def test_sweeps_of_other_points_go_by_what_is_installed_then(
    watch: Watch, paths: Iterator[Path]
) -> None:
    """The bundle is not for them; back on its own points it is taken up."""
    watch.hears(60).install(next(paths))
    sha256 = watch.hears(150).sha256
    watch.source.grid = swept_bundle.grid(20e6)
    assert watch.hears(5).sha256 is None
    watch.source.grid = swept_bundle.grid()
    assert watch.hears(5).sha256 == sha256 is not None


def test_a_model_of_samples_is_refused_in_words(watch: Watch) -> None:
    from tests.made import tiny_network

    watch.hears(60).install(tiny_network.bundle().path)
    assert watch.hears(5).sha256 is None
    assert "made for samples" in watch.model.note
