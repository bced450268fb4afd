"""Fixtures every test may use."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import hypothesis
import numpy as np
import pytest

from tests.made.broker import Broker, Listener, Proxy
from tests.made.observer import machine_code

# A process that a test starts finds what this one has compiled, and the other way round.
os.environ.setdefault("NUMBA_CACHE_DIR", str(machine_code()))

# Without a deadline: a test must not depend on how fast the machine is. The long profile is for a
# night, or by hand: pytest --hypothesis-profile=long -k fuzz
hypothesis.settings.register_profile(
    "short", max_examples=60, derandomize=True, database=None, deadline=None
)
hypothesis.settings.register_profile("long", max_examples=10_000, database=None, deadline=None)
hypothesis.settings.load_profile("short")


@pytest.fixture
def rng() -> np.random.Generator:
    """The one seed of the suite."""
    return np.random.default_rng(20261122)


@pytest.fixture(autouse=True)
def _history_is_not_forced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the disk some thousand writes that nothing here can tell from others."""
    monkeypatch.setattr("edgespec.history.opening._SYNCHRONOUS", "OFF")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of real recordings; tests that need it skip where it is absent."""
    folder = Path(__file__).resolve().parents[2] / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the real recordings are not here: no folder ../shared/data")
    return folder


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    """Closes what a test opens, in reverse."""
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def broker(tmp_path: Path, stack: ExitStack) -> Broker:
    broker = Broker(tmp_path)
    stack.callback(broker.stop)
    return broker


@pytest.fixture
def proxy(broker: Broker, stack: ExitStack) -> Proxy:
    proxy = Proxy(broker.port)
    stack.callback(proxy.close)
    return proxy


@pytest.fixture
def listener(broker: Broker, stack: ExitStack) -> Listener:
    """Connected to the broker itself, not through the proxy."""
    listener = Listener(broker.port)
    stack.callback(listener.close)
    return listener
