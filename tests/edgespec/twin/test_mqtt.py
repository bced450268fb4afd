"""Central units on a real mosquitto: an alarm, bad input, outages, hand-over, a kill."""

import json
import signal
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.mqtt.session import Link, Session
from edgespec.twin.service.fleet import Fleet, VirtualJammer
from edgespec.twin.service.status import read_status, status_lines, verdict_from_broker
from edgespec.twin.service.unit import CentralUnit
from edgespec.twin.site import Site
from edgespec.twin.trained import save_trained
from edgespec.wire.fields import decode
from edgespec.wire.handover import parse_saved
from edgespec.wire.rss import encode_rss
from edgespec.wire.site_event import parse_site_event
from edgespec.wire.transmitters import transmitters_payload
from edgespec.wire.verdict import TwinStatus, TwinVerdict, parse_verdict
from tests.made import twin_fleet
from tests.made.broker import PATIENCE_S, Broker, Listener, Proxy, wait_for
from tests.made.twin_fleet import INTERVAL_S, Running, site_of

pytestmark = pytest.mark.slow_without_jit

NS = 1_000_000_000
COMPILE_S = 120.0
JAMMER = VirtualJammer(9.0, 20.0, 10.0)


class Observers:
    """The virtual units of some sites, reporting from a thread until closed."""

    def __init__(
        self, stack: ExitStack, port: int, sites: list[Site], jammer: VirtualJammer | None = None
    ) -> None:
        virtual = [twin_fleet.virtual(site, [jammer] if jammer else []) for site in sites]
        self.session = Session(Link.of(MqttConfig(url=f"mqtt://127.0.0.1:{port}"), "observers"))
        self.session.connect()
        self._is_stopped = False
        fleet = Fleet(virtual, self.session, "edgespec", 0.02)
        self._thread = threading.Thread(target=fleet.run, args=(None, lambda: self._is_stopped))
        self._thread.start()
        stack.callback(self.close)

    def close(self) -> None:
        self._is_stopped = True
        self._thread.join(PATIENCE_S)
        self.session.close()


def verdicts_on(listener: Listener, site: str = "yard") -> list[TwinVerdict]:
    return [parse_verdict(data) for data in listener.on(f"twin/{site}/verdict")]


def settings_of(broker: Broker) -> MqttConfig:
    return MqttConfig(url=broker.url)


def test_a_jammer_appears_is_found_and_goes(
    broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    site = site_of()
    Running(stack, broker.url, [site])
    jammer = replace(JAMMER, start_s=8 * INTERVAL_S, stop_s=16 * INTERVAL_S)
    Observers(stack, broker.port, [site], jammer)
    wait_for(lambda: len(listener.on("yard/events")) >= 2, "an event begins and ends")
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
    alarms = [verdict.is_alarm for verdict in verdicts_on(listener)]
    first = alarms.index(True)
    assert not any(alarms[:first])
    # Eight normal snapshots, of which the first may have been before the unit listened.
    assert 6 <= first <= 9
    snapshots = [verdict.snapshot for verdict in verdicts_on(listener)]
    assert snapshots == list(range(snapshots[0], snapshots[0] + len(snapshots)))
    sequences = [decode(data)["sequence"] for data in listener.on("yard/events")]
    assert sequences == list(range(1, len(sequences) + 1))


def test_bad_input_is_shown_to_everybody_and_the_rest_goes_on(
    broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    site = site_of()
    unit = Running(stack, broker.url, [site])
    observers = Observers(stack, broker.port, [site])
    wait_for(lambda: len(unit.told.verdicts) >= 2, "verdicts")
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
        bad.publish(topic, data, qos=0, retain="/rss/" not in topic)
    bad.poll(None, 0.1)

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
    observers.close()


def test_the_network_says_who_transmits(broker: Broker, stack: ExitStack) -> None:
    site = site_of()
    teller = Session(Link.of(settings_of(broker), "xapp"))
    teller.connect()
    stack.callback(teller.close)
    silent = tuple(replace(one, active=False) for one in site.transmitter)
    data = json.dumps(transmitters_payload("yard", silent, time.time_ns())).encode()
    teller.publish("edgespec/twin/yard/transmitters", data, 1, retain=True)
    wait_for(lambda: not teller.poll(None, 0.05) and not teller.unacked, "it is retained")
    unit = Running(stack, broker.url, [site])
    Observers(stack, broker.port, [site])
    wait_for(lambda: bool(unit.told.verdicts), "a verdict")
    # Nothing but noise is expected: -100 dBm over the band, a quarter of it in each subband.
    assert unit.told.verdicts[0].expected_dbm == pytest.approx(-106.02, abs=0.01)
    unit.close()
    heir = Running(stack, broker.url, [site], "c-2")
    wait_for(lambda: bool(heir.told.verdicts), "a verdict of the next owner")
    assert heir.told.verdicts[0].expected_dbm == pytest.approx(-106.02, abs=0.01)


def test_a_broker_that_goes_comes_back(
    broker: Broker, proxy: Proxy, listener: Listener, stack: ExitStack
) -> None:
    site = site_of()
    unit = Running(stack, proxy.url, [site])
    Observers(stack, broker.port, [site])
    wait_for(lambda: len(unit.told.verdicts) >= 2, "verdicts")
    proxy.cut()
    wait_for(lambda: listener.on("members/c-1")[-1:] == [b""], "the last will")
    time.sleep(2 * INTERVAL_S)
    n_before = len(unit.told.verdicts)
    proxy.heal()
    wait_for(lambda: len(listener.on("yard/verdict")) >= n_before + 2, "verdicts again")
    full = [verdict for verdict in verdicts_on(listener) if verdict.n_units == 6]
    assert full[-1].snapshot > full[0].snapshot
    assert listener.on("members/c-1")[-1] != b""


def test_no_broker_is_named_when_it_is_required() -> None:
    told = twin_fleet.Told()
    settings = MqttConfig(url="mqtt://127.0.0.1:1", reconnect_max_s=0.1)
    unit = CentralUnit(settings, [site_of()], twin_fleet.make_twin, told)
    with pytest.raises(BrokerError, match="cannot be reached") as caught:
        unit.wait_connected(0.3)
    assert caught.value.exit_code == 6
    unit.stop()
    unit.run()


def test_a_site_is_handed_over_with_its_event(
    broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    """The second unit knows the site too; when the first leaves, the alarm keeps its id."""
    site = site_of()
    first = Running(stack, broker.url, [site], "c-1")
    second = Running(stack, broker.url, [site], "c-2")
    wait_for(lambda: first.unit.sites != second.unit.sites, "one of them owns it")
    owner, heir = (first, second) if first.unit.sites else (second, first)
    Observers(stack, broker.port, [site], replace(JAMMER, stop_s=20 * INTERVAL_S))
    wait_for(lambda: bool(listener.on("yard/events")), "an alarm")
    assert heir.told.verdicts == []
    owner.close()
    saved = parse_saved(listener.on("yard/state")[-1])
    assert saved.event is not None
    wait_for(lambda: decode(listener.on("yard/events")[-1])["event_type"] == "end", "the end")
    events = [parse_site_event(data) for data in listener.on("yard/events")]
    assert len({event.event_id for event in events}) == 1
    assert len({decode(data)["central"] for data in listener.on("yard/events")}) == 2
    wait_for(lambda: listener.on("yard/alarm")[-1] == b"OFF", "all clear")
    assert all(verdict.status is TwinStatus.WATCHING for verdict in heir.told.verdicts[:3])


def test_when_one_is_killed_the_others_go_on(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path
) -> None:
    """Two processes share six sites; SIGKILL of one costs no site more than a snapshot or two."""
    sites = [site_of(f"yard{k}") for k in range(6)]
    folder, learnt = tmp_path / "sites", tmp_path / "trained"
    folder.mkdir()
    learnt.mkdir()
    for site in sites:
        twin_fleet.write_site(site, folder / f"{site.name}.toml")
        save_trained(twin_fleet.trained(site), learnt / f"{site.name}.npz")
    settings = settings_of(broker)
    centrals = []
    for n_members, name in enumerate(("c-1", "c-2"), 1):
        # One after the other: with an empty cache the first compiles for both.
        centrals.append(twin_fleet.start_central(stack, broker.url, folder, learnt, name))
        wait_for(lambda n=n_members: len(read_status(settings).members) == n, name, COMPILE_S)
    first, second = centrals
    Observers(stack, broker.port, sites)

    def owners() -> dict[str, str]:
        found = {}
        for topic, data, _ in list(listener.heard):
            if topic.endswith("/verdict"):
                payload = decode(data)
                found[payload["site"]] = payload["central"]
        return found

    wait_for(lambda: set(owners().values()) == {"c-1", "c-2"} and len(owners()) == 6, "all sites")
    time.sleep(2 * INTERVAL_S)
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait_for(lambda: set(owners().values()) == {"c-2"}, "the other has all")
    n_heard = len(listener.heard)
    time.sleep(3 * INTERVAL_S)
    assert len(listener.heard) > n_heard
    for site in sites:
        verdicts = verdicts_on(listener, site.name)
        full = [verdict.snapshot for verdict in verdicts if verdict.n_units == 6]
        gaps = [after - before for before, after in pairwise(full)]
        # QoS 0 promises nothing of reports in flight; all others are judged, once.
        assert max(gaps) * INTERVAL_S <= 1.5, (site.name, gaps)
        assert min(gaps) >= 1, (site.name, gaps)
        assert all(verdict.status is TwinStatus.WATCHING for verdict in verdicts[-3:])
    assert verdict_from_broker(settings, "yard0").site == "yard0"
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 0
    assert read_status(settings).members == {}


@pytest.mark.parametrize("protocol", ["3.1.1", "5"])
@pytest.mark.parametrize("shortcut", [True, False])
def test_the_shortcut_hears_what_paho_hears(
    broker: Broker, stack: ExitStack, monkeypatch: pytest.MonkeyPatch, protocol: str, shortcut: bool
) -> None:
    if not shortcut:
        monkeypatch.setattr("edgespec.mqtt.session._Client._plain", lambda self: None)
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


def test_a_subscription_that_is_refused_is_an_explained_error(
    broker: Broker, stack: ExitStack
) -> None:
    """mosquitto grants every subscription; others answer for each topic."""
    session = Session(Link.of(MqttConfig(url=broker.url, protocol="5"), "x"))
    session.connect()
    stack.callback(session.close)
    session.listen(lambda topic, payload: None)
    session.ask(["allowed", "forbidden"])
    (mid,) = session._asked
    answers = [ReasonCode(PacketTypes.SUBACK, identifier=code) for code in (0, 0x87)]
    session._on_subscribe(session._client, None, mid, answers, None)
    with pytest.raises(BrokerError, match=r"subscription to 'forbidden' \(Not authorized\)"):
        session.poll(None, 0.05)
