"""Laws of what people say: it holds at once, it expires, it is undone, nothing of it is lost."""

import json
import multiprocessing
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from edgespec.alerts.decisions import ACKNOWLEDGED, MUTED, NORMAL, Decisions, DecisionsFile
from edgespec.alerts.incidents import IncidentTable
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.mute import Mute
from edgespec.alerts.normal import Normal, normal_of
from edgespec.alerts.rules import RULE, AlertRules
from edgespec.config import AlarmConfig, AlertConfig
from edgespec.errors import UsageError
from edgespec.records import Event, EventType, ObserverState
from tests.made.event import event_of

NOW_NS = 1_000


def mute_of(**fields: object) -> Mute:
    return Mute(**{"id": "mute-1", "made_ns": 0, "until_ns": NOW_NS + 1, **fields})


def normal_like(event: Event, made_ns: int = 0, **fields: object) -> Normal:
    table = IncidentTable({"lte": 20e3})
    table.take(event)
    (incident,) = table._table.values()
    return replace(normal_of(incident, "normal-1", made_ns, None), **fields)


@pytest.mark.parametrize(
    ("mute", "is_muted", "is_heard"),
    [
        ({"band": "lte"}, {}, {"band": "gsm"}),
        ({"kind": "tone"}, {}, {"kind": "pulse"}),
        ({"lower_hz": 806e6}, {}, {"lower_hz": 805.99e6}),
        ({"upper_hz": 806.1e6}, {}, {"upper_hz": 806.11e6}),
        ({"lower_hz": 805e6, "upper_hz": 807e6}, {}, {"lower_hz": 800e6, "upper_hz": 810e6}),
        ({"band": "lte", "kind": "tone"}, {}, {"band": "lte", "kind": "pulse"}),
    ],
)
def test_a_mute_covers_what_it_names_and_nothing_that_reaches_out(
    mute: dict, is_muted: dict, is_heard: dict
) -> None:
    decisions = Decisions(mutes=(mute_of(**mute),))
    assert decisions.why_not(event_of(**is_muted), NOW_NS, None) == MUTED
    assert decisions.why_not(event_of(**is_heard), NOW_NS, None) == ""
    assert decisions.why_not(event_of(**is_muted), NOW_NS + 1, None) == ""


class Judged:
    """A judge, the decisions it reads, and its clock."""

    def __init__(self, *rules: AlertConfig) -> None:
        self.decisions = Decisions()
        self.now_ns = NOW_NS
        self._judge = AlertJudge(
            AlertRules(AlarmConfig(), rules),
            IncidentTable({"lte": 20e3}),
            lambda: self.decisions,
            lambda: self.now_ns,
        )

    def is_alarm(self, band: str = "lte") -> bool:
        state = ObserverState(0, 0.0, 0, 0, 0, 0, band=band, alarm=True)
        return self._judge.judge_state(state).alarm

    def why_not(self, event: Event) -> str:
        alert = self._judge.judge(event).alert
        assert alert.is_on == (not alert.reason)
        self.now_ns += 1
        return alert.reason


UPDATE, END = EventType.UPDATE, EventType.END


def test_an_acknowledged_event_is_silent_at_once_and_its_next_one_is_not() -> None:
    judged = Judged()
    assert judged.why_not(event_of()) == ""
    judged.decisions = judged.decisions.acknowledge("e1")
    assert judged.why_not(event_of(event_type=UPDATE)) == ACKNOWLEDGED
    assert judged.why_not(event_of(event_type=END)) == ACKNOWLEDGED
    assert judged.why_not(event_of(event_id="e2")) == ""


def test_a_mute_silences_what_goes_on_and_ends_while_it_does() -> None:
    judged = Judged()
    assert judged.why_not(event_of()) == ""
    judged.decisions = judged.decisions.mute(mute_of(kind="tone", until_ns=NOW_NS + 3))
    found = [judged.why_not(event_of(event_type=UPDATE)) for _ in range(4)]
    assert found == [MUTED, MUTED, "", ""]


@pytest.mark.parametrize(
    ("rules", "mutes", "expected"),
    [
        ([], [], ["", "", ""]),
        ([AlertConfig(kinds=("tone",))], [], [RULE, "", ""]),
        # Whatever is called unknown has been looked at.
        ([AlertConfig(kinds=("unknown",))], [], [RULE, RULE, RULE]),
        ([AlertConfig(kinds=("pulse",)), AlertConfig(min_excess_db=6.0)], [], ["", "", ""]),
        ([], [mute_of(kind="tone", until_ns=10**9)], [MUTED, MUTED, MUTED]),
        ([], [mute_of(kind="pulse", until_ns=10**9)], [MUTED, "", ""]),
        ([], [mute_of(kind="pulse", band="gsm")], ["", "", ""]),
    ],
)
def test_what_asks_for_a_kind_waits_for_the_name_and_nothing_else_does(
    rules: list[AlertConfig], mutes: list[Mute], expected: list[str]
) -> None:
    judged = Judged(*rules)
    judged.decisions = Decisions(mutes=tuple(mutes))
    nameless = event_of("unknown", kind_probability=0.0)
    life = [nameless, event_of(event_type=UPDATE), event_of(event_type=EventType.END)]
    assert [judged.why_not(event) for event in life] == expected


def test_what_is_normal_is_silent_from_its_first_message_until_it_grows() -> None:
    judged = Judged()
    judged.decisions = judged.decisions.learn(normal_like(event_of()))
    life = [{}, {"peak_dbfs": -38.1}, {"peak_dbfs": -37.9}, {"peak_dbfs": -41.0}]
    found = [
        judged.why_not(event_of(event_type=UPDATE if k else EventType.NEW, **fields))
        for k, fields in enumerate(life)
    ]
    # Once it was stronger it goes on alarming, by whatever it hides behind.
    assert found == [NORMAL, NORMAL, "", ""]
    assert judged.why_not(event_of(event_id="e2")) == NORMAL


def test_what_is_called_normal_while_it_alarms_is_silent_at_once() -> None:
    judged = Judged()
    assert judged.why_not(event_of()) == ""
    normal = normal_like(event_of(), made_ns=judged.now_ns)
    judged.decisions = judged.decisions.learn(normal)
    assert judged.why_not(event_of(event_type=UPDATE)) == NORMAL
    judged.decisions = judged.decisions.without("normal-1")
    assert judged.why_not(event_of(event_type=UPDATE)) == ""


def test_a_state_says_alarm_while_an_alert_is_open() -> None:
    """As the topic of the band does; that an event is open is no alarm."""
    judged = Judged()
    assert not judged.is_alarm()
    judged.why_not(event_of())
    judged.why_not(event_of(event_id="e2"))
    assert judged.is_alarm()
    assert not judged.is_alarm("gsm")
    judged.why_not(event_of(event_id="e2", event_type=END))
    judged.decisions = judged.decisions.acknowledge("e1")
    assert judged.is_alarm()
    judged.why_not(event_of(event_type=UPDATE))
    assert not judged.is_alarm()
    judged.decisions = Decisions()
    judged.why_not(event_of(event_type=UPDATE))
    assert judged.is_alarm()
    judged.why_not(event_of(event_type=END))
    assert not judged.is_alarm()


def test_undo_is_as_if_nothing_had_been_said() -> None:
    before = Decisions().acknowledge("e1").mute(mute_of(band="lte"))
    after = before.learn(normal_like(event_of()))
    assert after != before
    assert after.without("normal-1") == before
    assert before.without("mute-1") == Decisions().acknowledge("e1")


def test_what_people_say_only_ever_silences() -> None:
    """An event that no rule makes an alert does not become one by a mute that ends."""
    judged = Judged(AlertConfig(kinds=("pulse",)))
    judged.decisions = judged.decisions.mute(mute_of(kind="tone", until_ns=NOW_NS + 1))
    assert [judged.why_not(event_of()) for _ in range(2)] == [MUTED, RULE]


def test_numbers_are_bounded() -> None:
    decisions = Decisions()
    for number in range(64):
        decisions = decisions.mute(mute_of(id=f"mute-{number}", band="lte"))
        decisions = decisions.learn(normal_like(event_of()))
    assert (len(decisions.mutes), len(decisions.normals)) == (64, 64)
    with pytest.raises(UsageError, match="undo one first"):
        decisions.mute(mute_of(band="lte"))
    with pytest.raises(UsageError, match="undo one first"):
        decisions.learn(normal_like(event_of()))
    for number in range(1000):
        decisions = decisions.acknowledge(f"e{number}")
    assert len(decisions.acknowledged) == 64
    assert decisions.acknowledged[-1] == "e999"
    # Said twice of one thing, the last word counts.
    again = replace(decisions.normals[3], id="normal-2", made_ns=5)
    renewed = decisions.learn(again).normals
    assert len(renewed) == 64
    assert renewed[-1] == again


def write(folder: Path, decisions: Decisions) -> None:
    DecisionsFile(folder).change(lambda found: (decisions, None), NOW_NS)


FULL = Decisions(("e1", "e2"), (mute_of(band="lte", lower_hz=1.5), mute_of(id="mute-2")))


def test_decisions_round_trip_and_every_reader_sees_a_change(tmp_path: Path) -> None:
    reader = DecisionsFile(tmp_path)
    assert reader.read() == Decisions()
    assert not list(tmp_path.iterdir())
    full = FULL.learn(normal_like(event_of()))
    write(tmp_path, full)
    assert reader.read() == full
    assert reader.read() is reader.read()
    DecisionsFile(tmp_path).change(lambda found: (found.without("mute-2"), None), NOW_NS)
    assert reader.read() == full.without("mute-2")
    # What has expired goes with the next change.
    DecisionsFile(tmp_path).change(lambda found: (found.acknowledge("e3"), None), NOW_NS + 1)
    assert [one.id for one in reader.read().mutes] == []
    assert len(reader.read().normals) == 1
    (tmp_path / "decisions.json").unlink()
    assert reader.read() == Decisions()


def test_nothing_is_written_where_nothing_changes(tmp_path: Path) -> None:
    write(tmp_path, FULL)
    before = (tmp_path / "decisions.json").stat()
    write(tmp_path, FULL)
    assert (tmp_path / "decisions.json").stat().st_ino == before.st_ino


def test_a_file_of_decisions_may_be_anything(tmp_path: Path, caplog) -> None:
    """Rather an alarm too many than one that nobody hears of."""
    write(tmp_path, FULL.learn(normal_like(event_of())))
    path, whole = tmp_path / "decisions.json", (tmp_path / "decisions.json").read_bytes()
    for stop in range(0, len(whole) - 1, 3):
        path.write_bytes(whole[:stop])
        assert DecisionsFile(tmp_path).read() == Decisions()
    for at in range(0, len(whole), 3):
        changed = bytearray(whole)
        changed[at] ^= 0x15
        path.write_bytes(changed)
        DecisionsFile(tmp_path).read().why_not(event_of(), NOW_NS, None)
    for text in ("[]", "[" * 50_000, '{"schema": "edgespec.decisions/2"}', " " * 300_000):
        path.write_text(text)
        assert DecisionsFile(tmp_path).read() == Decisions()
    reader = DecisionsFile(tmp_path)
    caplog.clear()
    for _ in range(10):
        reader.read()
    assert len(caplog.records) == 1
    # It can be written again.
    write(tmp_path, FULL)
    assert reader.read() == FULL


@pytest.mark.parametrize(
    ("change", "kept_as"),
    [
        (lambda text: text.replace("decisions/1", "decisions/7"), "decisions.version-7-1.json"),
        (lambda text: text[:-20], "decisions.damaged-1.json"),
        (lambda text: "\0" * 100, "decisions.damaged-1.json"),
        (lambda text: text.replace("decisions/1", "others/7"), "decisions.damaged-1.json"),
    ],
)
def test_what_people_said_and_cannot_be_read_is_kept_when_somebody_says_more(
    tmp_path: Path, change: Callable[[str], str], kept_as: str
) -> None:
    """One mute in a version before must not cost all that was said in the newer one."""
    write(tmp_path, FULL)
    path = tmp_path / "decisions.json"
    path.write_text(change(path.read_text()))
    before = path.read_bytes()
    DecisionsFile(tmp_path).change(lambda found: (found.mute(mute_of(id="m")), None), NOW_NS)
    assert [mute.id for mute in DecisionsFile(tmp_path).read().mutes] == ["m"]
    assert (tmp_path / kept_as).read_bytes() == before
    # What could be read is replaced as ever.
    DecisionsFile(tmp_path).change(lambda found: (found.without("m"), None), NOW_NS)
    assert {one.name for one in tmp_path.iterdir()} == {"lock", "decisions.json", kept_as}


def _mute_many(folder: Path, writer: int, n_mutes: int) -> None:
    file = DecisionsFile(folder)
    for number in range(n_mutes):
        mute = mute_of(id=f"mute-{writer}-{number}", band="lte")
        file.change(lambda found, mute=mute: (found.mute(mute), None), NOW_NS)


def test_two_writers_lose_nothing(tmp_path: Path) -> None:
    """A command line and an observer, each in a process of its own."""
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_mute_many, args=(tmp_path, k, 15)) for k in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(300.0)
        assert writer.exitcode == 0
    ids = {mute.id for mute in DecisionsFile(tmp_path).read().mutes}
    assert ids == {f"mute-{writer}-{number}" for writer in range(3) for number in range(15)}
    assert {path.name for path in tmp_path.iterdir()} == {"lock", "decisions.json"}


def test_a_few_kilobytes_hold_what_a_site_calls_normal(tmp_path: Path) -> None:
    decisions = Decisions()
    for number in range(10):
        normal = normal_like(event_of(), id=f"normal-{number}", incident=f"i-{number}")
        decisions = decisions.learn(normal)
    write(tmp_path, decisions)
    content = (tmp_path / "decisions.json").read_bytes()
    assert len(content) < 8192
    assert json.loads(content)["schema"] == "edgespec.decisions/1"
