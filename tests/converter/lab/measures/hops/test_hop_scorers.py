"""Scores of samples: they go on from a copy as they would have; without a cell there are none."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from converter.lab.measures.hops.hop_listener import HopListener, scores_of_blocks
from converter.lab.measures.hops.hop_scorer import Place
from converter.lab.measures.hops.hop_scorers import HOP_SCORERS, make_hop_scorers
from edgespec.framing import Recipe
from edgespec.records import SampleFormat
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    FaultConfig,
    InterfererConfig,
    SceneConfig,
)
from edgespec.simulate.scene import Scene

pytestmark = pytest.mark.slow_without_jit

RATE_HZ = 1.92e6
HOP = Recipe.for_rate(RATE_HZ).hop_samples
WARMUP_S, N_HOPS = 0.6, 150
PLACE = Place(Recipe.for_rate(RATE_HZ), SampleFormat.CI16, WARMUP_S)
NAMES = ("residual", "level")
COLUMNS = [name for scorer in make_hop_scorers(NAMES) for name in scorer.columns]
SCENE = SceneConfig(RATE_HZ, CellConfig(load=0.5))
#: First hop with something on the air.
ON = 120


def heard(scene: SceneConfig, n_hops: int = N_HOPS) -> np.ndarray[Any, Any]:
    out = SampleFormat.CI16.empty(n_hops * HOP)
    Scene(scene, 4).read_into(out)
    return out


def listened(
    samples: np.ndarray[Any, Any],
    starts: tuple[int, ...] = (),
    cut: int = HOP,
    names: tuple[str, ...] = NAMES,
) -> HopListener:
    listener = HopListener(make_hop_scorers(names), PLACE, starts)
    for first in range(0, len(samples), cut):
        listener.take(samples[first : first + cut])
    return listener


@pytest.fixture(scope="module")
def clean() -> np.ndarray[Any, Any]:
    return heard(SCENE)


@pytest.fixture(scope="module")
def usual(clean: np.ndarray[Any, Any]) -> HopListener:
    """What has heard nothing but the cell, hop by hop."""
    return listened(clean)


def test_any_division_of_the_samples_gives_the_same_scores(
    clean: np.ndarray[Any, Any], usual: HopListener
) -> None:
    one, other = usual, listened(clean, cut=100_003)
    assert list(one.scores) == COLUMNS
    for name, scores in one.scores.items():
        assert len(scores) == N_HOPS
        assert np.array_equal(scores, other.scores[name], equal_nan=True)
        assert np.isfinite(scores[ON:]).all()


def test_a_stretch_goes_on_from_a_state_as_the_stream_does(clean: np.ndarray[Any, Any]) -> None:
    names = tuple(HOP_SCORERS)
    listener = listened(clean, (ON - 20, ON), names=names)
    scorers, rest = make_hop_scorers(names), clean[ON * HOP :]
    for scorer in scorers:
        scorer.begin(replace(PLACE, cell=listener.cell))
    loud = np.ascontiguousarray(np.clip(3 * rest.astype(np.int32), -32768, 32767).astype(np.int16))
    for _ in range(2):
        scores_of_blocks(scorers, listener.states[ON], loud, PLACE, ON)
        again = scores_of_blocks(scorers, listener.states[ON], rest, PLACE, ON)
        for name, scores in again.items():
            assert np.array_equal(scores, listener.scores[name][ON:]), name


def test_each_sees_what_it_is_there_for(usual: HopListener) -> None:
    on_s = (ON * HOP + 2000) / RATE_HZ
    noise = InterfererConfig("barrage", -5.0, bandwidth_hz=4e5, start_s=on_s)
    weaker = replace(SCENE, faults=(FaultConfig("power-step", on_s, step_db=-6.0),))
    scenes = {
        "score:residual": replace(SCENE, interferers=(noise,)),
        "score:level": weaker,
        "score:level-step": weaker,
    }
    for name, scene in scenes.items():
        found = listened(heard(scene)).scores[name]
        assert found[ON + 1 : ON + 5].max() > 2.0 * usual.scores[name][ON - 20 :].max(), name


def test_without_a_cell_there_is_no_score(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("converter.lab.measures.hops.hop_listener._SEARCH_S", (0.05, 0.1))
    noise = SceneConfig(RATE_HZ, CellConfig(load=0.0), ChannelConfig(snr_db=-60.0))
    listener = listened(heard(noise, 110))
    assert listener.cell is None
    assert all(np.isnan(scores).all() for scores in listener.scores.values())
