"""A band follows what is installed while it runs, and goes back by itself from what was no good."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig
from edgespec.errors import ConfigError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle
from edgespec.kinds import MODEL_TAKEN_BACK
from edgespec.observer import board_events, radio_opening
from edgespec.observer.band import BandChain
from edgespec.observer.models import model_switch, model_trial
from edgespec.observer.models.model_switch import BandModel, installed_ids, open_switch
from edgespec.observer.monitor import Radio
from edgespec.observer.scoring.budget_watch import BudgetWatch
from edgespec.records import Event, EventType, IqBlock
from edgespec.updates.installed import Installed
from edgespec.updates.store import ModelStore
from tests.edgespec.observer.models.test_shadow import candidate
from tests.made import band, tiny
from tests.made.slow_shadow import Slow
from tests.made.tape import DETECT, Tape, chain_for

HOP, BAND = tiny.RECIPE.hop_samples, "b"
N_WARMUP = round(DETECT.warmup_s / tiny.GEOMETRY.hop_s)


class Watch:
    """A live band and what follows its installed model, without threads."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        detect = DetectConfig(
            warmup_s=0.2, hold_off_s=0.02, detectors=("model", "zscore"), false_events_per_day=1.0
        )
        node = NodeConfig(state_dir=folder, computing="plain")
        self.config = Config(
            node=node, band=(BandConfig(id=BAND, backend="litert"),), detect=detect
        )
        self.store = ModelStore(folder)
        tape = Tape(band.cf32(band.noise(rng, 0.01)), is_live=True)
        self.chain: BandChain = chain_for(tape, BAND)
        self.radio = Radio("r", tape, [self.chain])
        self._rng, self._at = rng, 0
        self.said: list[Event] = []
        self.told: list[Event] = []
        self.follow()

    def follow(self) -> BandModel:
        """Begin to follow what is installed, as at a start."""
        model = open_switch(self.config, [self.radio], installed_ids(self.config)).of(BAND)
        assert model is not None
        self.model = model
        return model

    def install(self, bundle: Bundle) -> Installed:
        return self.store.install(BAND, bundle.path.read_bytes(), "by hand")

    def hear(self, n_hops: int, tone_hops: int = 0) -> Iterator[Event]:
        """Hear noise; every hop must be a segment, with the scores of all detectors when warm.

        The last ``tone_hops`` have a tone, too.
        """
        hop_s = HOP / band.RATE_HZ
        noise = band.noise(self._rng, n_hops * hop_s)
        if tone_hops:
            noise = band.with_tone(noise, (n_hops - tone_hops) * hop_s, n_hops * hop_s)
        noise = band.cf32(noise)
        for first in range(0, len(noise), HOP):
            n_segments = self.chain.n_segments
            samples = noise[first : first + HOP]
            block = IqBlock(samples, band.RATE_HZ, band.CENTER_HZ, self._at, 0)
            self._at += HOP
            yield from self.chain.process(block)
            is_first = self._at < tiny.RECIPE.samples_in(tiny.GEOMETRY.n_segment)
            assert is_first or self.chain.n_segments == n_segments + 1
            if self.chain.scorer.is_warm and self.chain.last is not None:
                assert len(self.chain.last.scores) == 2
            self.said += self.model.look(self.chain, self._at)

    def hears(self, n_hops: int, tone_hops: int = 0) -> "Watch":
        self.told += self.hear(n_hops, tone_hops)
        return self

    @property
    def sha256(self) -> str | None:
        return self.chain.info.model_sha256


@pytest.fixture
def watch(tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch) -> Watch:
    """A warm band that is judged at every look, by the model of its start."""
    monkeypatch.setattr(model_switch, "_LOOK_S", 0.0)
    monkeypatch.setattr(board_events, "_LOOK_S", 0.0)
    made = Watch(tmp_path / "state", rng)
    # Without an installed model the band runs what it was started with.
    basis = made.chain.scales.usual if made.chain.scales is not None else None
    opened = radio_opening.open_basis
    monkeypatch.setattr(
        model_switch,
        "open_basis",
        lambda view, info, bundle, **more: (
            basis if bundle is None else opened(view, info, bundle, **more)
        ),
    )
    made.hears(N_WARMUP + 20)
    assert made.chain.scorer.is_warm
    return made


def test_a_switch_loses_no_segment_and_the_way_back_learns_nothing(
    watch: Watch, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Every hop is scored; the new model counts once it has learnt what is normal."""
    before, bundle = watch.sha256, candidate(tmp_path, rng, times=1.5)
    watch.install(bundle)
    watch.model.poll()
    assert watch.hears(N_WARMUP // 2).sha256 == before
    assert watch.hears(N_WARMUP).sha256 == bundle.sha256
    assert watch.chain.scorer.is_warm
    assert watch.chain.thresholds["zscore"] == pytest.approx(1.5 * 8.0, rel=0.2)
    assert watch.model.note == "by hand"
    learnt = watch.chain.scorer
    watch.store.roll_back(BAND, "it is Monday")
    watch.model.poll()
    assert watch.hears(2).sha256 == before
    assert watch.chain.scorer is not learnt
    assert watch.model.note == "it is Monday"
    # It was taken back by hand: nothing is told.
    assert watch.said == []


def test_one_that_makes_too_many_events_is_taken_back_once(
    watch: Watch, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Though nobody raises thresholds."""
    chain = watch.chain
    assert chain.budget is None
    before, bundle = watch.sha256, candidate(tmp_path, rng, times=0.25)
    watch.install(bundle)
    watch.model.poll()
    for _ in range(40):
        watch.hears(200).model.poll()
        if watch.said:
            break
    begin = watch.said[0]
    assert (begin.kind, begin.event_type) == (MODEL_TAKEN_BACK, EventType.NEW)
    assert begin.model_sha256 == bundle.sha256
    assert "1 a day are bearable" in begin.detector
    assert watch.hears(2).sha256 == before
    installed = watch.store.installed(BAND)
    assert installed is not None
    assert (installed.current, installed.refused) == (None, (bundle.sha256,))
    assert "taken back by itself" in installed.why
    assert watch.model.note == installed.why
    (end,) = watch.model.finish(chain, 0)
    assert (end.event_id, end.event_type) == (begin.event_id, EventType.END)


@pytest.mark.parametrize(
    ("is_known", "keeps_budget"), [(True, False), (False, False), (False, True)]
)
def test_who_comes_often_takes_no_model_back_that_the_one_before_would_have_told(
    watch: Watch,
    tmp_path: Path,
    rng: np.random.Generator,
    monkeypatch: pytest.MonkeyPatch,
    is_known: bool,
    keeps_budget: bool,
) -> None:
    """Where there is none before, as after a restart, nobody can tell him from false alarms: they
    count where events are kept to a budget anyway."""
    bundle = candidate(tmp_path, rng)
    watch.install(bundle)
    watch.model.poll()
    assert watch.hears(2 * N_WARMUP).sha256 == bundle.sha256
    scales = watch.chain.scales
    assert scales is not None
    if not is_known:
        scales._before = None
        if keeps_budget:
            chain = watch.chain
            rules, hop_s = chain.tracker.rules, chain.geometry.hop_s
            chain.keep_to(BudgetWatch(1.0, rules, hop_s, BAND))
            watch.follow()
            watch.hears(1)
    # As strong as others' thresholds, below what no threshold is raised for.
    monkeypatch.setattr("edgespec.detect.budget.MOST_RAISED", 1e6)
    for _ in range(6):
        watch.hears(60, tone_hops=12).model.poll()
    watch.hears(60).model.poll()
    assert [one.event_type.value for one in watch.told].count("new") >= 3
    assert bool(watch.said) is keeps_budget
    installed = watch.store.installed(BAND)
    assert installed is not None
    assert (installed.current == bundle.sha256) is not keeps_budget


def slow(watch: Watch, bundle: Bundle, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a model whose calls sleep three times as long as a segment lasts."""
    monkeypatch.setattr(model_trial, "_CALLS", 40)
    monkeypatch.setattr("tests.made.slow_shadow.SLEEP_S", 3 * tiny.GEOMETRY.hop_s)
    monkeypatch.setattr(
        radio_opening, "open_runtime", lambda config, its: Slow(open_backend(its, "litert"))
    )
    watch.install(bundle)
    watch.model.poll()


def test_one_that_cannot_keep_up_is_taken_back(
    watch: Watch, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the time of its calls."""
    before = watch.sha256
    slow(watch, candidate(tmp_path, rng), monkeypatch)
    watch.hears(N_WARMUP + 200).model.poll()
    assert watch.hears(2).sha256 == before
    assert [one.kind for one in watch.said[:1]] == [MODEL_TAKEN_BACK]
    assert "a segment comes every 1.02 ms" in watch.said[0].detector


def test_a_disk_that_takes_nothing_does_not_keep_a_bad_model(
    watch: Watch, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = watch.sha256
    slow(watch, candidate(tmp_path, rng), monkeypatch)

    def refuse(*_: Any, **__: Any) -> None:
        raise ConfigError("models cannot be kept: read-only")

    monkeypatch.setattr(ModelStore, "roll_back", refuse)
    watch.hears(N_WARMUP + 200).model.poll()
    assert watch.hears(2).sha256 == before
    # It is not taken up again by the next look at the store.
    watch.model.poll()
    assert watch.hears(N_WARMUP + 20).sha256 == before
    assert watch.model.note.startswith("taken back by itself")


def test_one_that_is_installed_while_the_band_opens_is_taken_up(
    watch: Watch, tmp_path: Path, rng: np.random.Generator
) -> None:
    """Between what was read as its model was opened and the first look at the store."""
    begun_with = installed_ids(watch.config)
    bundle = candidate(tmp_path, rng)
    watch.install(bundle)
    model = open_switch(watch.config, [watch.radio], begun_with).of(BAND)
    assert model is not None
    watch.model = model
    model.poll()
    assert watch.hears(N_WARMUP + 20).sha256 == bundle.sha256


def test_one_that_was_not_judged_is_not_taken_back(
    watch: Watch, tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person installs another one while the first one breaks its promise."""
    slow(watch, candidate(tmp_path, rng), monkeypatch)
    watch.hears(N_WARMUP + 200)
    assert [one.kind for one in watch.said[:1]] == [MODEL_TAKEN_BACK]
    other = watch.install(candidate(tmp_path, rng, times=2.0))
    watch.model.poll()
    assert watch.store.installed(BAND) == other


def test_one_that_does_not_fit_waits_for_the_next_start(
    watch: Watch, tmp_path: Path, rng: np.random.Generator
) -> None:
    bundle = candidate(tmp_path, rng)
    before = watch.sha256
    watch.config = replace(watch.config, detect=replace(watch.config.detect, detectors=("energy",)))
    model = watch.follow()
    watch.install(bundle)
    model.poll()
    assert watch.hears(N_WARMUP + 20).sha256 == before
    assert "from the next start" in model.note


@pytest.mark.parametrize(
    ("why", "age_s", "is_judged"),
    [("by hand", 60.0, True), ("by hand", 9e4, False), ("taken back by itself: slow", 60.0, False)],
)
def test_after_a_restart_a_new_model_is_still_judged(
    watch: Watch, monkeypatch: pytest.MonkeyPatch, why: str, age_s: float, is_judged: bool
) -> None:
    """Not for ever; and who went back does not go back again."""
    since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - age_s))
    runs = Installed(current=watch.sha256, since_utc=since, why=why)
    monkeypatch.setattr(ModelStore, "installed", lambda store, name: runs)
    model = watch.follow()
    watch.hears(1)
    assert (model._trial is not None) is is_judged
