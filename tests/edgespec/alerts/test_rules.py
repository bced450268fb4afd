"""Laws of the rules: each condition alone, both sides of its border."""

from dataclasses import replace
from itertools import product

import pytest

from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.rules import QUIET_HOURS, RULE, AlertRules
from edgespec.config import AlarmConfig, AlertConfig, BandConfig, Config
from edgespec.errors import ConfigError
from edgespec.kinds import ADVICE
from edgespec.listing import Listing, MaskWord
from edgespec.records import Change, EventType
from tests.made.event import event_of

ALARM = AlarmConfig()


def why_not(rule: AlertConfig, event: object) -> str:
    return AlertRules(ALARM, [rule]).why_not(event)


def test_without_any_rule_every_event_is_an_alert() -> None:
    rules = AlertRules(ALARM)
    for kind, hour in product(ADVICE, range(24)):
        assert rules.why_not(event_of(kind, at_s=3600.0 * hour, lasts_s=0.0)) == ""


@pytest.mark.parametrize(
    ("rule", "is_one", "is_none"),
    [
        (AlertConfig(bands=("lte",)), {}, {"band": "gsm"}),
        (AlertConfig(kinds=("tone", "pulse")), {"kind": "pulse"}, {"kind": "sweep"}),
        (AlertConfig(min_excess_db=6.0), {"excess_db": 6.0}, {"excess_db": 5.9}),
        (
            AlertConfig(min_excess_db=6.0),
            {"excess_db": -6.0, "change": Change.LOSS},
            {"excess_db": -5.9, "change": Change.LOSS},
        ),
        (AlertConfig(min_severity_db=3.0), {"severity_db": 3.0}, {"severity_db": 2.9}),
        (AlertConfig(min_sureness=0.5), {"sureness": 0.5}, {"sureness": 0.4}),
        (AlertConfig(min_duration_s=10.0), {"lasts_s": 10.0}, {"lasts_s": 9.999}),
        # What was not heard of it is not claimed.
        (
            AlertConfig(min_duration_s=10.0),
            {"lasts_s": 30.0, "unheard_s": 20.0},
            {"lasts_s": 30.0, "unheard_s": 20.1},
        ),
        (AlertConfig(lower_hz=806.1e6), {"upper_hz": 806.2e6}, {"upper_hz": 806.1e6}),
        (AlertConfig(upper_hz=806e6), {"lower_hz": 805.9e6}, {"lower_hz": 806e6}),
        (AlertConfig(hours=("mon 08:00-09:00",)), {"at_s": 0.0}, {"at_s": 3600.0}),
        (
            AlertConfig(mask=("over", "not-listed")),
            {"listing": Listing(MaskWord.OVER, "BTS", 0.1)},
            {"listing": Listing(MaskWord.LISTED, "BTS", -0.1)},
        ),
        (
            AlertConfig(mask=("not-listed",)),
            # Where there is no mask, or the event is none of an emission.
            {"listing": None},
            {"listing": Listing(MaskWord.LISTED, "BTS")},
        ),
        (AlertConfig(hours=("sat", "mon 09:00-10:00")), {"at_s": 3600.0}, {"at_s": 0.0}),
    ],
)
def test_each_condition_has_two_sides(rule: AlertConfig, is_one: dict, is_none: dict) -> None:
    assert why_not(rule, event_of(**is_one)) == ""
    assert why_not(rule, event_of(**is_none)) == RULE


def test_all_of_one_rule_must_hold_and_one_of_several() -> None:
    tone, strong = AlertConfig(kinds=("tone",), min_excess_db=6.0), AlertConfig(min_excess_db=20.0)
    rules = AlertRules(ALARM, [tone, strong])
    for kind, excess_db in product(("tone", "sweep"), (5.0, 10.0, 25.0)):
        is_alert = excess_db >= 20.0 or (kind == "tone" and excess_db >= 6.0)
        assert (rules.why_not(event_of(kind, excess_db=excess_db)) == "") == is_alert


def test_another_rule_never_takes_an_alert_away() -> None:
    events = [event_of(kind, excess_db=level) for kind in ADVICE for level in (1.0, 10.0)]
    first, second = AlertConfig(kinds=("tone",)), AlertConfig(min_excess_db=5.0)
    few, more = AlertRules(ALARM, [first]), AlertRules(ALARM, [first, second])
    for event in events:
        if few.why_not(event) == "":
            assert more.why_not(event) == ""
    assert sum(more.why_not(one) == "" for one in events) > sum(
        few.why_not(one) == "" for one in events
    )


def test_quiet_hours_hold_in_their_zone() -> None:
    """08:00 UTC on a Monday in January is 09:00 in Berlin."""
    for zone, text, is_quiet in (
        ("UTC", "07:00-08:30", True),
        ("Europe/Berlin", "07:00-08:30", False),
        ("Europe/Berlin", "08:30-09:30", True),
        ("UTC", "sun", False),
    ):
        rules = AlertRules(AlarmConfig(quiet_hours=(text,), time_zone=zone))
        assert (rules.why_not(event_of()) == QUIET_HOURS) == is_quiet


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (AlertConfig(kinds=("tune",)), [r"alert\[1\]", "'tune'", "did you mean 'tone'"]),
        (AlertConfig(bands=("band1",)), [r"alert\[1\]", "'band1'", "did you mean 'band0'"]),
    ],
)
def test_a_rule_that_can_never_hold_is_named(rule: AlertConfig, words: list[str]) -> None:
    """A rule with a typing error would silence the observer."""
    config = Config(alert=(AlertConfig(kinds=("overload", "cell-lost")), rule))
    for word in words:
        with pytest.raises(ConfigError, match=word):
            AlertRules.of(config)
    # The rules of an observer's other bands do not matter to what looks at one of them.
    two = replace(config, band=(BandConfig(), BandConfig(id="band1")))
    assert two.only(two.band[0]).band == (BandConfig(),)


def judged(judge: AlertJudge, *events: object) -> list[tuple[bool, str]]:
    return [(alert.is_on, alert.reason) for alert in (judge.judge(one).alert for one in events)]


def test_an_event_becomes_an_alert_as_it_lasts_and_remains_one() -> None:
    """Not by its level of the moment: an alarm that flickers is worse than one too many."""
    rule = AlertConfig(min_duration_s=3.0, min_excess_db=10.0)
    life = [
        event_of(lasts_s=1.0),
        event_of(lasts_s=3.0, event_type=EventType.UPDATE),
        event_of(lasts_s=4.0, event_type=EventType.UPDATE, excess_db=2.0),
        event_of(lasts_s=5.0, event_type=EventType.END, excess_db=2.0),
    ]
    judge = AlertJudge(AlertRules(ALARM, [rule]), IncidentTable({}))
    assert judged(judge, *life) == [(False, RULE), (True, ""), (True, ""), (True, "")]
    # Another event is judged anew.
    assert judged(judge, *life[2:]) == [(False, RULE), (False, RULE)]


def test_what_is_still_there_after_quiet_hours_becomes_an_alert() -> None:
    judge = AlertJudge(AlertRules(AlarmConfig(quiet_hours=("00:00-08:30",))), IncidentTable({}))
    update = EventType.UPDATE
    before, after = event_of(), event_of(lasts_s=1800.0, event_type=update)
    assert judged(judge, before, after) == [(False, QUIET_HOURS), (True, "")]
    # What began before them goes on alarming.
    judge = AlertJudge(AlertRules(AlarmConfig(quiet_hours=("08:30-09:00",))), IncidentTable({}))
    assert judged(judge, before, after) == [(True, ""), (True, "")]


def test_judging_changes_nothing_else() -> None:
    event = event_of("sweep")
    judge = AlertJudge(AlertRules(ALARM, [AlertConfig(kinds=("tone",))]), IncidentTable({}))
    assert replace(judge.judge(event), alert=event.alert) == event


def test_ends_that_never_come_are_forgotten() -> None:
    judge = AlertJudge(AlertRules(ALARM), IncidentTable({}))
    for number in range(5000):
        judge.judge(event_of(event_id=f"e{number}"))
    assert len(judge._since_ns) <= 1024
