"""Laws of episodes and ramps: the device hears them as they were put on the air."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from converter.lab.experiment import Episodes, Ramp
from converter.lab.measures import episodes as module
from converter.lab.measures.episodes import (
    frequency_iou,
    play_observer,
    resolved_edges_hz,
    schedule,
)
from converter.lab.measures.ramp import play_ramp, rising_isr_db
from converter.simulate.specs import RecordingSpec, training_specs
from converter.simulate.strangers import draw_stranger
from edgespec.config import DetectConfig
from edgespec.errors import ModelError, SourceError, UsageError
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.records import Change, Event, EventType
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import KINDS, complete
from tests.made import tiny, tiny_network

pytestmark = [pytest.mark.converter, pytest.mark.slow_without_jit]

RATE_HZ = tiny.FRAMING.sample_rate_hz
HOP = tiny.RECIPE.hop_samples
SHORT = Episodes(
    "short",
    "home",
    "mean",
    detectors=("model", "zscore"),
    kinds=("tone", "pulse"),
    isrs_db=(-40.0, 10.0),
    warmup_s=0.3,
    normal_s=0.2,
    on_s=0.1,
    off_s=0.1,
)


def observer(seed: int = 77, rate_hz: float = RATE_HZ) -> RecordingSpec:
    (spec,) = training_specs(1, 1.0, rate_hz, seed)
    return spec


def without_clock(rows: list[dict]) -> list[str]:
    return [str({**row, "compute_ms": 0.0, "told_ms": 0.0}) for row in rows]


def test_a_strong_tone_is_found_where_it_is(rng: np.random.Generator) -> None:
    bundle = load_bundle(shipped_bundle_path())
    asked = Episodes(
        "one", "home", "shipped", kinds=("tone",), isrs_db=(10.0,), warmup_s=1.0, normal_s=0.2
    )
    *normal, row = play_observer(observer(rate_hz=5e6), bundle, asked)
    assert row["detected"]
    assert row["iou"] > 0.5
    assert row["centre_error_hz"] < bundle.manifest.recipe.framing.bin_hz
    # Two horizons of 6.4 ms alarm, the first of which it begins in.
    assert 6.4 < row["delay_ms"] < 20.0
    assert row["compute_ms"] > 0.0
    assert 0.0 < row["told_ms"] < 1e3
    assert all(np.isnan(part["told_ms"]) for part in normal)
    assert (row["n_events"], row["seconds"]) == (1, 0.3)
    assert [part["n_events"] for part in normal] == [0, 0]


def test_strong_interferers_are_events_and_silence_is_none() -> None:
    rows = play_observer(observer(), tiny_network.bundle(), SHORT)
    assert len(rows) == 2 + 4
    for row in rows:
        assert row["observer"] == "sim-static-000"
        assert row["detected"] == (row["isr_db"] == 10.0), row
        assert row["detected"] == bool(row["n_events"])
        assert np.isnan(row["delay_ms"]) != row["detected"]
    heard = [row for row in rows if row["detected"]]
    assert all(row["iou"] > 0.5 for row in heard)
    # Warm-up is not watched, and what follows an interferer at once is neither normal nor not.
    watched_s = sum(row["seconds"] for row in rows)
    assert 0.7 * 1.0 < watched_s < 1.0


def test_equal_observers_give_equal_rows_and_others_do_not() -> None:
    bundle = tiny_network.bundle()
    asked = replace(SHORT, kinds=("tone",))
    first, again = (play_observer(observer(), bundle, asked) for _ in range(2))
    assert without_clock(first) == without_clock(again)
    assert without_clock(play_observer(observer(78), bundle, asked)) != without_clock(first)


class Puppet:
    """A chain that says one event after each of some hops, on for three hops."""

    def __init__(self, opens_at: list[int]) -> None:
        self._opens_at = opens_at
        self._n_hops = 0
        self.n_segments = 0
        self.scorer = SimpleNamespace(is_warm=True)

    def process(self, block: object) -> list[Event]:
        self._n_hops += 1
        self.n_segments += 1
        said = []
        for opened in self._opens_at:
            for after, kind in ((0, EventType.NEW), (3, EventType.END)):
                if self._n_hops == opened + after:
                    said.append(event(str(opened), kind, 1e3 * after))
        return said

    def finish(self) -> list[Event]:
        return []


def event(name: str, kind: EventType, lower_hz: float) -> Event:
    return Event(
        name, kind, "band0", 0, 1, 0, 1, lower_hz, 2e3 + lower_hz, 0.0, 0.0, Change.GAIN, 0.0, 0.0,
        "zscore", 1.0, 0.5, 1.0,
    )  # fmt: skip


def test_events_belong_to_what_was_on_the_air_when_they_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = replace(SHORT, kinds=("tone",), isrs_db=(0.0,))
    ((episode),) = schedule(observer(), tiny.RECIPE, asked)
    on, off = episode.on // HOP + 1, -(-episode.off // HOP)
    memory = (tiny.GEOMETRY.n_segment + 3 * tiny.GEOMETRY.hop_frames) // tiny.GEOMETRY.hop_frames

    def rows_of(*opens_at: int) -> tuple[int, int, int]:
        monkeypatch.setattr(module, "open_device", lambda *_: Puppet(list(opens_at)))
        before, between, row = play_observer(observer(), tiny_network.bundle(), asked)
        return before["n_events"], between["n_events"], row["n_events"]

    assert rows_of() == (0, 0, 0)
    # One that goes on when the interferer begins has not found it.
    assert rows_of(on - 1) == (1, 0, 0)
    assert rows_of(on) == (0, 0, 1)
    assert rows_of(off) == (0, 0, 1)
    assert rows_of(off + memory - 1) == (0, 0, 1)
    assert rows_of(off + memory + 1) == (0, 1, 0)
    assert rows_of(3, on + 1, on + 9, off + memory + 2) == (1, 1, 2)


def test_time_in_alarm_and_what_falls_into_a_false_event_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = replace(SHORT, kinds=("tone",), isrs_db=(0.0,))
    (episode,) = schedule(observer(), tiny.RECIPE, asked)
    on = episode.on // HOP + 1

    def played(*opens_at: int) -> tuple[float, bool, bool]:
        monkeypatch.setattr(module, "open_device", lambda *_: Puppet(list(opens_at)))
        before, _, row = play_observer(observer(), tiny_network.bundle(), asked)
        return before["alarm_s"] / tiny.GEOMETRY.hop_s, row["inside_false"], row["detected"]

    assert played() == (0.0, False, False)
    # Three hops each, and two that overlap count once.
    assert played(3)[0] == pytest.approx(3.0)
    assert played(3, 4, 20)[0] == pytest.approx(7.0)
    assert played(on - 2)[1:] == (True, False)
    assert played(on - 4)[1:] == (False, False)
    assert played(on)[1:] == (False, True)


def test_delay_and_edges_are_those_of_the_first_event(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = replace(SHORT, kinds=("tone",), isrs_db=(0.0,))
    (episode,) = schedule(observer(), tiny.RECIPE, asked)
    opens_at = episode.on // HOP + 5
    monkeypatch.setattr(module, "open_device", lambda *_: Puppet([opens_at + 7, opens_at]))
    row = play_observer(observer(), tiny_network.bundle(), asked)[-1]
    assert row["delay_ms"] == pytest.approx((opens_at * HOP - episode.on) / RATE_HZ * 1e3)
    # Its last message, not its first, has the edges: 3 to 5 kHz.
    assert row["centre_error_hz"] == pytest.approx(abs(4e3 - episode.interferer.offset_hz))


def test_every_kind_at_every_isr_has_its_own_time() -> None:
    asked = replace(SHORT, kinds=("tone", "chirp", "bpsk"), isrs_db=(-5.0, 0.0, 5.0))
    played = schedule(observer(), tiny.RECIPE, asked)
    found = {(episode.interferer.kind, episode.interferer.isr_db) for episode in played}
    assert len(found) == len(played) == 9
    first = round((asked.warmup_s + asked.normal_s) * RATE_HZ)
    ends = [first, *(episode.off for episode in played)]
    for episode, before in zip(played, ends, strict=False):
        assert episode.on >= before
        assert episode.off - episode.on == pytest.approx(asked.on_s * RATE_HZ, abs=1)
        assert episode.interferer.start_s * RATE_HZ == pytest.approx(episode.on)
    # The order is drawn, so that no kind always comes after the same one.
    others = schedule(observer(78), tiny.RECIPE, asked)
    assert [e.interferer.kind for e in others] != [e.interferer.kind for e in played]


@pytest.mark.parametrize("kind", KINDS)
def test_interferers_lie_within_the_band(rng: np.random.Generator, kind: str) -> None:
    recipe = Recipe(5e6)
    scene = observer(rate_hz=5e6).scene
    for _ in range(20):
        config = complete(draw_stranger(kind, scene, rng), 5e6)
        lower, upper = resolved_edges_hz(config, recipe)
        assert -2.5e6 <= lower < config.offset_hz < upper <= 2.5e6
        assert upper - lower <= config.bandwidth_hz + 2 * recipe.framing.bin_hz + 1e-6
        assert config.channel is not None


def test_a_line_is_as_wide_as_the_taper_makes_it() -> None:
    recipe = Recipe(5e6)
    lower, upper = resolved_edges_hz(InterfererConfig(offset_hz=1e5), recipe)
    assert (upper - lower, (upper + lower) / 2) == pytest.approx((2 * recipe.framing.bin_hz, 1e5))


def test_iou_is_that_of_intervals(rng: np.random.Generator) -> None:
    assert frequency_iou((0.0, 2.0), (1.0, 3.0)) == pytest.approx(1 / 3)
    assert frequency_iou((0.0, 1.0), (2.0, 3.0)) == 0.0
    for _ in range(50):
        one, two = np.sort(rng.normal(size=(2, 2)), axis=1).tolist()
        assert frequency_iou(one, one) == pytest.approx(1.0)
        assert frequency_iou(one, two) == frequency_iou(two, one)
        assert 0.0 <= frequency_iou(one, two) <= 1.0


def test_a_bundle_without_thresholds_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    bundle = tiny_network.write(tmp_path / "cold.edgespec", rng, detectors={})
    with pytest.raises(ModelError, match="has no thresholds, so nothing can alarm: run"):
        play_observer(observer(), bundle, SHORT)
    with pytest.raises(ModelError, match=r"0\.02 was not calibrated"):
        play_observer(observer(), tiny_network.bundle(), replace(SHORT, false_alarm_rate=0.02))


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SourceError, match="1920000 samples/s"):
        play_observer(observer(rate_hz=1.92e6), tiny_network.bundle(), SHORT)
    with pytest.raises(UsageError, match="off_s 0"):
        play_observer(observer(), tiny_network.bundle(), replace(SHORT, off_s=0.0))
    with pytest.raises(UsageError, match="the interferer is 'tune'"):
        play_observer(observer(), tiny_network.bundle(), replace(SHORT, kinds=("tune",)))


DETECT = DetectConfig(detectors=("model", "zscore"), warmup_s=0.3)
FAST = Ramp(rate_db_per_s=100.0, start_s=0.4, start_isr_db=-40.0, stop_isr_db=10.0, hold_s=0.1)


def of_zscore(rows: list[dict]) -> dict:
    (row,) = (row for row in rows if row["detector"] == "zscore")
    return row


def test_a_ramp_after_the_warmup_is_caught_on_its_way() -> None:
    rows = play_ramp(observer(), tiny_network.bundle(), FAST, DETECT)
    assert [row["detector"] for row in rows] == ["forecast", "zscore", "any"]
    row = of_zscore(rows)
    assert row["caught"]
    assert -40.0 < row["caught_isr_db"] < 5.0
    assert row["caught_isr_db"] == pytest.approx(-40.0 + 100.0 * row["caught_s"])
    assert row["alarms_at_top"] > 0.9
    assert row["false_before"] == 0
    caught = [r["caught_s"] for r in rows if r["caught"]]
    assert rows[-1]["caught_s"] <= min(caught)


@pytest.mark.parametrize("changes", [{"start_s": 0.0, "start_isr_db": 9.0}, {"relearn_s": 0.95}])
def test_a_device_that_learns_an_interferer_does_not_hear_it(changes: dict) -> None:
    ramp = replace(FAST, **changes, hold_s=0.6)
    row = of_zscore(play_ramp(observer(), tiny_network.bundle(), ramp, DETECT))
    assert row["alarms_at_top"] < 0.2


def test_a_ramp_rises() -> None:
    at_s = np.array([0.4, 0.5, 0.9, 5.0])
    assert rising_isr_db(FAST, at_s) == pytest.approx([-40.0, -30.0, 10.0, 10.0])
    assert FAST.duration_s == pytest.approx(1.0)
    with pytest.raises(UsageError, match="does not rise"):
        Ramp(rate_db_per_s=0.0)
    with pytest.raises(UsageError, match="must not be negative"):
        Ramp(start_s=-1.0)
