"""What is drawn, heard and said of kinds: tiny, and by construction."""

from typing import Any

import numpy as np
import pytest

from benchmarks.detection.kinds_drawn import CLASSES, THROUGH, draw, through_window
from benchmarks.detection.kinds_heard import Notes
from benchmarks.detection.kinds_tables import judged, markdown, most_iou
from benchmarks.detection.kinds_training import examples_of, fit
from benchmarks.speed.naming import calls
from edgespec.detect.description import FEATURES
from edgespec.detect.naming import NOISE, Namer, Naming
from edgespec.framing import Recipe
from edgespec.kinds import ADVICE
from edgespec.simulate.config import ChannelConfig
from edgespec.simulate.interferers import Interferer, complete

RATE_HZ = 1.92e6


@pytest.mark.parametrize("rate_hz", [1.92e6, 5e6])
def test_all_that_is_drawn_fits_and_is_told_apart_from_the_test(
    rate_hz: float, rng: np.random.Generator
) -> None:
    seen = set()
    for number in range(200):
        drawn = draw(rate_hz, ChannelConfig(), rng, is_held_out=bool(number % 2))
        full = complete(drawn.config, rate_hz)
        assert abs(full.offset_hz) + full.bandwidth_hz / 2 <= 0.5 * rate_hz
        seen.add(drawn.name)
        if drawn.name == "chirp":
            share = np.log(drawn.config.period_s / 3e-4) / np.log(7e-3 / 3e-4)
            assert (1 / 3 <= share <= 2 / 3) == bool(number % 2)
    assert seen == {name for names in CLASSES.values() for name in names}
    assert {*CLASSES} - {NOISE} < {*ADVICE}


def test_a_sweep_through_the_window_is_there_for_its_part_of_the_period(
    rng: np.random.Generator,
) -> None:
    drawn = draw(RATE_HZ, ChannelConfig(), rng, is_held_out=False)
    while drawn.name != THROUGH:
        drawn = draw(RATE_HZ, ChannelConfig(), rng, is_held_out=False)
    period = round(drawn.config.period_s * RATE_HZ)
    samples = through_window(drawn, RATE_HZ, 0, 3 * period)
    is_on = np.abs(samples) > 0
    assert np.abs(samples[is_on]) == pytest.approx(1.0, abs=1e-5)
    assert is_on.mean() == pytest.approx(0.96 * RATE_HZ / drawn.span_hz, rel=0.02)
    parts = np.concatenate([through_window(drawn, RATE_HZ, at, 500) for at in range(0, 5000, 500)])
    np.testing.assert_allclose(parts, samples[:5000], atol=1e-4)
    # It is an interferer of the simulator but for its width.
    assert Interferer(drawn.config, RATE_HZ, 1).config.period_s == drawn.config.period_s


def said(kind: float, iou: float) -> dict[str, Any]:
    features = [0.5] * len(FEATURES)
    features[0] = kind
    return {
        "kind": "", "detector": "zscore", "lower_hz": 0.0, "upper_hz": 1e5, "iou": iou,
        "centre_error_hz": 1e3, "features": features, "is_looked_at": True, "was_a_signal": False,
    }  # fmt: skip


def row(number: int, *, is_held_out: bool) -> dict[str, Any]:
    """Tones have a first feature of 1, chirps of 0, nothing of a half; a pulse is not found."""
    base = {
        "isr_db": 0.0, "truth_hz": [0.0, 1e5], "period_s": 0.0, "goes_on": False, "n_events": 1,
        "delay_ms": 10.0,
    }  # fmt: skip
    found = [
        {**base, "truth": kind, "name": kind, "first": said(x, 0.2), "last": said(x, 0.9)}
        for kind, x in (("tone", 1.0), ("chirp", 0.0), ("tone", 0.95))
    ]
    missed = {**base, "truth": "pulse", "name": "pulse", "n_events": 0}
    del missed["delay_ms"]
    within = {**base, "truth": "hop", "name": "hop", "goes_on": True}
    return {
        "observer": f"static-{number:03d}", "context": "static", "rate_hz": RATE_HZ,
        "is_held_out": is_held_out, "seconds": 10.0, "episodes": [*found, missed, within],
        "false": [], "quiet": [said(0.5, 0.0)] * 2,
    }  # fmt: skip


def test_training_learns_what_tells_kinds_apart() -> None:
    rows = [row(number, is_held_out=False) for number in range(6)]
    assert len(list(examples_of(rows[0]))) == 8
    namer = Namer.of(fit(rows))
    (one,) = judged([row(9, is_held_out=True)], namer)
    assert [e["last"]["kind"] for e in one["episodes"][:3]] == ["tone", "chirp", "tone"]
    assert {e["kind"] for e in one["quiet"]} == {"unknown"}
    text = markdown([one])
    assert "| tone | 2 of 2 | 0 | 100 |" in text
    assert "| pulse | 0 of 1 | 0 | 0 |" in text
    assert "1 more came while an event was open" in text
    # First edges are wrong and last ones right: of four, three were found.
    assert "| +0 | 3 of 4 | 0.20 | 0.90 | 0.00 | 0.75 | 1.0 | 10 |" in text


def test_edges_are_told_by_detector_and_around_all_events() -> None:
    one = row(1, is_held_out=True)
    tone, chirp, _, missed, _ = one["episodes"]
    tone["iou_around"] = 0.6
    chirp["last"]["detector"], chirp["last"]["iou"] = "residual", 0.4
    hop = {**tone, "name": "hop", "last": {**tone["last"], "iou": 0.1}}
    # Below the cell it is another table's.
    weak = {**hop, "name": "weak", "isr_db": -10.0}
    one["episodes"] = [tone, chirp, hop, weak, missed]
    text = markdown(
        judged([one], Namer.of(fit([row(number, is_held_out=False) for number in range(6)])))
    )
    assert "| tone | - | 0.90 of 1 | 0.90 | 0.60 |" in text
    assert "| chirp | 0.40 of 1 | - | 0.40 | - |" in text
    assert "| all | 0.40 of 1 | 0.50 of 2 | 0.47 | 0.60 |" in text
    assert "| all but hop | 0.40 of 1 | 0.90 of 1 | 0.65 | 0.60 |" in text
    assert "| weak |" not in text.split("who told it last")[1].split("###")[0]


def test_what_a_name_costs_is_asked_of_what_gives_it() -> None:
    recipe = Recipe.for_rate(RATE_HZ)
    made = calls(recipe)
    named = made["name"](0)
    assert isinstance(named, Naming)
    for number in range(3):
        made["look"](number)
    assert made["name"](0) != named


def test_notes_keep_what_an_event_is_like_and_say_where() -> None:
    notes = Notes()
    features = np.linspace(0, 1, len(FEATURES)).astype(np.float32)
    hints = [notes.name(features, was_a_signal=was).hint for was in (False, True)]
    assert hints == ["0", "1"]
    assert [one["was_a_signal"] for one in notes.kept] == [False, True]
    assert notes.kept[0]["features"] == pytest.approx(features.tolist(), abs=1e-4)


def test_whole_bins_allow_a_line_no_more_than_its_place_in_a_bin_does() -> None:
    bin_hz = RATE_HZ / 128
    # Between two bins a line of two bins has their edges; in the middle of one it has none.
    between, middle = (-0.5 * bin_hz, 1.5 * bin_hz), (-bin_hz, bin_hz)
    assert most_iou(between, RATE_HZ) == pytest.approx(1.0)
    assert most_iou(middle, RATE_HZ) == pytest.approx(2.0 / 3.0)
    assert most_iou((-40.2 * bin_hz, 33.1 * bin_hz), RATE_HZ) > 0.98
    # Less than half a bin still is one.
    assert most_iou((0.1 * bin_hz, 0.2 * bin_hz), RATE_HZ) == pytest.approx(0.1)
