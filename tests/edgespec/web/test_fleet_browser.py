"""The fleet's page in Chromium: where observers are, how they are, what is said of events."""

import json
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from edgespec.config import MqttConfig
from edgespec.fleet.page import _table
from edgespec.fleet.place import store_url
from edgespec.fleet.store import FleetStore
from edgespec.fleet.tables import Row
from edgespec.web.task import Task
from edgespec.wire.request import Response, encode_response
from tests.made.broker import Broker
from tests.made.browser import Browser
from tests.made.fleet import NOW_NS, event_row
from tests.made.page import TOKEN, Served, served

#: The server of a page is given a memory, of which this page makes no use.
ABOUT = {"node": "main", "silent_s": 90.0, "days": 7.0, "bands": [0]}


@pytest.fixture
def shown(broker: Broker, tmp_path: Path, stack: ExitStack) -> Served:
    """Serve the page of three observers, of which ``roof`` has an alert and answers."""
    path = tmp_path / "fleet.sqlite"
    rows = []
    nodes = ("roof", 52.52, True), ("mast", 52.50, False), ("yard", 52.48, True)
    for node, latitude, is_online in nodes:
        key = {"broker": "main", "node": node}
        # It is heard for a century to come.
        about = {"first_ns": NOW_NS, "heard_ns": 2**62, "is_online": is_online}
        rows.append(Row("observers", {**key, **about}))
        rows.append(Row("places", {**key, "latitude_deg": latitude, "longitude_deg": 13.4}))
        band = {**key, "band": "lte", "first_ns": NOW_NS, "heard_ns": NOW_NS, "at_ns": NOW_NS}
        promise = {"promise_per_day": 0.5, "promise_low": 0.1, "promise_high": 1.2}
        rows.append(Row("bands", {**band, **promise, "is_alarm": node == "roof", "state": "{}"}))
    store = FleetStore(store_url(str(path)))
    store.write([*rows, event_row("roof")])
    store.close()
    answering = Client(CallbackAPIVersion.VERSION2)

    def answer(client: Client, _: object, message: MQTTMessage) -> None:
        transaction = json.loads(message.payload)["transaction"]
        said = encode_response(Response(transaction, "", {"acknowledged": "e1"}))
        client.publish("edgespec/roof/response/ack", said, 1)

    answering.on_message = answer
    answering.connect("127.0.0.1", broker.port)
    answering.subscribe("edgespec/roof/request/ack", 1)
    answering.loop_start()
    stack.callback(answering.loop_stop)
    stack.callback(answering.disconnect)
    brokers = {"main": _table(MqttConfig(url=broker.url))}
    about = {**ABOUT, "store": str(path), "brokers": brokers}
    task = Task("fleet", "127.0.0.1", TOKEN, read_only=False, about=about)
    return stack.enter_context(served(task))


def test_an_alert_is_seen_on_the_map_and_acknowledged_by_its_observer(
    window: Browser, shown: Served
) -> None:
    window.size(1200)
    window.forget()
    window.get(f"http://127.0.0.1:{shown.port}/")
    window.until(lambda: window.is_seen("#token"), "a token is asked for")
    window.one("#token").send_keys(TOKEN + "\n")
    window.says("#says", "1 observer has an open alert.")
    window.says("#says", "1 observer is silent.")
    window.says("#link", "3 observers")
    # Whoever is not in yet is refused, which a browser tells.
    window.told()
    rows = [window.text(f"#rows tr:nth-child({n}) th") for n in (1, 2, 3)]
    assert rows == ["mast", "roof", "yard"]
    assert window.text("#rows tr:nth-child(1) td") == "SILENT: it is offline"
    assert window.text("#rows tr:nth-child(2) td:last-child") == "0.5 (0.1 to 1.2)"
    # North is up: the alert's red lies above the others' marks.
    pixels = window.pixels("#fleet-map")
    red, green, blue = (pixels[..., part] for part in range(3))
    is_red, is_blue = (red > 0.6) & (green < 0.25), (blue > 0.5) & (red < 0.3)
    assert np.argwhere(is_red)[:, 0].max() < np.argwhere(is_blue)[:, 0].min()
    assert "roof" in window.text("#list .who")
    window.one('#list [data-act="acknowledge"]').click()
    window.says("#done", "roof has done it: ack")
    window.one('#list [data-act="normal"]').click()
    window.until(lambda: window.is_seen("#ask"), "it is asked whether that is meant")
    window.one("#ask button[value=no]").click()
    window.one("#filter").send_keys("yard")
    window.until(lambda: window.count("#rows tr") == 1, "one observer is listed")
    assert window.told() == []


def test_what_is_asked_of_the_page(shown: Served) -> None:
    logged = shown.log_in()
    status, _, told = shown.ask("/api/events?limit=1&alerts=1", Cookie=logged["Cookie"])
    assert (status, told[0]["node"], told[0]["event"]["id"]) == (200, "roof", "e1")
    for path in ("events?limit=0", "events?before=now", "events?x=1", "fleet?x=1"):
        assert shown.ask(f"/api/{path}", Cookie=logged["Cookie"])[0] == 400
    for body, words in (
        ({"broker": "west", "node": "roof"}, "broker is 'west'"),
        ({"broker": "main", "node": "roof", "x": 1}, "'x'"),
        ({"broker": "main", "node": "a/b"}, "node"),
        ({"broker": "main", "node": "roof", "id": "other"}, "'id'"),
    ):
        status, _, told = shown.ask("/api/events/e1/acknowledge", body, **logged)
        assert status in (400, 503), told
        assert words in told["error"]
    assert shown.ask("/api/events/e1/acknowledge", {}, Cookie=logged["Cookie"])[0] == 403
    assert shown.ask("/api/fleet")[0] == 401


def test_a_page_may_only_look(tmp_path: Path) -> None:
    about = {**ABOUT, "store": str(tmp_path / "fleet.sqlite"), "brokers": {}}
    task = Task("fleet", "127.0.0.1", about=about)
    with served(task) as page:
        status, _, told = page.ask("/api/events/e1/acknowledge", {"broker": "main"})
        assert status == 403
        assert "web.read_only" in told["accepted"]
