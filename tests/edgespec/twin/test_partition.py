"""What a partition says was judged, and what it lets go, whenever its owner may be cut off."""

import json
import time
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from edgespec.config import MqttConfig
from edgespec.errors import BrokerError
from edgespec.twin.service.entrance.engine import EngineEntrance
from edgespec.twin.service.entrance.partition import Partition
from edgespec.wire.topics import TwinTopics
from tests.made.fake_engine import FakeLine

SITES = {"hall": 2.0, "yard": 2.0}
NS = 1_000_000_000


class Engine(FakeLine):
    """The link of an owner, whose messages are confirmed when and in which order the test says."""

    def __init__(self) -> None:
        super().__init__()
        self.let_go = 0
        self.deeds: list[tuple[int, dict[str, int]]] = []

    def send(self, queue: str, kind: str, name: str, payload: bytes) -> int:
        number = super().send(queue, kind, name, payload)
        if kind == "deed":
            self.deeds.append((number, json.loads(payload)["judged"]))
        return number

    def open_channel(self, on_open: object) -> Any:
        return self

    def basic_ack(self, tag: int, multiple: bool) -> None:
        # Reports are let go many at once, deeds one by one.
        self.let_go = max(self.let_go, tag if multiple else 0)

    def close(self) -> None: ...

    def bring_deeds(self, partition: Partition, tag: int) -> int:
        for _ in range(len(self._queued)):
            queue, kind, name, data = self._queued.popleft()
            if queue == "deeds":
                tag += 1
                partition._hear_deed(tag, "", kind, name, data)
        return tag

    def number(self) -> int:
        """The number of anything else that is said."""
        return self._number()

    def _number(self) -> int:
        number = super()._number()
        self.unacked.add(number)
        return number


class Tenant:
    """Gives each report the snapshot that the test wants."""

    def hear(self, topic: str, data: bytes) -> int | None:
        return int(data)

    def now_ns(self) -> int:
        return 10**6 * NS

    def leave_out(self, site: str, reason: str) -> None: ...
    def enter(self) -> None: ...
    def lose(self) -> None: ...


def owner() -> tuple[Any, Partition, int]:
    """An engine, the owner of a partition there, and how many messages its deeds' queue had."""
    engine = Engine()
    line: Any = engine
    partition = Partition(0, ("reports", "deeds"), SITES, TwinTopics("edgespec"), Tenant(), 30.0)
    partition.open(line)
    n_deeds = 0
    while not partition.is_owner:
        n_deeds = engine.bring_deeds(partition, n_deeds)
    partition.take()
    return engine, partition, n_deeds


def test_time_is_not_hurried_while_confirmations_will_make_room() -> None:
    engine, partition, _ = owner()
    now_ns = Tenant().now_ns()
    number = 0
    while partition._n_open < partition._prefetch:
        number += 1
        partition._hear_report(number, "edgespec/x/rss/hall", "", "", b"%d" % (number > 100))
    later_s = time.monotonic() + 5.0
    # A hundred are judged, and the queue of a listener does not take the verdict.
    said = engine.number()
    partition.told("hall", 0, 0, [said])
    partition.tick(later_s, engine.unacked)
    assert partition.backlog.now_ns(now_ns) == 0
    # Verdict and deed are confirmed: there is room, and all others wait for it.
    engine.unacked.clear()
    partition.tick(later_s, engine.unacked)
    engine.unacked.clear()
    partition.tick(later_s, engine.unacked)
    assert engine.let_go == 100
    assert partition.backlog.now_ns(now_ns) == 0
    # Nothing is on its way, and what is open fills all there is: it cannot be complete.
    while partition._n_open < partition._prefetch:
        number += 1
        partition._hear_report(number, "edgespec/x/rss/hall", "", "", b"1")
    partition.tick(later_s, engine.unacked)
    assert partition.backlog.now_ns(now_ns) == now_ns


@pytest.mark.parametrize("is_verdict", [True, False])
def test_what_is_never_confirmed_is_said_over_another_link(is_verdict: bool) -> None:
    """RabbitMQ may forget a message and hold all that come behind it, for as long as it runs."""
    engine, partition, _ = owner()
    engine.unacked.clear()
    partition._hear_report(1, "edgespec/x/rss/hall", "", "", b"0")
    partition.told("hall", 0, NS, [engine.number()])
    if not is_verdict:
        engine.unacked.clear()
        partition.tick(time.monotonic(), engine.unacked)
        assert engine.deeds[-1][0] in engine.unacked
    partition.tick(time.monotonic() + 50.0, engine.unacked)
    with pytest.raises(BrokerError, match=r"has not confirmed a verdict on site hall for 60 s"):
        partition.tick(time.monotonic() + 61.0, engine.unacked)
    engine.unacked.clear()
    for _ in range(2):
        partition.tick(time.monotonic() + 61.0, set())
    assert engine.let_go == 1


def test_a_verdict_that_is_not_confirmed_is_said_again_over_the_next_link() -> None:
    """Its reports come again, to whom they are old, if the same unit has the partition again."""
    topic = TwinTopics("edgespec").verdict("hall")
    entrance = EngineEntrance("amqp://fake", 1, 30.0, MqttConfig(), "c-1", [], Tenant())
    lines: list[Any] = [FakeLine() for _ in range(3)]
    entrance._opened(lines[0])
    numbers = [entrance.publish(topic, payload, 0) for payload in (b"one", b"two", b"three")]
    lines[0].unacked = set(numbers[1:])
    entrance.publish(TwinTopics("edgespec").alarm("hall"), b"ON", 1)
    entrance.tick(0.0, (), is_beat=False)
    # Nothing is confirmed of what is said over the second either.
    for before, line in pairwise(lines):
        entrance._lost()
        assert before.said[-1] != (topic, b"one")
        entrance._opened(line)
        assert line.said == [(topic, b"two"), (topic, b"three")]
        line.unacked = {1, 2}
    lines[2].unacked = set()
    entrance.tick(0.0, (), is_beat=False)
    entrance._lost()
    entrance._opened(last := FakeLine())
    assert last.said == []
    entrance.close(lambda: None)


@pytest.mark.parametrize("seed", range(20))
def test_whoever_is_cut_off_leaves_no_report_that_nobody_judges(seed: int) -> None:
    rng = np.random.default_rng(seed)
    engine, partition, n_deeds = owner()
    reports: list[tuple[str, int]] = []
    verdicts: dict[int, tuple[str, int]] = {}
    snapshot = dict.fromkeys(SITES, 0)
    releases_at = int(rng.integers(100, 400))
    for step in range(300):
        site = str(rng.choice(list(SITES)))
        if step < releases_at:
            reports.append((site, snapshot[site]))
            partition._hear_report(
                len(reports), f"edgespec/x/rss/{site}", "", "", b"%d" % snapshot[site]
            )
        if step < releases_at and rng.random() < 0.4:
            said = [engine.number() for _ in range(rng.integers(1, 4))]
            verdicts |= dict.fromkeys(said, (site, snapshot[site]))
            partition.told(site, snapshot[site], snapshot[site] * NS, said)
            snapshot[site] += 1
        if step == releases_at:
            partition.release()
        # The queues of one engine have leaders on several nodes: one may be far behind another.
        slow = set(verdicts) if rng.random() < 0.5 else set()
        for number in [n for n in engine.unacked if n not in slow and rng.random() < 0.3]:
            engine.unacked.discard(number)
        partition.tick(float(step), engine.unacked)
        n_deeds = engine.bring_deeds(partition, n_deeds)
        # It is cut off now. Of what is not confirmed, all verdicts are lost, and the deed is kept.
        lost = {verdicts[number] for number in engine.unacked & verdicts.keys()}
        judged = engine.deeds[-1][1]
        assert all(number * NS > judged.get(site, -1) for site, number in lost)
        assert not lost & set(reports[: engine.let_go])
        # If all deeds are lost that are not confirmed, it is told again what was let go.
        kept = [deed for number, deed in engine.deeds if number not in engine.unacked]
        for site, number in reports[: engine.let_go]:
            assert number * NS <= kept[-1][site]
    for _ in range(5):
        engine.unacked.clear()
        partition.tick(400.0, engine.unacked)
        n_deeds = engine.bring_deeds(partition, n_deeds)
    done = sum(number < snapshot[site] for site, number in reports)
    first_open = next((k for k, (s, n) in enumerate(reports) if n >= snapshot[s]), len(reports))
    assert engine.let_go == first_open
    assert done >= first_open > 0
    assert partition.is_owner == (releases_at >= 300)
