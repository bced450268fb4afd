"""Laws of "this is normal": its like is silenced, and nothing stronger, wider or elsewhere."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.alerts.family import STEADY
from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.normal import MARGIN_DB, Normal, normal_of
from edgespec.kinds import ADVICE
from edgespec.records import Change, Event, EventType
from tests.made.event import event_of

SLACK_HZ = 20e3
KINDS = tuple(ADVICE)[:8]


def taught(rng: np.random.Generator, n_events: int) -> tuple[Normal, list[Event]]:
    """Return a template and the messages it was taught from: one thing, a little different."""
    table = IncidentTable({"lte": SLACK_HZ})
    kind, lower_hz = str(rng.choice(KINDS)), float(rng.uniform(7e8, 9e8))
    width_hz, level_db = float(rng.choice([40e3, 200e3, 2e6])), float(rng.uniform(2, 30))
    change = Change(rng.choice(["gain", "loss"]))
    sign = 1.0 if change is Change.GAIN else -1.0
    messages = []
    for number in range(n_events):
        for k, event_type in enumerate(EventType):
            jitter_hz = rng.uniform(-0.5, 0.5, 2) * SLACK_HZ
            messages.append(
                event_of(
                    kind, event_id=f"e{number}", event_type=event_type, at_s=60.0 * number,
                    lasts_s=float(k * rng.uniform(1, 5)), lower_hz=lower_hz + jitter_hz[0],
                    upper_hz=lower_hz + width_hz + jitter_hz[1], change=change,
                    excess_db=sign * (level_db + float(rng.uniform(-2, 2))),
                    peak_dbfs=-60.0 + level_db + float(rng.uniform(-1, 1)),
                    detector=str(rng.choice(["zscore", "energy"])),
                )
            )  # fmt: skip
    ids = {table.take(message) for message in messages}
    assert len(ids) == 1
    (incident,) = table._table.values()
    return normal_of(incident, "normal-1", 0, None), messages


def outermost(messages: list[Event]) -> dict[str, float]:
    return {
        "excess_db": max(abs(one.excess_db) for one in messages),
        "peak_dbfs": max(one.peak_dbfs for one in messages),
        "lower_hz": min(one.freq_lower_hz for one in messages),
        "upper_hz": max(one.freq_upper_hz for one in messages),
        "duration_s": max(one.end_ns - one.start_ns for one in messages) / 1e9,
    }


@pytest.mark.parametrize("n_events", [1, 2, 10])
def test_what_was_taught_is_covered_and_so_is_what_is_weaker(
    rng: np.random.Generator, n_events: int
) -> None:
    for _ in range(20):
        normal, messages = taught(rng, n_events)
        for message in messages:
            assert normal.covers(message)
            weaker = replace(
                message, excess_db=message.excess_db / 2.0, peak_dbfs=message.peak_dbfs - 9.0,
                score=1e9, detector="residual",
            )  # fmt: skip
            assert normal.covers(weaker)


def test_nothing_stronger_wider_longer_or_elsewhere_is_covered(rng: np.random.Generator) -> None:
    n_tried = 0
    for _ in range(40):
        normal, messages = taught(rng, int(rng.integers(1, 8)))
        message = messages[int(rng.integers(len(messages)))]
        most = outermost(messages)
        sign = 1.0 if message.change is Change.GAIN else -1.0
        width_hz = most["upper_hz"] - most["lower_hz"]
        other = Change.LOSS if message.change is Change.GAIN else Change.GAIN
        more = float(rng.exponential(10.0)) + 1e-3
        beyond_hz = SLACK_HZ + 1e3 * more
        longest_ns = round((2.0 * most["duration_s"] + 1.0 + more) * 1e9)
        for changed in (
            {
                "peak_dbfs": most["peak_dbfs"] + MARGIN_DB + more,
                "excess_db": sign * (most["excess_db"] + MARGIN_DB + more),
            },
            {"freq_upper_hz": most["upper_hz"] + beyond_hz},
            {"freq_lower_hz": most["lower_hz"] - beyond_hz},
            {
                "freq_lower_hz": message.freq_lower_hz + 3 * SLACK_HZ + width_hz,
                "freq_upper_hz": message.freq_upper_hz + 3 * SLACK_HZ + width_hz,
            },
            {"end_ns": message.start_ns + longest_ns},
            {"change": other},
            {"band": "gsm"},
            {"kind": "hop" if message.kind != "hop" else "sweep"},
        ):
            assert not normal.covers(replace(message, **changed)), changed
            n_tried += 1
    assert n_tried == 320


def test_what_it_is_called_for_its_width_does_not_matter_but_how_it_moves_does() -> None:
    """A pulsed or sweeping one in the place of a steady one is another."""
    table = IncidentTable({"lte": SLACK_HZ})
    table.take(event_of("narrowband"))
    (incident,) = table._table.values()
    normal = normal_of(incident, "n", 0, None)
    covered = {kind for kind in ADVICE if normal.covers(event_of(kind))}
    assert covered == STEADY
    # A first message that is not sure of its kind is not taken at its word.
    assert normal.covers(event_of("hop", kind_probability=0.6))
    assert not normal.covers(event_of("hop", kind_probability=0.9))
    assert {"tone", "unknown"} < STEADY
    assert not {"pulse", "sweep", "hop", "overload"} & STEADY


def test_the_level_of_a_gain_is_its_peak_and_of_a_loss_what_is_missing() -> None:
    """The excess of a gain follows the traffic beside it, the peak of a loss what is left."""
    for change, same, stronger in (
        (Change.GAIN, {"excess_db": 30.0}, {"peak_dbfs": -30.0}),
        (Change.LOSS, {"peak_dbfs": -30.0}, {"excess_db": -30.0}),
    ):
        event = event_of(change=change, peak_dbfs=-40.0, excess_db=-12.0)
        table = IncidentTable({"lte": SLACK_HZ})
        table.take(event)
        (incident,) = table._table.values()
        normal = normal_of(incident, "n", 0, None)
        assert normal.covers(replace(event, **same))
        assert not normal.covers(replace(event, **stronger))


def test_a_template_does_not_creep(rng: np.random.Generator) -> None:
    """Ever stronger events, each hardly stronger than the one before, are not normal for long."""
    normal, messages = taught(rng, 5)
    event = replace(messages[-1], change=Change.GAIN)
    normal = replace(normal, change=Change.GAIN)
    covered_dbfs = [
        level_dbfs
        for level_dbfs in np.arange(-100.0, 0.0, 0.1)
        if normal.covers(replace(event, peak_dbfs=float(level_dbfs)))
    ]
    assert max(covered_dbfs) <= max(one.peak_dbfs for one in messages) + MARGIN_DB


def test_what_went_on_while_it_was_taught_may_last() -> None:
    table = IncidentTable({"lte": SLACK_HZ})
    table.take(event_of())
    (incident,) = table._table.values()
    normal = normal_of(incident, "normal-1", 0, None)
    assert normal.duration_s is None
    assert normal.covers(event_of(lasts_s=1e6))
    table.take(event_of(event_type=EventType.END))
    (incident,) = table._table.values()
    assert not normal_of(incident, "normal-2", 0, None).covers(event_of(lasts_s=1e6))


def test_it_expires_if_it_was_said_so() -> None:
    table = IncidentTable({"lte": SLACK_HZ})
    table.take(event_of())
    (incident,) = table._table.values()
    assert normal_of(incident, "n", 0, None).holds(1 << 62)
    until = normal_of(incident, "n", 0, 100)
    assert until.holds(99)
    assert not until.holds(100)
