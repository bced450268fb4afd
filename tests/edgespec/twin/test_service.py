"""The central unit without a broker: who owns a site, events, and what is refused."""

import io
import json
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest

from edgespec.config import MqttConfig
from edgespec.errors import ConfigError, UsageError
from edgespec.twin.service.book import EventBook
from edgespec.twin.service.desk import Desk
from edgespec.twin.service.fleet import Fleet, VirtualJammer, parse_jammer
from edgespec.twin.service.learn import learn_from_files, read_reports
from edgespec.twin.service.members import Members, owner_of
from edgespec.twin.service.openings import (
    central_id,
    example_site,
    load_sites,
    load_trained_for,
    require_url,
)
from edgespec.twin.service.screen import JsonScreen, TextScreen
from edgespec.twin.service.status import verdict_from_file
from edgespec.twin.trained import save_trained
from edgespec.wire.handover import SavedSite, parse_saved, saved_payload
from edgespec.wire.rss import encode_rss
from edgespec.wire.verdict import TwinStatus, TwinVerdict
from tests.made import twin_fleet
from tests.made.verdict import NS, T0, verdict_of

SITES = [f"site-{k}" for k in range(400)]
MEMBERS = ["alpha", "beta", "gamma", "delta"]


# Who owns a site.


def test_everybody_agrees_whatever_the_order() -> None:
    for site in SITES[:50]:
        assert len({owner_of(site, order) for order in (MEMBERS, MEMBERS[::-1])}) == 1


def test_when_one_leaves_only_its_sites_move_and_to_all_others() -> None:
    before = {site: owner_of(site, MEMBERS) for site in SITES}
    after = {site: owner_of(site, MEMBERS[1:]) for site in SITES}
    moved = {site for site in SITES if before[site] != after[site]}
    assert moved == {site for site in SITES if before[site] == "alpha"}
    assert {after[site] for site in moved} == set(MEMBERS[1:])


def test_sites_are_shared_evenly() -> None:
    shares = Counter(owner_of(site, MEMBERS) for site in SITES)
    # Binomial of 400 and 1/4: 8.7 is one standard deviation.
    assert all(abs(shares[member] - 100) < 4.5 * 8.7 for member in MEMBERS)


def test_without_members_nobody_owns_anything() -> None:
    assert owner_of("hall", []) is None


def test_only_members_that_know_a_site_own_it() -> None:
    members = Members("me", 10.0)
    assert members.hear("me", ["a"], 0.0)
    assert not members.hear("me", ["a"], 1.0)
    assert members.hear("other", ["b"], 1.0)
    assert (members.owner_of("a"), members.owner_of("b")) == ("me", "other")
    assert members.owner_of("c") is None
    assert members.remove("other")
    assert not members.remove("other")
    assert members.owner_of("b") is None


def test_who_is_silent_expires_but_never_oneself() -> None:
    members = Members("me", 10.0)
    members.hear("me", ["a"], 0.0)
    members.hear("other", ["a"], 5.0)
    assert members.expire(14.0) == []
    assert members.expire(15.5) == ["other"]
    assert members.ids == ["me"]


# Events.


def types_of(book: EventBook, verdicts: list[TwinVerdict]) -> list[tuple[int, str]]:
    said = [(v.snapshot, book.follow(v)) for v in verdicts]
    return [(snapshot, str(event.event_type)) for snapshot, event in said if event is not None]


def test_an_event_opens_at_once_goes_on_and_ends_after_three_quiet_snapshots() -> None:
    verdicts = [verdict_of(k, alarm=3 <= k < 15 and k != 7) for k in range(22)]
    assert types_of(EventBook(), verdicts) == [
        (3, "new"), (8, "update"), (13, "update"), (17, "end"),
    ]  # fmt: skip


def test_two_jammers_apart_are_two_events() -> None:
    book = EventBook()
    first = book.follow(verdict_of(0, alarm=True))
    for k in (1, 2, 3):
        last = book.follow(verdict_of(k))
    second = book.follow(verdict_of(9, alarm=True))
    assert first is not None
    assert last is not None
    assert second is not None
    assert first.event_id == last.event_id != second.event_id
    # From the beginning of the first alarming snapshot to the end of the last.
    assert (last.start_ns, last.end_ns) == (T0 - NS, T0)


def test_who_silences_the_units_does_not_end_the_alarm() -> None:
    book = EventBook()
    book.follow(verdict_of(0, alarm=True))
    blind = [verdict_of(k, status=TwinStatus.TOO_FEW_UNITS) for k in range(1, 60)]
    assert types_of(book, blind) == []
    assert book.is_open


def test_an_event_is_described_by_its_strongest_snapshot() -> None:
    book = EventBook()
    weak = verdict_of(0, alarm=True, score=-3.0, kind="wideband")
    strong = verdict_of(1, alarm=True, score=50.0)
    book.follow(weak)
    book.follow(strong)
    book.follow(replace(weak, snapshot=2, utc_ns=T0 + 2 * NS))
    assert book.event is not None
    assert (book.event.score, book.event.kind) == (50.0, "narrowband")
    assert (book.event.n_alarms, book.event.n_snapshots) == (3, 3)


def test_a_successor_goes_on_with_the_open_event() -> None:
    book = EventBook()
    book.follow(verdict_of(0, alarm=True))
    saved = SavedSite("hall", "c-1", T0, 4, book.event, b'{"learnt": 1}')
    read = parse_saved(saved_payload(saved))
    assert read == saved
    assert read.event is not None
    assert types_of(EventBook(read.event), [verdict_of(k) for k in (1, 2, 3)]) == [(3, "end")]


# Whatever comes in.


@pytest.mark.slow_without_jit
def test_bad_reports_are_counted_by_reason_and_the_rest_goes_on(
    caplog: pytest.LogCaptureFixture,
) -> None:
    site = twin_fleet.site_of()
    desk = Desk(site, twin_fleet.make_twin)
    interval_ns = round(site.detect.interval_s * NS)
    now_ns = time.time_ns() // interval_ns * interval_ns
    fleet = twin_fleet.virtual(site)
    bad = next(iter(fleet.reports(now_ns, 0.0)))
    nan = float("nan")
    for data in [
        b"garbage", b"{}", b"x" * 20000, encode_rss(bad)[:-20],
        encode_rss(bad).replace(b"edgespec.rss/1", b"edgespec.rss/9"),
        encode_rss(replace(bad, node="stranger")),
        encode_rss(replace(bad, site="elsewhere")),
        encode_rss(replace(bad, utc_ns=now_ns - 3600 * NS)),
        encode_rss(replace(bad, utc_ns=now_ns + 3600 * NS)),
        encode_rss(replace(bad, levels_db=(nan, *bad.levels_db[1:]))),
        encode_rss(replace(bad, levels_db=(900.0, *bad.levels_db[1:]))),
        encode_rss(replace(bad, edges_hz=tuple(edge + 1e6 for edge in bad.edges_hz))),
        encode_rss(replace(bad, level_unit="dBFS")),
    ]:  # fmt: skip
        desk.take(data, now_ns, "stranger" if b"stranger" in data else bad.node)
    desk.take(encode_rss(bad), now_ns, "yard-5")
    refused = desk.counts
    assert refused.pop("accepted", 0) == 0
    assert sum(refused.values()) == 14
    assert refused["json"] == 2
    assert refused["schema"] == 2
    assert refused["too_long"] == refused["wrong_topic"] == 1
    assert len(refused) >= 8
    n_lines = len(caplog.records)
    assert len(refused) <= n_lines <= 14
    for report in fleet.reports(now_ns, 0.0):
        desk.take(encode_rss(report), now_ns, report.node)
    said = desk.advance(now_ns + 1)
    assert [one.verdict.n_units for one in said] == [6]
    for _ in range(100):
        desk.take(b"garbage", now_ns, bad.node)
    assert len(caplog.records) == n_lines


def test_a_core_that_fails_is_counted_and_stays_alone(caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def __init__(self) -> None:
            self.counts: Counter[str] = Counter()

        def accept(self, *args: object) -> None:
            raise ZeroDivisionError

        advance = accept

    desk = Desk(twin_fleet.site_of(), lambda site, state: Broken())  # type: ignore[arg-type,return-value]
    report = twin_fleet.normal_reports(desk.site, 1)[0]
    desk.take(encode_rss(report), T0, report.node)
    assert desk.counts == {"failed": 1}
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.slow_without_jit
def test_a_state_of_no_use_is_replaced_by_the_training(caplog: pytest.LogCaptureFixture) -> None:
    site = twin_fleet.site_of()
    desk = Desk(site, twin_fleet.make_twin)
    desk.adopt(SavedSite("yard", "c-0", T0, 5, None, b'{"schema":"old"}'))
    for report in twin_fleet.normal_reports(site, 1, T0):
        desk.take(encode_rss(report), report.utc_ns, report.node)
    assert desk.counts["accepted"] == 6
    assert desk.sequence == 5
    desk.adopt(SavedSite("yard", "c-1", T0, 9, None, b""))
    assert desk.sequence == 5
    assert "of no use" in caplog.text


# Files and words.


def test_the_example_is_a_site(tmp_path: Path) -> None:
    path = tmp_path / "hall.toml"
    path.write_text(example_site(), encoding="utf-8")
    (site,) = load_sites([path])
    assert len(site.unit) == 12
    assert load_sites([tmp_path]) == [site]
    (tmp_path / "copy.toml").write_text(example_site(), encoding="utf-8")
    with pytest.raises(ConfigError, match="both named 'hall'"):
        load_sites([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(ConfigError, match=r"no \*\.toml"):
        load_sites([tmp_path / "empty"])


@pytest.mark.slow_without_jit
def test_trained_files_belong_to_sites(tmp_path: Path) -> None:
    sites = [twin_fleet.site_of("a"), twin_fleet.site_of("b")]
    learnt = twin_fleet.trained(sites[0])
    save_trained(learnt, tmp_path / "a.npz")
    assert load_trained_for(sites, None) == {}
    assert set(load_trained_for(sites, tmp_path)) == {"a"}
    assert set(load_trained_for(sites[:1], tmp_path / "a.npz")) == {"a"}
    with pytest.raises(ConfigError, match="name a folder"):
        load_trained_for(sites, tmp_path / "a.npz")


@pytest.mark.slow_without_jit
def test_reports_are_learnt_from_files(tmp_path: Path) -> None:
    site = twin_fleet.site_of()
    lines = [encode_rss(report) for report in twin_fleet.normal_reports(site, 60)]
    path = tmp_path / "normal.jsonl"
    path.write_bytes(b'{"schema":"edgespec.state/1"}\n' + b"\n".join(lines) + b"\n")
    assert len(list(read_reports([path]))) == 360
    assert learn_from_files(site, [path]).n_snapshots >= 55
    path.write_bytes(lines[0] + b"\n" + lines[1][:-9] + b"\n")
    with pytest.raises(ConfigError, match=r"normal\.jsonl, line 2: .*JSON"):
        list(read_reports([path]))
    with pytest.raises(ConfigError, match="cannot be read"):
        list(read_reports([tmp_path / "none"]))


def test_ids_and_urls() -> None:
    assert central_id("c-1") == "c-1"
    assert central_id(None) != central_id(None)
    for bad in ("", "a/b", "+", "a b"):
        with pytest.raises(UsageError):
            central_id(bad)
    with pytest.raises(ConfigError, match="--mqtt"):
        require_url(MqttConfig())


def test_jammers_on_the_command_line() -> None:
    assert parse_jammer("14,20,30") == VirtualJammer(14.0, 20.0, 30.0)
    assert parse_jammer("1,2,3,4,5,0.25") == VirtualJammer(1.0, 2.0, 3.0, 4.0, 5.0, 0.25)
    assert parse_jammer("1,2,3,4,inf,0.5") == VirtualJammer(1.0, 2.0, 3.0, 4.0, None, 0.5)
    for bad in ("", "1,2", "a,b,c", "1,2,3,4,5,6,7", "nan,1,1"):
        with pytest.raises(UsageError, match="write X,Y,POWER"):
            parse_jammer(bad)
    for bad, says in (
        ("1e308,2,3", "x_m is 1e[+]308"),
        ("1,2,1e9", "power_dbm is .* at most 120 dBm"),
        ("1,2,3,5,4", "stop_s is 4; it must be after start_s, 5"),
        ("1,2,3,4,5,7", "share is 7.0; it must be above 0 and at most 1"),
        ("1,2,3,4,5,-1", "share is -1.0"),
    ):
        with pytest.raises(UsageError, match=says):
            parse_jammer(bad)


def test_a_jammer_may_be_in_the_street_but_not_in_another_town() -> None:
    site = twin_fleet.site_of()
    quiet = twin_fleet.virtual(site).levels_dbm(0.0)
    outside = twin_fleet.virtual(site, [VirtualJammer(-30.0, 20.0, 60.0)]).levels_dbm(0.0)
    assert (outside > quiet + 3.0).any()
    with pytest.raises(UsageError, match=r"a jammer is at y = 5000 m, .* at most 1000 m beyond"):
        twin_fleet.virtual(site, [VirtualJammer(0.0, 5000.0, 60.0)])


def test_reports_are_sent_within_their_snapshot() -> None:
    site = twin_fleet.site_of()
    with pytest.raises(UsageError, match="sent over 1000 s, but one lasts"):
        Fleet([twin_fleet.virtual(site)], Mock(), "edgespec", 1000.0)


def test_a_person_sees_changes_and_the_alarm() -> None:
    stream = io.StringIO()
    screen = TextScreen(stream, "c-1")
    screen.members(["c-1", "c-2"], ["hall"])
    book = EventBook()
    for k in range(12):
        verdict = verdict_of(k, alarm=4 <= k < 8)
        event = book.follow(verdict)
        if event is not None:
            screen.event(event)
        screen.verdict(verdict, {"accepted": k, "stale": 1})
    lines = stream.getvalue().splitlines()
    assert lines[0] == "c-1 looks after hall, shared with c-2"
    assert "quiet" in lines[1]
    assert "1 of 2 units" in lines[1]
    assert "missing: b" in lines[1]
    assert "refused: 1 stale" in lines[1]
    assert "ALARM: narrowband source near x 3.0, y 4.0 m (+- 2.0 m), 20 dBm" in lines[2]
    assert lines[3].strip() == "advice: leave these blocks out"
    assert "alarm is over" in lines[-1]
    assert len(lines) == 7


def test_a_program_reads_the_same() -> None:
    stream = io.StringIO()
    screen = JsonScreen(stream, "c-1", {"hall": "dBm"})
    event = EventBook().follow(verdict_of(0, alarm=True))
    assert event is not None
    screen.members(["c-1"], ["hall"])
    screen.event(event)
    screen.verdict(verdict_of(0, alarm=True), {})
    schemas = [json.loads(line)["schema"] for line in stream.getvalue().splitlines()]
    assert schemas == ["edgespec.members/1", "edgespec.site-event/1", "edgespec.verdict/1"]


def test_the_last_verdict_in_a_file_counts(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with path.open("w", encoding="utf-8") as file:
        screen = JsonScreen(file, "c-1", {"hall": "dBm"})
        screen.verdict(verdict_of(1), {})
        screen.verdict(verdict_of(2), {})
    assert verdict_from_file(path, "hall").snapshot == 2
    with pytest.raises(ConfigError, match="holds no verdict on 'yard'"):
        verdict_from_file(path, "yard")


def test_after_an_outage_the_alarm_is_said_again_and_no_older_state_is_taken() -> None:
    loud = [verdict_of(second, alarm=True) for second in range(4)]
    waiting: list[TwinVerdict] = []

    class Scripted:
        due_ns = 0.0

        def __init__(self) -> None:
            self.counts: Counter[str] = Counter()

        def accept(self, *args: object) -> None: ...

        def advance(self, now_ns: int) -> list[TwinVerdict]:
            return [waiting.pop(0)]

    desk = Desk(twin_fleet.site_of(), lambda site, state: Scripted())  # type: ignore[arg-type,return-value]
    report = twin_fleet.normal_reports(desk.site, 1)[0]
    desk.take(encode_rss(report), T0, report.node)
    said = []
    for verdict in loud:
        waiting.append(verdict)
        said += desk.advance(T0)
        if len(said) == 3:
            desk.lose_link()
    assert [one.alarm for one in said] == [True, None, None, True]
    desk.adopt(SavedSite("yard", "c-1", T0 + 2 * NS, 9, None, b""))
    assert desk.sequence == 1
    desk.adopt(SavedSite("yard", "c-1", T0 + 3 * NS, 9, None, b""))
    assert desk.sequence == 9


@pytest.mark.slow_without_jit
def test_what_was_learnt_is_news_when_it_moved_or_after_a_minute() -> None:
    """A successor goes on from what was told last as from what is known now, to .05 dB."""
    site = twin_fleet.site_of(bias_db_per_hour=10.0)
    desk = Desk(site, twin_fleet.make_twin)
    fleet = twin_fleet.virtual(site)
    interval_ns = round(site.detect.interval_s * NS)
    last, told = T0 // interval_ns, []

    def go(n: int, off_db: float = 0.0) -> list[float]:
        """Judge snapshots in which the first unit reads too much; return how it drifts."""
        nonlocal last
        drifts = []
        for _ in range(n):
            last += 1
            for report in fleet.reports(last * interval_ns, 0.0):
                more_db = off_db if report.node == site.nodes[0] else 0.0
                levels_db = tuple(level + more_db for level in report.levels_db)
                data = encode_rss(replace(report, levels_db=levels_db))
                desk.take(data, last * interval_ns, report.node)
            desk.advance(last * interval_ns + 1)
            drifts.append(float(desk._twin.state().drift_db[0]))  # type: ignore[union-attr]
            told.append(desk.has_news)
        return drifts

    assert desk.has_news  # Nothing was ever told.
    go(2)
    assert told == [True, True]
    assert desk.saved("c-1") is not None
    told.clear()
    go(239)
    assert told[:230] == [False] * 230
    go(1)
    assert told[-1]  # A minute is over.
    desk.saved("c-1")
    (before_db,) = go(1)
    assert not desk.has_news
    told.clear()
    after_db = np.array(go(200, 2.0))
    assert after_db[-1] > before_db + 0.1
    assert np.abs(after_db[np.array(told)] - before_db).min() < 0.06
    assert np.abs(after_db[~np.array(told)] - before_db).max() < 0.06
    desk.saved("c-1")
    assert not desk.has_news
    # While the link is down, another owner may have told something else.
    desk.lose_link()
    assert desk.has_news
    desk.saved("c-1")
    desk.forget()
    assert desk.has_news
