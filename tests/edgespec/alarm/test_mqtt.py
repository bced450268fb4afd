"""Events through a real mosquitto: outages, restarts, kills, passwords, TLS."""

import errno
import logging
import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from shutil import which
from typing import Any

import pytest

from edgespec.alarm import mqtt
from edgespec.alarm.mqtt import MqttSink, link_of
from edgespec.alarm.outbox import sender
from edgespec.alarm.outbox.journal import Kind, Record, unpack
from edgespec.alarm.outbox.spool import Spool
from edgespec.alert import ON, Alert
from edgespec.config import MqttConfig
from edgespec.errors import BrokerError, ConfigError
from edgespec.mqtt import keeper
from edgespec.mqtt.attempt import Attempt
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.port import free_port
from edgespec.records import Change, Event, EventType, ObserverState
from edgespec.site_cell import SiteCell
from edgespec.wire.cells import parse_cells
from edgespec.wire.event import EventMessage, parse_event
from edgespec.wire.info import parse_info
from edgespec.wire.state import parse_state
from edgespec.wire.text import decode
from edgespec.wire.topics import Topics
from tests.made.broker import PATIENCE_S, Broker, Listener, Proxy, wait_for

NODE, RADIO, BAND = "pi-1", "rtl-7", "lte"
PROTOCOLS = ["3.1.1", "5"]
INFO = {"version": "0.1", "model_sha256": "c0ffee"}

MakeSink = Callable[..., MqttSink]


@pytest.fixture(autouse=True)
def _patience_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a sink delivers while it is closed does not depend on how fast that is."""
    monkeypatch.setattr(sender, "_CLOSE_S", PATIENCE_S)


@pytest.fixture
def make_sink(tmp_path: Path, stack: ExitStack) -> MakeSink:
    def make(url: str, folder: str = "spool", **options: object) -> MqttSink:
        settings = MqttConfig(url=url, **{"keepalive_s": 3600.0, "reconnect_max_s": 0.3, **options})
        sink = MqttSink(settings, NODE, [RADIO], [BAND], INFO, Spool(tmp_path / folder, 1_000_000))
        stack.callback(sink.close)
        return sink

    return make


def message_of(number: int, event_type: EventType = EventType.UPDATE) -> Event:
    return Event(
        f"event-{number}", event_type, BAND, 0, 1_000_000_000, number, 1, 1e6, 2e6, 1.5e6,
        -30.0, Change.GAIN, 9.0, 8.0, "lstm", 3.0, 2.0, 1.0, model_sha256="c0ffee",
    )  # fmt: skip


def wait_in_vain(sink: MqttSink) -> None:
    """Wait until an attempt to connect has failed, and ask for the reason.

    Raises:
        BrokerError: why.
    """
    wait_for(lambda: sink.problem is not None, "an attempt fails")
    sink.wait_connected(0.0)


def events_of(listener: Listener) -> list[EventMessage]:
    return [parse_event(payload) for payload in listener.on("/events")]


def numbers_of(listener: Listener) -> list[int]:
    return [message.event.sample_start for message in events_of(listener)]


def without_replays(messages: list[EventMessage]) -> list[int]:
    """Return sequence numbers in order of first arrival; a repetition must say ``replayed``."""
    seen: list[int] = []
    for message in messages:
        if message.sequence in seen:
            assert message.replayed
        else:
            seen.append(message.sequence)
    return seen


def test_the_cells_of_a_band_are_retained_and_told_when_they_change(
    broker: Broker, listener: Listener, make_sink: MakeSink
) -> None:
    sink = make_sink(broker.url)
    assert sink.wait_connected(PATIENCE_S)
    topic, one, two = f"band/{BAND}/cells", SiteCell("lte", 9, "fdd", 0), SiteCell("nr", 7, "", 0)
    state = ObserverState(0, 1.0, 2, 3, 4, 5, band=BAND, center_freq_hz=806e6)
    for cells in ((), (one,), (one,), (one, two)):
        sink.state(replace(state, site_cells=cells))
    wait_for(
        lambda: bool(listener.on(topic)) and parse_cells(listener.on(topic)[-1])[3] == (one, two),
        "both cells",
    )
    assert parse_cells(listener.on(topic)[-1]) == (NODE, BAND, 806e6, (one, two))
    # Of the same cells there is one record, and of none there is none.
    assert len(listener.on(topic)) <= 2


def test_a_session_as_a_consumer_sees_it(
    broker: Broker, listener: Listener, make_sink: MakeSink
) -> None:
    sink = make_sink(broker.url)
    assert sink.wait_connected(PATIENCE_S)
    sink.radio(RADIO, online=True)
    wait_for(lambda: listener.on(f"radio/{RADIO}/availability")[-1:] == [b"online"], "radio")
    sink.event(message_of(1, EventType.NEW))
    sink.event(replace(message_of(1), sample_start=2))
    sink.event(replace(message_of(1, EventType.END), sample_start=3))
    state = ObserverState(0, 1.0, 2, 3, 4, 5, {"noise": 1}, mqtt_connected=True, band=BAND)
    sink.state(state)
    wait_for(lambda: numbers_of(listener) == [1, 2, 3], "three messages")
    wait_for(lambda: len(listener.on(f"{NODE}/state")) == 1, "the state")
    sink.close()
    sink.close()
    wait_for(lambda: listener.on(f"{NODE}/availability") == [b"online", b"offline"], "offline")
    radio = [b"offline", b"online", b"offline"]
    wait_for(lambda: listener.on(f"radio/{RADIO}/availability") == radio, "radio offline")
    assert listener.on(f"alarm/{BAND}/state") == [b"OFF", b"ON", b"OFF"]
    assert parse_state(listener.on(f"{NODE}/state")[0]) == (NODE, state)
    assert parse_info(listener.on("/info")[0]) == (NODE, INFO)
    messages = events_of(listener)
    assert [message.sequence for message in messages] == [1, 2, 3]
    assert not any(message.replayed for message in messages)
    assert {message.event.model_sha256 for message in messages} == {"c0ffee"}
    assert not sink.connected
    assert sink.waiting == sink.n_lost == 0


@pytest.mark.parametrize("has_broker", [True, False])
def test_an_event_is_in_the_journal_before_anybody_else_is_told(
    broker: Broker,
    make_sink: MakeSink,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    has_broker: bool,
) -> None:
    # Otherwise a busy machine decides.
    monkeypatch.setattr(mqtt, "KEPT_S", PATIENCE_S)
    sink = make_sink(broker.url if has_broker else f"mqtt://127.0.0.1:{free_port()}")
    for number in range(20):
        sink.event(message_of(number))
        # What a process that is killed now leaves behind.
        kept = [record for record in unpack((tmp_path / "spool/events.journal").read_bytes())
                if isinstance(record, Record) and record.kind is Kind.UPDATE]  # fmt: skip
        assert [parse_event(record.payload).event.sample_start for record in kept] == [
            *range(number + 1)
        ]


def test_an_event_that_cannot_be_kept_holds_nobody_up(
    make_sink: MakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mqtt, "KEPT_S", 600.0)
    monkeypatch.setattr(sender, "event_payload", lambda message: 1 / 0)
    make_sink(f"mqtt://127.0.0.1:{free_port()}").event(message_of(1))


def test_a_short_alarm_is_seen_on_and_off(
    broker: Broker, listener: Listener, make_sink: MakeSink
) -> None:
    sink = make_sink(broker.url)
    sink.wait_connected(PATIENCE_S)
    wait_for(lambda: listener.on(f"alarm/{BAND}/state") == [b"OFF"], "the first state")
    for number in range(20):
        sink.event(message_of(number, EventType.NEW))
        sink.event(message_of(number, EventType.END))
    wait_for(lambda: len(numbers_of(listener)) == 40, "all messages")
    assert listener.on(f"alarm/{BAND}/state") == [b"OFF"] + [b"ON", b"OFF"] * 20


def test_alarm_follows_alerts_and_events_are_told_all_the_same(
    broker: Broker, listener: Listener, make_sink: MakeSink
) -> None:
    sink = make_sink(broker.url)
    sink.wait_connected(PATIENCE_S)
    wait_for(lambda: listener.on(f"alarm/{BAND}/state") == [b"OFF"], "the first state")
    no_alert = Alert(False, "muted")
    life = [
        (1, EventType.NEW, no_alert),
        (1, EventType.END, no_alert),
        (2, EventType.NEW, ON),
        (3, EventType.NEW, no_alert),
        (2, EventType.UPDATE, Alert(False, "acknowledged")),
        (2, EventType.UPDATE, ON),
        (2, EventType.END, ON),
        (3, EventType.END, no_alert),
    ]
    for number, event_type, alert in life:
        sink.event(replace(message_of(number, event_type), alert=alert))
    wait_for(lambda: len(numbers_of(listener)) == len(life), "all messages")
    assert [message.event.alert for message in events_of(listener)] == [one[2] for one in life]
    assert listener.on(f"alarm/{BAND}/state") == [b"OFF", b"ON", b"OFF", b"ON", b"OFF"]


def test_several_bands_have_alarms_and_states_of_their_own(
    broker: Broker, listener: Listener, stack: ExitStack, tmp_path: Path
) -> None:
    """What knows of one band only reads the first one's state where it always was."""
    settings = MqttConfig(url=broker.url, keepalive_s=1.0)
    spool = Spool(tmp_path / "spool", 1_000_000)
    sink = MqttSink(settings, NODE, ["r0", "r1"], ["lte", "gsm"], INFO, spool)
    stack.callback(sink.close)
    sink.wait_connected(PATIENCE_S)
    sink.radio("r1", online=True)
    for band, event_type in (
        ("gsm", EventType.NEW),
        ("lte", EventType.NEW),
        ("gsm", EventType.END),
    ):
        sink.event(replace(message_of(1, event_type), event_id=band, band=band))
    states = {band: ObserverState(0, 1.0, 2, 3, 4, 5, band=band) for band in ("lte", "gsm")}
    for state in states.values():
        sink.state(state)
    wait_for(lambda: len(events_of(listener)) == 3, "events of both")
    wait_for(lambda: len(listener.on("/gsm/state")) == 4, "the state of the second")
    assert [message.event.band for message in events_of(listener)] == ["gsm", "lte", "gsm"]
    assert listener.on("alarm/gsm/state") == [b"OFF", b"ON", b"OFF"]
    assert listener.on("alarm/lte/state") == [b"OFF", b"ON"]
    for topic, band in (("/state", "lte"), ("/band/lte/state", "lte"), ("/band/gsm/state", "gsm")):
        assert parse_state(listener.on(f"{NODE}{topic}")[0]) == (NODE, states[band])
    sink.close()
    wait_for(lambda: listener.on("radio/r0/availability")[-1:] == [b"offline"], "offline")
    online = [b"offline", b"online", b"offline"]
    wait_for(lambda: listener.on("radio/r1/availability") == online, "offline after online")


def test_what_is_retained_greets_a_late_listener(
    broker: Broker, make_sink: MakeSink, stack: ExitStack
) -> None:
    early = Listener(broker.port)
    stack.callback(early.close)
    sink = make_sink(broker.url)
    sink.wait_connected(PATIENCE_S)
    sink.event(message_of(1, EventType.NEW))
    sink.state(ObserverState(0, 1.0, 2, 3, 4, 5, band=BAND))
    wait_for(lambda: sink.waiting == 0, "confirmation")
    # States are not confirmed.
    wait_for(lambda: early.on(f"{NODE}/state"), "the state")
    late = Listener(broker.port)
    stack.callback(late.close)
    wait_for(lambda: len(late.heard) >= 5, "retained messages")
    retained = {topic.removeprefix(f"edgespec/{NODE}/"): data for topic, data, flag in late.heard}
    assert all(flag for _, _, flag in late.heard)
    assert retained["availability"] == b"online"
    assert retained[f"alarm/{BAND}/state"] == b"ON"
    assert decode(retained["info"])["version"] == "0.1"
    assert "state" in retained
    assert "events" not in retained


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_events_arrive_once_and_in_order_through_an_outage(
    broker: Broker, proxy: Proxy, listener: Listener, make_sink: MakeSink, protocol: str
) -> None:
    sink = make_sink(proxy.url, protocol=protocol)
    sink.wait_connected(PATIENCE_S)
    n_messages, outage = 120, range(40, 80)
    for number in range(n_messages):
        if number == outage.start:
            wait_for(lambda: sink.waiting == 0, "everything before the cut is confirmed")
            proxy.cut()
            wait_for(lambda: not sink.connected, "the sink notices")
        if number == outage.stop:
            proxy.heal()
        if number == n_messages - 1:
            wait_for(lambda: sink.connected, "the sink is back")
        sink.event(message_of(number))
    wait_for(lambda: len(events_of(listener)) >= n_messages, "every message")
    messages = events_of(listener)
    assert numbers_of(listener) == list(range(n_messages))
    assert [message.sequence for message in messages] == list(range(1, n_messages + 1))
    assert not any(message.replayed for message in messages[: outage.start])
    assert all(message.replayed for message in messages[outage.start : outage.stop])
    assert not messages[-1].replayed
    # The will of the broken connection comes before its successor says online, never after.
    assert listener.on(f"{NODE}/availability") == [b"online", b"offline", b"online"]
    assert sink.n_lost == 0


def test_a_link_that_freezes_repeats_at_most_one_message(
    proxy: Proxy, listener: Listener, make_sink: MakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = make_sink(proxy.url)
    sink.wait_connected(PATIENCE_S)
    for number in range(60):
        if number in (15, 45):
            proxy.freeze()
            with monkeypatch.context() as patch:
                patch.setattr(sink._sender, "_ack_s", 0.3)
                sink.event(message_of(1000 + number))
                wait_for(lambda: not sink.connected, "the missing confirmation is noticed")
            proxy.heal()
        sink.event(message_of(number))
    wait_for(lambda: len(without_replays(events_of(listener))) == 62, "every message")
    wait_for(lambda: sink.waiting == 0, "confirmation")
    messages = events_of(listener)
    assert without_replays(messages) == list(range(1, 63))
    assert len(messages) <= 62 + 2


def test_a_missing_confirmation_is_noticed_before_the_keepalive_is(
    proxy: Proxy, listener: Listener, make_sink: MakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    sink = make_sink(proxy.url)
    sink.wait_connected(PATIENCE_S)
    proxy.freeze()
    with monkeypatch.context() as patch:
        patch.setattr(sink._sender, "_ack_s", 0.3)
        sink.event(message_of(1))
        wait_for(lambda: sink.problem is not None, "the missing confirmation is noticed")
        assert "does not confirm" in str(sink.problem)
    proxy.heal()
    wait_for(lambda: numbers_of(listener) == [1], "the message")


def test_a_broker_that_is_killed_and_comes_back(
    broker: Broker, proxy: Proxy, make_sink: MakeSink, stack: ExitStack
) -> None:
    sink = make_sink(proxy.url)
    sink.wait_connected(PATIENCE_S)
    sink.event(message_of(0))
    wait_for(lambda: sink.waiting == 0, "confirmation")
    broker.kill()
    wait_for(lambda: not sink.connected, "the loss is noticed")
    for number in range(1, 30):
        sink.event(message_of(number))
    wait_for(lambda: sink.problem is not None, "the sink says so")
    # The listener must be there first: a broker forgets events that nobody subscribed to.
    proxy.cut()
    broker.start()
    listener = Listener(broker.port)
    stack.callback(listener.close)
    proxy.heal()
    wait_for(lambda: sink.waiting == 0, "everything is delivered")
    sink.event(message_of(30))
    wait_for(lambda: numbers_of(listener) == list(range(1, 31)), "every message, in order")
    assert listener.on(f"{NODE}/availability") == [b"online"]
    assert sink.problem is None


def test_a_broker_that_is_down_at_the_start(
    tmp_path: Path, broker: Broker, listener: Listener, make_sink: MakeSink
) -> None:
    sink = make_sink("mqtt://127.0.0.1:1")
    for number in range(5):
        sink.event(message_of(number, EventType.NEW))
    assert not sink.connected
    with pytest.raises(BrokerError, match="refused: is the broker running"):
        wait_in_vain(sink)
    sink.close()
    assert sink.waiting == 5
    # Another process finds them on disk and delivers them before its own.
    again = make_sink(broker.url)
    again.event(message_of(5))
    wait_for(lambda: numbers_of(listener) == list(range(6)), "six messages in order")
    messages = events_of(listener)
    assert [message.sequence for message in messages] == [1, 2, 3, 4, 5, 6]
    assert all(message.replayed for message in messages[:5])


def test_close_delivers_what_was_said_just_before(
    broker: Broker, listener: Listener, make_sink: MakeSink
) -> None:
    sink = make_sink(broker.url)
    for number in range(50):
        sink.event(message_of(number))
    sink.close()
    wait_for(lambda: numbers_of(listener) == list(range(50)), "all messages")
    wait_for(lambda: listener.on(f"{NODE}/availability")[-1] == b"offline", "offline")


def test_close_does_not_wait_for_the_next_attempt(make_sink: MakeSink) -> None:
    sink = make_sink("mqtt://127.0.0.1:1", reconnect_max_s=3600.0)
    sink.event(message_of(1))
    with pytest.raises(BrokerError):
        wait_in_vain(sink)
    sink.close()
    assert not sink._sender._thread.is_alive()
    assert sink.waiting == 1
    sink.event(message_of(2))
    assert sink.n_lost == 1


PROCESS = """
    import pathlib, sys, time
    from edgespec.alarm.mqtt import MqttSink, link_of
    from edgespec.alarm.outbox.spool import Spool
    from edgespec.config import MqttConfig
    from edgespec.records import Change, Event, EventType

    url, folder = sys.argv[1:]
    sink = MqttSink(
        MqttConfig(url=url), "pi-1", ["rtl-7"], ["lte"], {}, Spool(pathlib.Path(folder), 100_000)
    )
    sink.wait_connected(300)
    print("connected", flush=True)
    sys.stdin.readline()
    sink.event(
        Event("e", EventType.NEW, "lte", 0, 0, 0, 1, 0, 1, 0, 0, Change.GAIN, 0, 0, "d", 1, 1, 1)
    )
    sys.stdin.readline()
"""


@pytest.fixture
def process_to_kill(stack: ExitStack) -> Callable[[str, Path], subprocess.Popen[str]]:
    """Starts a connected sink in another process; it says one event when it reads a line."""

    def start(url: str, folder: Path) -> subprocess.Popen[str]:
        process = stack.enter_context(
            subprocess.Popen(
                [sys.executable, "-c", textwrap.dedent(PROCESS), url, str(folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        stack.callback(process.kill)
        assert process.stdout is not None
        assert process.stdout.readline() == "connected\n"
        return process

    return start


def say_event(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("now\n")
    process.stdin.flush()


def test_the_last_will_of_a_killed_process(
    tmp_path: Path,
    broker: Broker,
    listener: Listener,
    make_sink: MakeSink,
    process_to_kill: Callable[[str, Path], subprocess.Popen[str]],
) -> None:
    process = process_to_kill(broker.url, tmp_path / "s")
    say_event(process)
    wait_for(lambda: len(numbers_of(listener)) == 1, "the event of the process")
    process.send_signal(signal.SIGKILL)
    wait_for(lambda: listener.on(f"{NODE}/availability")[-1] == b"offline", "the last will")
    assert listener.on(f"{NODE}/availability") == [b"online", b"offline"]
    # The next life goes on counting, says that it is back and that there is no alarm.
    sink = make_sink(broker.url, "s")
    sink.event(message_of(1, EventType.END))
    wait_for(lambda: without_replays(events_of(listener)) == [1, 2], "the next sequence number")
    assert listener.on(f"{NODE}/availability")[-1] == b"online"
    assert listener.on(f"alarm/{BAND}/state") == [b"OFF", b"ON", b"OFF"]


def test_a_kill_before_the_confirmation_loses_nothing(
    tmp_path: Path,
    broker: Broker,
    proxy: Proxy,
    listener: Listener,
    make_sink: MakeSink,
    process_to_kill: Callable[[str, Path], subprocess.Popen[str]],
) -> None:
    process = process_to_kill(proxy.url, tmp_path / "s")
    proxy.freeze()
    say_event(process)
    journal = tmp_path / "s" / "events.journal"
    wait_for(lambda: journal.exists() and b'"id":"e"' in journal.read_bytes(), "the journal")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert numbers_of(listener) == []
    make_sink(broker.url, "s")
    wait_for(lambda: len(events_of(listener)) == 1, "the event from the journal")
    assert events_of(listener)[0].replayed


@pytest.fixture
def guarded_broker(tmp_path: Path, stack: ExitStack) -> Broker:
    tool = which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not installed")
    passwords = tmp_path / "passwords"
    subprocess.run([tool, "-b", "-c", str(passwords), "pi", "right"], check=True)
    broker = Broker(tmp_path, ["allow_anonymous false", f"password_file {passwords}"])
    stack.callback(broker.stop)
    return broker


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("login", [("pi", "wrong"), ("someone", "right"), (None, None)])
def test_a_wrong_password_is_named_at_once(
    guarded_broker: Broker, make_sink: MakeSink, protocol: str, login: tuple[str | None, str | None]
) -> None:
    username, password = login
    sink = make_sink(guarded_broker.url, username=username, password=password, protocol=protocol)
    sink.event(message_of(1))
    with pytest.raises(BrokerError, match=r"check mqtt\.username and mqtt\.password") as caught:
        sink.wait_connected(PATIENCE_S)
    assert str(password) not in str(caught.value)
    assert caught.value.exit_code == 6


def test_a_right_password_may_come_in_the_url(guarded_broker: Broker, make_sink: MakeSink) -> None:
    url = guarded_broker.url.replace("//", "//pi:right@")
    assert make_sink(url, "a").wait_connected(PATIENCE_S)
    assert make_sink(url.replace("right", "wrong"), "b", password="right").wait_connected(
        PATIENCE_S
    )


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    tool = which("openssl")
    if tool is None:
        pytest.skip("openssl is not installed")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        [tool, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "1", "-subj", "/CN=edgespec", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", str(key), "-out", str(cert)],
        check=True,
        capture_output=True,
    )  # fmt: skip
    return key, cert


def test_tls(
    tmp_path: Path, certificate: tuple[Path, Path], make_sink: MakeSink, stack: ExitStack
) -> None:
    key, cert = certificate
    plain_port = free_port()
    broker = Broker(
        tmp_path,
        [f"keyfile {key}", f"certfile {cert}", f"listener {plain_port} 127.0.0.1"],
    )
    stack.callback(broker.stop)
    listener = Listener(plain_port)
    stack.callback(listener.close)
    url = broker.url.replace("mqtt:", "mqtts:")
    sink = make_sink(url, ca_file=cert)
    assert sink.wait_connected(PATIENCE_S)
    for number in range(100):
        sink.event(message_of(number))
    wait_for(lambda: numbers_of(listener) == list(range(100)), "all messages over TLS")
    sink.close()
    wait_for(lambda: listener.on(f"{NODE}/availability")[-1] == b"offline", "offline")

    with pytest.raises(BrokerError, match=r"not trusted .*set mqtt\.ca_file"):
        make_sink(url, "untrusted").wait_connected(PATIENCE_S)
    with pytest.raises(BrokerError, match="is this its TLS port"):
        wait_in_vain(make_sink(f"mqtts://127.0.0.1:{plain_port}", "plain", ca_file=cert))
    with pytest.raises(BrokerError, match="without TLS"):
        wait_in_vain(make_sink(broker.url, "no-tls"))
    with pytest.raises(ConfigError, match="absent"):
        make_sink(url, "absent", ca_file=tmp_path / "absent.pem")
    with pytest.raises(ConfigError, match=r"key\.pem"):
        make_sink(url, "key", ca_file=key)


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x20\x02\x00\x00junk", b"\xff" * 50, b""]
)
def test_a_server_that_is_no_broker(make_sink: MakeSink, stack: ExitStack, answer: bytes) -> None:
    server = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    done = threading.Event()

    def serve() -> None:
        server.settimeout(0.05)
        while not done.is_set():
            try:
                client, _ = server.accept()
            except TimeoutError:
                continue
            with client:
                client.sendall(answer)
                time.sleep(0.05)

    thread = threading.Thread(target=serve)
    thread.start()
    stack.callback(thread.join)
    stack.callback(done.set)
    sink = make_sink(f"mqtt://127.0.0.1:{server.getsockname()[1]}")
    sink.event(message_of(1))
    wait_for(lambda: sink.problem is not None, "the sink says what is wrong")
    wait_for(lambda: sink.waiting == 1, "the message is kept")
    sink.close()
    assert sink.waiting == 1


def test_a_full_disk_does_not_stop_the_alarm(
    broker: Broker, listener: Listener, make_sink: MakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(file: int, data: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sink = make_sink(broker.url)
    sink.wait_connected(PATIENCE_S)
    monkeypatch.setattr(os, "write", full)
    for number in range(20):
        sink.event(message_of(number))
    wait_for(lambda: numbers_of(listener) == list(range(20)), "all messages")
    assert sink.problem is not None
    assert "No space left" in sink.problem


def test_what_waits_for_a_broker_is_forced_to_the_medium_meanwhile(
    tmp_path: Path, make_sink: MakeSink, monkeypatch: pytest.MonkeyPatch
) -> None:
    force, forced = os.fdatasync, []

    def fdatasync(file: int) -> None:
        force(file)
        forced.append(Path(f"/proc/self/fd/{file}").read_bytes())

    monkeypatch.setattr(os, "fdatasync", fdatasync)
    sink = make_sink("mqtt://127.0.0.1:1")
    for number in range(3):
        sink.event(message_of(number))
    wait_for(lambda: bool(forced) and b"event-2" in forced[-1], "all three are on the medium")
    assert (tmp_path / "spool" / "events.journal").read_bytes() == forced[-1]


def test_a_user_who_may_not_publish_keeps_the_messages(
    tmp_path: Path, make_sink: MakeSink, stack: ExitStack
) -> None:
    rules = tmp_path / "acl"
    rules.write_text("topic read #\n")
    rules.chmod(0o600)
    broker = Broker(tmp_path, [f"acl_file {rules}"])
    stack.callback(broker.stop)
    sink = make_sink(broker.url, protocol="5")
    sink.event(message_of(1))
    wait_for(lambda: sink.problem is not None, "the refusal")
    assert "allow this user to publish" in str(sink.problem)
    assert sink.waiting == 1


def test_the_log_is_not_flooded(
    make_sink: MakeSink, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts: list[Attempt] = []

    def attempt(*args: Any) -> Attempt:
        attempts.append(Attempt(*args))
        return attempts[-1]

    monkeypatch.setattr(keeper, "Attempt", attempt)
    caplog.set_level(logging.INFO)
    make_sink("mqtt://127.0.0.1:1", reconnect_max_s=0.01)
    wait_for(lambda: len(attempts) > 20, "many attempts")
    assert len([record for record in caplog.records if record.levelno == logging.WARNING]) == 1


def test_o2_observers_on_one_host_have_client_ids_of_their_own() -> None:
    """What differs is what they watch; a restart changes nothing, or its last will would win."""
    settings, topics = MqttConfig(url="mqtt://h"), Topics("edgespec", "host", ("b",), ("r",))
    infos = [{"bands": [{"band": "b", "source": uri}]} for uri in ("rtl_tcp:a:1", "rtl_tcp:a:2")]
    ids = [link_of(settings, topics, info).client_id for info in infos]
    assert len({*ids}) == 2
    assert all(name.startswith("edgespec-host-") for name in ids)
    assert link_of(settings, topics, {**infos[0], "version": "2"}).client_id == ids[0]
    named = replace(settings, client_id="mine")
    assert link_of(named, topics, infos[0]).client_id == "mine"


def test_o10_a_broker_that_forgot_what_it_confirmed_is_told_again(
    proxy: Proxy, listener: Listener, make_sink: MakeSink
) -> None:
    sink = make_sink(proxy.url, replay_s=3600.0)
    sink.wait_connected(PATIENCE_S)
    kinds = (EventType.NEW, EventType.UPDATE, EventType.END, EventType.NEW, EventType.END)
    for number, kind in enumerate(kinds):
        sink.event(message_of(number, kind))
    wait_for(lambda: sink.waiting == 0, "confirmation")
    proxy.cut()
    wait_for(lambda: not sink.connected, "the sink notices")
    sink.event(message_of(5))
    proxy.heal()
    wait_for(lambda: len(events_of(listener)) >= 10, "every message, four of them twice")
    messages = events_of(listener)
    # An update is not worth a repetition.
    assert [message.sequence for message in messages] == [1, 2, 3, 4, 5, 1, 3, 4, 5, 6]
    assert [message.replayed for message in messages] == [False] * 5 + [True] * 5


@pytest.mark.parametrize("is_wanted", [True, False])
def test_home_assistant_is_told_where_that_is_wanted(
    broker: Broker, make_sink: MakeSink, stack: ExitStack, is_wanted: bool
) -> None:
    sink = make_sink(broker.url, home_assistant=is_wanted)
    sink.wait_connected(PATIENCE_S)
    sink.close()
    # It comes afterwards, as Home Assistant may: what it hears was kept.
    listener = Listener(broker.port, "#")
    stack.callback(listener.close)
    with Session(Link.of(MqttConfig(url=broker.url), "last")) as last:
        last.publish("last", b"word", qos=1)
        wait_for(lambda: not last.poll(None, 0.01) and not last.unacked, "the broker has it")
    wait_for(lambda: bool(listener.on("last")), "all that was kept, and then the last word")
    assert listener.on(f"{NODE}/availability") == [b"offline"]
    assert listener.on("/info")
    told = listener.on(f"homeassistant/device/edgespec_{NODE}/config")
    assert len(told) == is_wanted
    if is_wanted:
        assert f"alarm_{BAND}" in decode(told[0])["components"]
