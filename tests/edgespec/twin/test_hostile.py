"""Whatever arrives at a central unit: nothing ends it, and the rest goes on (C1, C2, C4, C5)."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from itertools import cycle
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgespec.config import MqttConfig
from edgespec.errors import ConfigError, EdgespecError
from edgespec.twin.central import SiteTwin
from edgespec.twin.service.book import EventBook
from edgespec.twin.service.desk import Desk
from edgespec.twin.service.entrance.engine import EngineEntrance
from edgespec.twin.service.entrance.entrance import Enter
from edgespec.twin.service.members import MOST_MEMBERS, Members, owner_of
from edgespec.twin.service.openings import TwinMaker
from edgespec.twin.service.status import read_status, status_lines
from edgespec.twin.service.unit import CentralUnit
from edgespec.twin.state import TwinState
from edgespec.wire.event import parse_event
from edgespec.wire.handover import SavedSite, parse_saved, saved_payload
from edgespec.wire.info import parse_info
from edgespec.wire.member import member_payload, parse_member
from edgespec.wire.rss import ENCODERS, encode_rss, parse_rss
from edgespec.wire.site_event import parse_site_event, site_event_payload
from edgespec.wire.state import parse_state
from edgespec.wire.text import decode, encode
from edgespec.wire.transmitters import parse_transmitters, transmitters_payload
from edgespec.wire.verdict import TwinStatus, VerdictWriter, encode_verdict, parse_verdict
from tests.edgespec.wire.test_bytes import SAYS
from tests.made import twin_fleet
from tests.made.fake_engine import FakeLine
from tests.made.mutations import mutated, odd_values
from tests.made.verdict import NS, verdict_of

SITE = twin_fleet.site_of()
NOW_NS = 1_800_000_000 * NS
EVENT = replace(
    EventBook().follow(verdict_of(0, alarm=True)), site="yard", start_ns=NOW_NS - NS, end_ns=NOW_NS
)
SAVED = SavedSite("yard", "c-0", NOW_NS, 4, EVENT, b"{}")
DEEP = b"[" * 900 + b"]" * 900
READERS: dict[str, Callable[[bytes], object]] = {
    "event": parse_event, "replayed": parse_event, "state": parse_state, "info": parse_info,
    "rss": parse_rss, "verdict": parse_verdict, "site_event": parse_site_event,
    "member": parse_member, "handover": parse_saved, "transmitters": parse_transmitters,
}  # fmt: skip


class Session:
    """A broker that takes everything that can be on a topic."""

    def __init__(self) -> None:
        self.unacked: set[int] = set()
        self.said: list[tuple[str, bytes]] = []
        self.asked: list[list[str]] = []
        self.left: list[list[str]] = []

    def publish(self, topic: str, payload: bytes, qos: int, *, retain: bool = False) -> int:
        assert not set("+#\0") & set(topic), topic
        topic.encode()
        self.said.append((topic, payload))
        return len(self.said)

    def ask(self, topics: Any, qos: int = 0) -> None:
        self.asked.append(list(topics))

    def leave(self, topics: Any) -> None:
        self.left.append(list(topics))


class Central:
    """A central unit that owns the yard, without a broker: messages in, rounds of work."""

    def __init__(self, make_twin: Any = twin_fleet.make_twin) -> None:
        self.now_ns = NOW_NS
        self.told = twin_fleet.Told()
        settings = MqttConfig(url="mqtt://127.0.0.1:1")
        self.unit = CentralUnit(
            settings, [SITE], make_twin, self.told, "c-1",
            clock_ns=lambda: self.now_ns, enter=self.enter(),
        )  # fmt: skip
        self.fleet = twin_fleet.virtual(SITE)
        self.begin()

    def enter(self) -> Enter | None:
        return None

    def begin(self) -> None:
        self.session = self.unit._entrance.session = Session()
        self.hear("twin/members/c-1", encode(member_payload("c-1", ["yard"], NOW_NS)))
        self.work()

    def hear(self, topic: str, data: bytes) -> None:
        self.unit.hear(f"edgespec/{topic}", data)

    def work(self) -> None:
        self.unit._tick_at_s = 0.0
        self.unit._work()

    def snapshot(self) -> Any:
        """Report one interval from all units, in either form; return the last verdict."""
        self.now_ns += round(SITE.detect.interval_s * NS)
        reports = self.fleet.reports(self.now_ns, 0.0)
        for report, encode_one in zip(reports, cycle(ENCODERS.values()), strict=False):
            self.hear(f"{report.node}/rss/yard", encode_one(report))
        self.work()
        return self.told.verdicts[-1]

    @property
    def counts(self) -> dict[str, int]:
        return self.unit._desks["yard"].counts

    def close(self) -> None:
        self.unit.stop()
        self.unit.run()


class Behind(Central):
    """The same behind an engine: what comes, comes out of the queues of a partition."""

    def __init__(self, make_twin: Any = twin_fleet.make_twin) -> None:
        self.line = FakeLine()
        super().__init__(make_twin)

    def enter(self) -> Enter | None:
        return partial(EngineEntrance, "amqp://fake", 1, 30.0, MqttConfig())

    def begin(self) -> None:
        self.entrance._opened(self.line)
        self.work()

    @property
    def entrance(self) -> Any:
        return self.unit._entrance

    def hear(self, topic: str, data: bytes) -> None:
        if topic.startswith("twin/members/"):
            super().hear(topic, data)
        else:
            is_report = "/rss/" in topic
            self.line.give(self.entrance, 0, is_report, f"edgespec/{topic}", data=data)

    def work(self) -> None:
        for _ in range(3):
            self.line.bring(self.entrance)
            super().work()


@pytest.fixture(scope="module", params=[Central, Behind])
def central(request: pytest.FixtureRequest) -> Iterator[Central]:
    central = request.param()
    yield central
    central.close()


def said(data: bytes, **changes: Any) -> bytes:
    """A payload with other fields; bytes stand for JSON that json does not write."""
    payload = {**json.loads(data), **{k: f"@{k}@" for k in changes}}
    text = json.dumps(payload).encode()
    for key, value in changes.items():
        raw = value if isinstance(value, bytes) else json.dumps(value).encode()
        text = text.replace(f'"@{key}@"'.encode(), raw)
    return text


SENDERS = json.dumps(transmitters_payload("yard", SITE.transmitter, NOW_NS)).encode()
PRESENCE = encode(member_payload("c-9", ["yard"], NOW_NS))
LEFT = saved_payload(SAVED)
REPORT, BINARY = (
    encode(next(iter(twin_fleet.virtual(SITE).reports(NOW_NS, 0.0))))
    for encode in ENCODERS.values()
)
INNER = encode(site_event_payload(EVENT, "c-0", 4))
HOSTILE = {
    "400 digits": ("twin/yard/transmitters", SENDERS.replace(b"15.0", b"9" * 400, 1)),
    "5000 digits": ("twin/yard/transmitters", SENDERS.replace(b"15.0", b"9" * 5000, 1)),
    "1e400": ("twin/yard/transmitters", SENDERS.replace(b"15.0", b"1e400", 1)),
    "dated 9999": ("twin/yard/transmitters", said(SENDERS, time="9999-01-01T00:00:00Z")),
    "other digits": ("twin/yard/transmitters", said(SENDERS, time="٢٠٢٦-01-01T00:00:00Z")),
    "deep list": ("twin/yard/transmitters", said(SENDERS, transmitters=DEEP)),
    "too long": ("twin/yard/transmitters", SENDERS + b" " * 10_000_000),
    "source 5": ("twin/yard/state", said(LEFT, event=said(INNER, source=5))),
    "source deep": ("twin/yard/state", said(LEFT, event=said(INNER, source=DEEP))),
    "event deep": ("twin/yard/state", said(LEFT, event=DEEP)),
    "event with more": ("twin/yard/state", said(LEFT, event=said(INNER, more=DEEP))),
    "event 5": ("twin/yard/state", said(LEFT, event=5)),
    "event surrogate": ("twin/yard/state", said(LEFT, event=said(INNER, kind=b'"\\ud800"'))),
    "event escape": ("twin/yard/state", said(LEFT, event=said(INNER, kind="\x1b[2J"))),
    "event count": ("twin/yard/state", said(LEFT, event=said(INNER, n_snapshots=b"9" * 4300))),
    "event of another": ("twin/yard/state", said(LEFT, event=said(INNER, site="hall"))),
    "state of another": ("twin/yard/state", said(LEFT, site="hall")),
    "state dated 9999": ("twin/yard/state", said(LEFT, time="9999-01-01T00:00:00Z")),
    "sequence": ("twin/yard/state", said(LEFT, sequence=b"9" * 4300)),
    "twin deep": ("twin/yard/state", said(LEFT, twin=b'{"a":' + DEEP + b"}")),
    "no UTF-8": ("twin/yard/state", LEFT.replace(b"c-0", b"\xed\xa0\x80")),
    "UTF-16": ("twin/yard/state", LEFT.decode().encode("utf-16")),
    "member surrogate": ("twin/members/x", said(PRESENCE, central=b'"\\ud800"')),
    "member wild": ("twin/members/x", said(PRESENCE, central="evil/#")),
    "member of another": ("twin/members/x", PRESENCE),
    "member's site": ("twin/members/c-9", said(PRESENCE, sites=["a/#"])),
    "member deep": ("twin/members/c-9", said(PRESENCE, sites=DEEP)),
    "member's schema": ("twin/members/c-9", said(PRESENCE, schema=DEEP)),
    "report's schema": ("yard-0/rss/yard", said(REPORT, schema=DEEP)),
    "report's node": ("yard-0/rss/yard", said(REPORT, node=DEEP)),
    "report's surrogate": ("yard-0/rss/yard", said(REPORT, band=b'"\\udfff"')),
    "report's unit": ("yard-0/rss/yard", said(REPORT, level_unit=[])),
    "report's frames": ("yard-0/rss/yard", said(REPORT, n_frames=b"-" + b"9" * 4300)),
    "report's levels": ("yard-0/rss/yard", said(REPORT, levels=[10**400] * 4)),
    "report's time": ("yard-0/rss/yard", said(REPORT, time=["x"])),
    "report's bytes": ("yard-0/rss/yard", BINARY[:-1]),
    "binary of a stranger": ("x-1/rss/yard", BINARY),
}  # fmt: skip


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("name", HOSTILE)
def test_c1_what_arrives_is_counted_left_out_and_the_rest_goes_on(
    central: Central, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    topic, data = HOSTILE[name]
    before = sum(central.counts.values()) + sum(central.unit._refused.values())
    begun_s = time.monotonic()
    central.hear(topic, data)
    assert time.monotonic() - begun_s < 5.0
    after = sum(central.counts.values()) + sum(central.unit._refused.values())
    assert after == before + 1
    # A fault of ours would be told with its trace.
    assert all(record.exc_info is None or not record.exc_info for record in caplog.records)
    assert "failed" not in central.counts
    assert all(len(record.getMessage()) < 800 for record in caplog.records)
    # Until it is thought to be silent, whoever it is would be there.
    for member in central.unit._entrance._members.expire(1e12):
        central.unit._entrance._members.hear(member, ["yard"], 0.0)
    central.work()
    verdict = central.snapshot()
    assert (verdict.n_units, verdict.status) == (6, TwinStatus.WATCHING)


@pytest.mark.slow_without_jit
def test_c1_a_fault_of_ours_ends_nothing_either(central: Central) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Desk, "set_transmitters", lambda *_: 1 / 0)
        central.hear("twin/yard/transmitters", SENDERS)
        patch.setattr(VerdictWriter, "write", lambda *_: 1 / 0)
        central.now_ns += NS
        central.work()
    assert central.counts["transmitters"] >= 1
    assert [central.snapshot().n_units for _ in range(8)][-1] == 6


@pytest.mark.parametrize("noun", READERS)
@given(data=st.data())
def test_c1_readers_raise_nothing_but_edgespec_errors(noun: str, data: Any) -> None:
    good = SAYS[noun].encode()
    if data.draw(st.booleans()):
        payload = json.loads(good)
        place = payload
        # A field, at any depth, has an odd value.
        while True:
            key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else [0]))
            inner = place[key]
            if not isinstance(inner, dict | list) or not inner or data.draw(st.booleans()):
                break
            place = inner
        place[key] = data.draw(odd_values())
        bad = json.dumps(payload).encode()
    else:
        bad = data.draw(mutated(good))
    with suppress(EdgespecError):
        READERS[noun](bad)


@pytest.mark.slow_without_jit
@given(data=st.data())
def test_c1_no_topic_ends_a_central_unit(central: Central, data: Any) -> None:
    topic, good = data.draw(
        st.sampled_from(
            [
                ("twin/yard/transmitters", SENDERS),
                ("twin/yard/state", LEFT),
                ("twin/members/c-9", PRESENCE),
                ("yard-0/rss/yard", REPORT),
                ("twin/yard/verdict", encode_verdict(verdict_of(1), "c", "dBm", {})),
                ("twin/yard/nothing", b"{}"),
                ("x", b""),
            ]
        )
    )
    central.hear(topic, data.draw(mutated(good)))
    central.work()
    assert "failed" not in central.counts


# C2: what was learnt.

STATE = SiteTwin(SITE, trained=twin_fleet.trained(SITE)).state().to_bytes()


def poisoned(state: bytes, **changes: Any) -> bytes:
    whole = json.loads(state)
    return json.dumps({**whole, "trained": {**whole["trained"], **changes}}).encode()


PLAIN = json.loads(STATE)["trained"]
POISON = {
    "averages": {"averages": 1e999}, "thresholds": {"thresholds": ["nan"] * 2},
    "thresholds nan": {"thresholds": [float("nan")] * 2}, "no thresholds": {"thresholds": []},
    "scales": {"scale_db": [[[[1e-300] * 4] * 6] * 2] * 2},
    "infinite scales": {"scale_db": [[[[1e999] * 4] * 6] * 2] * 2},
    "biases": {"bias_db": [[[1e300] * 4] * 6] * 2},
    "huge": {"bias_db": [[[10**400] * 4] * 6] * 2},
    "ragged": {"bias_db": [[[1.0] * 4] * 5 + [[1.0] * 3]] * 2},
    "texts": {"bias_db": [[["1.0"] * 4] * 6] * 2},
    "witnesses": {"witness_thresholds": [1e999, 1e999]},
    "rate": {"false_alarm_rate": 0.0}, "repeats": {"repeat_share": [7.0] * 6},
    "doublings": {"doublings": [9, 9]}, "truth": {"averages": True},
    "many": {"doublings": [1] * 1000}, "snapshots": {"n_snapshots": 1e999},
}  # fmt: skip


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("name", POISON)
def test_c2_a_poisoned_state_falls_back_to_learning_and_says_so(name: str) -> None:
    state = poisoned(STATE, **POISON[name])
    with pytest.raises(ConfigError, match="twin forget"):
        TwinState.from_bytes(state)
    desk = Desk(SITE, TwinMaker({}))
    desk.adopt(replace(SAVED, event=None, twin=state))
    now_ns = NOW_NS + NS
    for report in twin_fleet.virtual(SITE).reports(now_ns, 0.0):
        desk.take(encode_rss(report), now_ns, report.node)
    (told,) = desk.advance(now_ns + 1)
    assert told.verdict.status is TwinStatus.LEARNING
    assert "is of no use" in told.verdict.notes[0]
    assert desk.counts == {"accepted": 6}


TOLD = {"utc_ns": NOW_NS, "until_ns": NOW_NS + 30 * NS, "levels_db": [-60.0] * 4, "kind": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"utc_ns": -1}, {"utc_ns": True}, {"until_ns": NOW_NS - 1}, {"until_ns": NOW_NS + 10**14},
        {"until_ns": 1e999}, {"levels_db": [1e999] * 4}, {"levels_db": ["1"] * 4},
        {"levels_db": [[-60.0] * 4]}, {"levels_db": 4}, {"kind": 0}, {"kind": 7}, {"kind": None},
    ],
)  # fmt: skip
def test_c2_poisoned_levels_that_hold_are_refused(changes: dict[str, Any]) -> None:
    def state(*held: Any) -> bytes:
        return json.dumps({**json.loads(STATE), "held": held}).encode()

    assert TwinState.from_bytes(state(TOLD, *[None] * 5)).held[0] is not None
    for held in ([TOLD | changes, *[None] * 5], [TOLD] * 5 + [TOLD | changes], [TOLD], [1] * 6):
        with pytest.raises(ConfigError, match="twin forget"):
            TwinState.from_bytes(state(*held))
    for held in ({}, None, "abcdef", [[]] * 6):
        with pytest.raises(ConfigError, match="twin forget"):
            TwinState.from_bytes(json.dumps({**json.loads(STATE), "held": held}).encode())


def test_c2_a_sound_state_is_taken() -> None:
    assert TwinState.from_bytes(STATE).to_bytes() == STATE
    assert decode(STATE)["site"] == "yard"


# C3: two voices.


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("ahead_s", [0.0, 1e-6, -1e-6])
@pytest.mark.parametrize("first", ["forged", "real"])
def test_c3_two_voices_of_a_unit_are_noticed(ahead_s: float, first: str) -> None:
    """Whoever is first, and stamped the same or beside it: neither is believed, and it is said."""
    twin = SiteTwin(SITE, trained=twin_fleet.trained(SITE))
    interval_ns = round(SITE.detect.interval_s * NS)
    fleet, told, now_ns = twin_fleet.virtual(SITE), [], NOW_NS
    for _ in range(12):
        now_ns += interval_ns
        pairs = []
        for real in fleet.reports(now_ns, 0.0):
            lie = replace(
                real, utc_ns=now_ns + round(ahead_s * NS),
                levels_db=tuple(level - 3.0 for level in real.levels_db),
            )  # fmt: skip
            forged = lie if real.node in SITE.nodes[:2] else real
            pairs.append((forged, real) if first == "forged" else (real, forged))
        # All of one voice come before those of the other.
        for one in [pair[0] for pair in pairs] + [pair[1] for pair in pairs]:
            with suppress(EdgespecError):
                twin.accept(one, now_ns)
            told += twin.advance(now_ns)
    assert twin.counts["two_voices"] >= 20
    last = told[-1]
    assert set(last.implausible) == set(SITE.nodes[:2])
    assert "two voices" in last.implausible["yard-0"]
    assert (last.n_units, last.status) == (4, TwinStatus.WATCHING)
    # It ends when the other voice does.
    for _ in range(60):
        now_ns += interval_ns
        for real in fleet.reports(now_ns, 0.0):
            twin.accept(real, now_ns)
        told += twin.advance(now_ns)
    assert told[-1].implausible == {}


@pytest.mark.slow_without_jit
def test_c3_one_voice_is_one_at_any_length_of_snapshots() -> None:
    """Reports of a second in snapshots of three, repeated by the network, in any order."""
    site = twin_fleet.site_of(interval_s=3.0)
    twin = SiteTwin(site)
    fleet = twin_fleet.virtual(site)
    for second in range(30):
        for one in fleet.reports(NOW_NS + second * NS, 0.0):
            report = replace(one, duration_s=1.0)
            for again in (report, report):
                with suppress(EdgespecError):
                    twin.accept(again, NOW_NS + second * NS)
        twin.advance(NOW_NS + second * NS)
    assert "two_voices" not in twin.counts
    assert twin.counts["duplicate"] > 0
    assert sum(twin.counts.values()) == 2 * 30 * 6


# C4: who only says that it is there, and crowds of strangers.


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("works", [False, True])
def test_c4_a_made_up_member_loses_the_site(monkeypatch: pytest.MonkeyPatch, works: bool) -> None:
    """Its presence is renewed and it does nothing; one that judges keeps what it has."""
    central = Central()
    names = [f"ghost-{k}" for k in range(99)]
    ghost = next(name for name in names if owner_of("yard", (name, "c-1")) == name)
    presence = member_payload(ghost, ["yard"], NOW_NS, judged=["yard"] if works else [])
    begun_s = time.monotonic()
    owned = []
    for elapsed_s in range(0, 300, 5):
        now_s = begun_s + elapsed_s
        monkeypatch.setattr("edgespec.twin.service.unit.time.monotonic", lambda now_s=now_s: now_s)
        central.hear(f"twin/members/{ghost}", encode(presence))
        central.work()
        owned.append(central.unit.sites)
        if central.unit.sites:
            assert central.snapshot().n_units == 6
    n_beats = sum(sites == [] for sites in owned)
    assert n_beats == len(owned) if works else n_beats <= 12
    monkeypatch.undo()
    central.close()


def test_c4_without_observers_members_take_turns() -> None:
    """Nobody shows work, so nobody keeps the site from who would; all see the same."""
    views = [Members(name, 1e9) for name in ("a", "b", "c")]
    owners = []
    for now_s in range(0, 600, 5):
        for view in views:
            for name in ("a", "b", "c"):
                view.hear(name, ["yard"], now_s)
            view.review({"yard": 45.0}, now_s)
        assert len({view.owner_of("yard") for view in views}) == 1
        owners.append(views[0].owner_of("yard"))
    assert set(owners) == {"a", "b", "c"}
    # Then observers report, and whoever has its turn stays.
    working = owners[-1]
    for now_s in range(600, 900, 5):
        for view in views:
            for name in ("a", "b", "c"):
                view.hear(name, ["yard"], now_s, ["yard"] if name == working else [])
            view.review({"yard": 45.0}, now_s)
        assert {view.owner_of("yard") for view in views} == {working}


@pytest.mark.slow_without_jit
def test_c4_strangers_starve_no_unit() -> None:
    central = Central()
    for k in range(5000):
        central.hear(f"stranger-{k}/rss/yard", REPORT)
    assert central.snapshot().n_units == 6
    assert central.counts["unknown_unit"] + central.counts["wrong_topic"] == 5000
    assert len(central.unit._by_topic) <= 6
    asked = [topic for topics in central.session.asked for topic in topics]
    assert [t for t in asked if "/rss/" in t and "+" not in t] == [
        f"$share/yard/edgespec/{node}/rss/yard" for node in SITE.nodes
    ]
    assert ["$share/yard/edgespec/+/rss/yard"] in central.session.left
    central.close()


def test_c4_members_are_bounded() -> None:
    members = Members("me", 10.0)
    for k in range(MOST_MEMBERS):
        members.hear(f"m-{k}", ["yard"], 0.0)
    with pytest.raises(EdgespecError, match="no more are taken"):
        members.hear("one more", ["yard"], 0.0)
    members.hear("m-0", [], 1.0)


def test_c1_status_shows_the_rest() -> None:
    """`twin status` reads what anybody retained, too."""
    good = encode_verdict(verdict_of(1), "c-1", "dBm", {"accepted": 1})
    kept = {
        "edgespec/twin/hall/verdict": good,
        "edgespec/twin/a/verdict": said(good, reports=5),
        "edgespec/twin/b/verdict": said(good, central=["x"]),
        "edgespec/twin/c/verdict": said(good, levels=[[1.0]]),
        "edgespec/twin/d/verdict": said(good, levels=DEEP),
        "edgespec/twin/e/verdict": said(good, units_implausible={"a": 5}),
        "edgespec/twin/\x1b[2J/verdict": b"",
        "edgespec/twin/members/\x1b[2J": PRESENCE,
        "edgespec/twin/members/c-9": PRESENCE,
    }
    report = read_status(MqttConfig(), lambda *_: kept)
    lines = list(status_lines(report, as_json=False))
    assert set(report.verdicts) == {"hall"}
    assert set(report.members) == {"c-9"}
    assert sum(line.startswith("not understood") for line in lines) == 7
    assert all(line.isprintable() for line in lines)


@pytest.mark.slow_without_jit
def test_c4_who_had_a_partition_meanwhile_is_believed_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Two units that think a site is theirs: the deed of the other ends this one's, then it claims
    the partition anew, and judges nothing that the deed knows."""
    central = Behind()
    assert central.snapshot().n_units == 6
    (partition,) = central.entrance._partitions
    # Nonsense and a time to come are left out.
    ahead = central.now_ns + 3600 * NS
    for data in (b"[", b'{"judged":5}', b'{"judged":{"yard":"x"}}', said_until(ahead)):
        central.line.give(central.entrance, 0, False, "", "deed", partition._nonce, data)
    interval_ns = round(SITE.detect.interval_s * NS)
    judged_ns = central.now_ns + 2 * interval_ns
    central.line.give(central.entrance, 0, False, "", "deed", "another", said_until(judged_ns))
    assert not partition.is_owner
    central.work()
    assert partition.is_owner
    assert "had another owner meanwhile" in caplog.text
    n_told = len(central.told.verdicts)
    for _ in range(2):
        central.snapshot()
    assert len(central.told.verdicts) == n_told
    assert central.counts["repeated"] == 12
    assert central.snapshot().n_units == 6
    central.close()


def said_until(utc_ns: int) -> bytes:
    return encode({"judged": {"yard": utc_ns}})


@pytest.mark.slow_without_jit
def test_what_an_engine_keeps_is_handed_on_and_let_go_when_the_next_has_come() -> None:
    central = Behind()
    central.snapshot()
    (partition,) = central.entrance._partitions
    central.hear("twin/yard/transmitters", SENDERS)
    tags = {kind: held.tag for (kind, _), held in partition._held.items()}
    central.hear("twin/yard/transmitters", SENDERS)
    acks = partition._taps[0]._channel.acknowledged
    assert acks[-1] == (tags["transmitters"], False)
    assert partition._held["transmitters", "yard"].tag > tags["transmitters"]
    # Nothing that is held was acknowledged, and all reports were, behind their verdict.
    assert not {held.tag for held in partition._held.values()} & {tag for tag, _ in acks}
    assert partition._n_open == 0
    # An empty state forgets, and none is kept.
    central.unit._publish_state(central.unit._desks["yard"])
    central.work()
    assert ("state", "yard") in partition._held
    central.hear("twin/yard/state", b"")
    assert ("state", "yard") not in partition._held
    central.close()
