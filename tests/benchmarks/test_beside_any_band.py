"""Events of sets of detectors before and beside any-band are counted as the device counts them."""

import numpy as np
import pytest

from benchmarks.detection.beside_any_band import merged
from benchmarks.detection.beside_heard import UNTIL_BURSTS, Ear, Heard, Opening, events_of
from benchmarks.detection.beside_tables import markdown
from edgespec.detect.rules import EventRules
from edgespec.framing import Recipe
from edgespec.records import Segment

HOP_S = 0.0064
RECIPE = Recipe.for_rate(5e6)


def test_two_of_three_hops_open_hysteresis_keeps_and_a_hold_off_ends() -> None:
    opening = Opening(EventRules(2, 3, 0.9, 0.5), HOP_S)
    ratios = [2.0, 0.1, 2.0, *[0.95] * 200, *[0.1] * 77, 0.1, 0.1, 2.0, 2.0]
    opened = [hop for hop, ratio in enumerate(ratios) if opening.take(ratio)]
    assert opened == [2, len(ratios) - 1]


def heard() -> Heard:
    """Return 100 hops: calibrating for half, energy high twice in each half, bursts from 20 on."""
    energy = np.full(100, 0.1)
    energy[[10, 11, 60, 61]] = 3.0
    any_band = np.full(100, np.nan)
    any_band[50:] = 0.1
    said = Heard(0.1)
    said.others = {"zscore": [0.2] * 100, "energy": energy.tolist()}
    said.any_band = {"none": any_band.tolist(), UNTIL_BURSTS: any_band.tolist()}
    said.is_bursty = {name: [hop >= 20 for hop in range(100)] for name in said.any_band}
    return said


@pytest.mark.parametrize(
    ("meanwhile", "beside", "opened"),
    [
        ("none", "none", []),
        ("none", "energy", [61]),
        ("none", UNTIL_BURSTS, []),
        (UNTIL_BURSTS, "zscore", [11]),
        (UNTIL_BURSTS, "energy", [11, 61]),
    ],
)
def test_who_is_heard_when(meanwhile: str, beside: str, opened: list[int]) -> None:
    events = events_of(heard(), meanwhile, beside)
    assert [event.opened for event in events] == opened
    assert all(event.is_calibrating is (event.opened < 50) for event in events)
    assert {event.detector for event in events} <= {"energy"}


def test_a_tone_behind_the_rhythm_is_any_bands(rng: np.random.Generator) -> None:
    ear = Ear(RECIPE, 40 * HOP_S, (60 * HOP_S, 60 * HOP_S), ["none"])
    none = np.empty((0, 128), np.float32)
    for hop in range(100):
        power = rng.standard_gamma(10.0, (25, 128), np.float32) * np.float32(0.1)
        power[:, 9] += 100.0 * (hop >= 90)
        target = np.float32(10.0) * np.log10(power)
        ear.take(Segment(none, target, np.zeros(1, np.int64), has_context=False))
    (event,) = events_of(ear.heard, "none", "none")
    assert (event.opened, event.detector, event.is_calibrating) == (91, "any-band", False)
    assert ear.heard.watched("none").argmax() == pytest.approx(68, abs=2)


def test_what_was_heard_with_more_sets_later_is_one_row_and_every_set_has_its_line() -> None:
    base = {"kind": "drawn", "band": "bursts", "seed": 1, "scored_s": 120.0}
    event = [70.0, 0.5, "any-band", 1.5, False]
    first = {"none|none": {"events": [event], "found": [[0.0, 1]]}}
    second = {f"{UNTIL_BURSTS}|none": {"events": [], "found": [[0.0, 0]]}}
    rows = merged(
        [
            {**base, "watched_s": {"none": 60.0}, "sets": first},
            {**base, "watched_s": {UNTIL_BURSTS: 60.0}, "sets": second | {
                f"{UNTIL_BURSTS}|{UNTIL_BURSTS}": {"events": [event], "found": [[0.0, 1]]}
            }},
        ]
    )  # fmt: skip
    assert len(rows) == 1
    text = markdown(rows)
    line = "| drawn: bursts | zscore, energy until bursts | 1.00 | 1 | 0.83% | 0 of 0 | 0 of 0 | 1"
    assert line in text
    assert "| drawn: bursts | none | 1.00 | 0 | 0.00% | 0 of 0 | 0 of 0 | 0 of 1 |" in text
    assert "| drawn: bursts | none | 1.00 | 0 |" in text.split("Behind that")[0]
    assert text.count("| 70.00 | 0.50 | any-band | 1.50 |") == 1
