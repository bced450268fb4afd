"""The program of a fleet in one process: who is counted, and who is no more."""

import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgespec.config import MqttConfig
from edgespec.fleet.place import store_url
from edgespec.fleet.screen import FleetTextScreen
from edgespec.fleet.service import FleetService
from edgespec.fleet.silence import Change
from edgespec.fleet.spool import RowSpool
from edgespec.fleet.store import FleetStore
from edgespec.fleet.writer import FleetWriter
from edgespec.mqtt.retained import empty_retained
from tests.made.broker import Broker, wait_for


class Screen(FleetTextScreen):
    """Keeps the last count, and what observers became."""

    def __init__(self) -> None:
        super().__init__(io.StringIO())
        self.words = ""
        self.became: list[tuple[str, str]] = []

    def observer(self, broker: str, node: str, change: Change, why: str) -> None:
        super().observer(broker, node, change, why)
        self.became.append((node, str(change)))

    def count(self, words: str) -> None:
        self.words = words


@pytest.fixture
def screen(broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setattr("edgespec.fleet.service._TICK_S", 0.05)
    store = FleetStore(store_url(str(tmp_path / "fleet.sqlite")))
    writer = FleetWriter(store, RowSpool(tmp_path / "spool", 1 << 20))
    shown = Screen()
    service = FleetService({"main": MqttConfig(url=broker.url)}, writer, shown, 600.0, "test")
    thread = threading.Thread(target=service.run)
    thread.start()
    yield shown
    service.stop()
    thread.join()


def test_an_observer_that_is_forgotten_is_waited_for_no_more(
    broker: Broker, say: Callable[..., None], screen: Screen
) -> None:
    for node in ("roof", "cellar"):
        say(f"{node}/availability", b"offline", retain=True)
    wait_for(lambda: screen.words.startswith("2 observers | 2 silent"), "both are silent")
    empty_retained(MqttConfig(url=broker.url), ["edgespec/roof/availability"])
    wait_for(lambda: screen.words.startswith("1 observer | 1 silent"), "one is forgotten")
    assert screen.became[-1] == ("roof", "forgotten")
    say("roof/availability", b"online", retain=True)
    wait_for(lambda: screen.words.startswith("2 observers | 1 silent"), "it is there again")
