"""Stores of both databases, PostgreSQL is started once; and somebody who speaks to a broker."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion

from tests.made.broker import Broker
from tests.made.postgres import Postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    server = Postgres()
    yield server
    server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that is not there yet."""
    if request.param == "sqlite":
        return str(tmp_path / "fleet.sqlite")
    return str(request.getfixturevalue("postgres").new_base())


@pytest.fixture
def say(broker: Broker, stack: ExitStack) -> Callable[..., None]:
    """Publish below the prefix at QoS 1 and wait until the broker has it."""
    client = Client(CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    stack.callback(client.loop_stop)

    def publish(topic: str, data: bytes, retain: bool = False) -> None:
        client.publish(f"edgespec/{topic}", data, 1, retain).wait_for_publish(60)

    return publish
