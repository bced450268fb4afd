"""An update of edgespec while events wait: what the version before wrote is delivered."""

import json
from pathlib import Path

import pytest

from edgespec.alarm.mqtt import MqttSink
from edgespec.alarm.outbox.spool import Spool
from edgespec.config import MqttConfig
from edgespec.wire.event import EVENT_SCHEMA, mark_replayed
from edgespec.wire.text import PayloadError, decode
from tests.made.broker import Broker, Listener, wait_for
from tests.made.event import event_of

#: As a version of the first week wrote it.
FIRST = {
    "schema": "edgespec.event/1",
    "event_type": "new",
    "id": "96aff35f-48de-4669-81e1-513f54a81931",
    "sequence": 1,
    "replayed": False,
    "node": "pi",
    "band": "lte",
    "start": "2026-11-29T03:40:28.625387Z",
    "end": "2026-11-29T03:40:28.633579Z",
    "peak_dbfs": -41.25,
}
#: ... and what no version wrote.
FOREIGN = {"schema": "edgespec.state/1", "node": "pi"}


def old_spool(folder: Path, *messages: dict[str, object]) -> Path:
    """Write a journal in which messages wait."""
    spool = Spool(folder / "spool", 1_000_000)
    for number, message in enumerate(messages, 1):
        spool.append(number, json.dumps(message).encode())
    spool.close()
    return folder / "spool"


def test_what_the_version_before_could_not_deliver_is_delivered_before_what_is_new(
    tmp_path: Path,
) -> None:
    """It is marked as replayed, and is what it was; nothing behind it waits for ever."""
    path = old_spool(tmp_path, FIRST, FOREIGN, {**FIRST, "schema": "edgespec.event/7"})
    broker = Broker(tmp_path)
    listener = Listener(broker.port)
    try:
        settings = MqttConfig(url=broker.url)
        sink = MqttSink(settings, "pi", ["r"], ["lte"], {}, Spool(path, 1_000_000))
        sink.event(event_of())
        wait_for(lambda: len(listener.on("/events")) >= 4, "all are delivered")
        sink.close()
        first, foreign, later, new = map(decode, listener.on("/events")[:4])
    finally:
        listener.close()
        broker.stop()
    assert first == {**FIRST, "replayed": True}
    assert foreign == FOREIGN
    assert later == {**FIRST, "schema": "edgespec.event/7", "replayed": True}
    assert (new["schema"], new["sequence"]) == (EVENT_SCHEMA, 4)
    assert len(Spool(path, 1_000_000)) == 0


def test_what_is_no_event_is_not_marked() -> None:
    with pytest.raises(PayloadError, match="expected an event's"):
        mark_replayed(json.dumps(FOREIGN).encode())
    with pytest.raises(PayloadError, match="replayed"):
        mark_replayed(b'{"schema": "edgespec.event/1"}')
