"""Central units on a real mosquitto: an alarm, bad input, outages, hand-over, a kill."""

import json
import signal
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edgespec.cli import main
from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.twin.service.fleet import Fleet, VirtualJammer
from edgespec.twin.service.members import owner_of
from edgespec.twin.service.openings import TwinMaker
from edgespec.twin.service.status import read_status, status_lines, verdict_from_broker
from edgespec.twin.service.unit import CentralUnit
from edgespec.twin.trained import save_trained
from edgespec.wire.handover import parse_saved
from edgespec.wire.rss import encode_rss, parse_rss
from edgespec.wire.site_event import parse_site_event
from edgespec.wire.text import decode
from edgespec.wire.transmitters import transmitters_payload
from edgespec.wire.verdict import TwinStatus, TwinVerdict, parse_verdict
from tests.made import twin_fleet
from tests.made.broker import PATIENCE_S, Broker, Listener, Proxy, wait_for
from tests.made.twin_fleet import INTERVAL_S, Observers, Running, site_of

pytestmark = pytest.mark.slow_without_jit

JAMMER = VirtualJammer(9.0, 20.0, 10.0)
CENTRALS = ("c-1", "c-2")
#: Snapshots within which an event has ended once its jammer has gone.
LONG = 40


def verdicts_on(listener: Listener, site: str = "yard") -> list[TwinVerdict]:
    return [parse_verdict(data) for data in listener.on(f"twin/{site}/verdict")]


def settings_of(broker: Broker) -> MqttConfig:
    return MqttConfig(url=broker.url)


def test_a_jammer_appears_is_found_and_goes(
    broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    site = site_of()
    jammer = replace(JAMMER, start_s=8 * INTERVAL_S, stop_s=16 * INTERVAL_S)
    observers = Observers(stack, broker.url, [site], jammer)
    unit = Running(stack, broker.url, observers, [site])
    observers.go(16 + LONG, unit.judged)
    n_said = len(unit.told.events)
    wait_for(lambda: len(listener.on("yard/events")) == n_said, "all that was said")
    events = [parse_site_event(data) for data in listener.on("yard/events")]
    assert [event.event_type for event in events if event.event_type != "update"] == ["new", "end"]
    assert len({event.event_id for event in events}) == 1
    source = events[-1].source
    assert source is not None
    assert abs(source.x_m - JAMMER.x_m) < 5.0
    assert abs(source.y_m - JAMMER.y_m) < 5.0
    assert events[-1].advice
    wait_for(lambda: listener.on("yard/alarm")[-1:] == [b"OFF"], "all clear")
    assert listener.on("yard/alarm") == [b"OFF", b"ON", b"OFF"]
    wait_for(lambda: len(verdicts_on(listener)) == 16 + LONG, "all verdicts")
    alarms = [verdict.is_alarm for verdict in verdicts_on(listener)]
    first = alarms.index(True)
    assert not any(alarms[:first])
    # Eight normal snapshots; the ninth has the jammer.
    assert 8 <= first <= 9
    snapshots = [verdict.snapshot for verdict in verdicts_on(listener)]
    assert snapshots == list(range(snapshots[0], snapshots[0] + len(snapshots)))
    sequences = [decode(data)["sequence"] for data in listener.on("yard/events")]
    assert sequences == list(range(1, len(sequences) + 1))


def test_bad_input_is_shown_to_everybody_and_the_rest_goes_on(
    broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    site = site_of()
    observers = Observers(stack, broker.url, [site])
    unit = Running(stack, broker.url, observers, [site])
    observers.go(2, unit.judged)
    bad = Session(Link.of(settings_of(broker), "bad"))
    bad.connect()
    stack.callback(bad.close)
    good = twin_fleet.normal_reports(site, 1)[0]
    for topic, data in [
        ("edgespec/x/rss/yard", b"\x00\xff"),
        ("edgespec/x/rss/yard", b"x" * 100_000),
        ("edgespec/x/rss/yard", json.dumps({"schema": "edgespec.rss/1"}).encode()),
        ("edgespec/twin/yard/transmitters", b"{"),
        ("edgespec/twin/yard/state", b"nothing"),
        ("edgespec/twin/members/ghost", b"boo"),
        ("edgespec/x/rss/yard", encode_rss(replace(good, node="x"))),
    ]:
        bad.publish(topic, data, qos=0 if "/rss/" in topic else 1, retain="/rss/" not in topic)
    wait_for(lambda: not bad.poll(None, 0.01) and not bad.unacked, "the broker has them")
    # The unit reads in order: what it hears next is judged after all that is bad.
    observers.go(1, unit.judged)

    def shown() -> bool:
        payload = decode(listener.on("yard/verdict")[-1])
        return set(payload["reports"]) >= {"accepted", "json", "too_long", "field", "unknown_unit"}

    wait_for(shown, "every reason is in the verdict")
    assert verdicts_on(listener)[-1].n_units == 6
    report = read_status(settings_of(broker))
    text = "\n".join(status_lines(report, as_json=False))
    assert "yard" in text
    assert "1 too_long" in text
    assert "members/ghost" in text
    for line in status_lines(report, as_json=True):
        json.loads(line)


def test_the_network_says_who_transmits(broker: Broker, stack: ExitStack) -> None:
    site = site_of()
    observers = Observers(stack, broker.url, [site])
    teller = Session(Link.of(settings_of(broker), "xapp"))
    teller.connect()
    stack.callback(teller.close)
    silent = tuple(replace(one, active=False) for one in site.transmitter)
    data = json.dumps(transmitters_payload("yard", silent, observers.now_ns)).encode()
    teller.publish("edgespec/twin/yard/transmitters", data, 1, retain=True)
    wait_for(lambda: not teller.poll(None, 0.05) and not teller.unacked, "it is retained")
    unit = Running(stack, broker.url, observers, [site])
    observers.go(1, unit.judged)
    # Nothing but noise is expected: -100 dBm over the band, a quarter of it in each subband.
    assert unit.told.verdicts[0].expected_dbm == pytest.approx(-106.02, abs=0.01)
    unit.close()
    heir = Running(stack, broker.url, observers, [site], "c-2")
    observers.go(1, heir.judged)
    assert heir.told.verdicts[0].expected_dbm == pytest.approx(-106.02, abs=0.01)


def test_a_broker_that_goes_comes_back(
    broker: Broker, proxy: Proxy, listener: Listener, stack: ExitStack
) -> None:
    site = site_of()
    observers = Observers(stack, broker.url, [site])
    unit = Running(stack, proxy.url, observers, [site])
    observers.go(2, unit.judged)
    # A verdict is sent once, QoS 0: what is on its way when the link breaks is gone.
    wait_for(lambda: len(verdicts_on(listener)) == 2, "both verdicts")
    proxy.cut()
    wait_for(lambda: listener.on("members/c-1")[-1:] == [b""], "the last will")
    n_missed = 8
    for _ in range(n_missed):
        observers.report()
    n_announced = len(listener.on("members/c-1"))
    proxy.heal()
    # It announces itself when it is there, and again behind its subscriptions.
    wait_for(lambda: len(listener.on("members/c-1")) >= n_announced + 2, "it listens again")
    assert listener.on("members/c-1")[-1] != b""
    # Then the grace of what was missed is over, and of nothing that is heard now.
    n_grace = round(site.detect.grace_s / INTERVAL_S)
    for _ in range(n_grace):
        observers.report()
    wait_for(lambda: unit.judged(observers.snapshot), "verdicts again")
    n_units = [verdict.n_units for verdict in unit.told.verdicts]
    assert n_units == [6] * 2 + [0] * n_missed + [6] * n_grace
    wait_for(lambda: len(verdicts_on(listener)) == len(n_units), "all verdicts")
    first = verdicts_on(listener)[0].snapshot
    assert [verdict.snapshot - first for verdict in verdicts_on(listener)] == list(
        range(len(n_units))
    )


def test_no_broker_is_named_when_it_is_required() -> None:
    told = twin_fleet.Told()
    settings = MqttConfig(url="mqtt://127.0.0.1:1", reconnect_max_s=0.1)
    unit = CentralUnit(settings, [site_of()], twin_fleet.make_twin, told)
    with pytest.raises(BrokerError, match="cannot be reached") as caught:
        unit.wait_connected(0.3)
    assert caught.value.exit_code == 6
    # Nobody runs it: what it holds is let go, and whoever stops it nevertheless may.
    assert unit._entrance._keeper.waker.fileno() == -1
    unit.stop()
    unit.run()


def test_a_site_is_handed_over_with_its_event(
    broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    """The second unit knows the site too; when the first leaves, the alarm keeps its id."""
    site = site_of()
    jammer = replace(JAMMER, stop_s=20 * INTERVAL_S)
    observers = Observers(stack, broker.url, [site], jammer)
    units = [Running(stack, broker.url, observers, [site], name) for name in ("c-1", "c-2")]
    wait_for(lambda: units[0].unit.sites != units[1].unit.sites, "one of them owns it")
    owner, heir = units if units[0].unit.sites else units[::-1]
    wait_for_sites(listener, owner.unit.central, 1)
    observers.go(10, owner.judged)
    wait_for(lambda: bool(listener.on("yard/events")), "an alarm")
    assert heir.told.verdicts == []
    owner.close()
    saved = parse_saved(listener.on("yard/state")[-1])
    assert saved.event is not None
    wait_for_sites(listener, heir.unit.central, 1)
    observers.go(10 + LONG, heir.judged)
    wait_for(lambda: decode(listener.on("yard/events")[-1])["event_type"] == "end", "the end")
    events = [parse_site_event(data) for data in listener.on("yard/events")]
    assert len({event.event_id for event in events}) == 1
    assert len({decode(data)["central"] for data in listener.on("yard/events")}) == 2
    wait_for(lambda: listener.on("yard/alarm")[-1] == b"OFF", "all clear")
    assert all(verdict.status is TwinStatus.WATCHING for verdict in heir.told.verdicts[:3])


def wait_for_sites(listener: Listener, central: str, n_sites: int) -> None:
    """Return once a unit announces so many sites, which it does behind its subscriptions."""

    def announced() -> bool:
        said = listener.on(f"members/{central}")[-1:]
        return bool(said and said[0]) and decode(said[0])["n_sites"] == n_sites

    wait_for(announced, f"{central} looks after {n_sites}")


def test_when_one_is_killed_the_others_go_on(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path
) -> None:
    """Two processes share six sites; SIGKILL of one costs no site more than what was on its way."""
    # By the clock on the wall all reports come from the future, and so none is ever stale.
    sites = [site_of(f"yard{k}", max_future_s=3600.0) for k in range(6)]
    folder, learnt = tmp_path / "sites", tmp_path / "trained"
    folder.mkdir()
    learnt.mkdir()
    for site in sites:
        twin_fleet.write_site(site, folder / f"{site.name}.toml")
        save_trained(twin_fleet.trained(site), learnt / f"{site.name}.npz")
    # One after the other: with an empty cache the first compiles for both.
    first = twin_fleet.start_central(stack, broker.url, folder, learnt, "c-1")
    wait_for_sites(listener, "c-1", len(sites))
    second = twin_fleet.start_central(stack, broker.url, folder, learnt, "c-2")
    owned = {n: [owner_of(site.name, CENTRALS) for site in sites].count(n) for n in CENTRALS}
    for name, n_sites in owned.items():
        assert n_sites > 0
        wait_for_sites(listener, name, n_sites)
    observers = Observers(stack, broker.url, sites)

    def judged(snapshot: int) -> bool:
        return all(
            any(verdict.snapshot == snapshot for verdict in verdicts_on(listener, site.name))
            for site in sites
        )

    observers.go(5, judged)
    observers.report()
    on_its_way = observers.snapshot
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for_sites(listener, "c-2", len(sites))
    observers.go(8, judged)
    for site in sites:
        verdicts = verdicts_on(listener, site.name)
        snapshots = [verdict.snapshot for verdict in verdicts]
        was_killed = owner_of(site.name, CENTRALS) == "c-1"
        expected = list(range(on_its_way - 5, on_its_way + 9))
        # QoS 0 promises nothing of reports in flight; all others are judged, once.
        if was_killed and on_its_way not in snapshots:
            expected.remove(on_its_way)
        assert snapshots == expected, site.name
        assert all(verdict.n_units == 6 for verdict in verdicts)
        assert all(verdict.status is TwinStatus.WATCHING for verdict in verdicts[-3:])
    settings = settings_of(broker)
    assert verdict_from_broker(settings, "yard0").site == "yard0"
    second.send_signal(signal.SIGTERM)
    _, log = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0
    # The broker told of the death; nobody had to wait until it was noticed.
    assert b"is silent" not in log
    assert read_status(settings).members == {}


def test_a_fleet_reports_by_the_clock(broker: Broker, listener: Listener, stack: ExitStack) -> None:
    sites = [site_of("a"), site_of("b")]
    session = Session(Link.of(settings_of(broker), "fleet"))
    session.connect()
    stack.callback(session.close)
    fleet = Fleet([twin_fleet.virtual(site) for site in sites], session, "edgespec", 0.02)
    begun_ns = time.time_ns()
    fleet.run(4 * INTERVAL_S)
    ended_ns = time.time_ns()
    assert fleet.n_reports == 4 * 6 * len(sites)
    wait_for(lambda: len(listener.heard) == fleet.n_reports, "all reports")
    for site in sites:
        for node in site.nodes:
            reports = [parse_rss(data) for data in listener.on(f"{node}/rss/{site.name}")]
            ends_ns = [report.utc_ns for report in reports]
            interval_ns = round(INTERVAL_S * 1e9)
            assert ends_ns == list(range(ends_ns[0], ends_ns[0] + 4 * interval_ns, interval_ns))
            assert ends_ns[0] % interval_ns == 0
            # Never before the interval is over.
            assert begun_ns < ends_ns[0] < ends_ns[-1] <= ended_ns


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
@pytest.mark.parametrize("shortcut", [True, False])
def test_the_shortcut_hears_what_paho_hears(
    broker: Broker, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, protocol: str, shortcut: bool
) -> None:
    if not shortcut:
        monkeypatch.setattr("edgespec.mqtt.tap._plain", lambda *_: None)
    sent = [
        (topic, payload, qos)
        for topic in ("a", "ä/b", "a" * 300)
        for payload in (b"", b"x", b"\x00\xff" * 9000)
        for qos in (0, 1)
    ]
    heard: list[tuple[str, bytes]] = []
    ends = [Session(Link.of(MqttConfig(url=broker.url, protocol=protocol), name)) for name in "ab"]
    for end in ends:
        end.connect()
        stack.callback(end.close)
    ends[0].publish("kept", b"before", 1, retain=True)
    wait_for(lambda: not ends[0].poll(None, 0.01) and not ends[0].unacked, "it is retained")
    ends[1].listen(lambda topic, payload: heard.append((topic, payload)))
    ends[1].ask(["#"], qos=1)
    wait_for(lambda: not ends[1].poll(None, 0.01) and bool(heard), "what is retained")
    for topic, payload, qos in sent:
        ends[0].publish(topic, payload, qos)
    wait_for(
        lambda: not any(end.poll(None, 0.01) for end in ends) and len(heard) > len(sent), "all"
    )
    assert heard == [("kept", b"before"), *((topic, payload) for topic, payload, _ in sent)]


def test_many_messages_are_read_at_once(broker: Broker, stack: ExitStack) -> None:
    """A poll takes what is there, so that thousands a second do not each wait for their turn."""
    ear, mouth = (Session(Link.of(settings_of(broker), name)) for name in ("ear", "mouth"))
    heard: list[bytes] = []
    for session in (ear, mouth):
        session.connect()
        stack.callback(session.close)
    ear.listen(lambda topic, payload: heard.append(payload))
    ear.ask(["many"])
    ear.poll(None, 0.5)
    for number in range(200):
        mouth.publish("many", b"%d" % number, qos=0)
    n_polls = 0
    while len(heard) < 200:
        ear.poll(None, 1.0)
        n_polls += 1
        time.sleep(0.02)
    assert heard == [b"%d" % number for number in range(200)]
    assert n_polls < 50


def test_who_gathers_says_at_the_next_poll_what_waits(broker: Broker, stack: ExitStack) -> None:
    ear, mouth = (Session(Link.of(settings_of(broker), name)) for name in ("ear", "mouth"))
    heard: list[tuple[str, bytes]] = []
    for session in (ear, mouth):
        session.connect()
        stack.callback(session.close)
    ear.listen(lambda topic, payload: heard.append((topic, payload)))
    ear.ask(["#"])
    ear.poll(None, 0.5)
    mouth.gathers = True
    mouth.publish("late", b"1", qos=0)
    ear.poll(None, 0.3)
    assert not heard
    # What must be confirmed does not overtake what waits.
    mouth.publish("late", b"2", qos=0)
    mouth.publish("sure", b"3", qos=1)
    mouth.publish("late", b"4", qos=0, retain=True)
    wait_for(lambda: not ear.poll(None, 0.01) and len(heard) == 3, "what went with the sure one")
    mouth.poll(None, 0.0)
    wait_for(lambda: not ear.poll(None, 0.01) and len(heard) == 4, "the rest")
    assert heard == [("late", b"1"), ("late", b"2"), ("sure", b"3"), ("late", b"4")]
    with pytest.raises(ValueError, match=r"[Ww]ildcard"):
        mouth.publish("late/+", b"", qos=0)


def test_a_subscription_that_is_refused_is_an_explained_error(
    broker: Broker, stack: ExitStack
) -> None:
    """mosquitto grants every subscription; others answer for each topic."""
    session = Session(Link.of(MqttConfig(url=broker.url, protocol="5"), "x"))
    session.connect()
    stack.callback(session.close)
    session.listen(lambda topic, payload: None)
    session.ask(["allowed", "forbidden"])
    (mid,) = session.asked
    answers = [ReasonCode(PacketTypes.SUBACK, identifier=code) for code in (0, 0x87)]
    session._on_subscribe(session._client, None, mid, answers, None)
    with pytest.raises(BrokerError, match=r"subscription to 'forbidden' \(Not authorized\)"):
        session.poll(None, 0.05)


def test_c6_what_was_learnt_can_be_forgotten(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path
) -> None:
    """Inherited state is announced; without it the site is learnt anew."""
    site = site_of()
    observers = Observers(stack, broker.url, [site])
    first = Running(stack, broker.url, observers, [site])
    observers.go(3, first.judged)
    first.close()
    wait_for(lambda: bool(listener.on("yard/state")), "its state")
    heir = Running(stack, broker.url, observers, [site], "c-2", make_twin=TwinMaker({}))
    observers.go(1, heir.judged)
    assert heir.told.verdicts[-1].status is TwinStatus.WATCHING
    assert heir.told.verdicts[-1].notes[0].startswith("goes on with what c-1 learnt until ")
    lines = "\n".join(status_lines(read_status(settings_of(broker)), as_json=False))
    assert "edgespec twin forget yard" in lines
    asked = CliRunner().invoke(main, ["twin", "forget", "yard", "--mqtt", broker.url], input="n\n")
    assert asked.exit_code == 1
    assert heir.told.verdicts[-1].status is TwinStatus.WATCHING
    learnt = tmp_path / "yard.npz"
    learnt.write_bytes(b"")
    command = ["twin", "forget", "yard", "--mqtt", broker.url, "--trained", str(tmp_path)]
    done = CliRunner().invoke(main, [*command, "--yes", "--json"])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["kept"] is True
    assert not learnt.exists()
    wait_for(lambda: listener.on("yard/state")[-1] == b"", "it is emptied")
    observers.go(1, heir.judged)
    assert heir.told.verdicts[-1].status is TwinStatus.LEARNING
    assert heir.told.verdicts[-1].notes == ()


def test_c5_a_list_of_ten_megabytes_holds_nothing_up(broker: Broker, stack: ExitStack) -> None:
    """Retained before the start, and hundreds of shorter ones that must be read: verdicts go on,
    and it ends when it is asked to."""
    site = site_of()
    observers = Observers(stack, broker.url, [site])
    # Wrong at its end only: an id comes twice.
    many = tuple(replace(site.transmitter[0], id=f"t{k % 999}") for k in range(1000))
    longest = json.dumps(transmitters_payload("yard", many, 0)).encode()
    attacker = stack.enter_context(Session(Link.of(settings_of(broker), "attacker")))
    attacker.publish("edgespec/twin/yard/transmitters", longest + bytes(10_000_000), 1, retain=True)
    wait_for(lambda: not attacker.poll(None, 0.05) and not attacker.unacked, "it is retained")
    unit = Running(stack, broker.url, observers, [site])
    observers.go(2, unit.judged)
    for _ in range(100):
        attacker.publish("edgespec/twin/yard/transmitters", longest, 1)
    observers.go(2, unit.judged)
    unit.close()
    assert unit.told.verdicts[-1].n_units == 6
    wait_for(lambda: not attacker.poll(None, 0.05) and not attacker.unacked, "all is sent")
    assert read_status(settings_of(broker)).verdicts["yard"]["reports"]["transmitters"] >= 1
