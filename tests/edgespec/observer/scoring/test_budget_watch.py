"""A band that makes more events than are bearable raises its thresholds, as far as it may."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.config import BandConfig, Config, DetectConfig, NodeConfig, SourceConfig
from edgespec.detect.budget import MOST_RAISED
from edgespec.detect.rules import EventRules
from edgespec.dsp.prefix.cell import Cell
from edgespec.inference.backends import open_backend
from edgespec.observer.band import BandChain
from edgespec.observer.opening.opening import open_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.budget_watch import BudgetWatch
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import Event, EventType, IqBlock, SampleFormat, SourceInfo
from tests.made import band, tiny, tiny_network
from tests.made.chain import chain_of

HOP = tiny.RECIPE.hop_samples
DETECT = DetectConfig(warmup_s=0.3, hold_off_s=0.05, detectors=("zscore",))
#: Seconds from one tone to the next, how long each is, and power of a faint and of a loud one.
EVERY_S, ON_S, FAINT, LOUD = 0.4, 0.05, 0.02, 200.0

OTHER_CELL = Cell("lte", 7, "fdd", "normal", 1e6, 0.0, 0.0, 0.0, 20.0, 0.99, 2.0)


def chain() -> BandChain:
    bundle = tiny_network.bundle()
    source = SourceInfo("test:", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CF32, False)
    return chain_of(
        bundle, open_backend(bundle), source, BandConfig(id="cell"), DETECT,
        max_block_samples=HOP, computing="plain",
    )  # fmt: skip


def tones(rng: np.random.Generator, powers: list[float]) -> np.ndarray:
    signal = band.noise(rng, 0.5 + EVERY_S * len(powers))
    for number, power in enumerate(powers):
        start = 0.5 + EVERY_S * number
        signal = band.with_tone(signal, start, start + ON_S, power=power)
    return band.cf32(signal)


def heard(watched: BandChain, samples: np.ndarray) -> list[Event]:
    events = []
    for start in range(0, len(samples) - HOP + 1, HOP):
        block = IqBlock(samples[start : start + HOP], band.RATE_HZ, band.CENTER_HZ, start, start)
        for event in watched.process(block):
            events.append(event)
            if watched.budget is not None:
                watched.budget.hear(event)
    return [event for event in events if event.event_type is EventType.NEW]


def budget_of(watched: BandChain, is_normal=lambda event: False) -> BudgetWatch:
    rules = EventRules(DETECT.k, DETECT.n, DETECT.hysteresis, DETECT.hold_off_s)
    return BudgetWatch(3.0, rules, watched.geometry.hop_s, "cell", is_normal)


def test_events_beyond_the_budget_are_no_longer_told_but_strong_ones_are(rng, caplog):
    samples = tones(rng, [*8 * [FAINT], LOUD])
    free, kept = chain(), chain()
    kept.keep_to(budget_of(kept))
    without, within = heard(free, samples), heard(kept, samples)
    assert len(without) == 9
    assert free.thresholds == {"zscore": within[0].threshold}
    # As many as a day may have, then none but the loud one, by the threshold that is in force.
    assert len(within) == 4
    assert [event.sample_start for event in within[:3]] == [
        event.sample_start for event in without[:3]
    ]
    assert within[3].sample_start == without[8].sample_start
    assert within[3].threshold == kept.thresholds["zscore"] > without[8].threshold
    told = snapshot_of(kept)
    assert told.raised == {"zscore": told.thresholds["zscore"] / without[0].threshold}
    assert 1.0 < told.raised["zscore"] <= MOST_RAISED
    assert "zscore made 3 events" in caplog.text
    assert snapshot_of(free).raised == {}


def test_what_people_have_called_normal_raises_nothing(rng):
    kept = chain()
    kept.keep_to(budget_of(kept, is_normal=lambda event: True))
    assert len(heard(kept, tones(rng, 8 * [FAINT]))) == 8
    assert snapshot_of(kept).raised == {}


def test_another_centre_begins_with_the_usual_thresholds(rng):
    kept = chain()
    kept.keep_to(budget_of(kept))
    heard(kept, tones(rng, 5 * [FAINT]))
    assert snapshot_of(kept).raised
    usual, here = kept.yardstick.terms.thresholds["zscore"], kept.grid
    kept.retune(replace(here, freqs_hz=here.freqs_hz + 1e6))
    assert kept.thresholds == {"zscore": usual}
    assert snapshot_of(kept).raised == {}


def test_each_cell_has_its_own_and_a_walk_to_and_fro_forgets_none(rng):
    """The samples hold no cell: who is followed is told from outside."""
    kept = chain()
    kept.keep_to(budget_of(kept))
    heard(kept, tones(rng, 5 * [FAINT]))
    raised, usual = snapshot_of(kept).raised, kept.yardstick.terms.thresholds
    assert raised
    place, watch = kept.grid.range_hz, kept.budget
    assert watch is not None
    assert (
        watch.begin(
            usual, place, Cell("lte", 7, "fdd", "normal", 1e6, 0.0, 0.0, 0.0, 20.0, 0.99, 2.0)
        )
        == usual
    )
    assert watch.begin(usual, place, None) == kept.thresholds
    assert watch.raised == raised
    # By other thresholds it says nothing; and nine cells are more than are known.
    other = {"zscore": usual["zscore"] + 1.0}
    assert watch.begin(other, place, None) == other
    assert watch.begin(usual, place, None) == usual


@pytest.mark.parametrize(
    ("is_live", "asked", "is_kept"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_a_live_observer_keeps_to_its_budget_where_it_is_told_to(tmp_path, is_live, asked, is_kept):
    """A recording is judged by the same thresholds from its start to its end."""
    detect = DetectConfig(warmup_s=0.3, detectors=("zscore",), keep_budget=asked)
    config = Config(
        node=NodeConfig(state_dir=tmp_path, computing="plain"),
        source=(SourceConfig(uri="sim:lte-dl"),),
        detect=detect,
    )
    source = SourceInfo("test:", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CF32, is_live)
    bundle = tiny_network.bundle()
    opened = open_chain(config, source, Basis.of_bundle(bundle, open_backend(bundle), detect))
    assert (opened.budget is not None) == is_kept
