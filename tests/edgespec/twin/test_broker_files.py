"""The shipped files of mosquitto: what observers, central units, adapters and readers may do."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.mqtt.link import BrokerRefusedError, Link
from edgespec.mqtt.session import Session
from tests.made.broker import Broker, wait_for

SHIPPED = Path(__file__).resolve().parents[3] / "firmware_configs" / "mosquitto"
USERS = ("pi-1", "pi-2", "central", "adapter", "reader", "operator")
OWN = "edgespec/pi-1/rss/hall"
TOPICS = {
    "its report": OWN,
    "its alarm": "edgespec/pi-1/alarm/lte/state",
    "its presence": "edgespec/pi-1/availability",
    "its device": "homeassistant/device/edgespec_pi-1/config",
    "a request": "edgespec/pi-1/request/mute",
    "transmitters": "edgespec/twin/hall/transmitters",
    "the state of a site": "edgespec/twin/hall/state",
    "a verdict": "edgespec/twin/hall/verdict",
    "an alarm of a site": "edgespec/twin/hall/alarm",
    "a member": "edgespec/twin/members/c-1",
    "something else": "other/pi-1",
}
ABOUT_PI_1 = ["its report", "its alarm", "its presence", "a request"]
SITE_WIDE = ["transmitters", "the state of a site", "a verdict", "an alarm of a site", "a member"]
WRITES: dict[str, list[str]] = {
    "pi-1": [*ABOUT_PI_1, "its device"], "pi-2": [], "central": SITE_WIDE,
    "adapter": ["transmitters"], "reader": [], "operator": ["a request"],
}  # fmt: skip
HEARS: dict[str, list[str]] = {
    "pi-1": ["a request"], "pi-2": [], "central": ["its report", *SITE_WIDE], "adapter": [],
    "reader": [*ABOUT_PI_1, "its device", *SITE_WIDE], "operator": [*ABOUT_PI_1, *SITE_WIDE],
}  # fmt: skip
#: Writes on each topic: nobody else may on all of them.
WRITER = {what: next((u for u in USERS if what in WRITES[u]), None) for what in TOPICS}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    """mosquitto with the shipped files; only their places and the port are others."""
    folder = tmp_path_factory.mktemp("broker")
    passwords = folder / "edgespec.passwd"
    passwords.touch(mode=0o600)
    program = shutil.which("mosquitto_passwd")
    if program is None:
        pytest.skip("mosquitto_passwd is not installed")
    for user in USERS:
        subprocess.run([program, "-b", str(passwords), user, f"of {user}"], check=True)
    shutil.copy(SHIPPED / "edgespec.acl", folder)
    (folder / "edgespec.acl").chmod(0o600)
    text = (SHIPPED / "edgespec.conf").read_text(encoding="utf-8")
    text = text.replace("/etc/mosquitto/", f"{folder}/").replace("persistence true", "")
    lines = [line for line in text.splitlines() if not line.startswith("listener ")]
    broker = Broker(folder, lines)
    yield broker
    broker.stop()


def session_of(broker: Broker, user: str, name: str = "") -> Session:
    settings = MqttConfig(url=broker.url, protocol="5", username=user, password=f"of {user}")
    return Session(Link.of(settings, name or f"test-{user}"))


@pytest.mark.parametrize("what", TOPICS)
@pytest.mark.parametrize("user", USERS)
def test_c3_who_may_write(guarded: Broker, user: str, what: str) -> None:
    """An observer speaks for itself alone; nobody but central units speaks for them."""
    with session_of(guarded, user) as session:
        session.publish(TOPICS[what], b"", 1, retain=True)
        try:
            wait_for(lambda: not session.poll(None, 0.01) and not session.unacked, "taken")
            refusal = ""
        except BrokerRefusedError as error:
            refusal = str(error)
    assert ("allow this user to publish" in refusal) != (what in WRITES[user])


@pytest.mark.parametrize("user", USERS)
def test_who_may_read(guarded: Broker, user: str) -> None:
    heard: list[str] = []
    with session_of(guarded, user) as reader:
        reader.listen(lambda topic, data: heard.append(topic))
        reader.ask(["#", "$share/hall/edgespec/+/rss/hall"])
        for what, topic in TOPICS.items():
            if (writer := WRITER[what]) is not None:
                with session_of(guarded, writer, "test-writer") as session:
                    session.publish(topic, b"x", 1)
                    wait_for(lambda s=session: not s.poll(None, 0.01) and not s.unacked, "taken")
        expected = {TOPICS[what] for what in HEARS[user]}
        wait_for(lambda: not reader.poll(None, 0.05) and expected <= set(heard), "all it may hear")
        reader.poll(None, 0.1)
    assert set(heard) == expected


def test_nobody_comes_in_without_a_password(guarded: Broker) -> None:
    with pytest.raises(BrokerError, match=r"mqtt\.username and mqtt\.password"):
        Session(Link.of(MqttConfig(url=guarded.url), "nobody")).connect()
    with pytest.raises(BrokerError, match=r"mqtt\.username and mqtt\.password"):
        session_of(guarded, "stranger").connect()
