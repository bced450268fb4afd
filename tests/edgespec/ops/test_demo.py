"""The first evening: the demo ends well, with either broker, and says so."""

import signal
from pathlib import Path

import pytest

from edgespec.errors import BrokerError, QualityError
from edgespec.ops import demo, local_broker
from edgespec.ops.local_broker import LocalBroker
from edgespec.port import free_port
from edgespec.records import Change, Event, EventType
from tests.made.broker import Listener, mosquitto_path, wait_for
from tests.made.observer import Observer, run

pytestmark = pytest.mark.slow_without_jit


@pytest.fixture
def without_mosquitto(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_broker.shutil, "which", lambda name, path=None: None)


def test_it_shows_an_alarm_and_how_to_go_on() -> None:
    mosquitto_path()
    code, observer = run("demo", "--duration", "10")
    assert code == 0, observer.text + observer.errors
    assert "started mosquitto" in observer.output[0]
    assert "mosquitto_sub -h 127.0.0.1 -p" in observer.output[1]
    types = [line.split()[1] for line in observer.output if ":" in line[:3] and "." in line[:12]]
    assert types[0] == "new"
    assert types[-1] == "end"
    assert types.count("new") == types.count("end")
    (success,) = (line for line in observer.output if line.startswith("It works"))
    assert f"{len(types)} messages" in success
    assert "when the cell is cancelled" in success
    after = "".join(observer.output[observer.output.index(success) :])
    for command in ("setup", "doctor", "calibrate", "monitor"):
        assert f"edgespec {command}" in after
    assert "Traceback" not in observer.errors


def test_it_takes_a_given_broker_and_works_with_amqtt(without_mosquitto: None) -> None:
    pytest.importorskip("amqtt")
    with LocalBroker() as broker:
        assert broker.name == "amqtt"
        listener = Listener(broker.port)
        code, observer = run("demo", "--duration", "10", "--mqtt", broker.url)
        assert code == 0, observer.text + observer.errors
        assert "started" not in observer.output[0]
        assert any(line.startswith("It works") for line in observer.output)
        wait_for(lambda: listener.on("demo/availability")[-1:] == [b"offline"], "offline")
        assert b"ON" in listener.on("demo/alarm/band0/state")
        assert listener.on("demo/alarm/band0/state")[-1] == b"OFF"
        listener.close()


def test_a_broker_that_is_not_there_is_told() -> None:
    code, observer = run("demo", "--mqtt", f"mqtt://127.0.0.1:{free_port()}")
    assert code == 6
    assert "is the broker running" in observer.errors.splitlines()[-1]


def test_ctrl_c_is_no_failure() -> None:
    mosquitto_path()
    with Observer("demo", "--duration", "30") as observer:
        wait_for(lambda: "listening to" in observer.text, "it listens")
        wait_for(lambda: "warming up" in observer.text, "it runs")
        observer.send(signal.SIGINT)
        assert observer.wait() == 0
    assert "stopped" in observer.output[-1]
    assert "Error" not in observer.errors


def test_without_any_broker_the_message_says_what_to_install(
    without_mosquitto: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local_broker, "find_spec", lambda name: None)
    with pytest.raises(BrokerError, match="apt install mosquitto"):
        LocalBroker()


def test_a_broker_that_does_not_start_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = tmp_path / "mosquitto"
    script.write_text("#!/bin/sh\necho 'Error: no luck today' >&2\nexit 3\n")
    script.chmod(0o755)
    monkeypatch.setattr(local_broker.shutil, "which", lambda name, path=None: str(script))
    with pytest.raises(BrokerError, match=r"did not start on port .*: Error: no luck today"):
        LocalBroker()


def test_a_local_broker_leaves_nothing_behind() -> None:
    mosquitto_path()
    with LocalBroker() as broker:
        folder = Path(broker._folder.name)
        assert folder.is_dir()
        Listener(broker.port).close()
    assert not folder.exists()
    assert broker._process.poll() is not None


def event(
    event_type: EventType,
    lower_hz: float,
    upper_hz: float,
    event_id: str = "e",
    start: int = 100,
    detector: str = "residual",
) -> Event:
    return Event(
        event_id, event_type, "band0", 0, 1, start, 1, lower_hz, upper_hz, lower_hz, -30.0,
        Change.GAIN, 9.0, 8.0, detector, 9.0, 5.0, 1.0,
        latency_s=0.0042 if event_type is EventType.NEW else 1.0,
    )  # fmt: skip


def test_only_an_alarm_at_the_interferer_counts(capsys: pytest.CaptureFixture[str]) -> None:
    elsewhere = event(EventType.NEW, -2e6, -1.9e6, "other")
    before = event(EventType.END, -2e6, 2e6, "before", start=10)
    early, late = event(EventType.NEW, 2.148e5, 1.8945e6), event(EventType.END, 8e5, 9e5)
    for published in ([], [elsewhere], [before], [before, elsewhere]):
        with pytest.raises(QualityError, match="without an alarm where the interferer was"):
            demo._judge(published, [{}] * 2, 100, print)
    with pytest.raises(QualityError, match="2 event messages were published but only 1 came back"):
        demo._judge([early, late], [{}], 100, print)
    demo._judge([before, elsewhere, early, late], [{}] * 4, 100, print)
    said = capsys.readouterr().out
    assert "4.2 ms after the last sample" in said
    assert "when the cell is cancelled: 210 kHz to 1.89 MHz" in said
    assert "it is from 250 kHz to 1.85 MHz" in said


def test_another_detector_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    demo._judge([event(EventType.NEW, 8e5, 9e5, detector="zscore")], [{}], 100, print)
    assert "found by its power (zscore)" in capsys.readouterr().out
