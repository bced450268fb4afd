"""Central units behind a real RabbitMQ: reports in partitions, a hand-over, what is old, errors."""

import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from functools import partial

import pytest
from click.testing import CliRunner

from benchmarks.chaos.rabbit import Node
from edgespec.cli import main
from edgespec.config import MqttConfig
from edgespec.engine.line import Line
from edgespec.engine.link import EngineLink, Plan
from edgespec.engine.url import EngineUrl
from edgespec.errors import BrokerError, ConfigError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.twin.service.entrance.backlog import Backlog
from edgespec.twin.service.entrance.engine import EngineEntrance, partition_of
from edgespec.twin.service.unit import CentralUnit
from edgespec.twin.site import Site
from edgespec.wire.rss import encode_rss
from edgespec.wire.topics import TwinTopics, rss_topic
from tests.made import twin_fleet
from tests.made.broker import Listener, Proxy, wait_for
from tests.made.rabbit import one_node
from tests.made.twin_fleet import NS, Observers, Running, site_of

pytestmark = pytest.mark.slow_without_jit

N_PARTITIONS = 2


@pytest.fixture(scope="module")
def rabbit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    yield from one_node(tmp_path_factory.mktemp("rabbit"))


def enter_at(place: str, n_partitions: int = N_PARTITIONS) -> partial[EngineEntrance]:
    return partial(EngineEntrance, f"amqp://{place}", n_partitions, 30.0)


def owns(unit: Running) -> bool:
    return bool(unit.told.shared and unit.told.shared[-1][1])


class Two:
    """Two central units on a site: the first, over a proxy, has judged and let go; one waits."""

    def __init__(self, rabbit: Node, stack: ExitStack, site: Site) -> None:
        self.proxy = Proxy(rabbit.port)
        stack.callback(self.proxy.close)
        self.observers = Observers(stack, rabbit.mqtt_url, [site])
        start = partial(Running, stack, rabbit.mqtt_url, self.observers, [site])
        self.first = start(enter=enter_at(f"127.0.0.1:{self.proxy.port}"))
        wait_for(lambda: owns(self.first), "the first has it")
        self.second = start("c-2", enter=enter_at(rabbit.place))
        self.observers.go(4, self.first.judged)
        # Who goes within a moment of a verdict has it repeated: until it is in the deed.
        self.partition = self.first.unit._entrance._partition(site.name)
        wait_for(lambda: self.partition._n_open == 0, "the reports are let go")


def test_a_partition_goes_to_the_next_unit_and_each_snapshot_is_judged_once(
    rabbit: Node, stack: ExitStack
) -> None:
    site = site_of("moved")
    listener = Listener(rabbit.mqtt_port)
    stack.callback(listener.close)
    two = Two(rabbit, stack, site)
    first, second, observers = two.first, two.second, two.observers
    two.proxy.cut()
    # What comes now waits in the partition until the engine has given it to the next.
    observers.report()
    observers.go(3, second.judged)
    told = [*first.told.verdicts, *second.told.verdicts]
    assert Counter(v.snapshot for v in told) == {observers.snapshot - k: 1 for k in range(8)}
    assert {v.n_units for v in told} == {6}
    # Its neighbour was only behind; the averages of its twin say that nothing was learnt anew.
    assert second.told.verdicts[0].status == first.told.verdicts[-1].status == "watching"
    wait_for(lambda: len(listener.on("twin/moved/verdict")) == 8, "all verdicts over MQTT")
    # Nothing is kept for who comes later, so everybody is waited for.
    said = CliRunner().invoke(main, ["twin", "status", "--engine", f"amqp://{rabbit.place}"])
    assert "central unit c-2 knows 1 site" in said.output
    assert said.exit_code == 0
    words = ["twin", "forget", "moved", "--engine", f"amqp://{rabbit.place}", "--yes"]
    assert "is learnt anew" in CliRunner().invoke(main, words).output
    desk = second.unit._desks["moved"]
    wait_for(lambda: desk._twin is None, "what was learnt is forgotten")


def test_what_was_judged_and_is_not_taken_by_a_listeners_queue_is_judged_again(
    rabbit: Node, stack: ExitStack
) -> None:
    """One queue stands still, as its leader on another node may, while all others work."""
    site = site_of("unheard")
    plan = Plan(
        {"listener": {"x-queue-type": "quorum"}},
        (("listener", TwinTopics("edgespec").verdict(site.name)),),
    )
    listener = Line(EngineLink.of(f"amqp://{rabbit.place}", MqttConfig(), "listener"), plan)
    listener.connect()
    stack.callback(listener.close)
    two = Two(rabbit, stack, site)
    first, second, observers = two.first, two.second, two.observers
    rabbit.lead("listener", "sys:suspend(Leader)")
    observers.go(2, first.judged)
    # Time enough for a deed to be confirmed, if one were said.
    observers.report()
    wait_for(lambda: len(two.partition._told) >= 3, "three verdicts are on their way")
    two.proxy.cut()
    rabbit.lead("listener", "sys:resume(Leader)")
    observers.go(1, second.judged)
    told = {verdict.snapshot for verdict in second.told.verdicts}
    assert told >= {observers.snapshot - k for k in range(1, 4)}


def test_what_waited_for_too_long_is_left_out_and_counted(rabbit: Node, stack: ExitStack) -> None:
    site = site_of("waited")
    observers = Observers(stack, rabbit.mqtt_url, [site])
    with ExitStack() as first:
        unit = Running(first, rabbit.mqtt_url, observers, [site], enter=enter_at(rabbit.place))
        wait_for(lambda: owns(unit), "queues and bindings")
    old = twin_fleet.normal_reports(site, 100, observers.now_ns - 3600 * NS)
    with Session(Link.of(MqttConfig(url=rabbit.mqtt_url), "old")) as session:
        for report in old:
            topic = rss_topic("edgespec", report.node, site.name)
            session.publish(topic, encode_rss(report), qos=1)
        wait_for(lambda: not session.poll(None, 0.01) and not session.unacked, "taken")
    # These waited, too, but not for too long: by the clock of the unit they are all late.
    for _ in range(8):
        observers.report()
    unit = Running(stack, rabbit.mqtt_url, observers, [site], enter=enter_at(rabbit.place))
    wait_for(lambda: unit.judged(observers.snapshot), "a verdict on the last")
    assert [v.n_units for v in unit.told.verdicts] == [6] * 8
    counts = unit.unit._desks[site.name].counts
    assert counts["too_old"] == len(old)
    assert counts["accepted"] == 48


@pytest.mark.parametrize(
    ("place", "n_partitions", "wanted"),
    [
        ("nobody:wrong@{}", N_PARTITIONS, "refuses user 'nobody': check user and password"),
        ("{}/elsewhere", N_PARTITIONS, "into the virtual host 'elsewhere'"),
        ("{}", N_PARTITIONS + 1, "must name the same number of partitions"),
        ("127.0.0.1:1", N_PARTITIONS, "refused: is RabbitMQ running on that port"),
    ],
)
def test_an_engine_that_cannot_be_used_says_why(
    rabbit: Node, place: str, n_partitions: int, wanted: str
) -> None:
    settings = MqttConfig(reconnect_max_s=0.1)
    enter = partial(enter_at(place.format(rabbit.place), n_partitions), settings)
    told = twin_fleet.Told()
    unit = CentralUnit(settings, [site_of()], twin_fleet.make_twin, told, enter=enter)
    with pytest.raises(BrokerError, match=re.escape(wanted)) as caught:
        unit.wait_connected(60.0 if place != "127.0.0.1:1" else 1.0)
    assert caught.value.exit_code == 6


def test_a_node_gives_up_one_that_hangs_as_our_file_says(rabbit: Node) -> None:
    assert rabbit.control("eval", "net_kernel:get_net_ticktime().").strip() == "15"


def test_while_reports_wait_time_is_theirs_and_one_clock_ahead_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock_s = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock_s[0])
    backlog = Backlog(30.0)
    now_ns = 1000 * NS
    assert backlog.hear("a", 980 * NS, now_ns) == 0
    assert backlog.hear("b", 981 * NS, now_ns) == 980 * NS
    # One that is ahead says nothing of the others, however often.
    assert {backlog.hear("c", 999 * NS, now_ns) for _ in range(3)} == {981 * NS}
    assert backlog.hear("a", 982 * NS, now_ns) == 982 * NS
    assert backlog.hear("b", 970 * NS, now_ns) == 982 * NS
    assert backlog.is_too_old(969 * NS, now_ns)
    assert not backlog.is_too_old(971 * NS, now_ns)
    assert backlog.n_too_old == 1
    # What was put in behind all that waited has come, but late: others wait behind it.
    number = backlog.mark(now_ns)
    clock_s[0] += 1.0
    backlog.came(number)
    assert backlog.is_behind
    # The next comes at once, and there may be as much behind it as came before it.
    number = backlog.mark(now_ns)
    backlog.came(number + 1)
    backlog.came(number)
    assert backlog.is_behind
    # The one after it, too: from now on it is the clock's time.
    clock_s[0] += 1.0
    backlog.came(backlog.mark(now_ns))
    assert not backlog.is_behind
    assert backlog.now_ns(now_ns) == backlog.hear("a", 983 * NS, now_ns) == now_ns
    assert not backlog.is_too_old(0, now_ns)
    # Who stood still finds reports that waited, and knows it before the first of them.
    clock_s[0] += 8.0
    for _ in range(2):
        assert backlog.is_behind
        number = backlog.mark(now_ns)
        assert backlog.is_behind
        backlog.came(number)
        clock_s[0] += 1.0
    assert not backlog.is_behind


def test_nobody_is_late_before_it_is_known_that_all_was_heard(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A queue that stands still is noticed after a while: until then nothing is closed by it."""
    clock_s = [100.0]
    monkeypatch.setattr("time.monotonic", lambda: clock_s[0])
    backlog = Backlog(30.0)
    for second in range(3):
        clock_s[0] = 100.0 + second
        backlog.came(backlog.mark((1000 + second) * NS))
    assert not backlog.is_behind
    # Due and beyond the last mark: it is asked for one, and only then.
    clock_s[0] = 102.5
    now_ns = 1002 * NS + NS // 2
    assert backlog.now_ns(now_ns, 1002 * NS) == 1002 * NS
    assert backlog.now_ns(now_ns, 1003 * NS) == 1002 * NS
    assert not backlog.is_asked
    assert backlog.now_ns(now_ns, now_ns - 1) == 1002 * NS
    assert backlog.is_asked
    number = backlog.mark(now_ns)
    # It is on its way, and a second one would say nothing new.
    assert backlog.now_ns(now_ns + NS // 10, now_ns - 1) == 1002 * NS
    assert not backlog.is_asked
    clock_s[0] = 102.7
    backlog.came(number)
    assert backlog.now_ns(now_ns + NS // 5, now_ns - 1) == now_ns
    assert not backlog.is_asked


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("mqtt://localhost", "which is a broker's: name RabbitMQ's own port"),
        ("localhost", "does not begin with amqp:// or amqps://"),
        ("amqp://host:99999", "its port is not from 1 to 65535"),
        ("amqp://user:pa/ss@ho st", "a host of the engine's URL is none"),
        ("amqp://user:pa/ss@one,user:pa/ss@two", "stand once, before all hosts"),
        ("amqp://user:pa/ss@one:5672/site@two", "in user, password and vhost write / @"),
    ],
)
def test_a_url_that_is_none_is_refused_without_its_password(url: str, wanted: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(wanted)) as caught:
        EngineUrl.parse(url)
    assert "pa/ss" not in str(caught.value)


def test_the_parts_of_a_url() -> None:
    url = EngineUrl.parse("AMQPS://a%40b:p%2Fw@one,[::1]:5000,two:7/v%2Fh")
    assert url == EngineUrl((("one", 5671), ("::1", 5000), ("two", 7)), True, "v/h", "a@b", "p/w")
    assert str(url) == "amqps://one:5671,[::1]:5000,two:7"
    assert "p/w" not in repr(url)


def test_a_site_stays_in_its_partition_for_ever() -> None:
    """Another hash, and a new release would take reports from queues that nobody fills."""
    assert [partition_of(f"site-{k}", 16) for k in range(6)] == [9, 13, 14, 6, 5, 8]


def test_without_pika_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("edgespec.twin.service.entrance")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "edgespec.engine.line", raising=False)
    monkeypatch.setitem(sys.modules, "pika", None)
    done = CliRunner().invoke(main, ["twin", "run", "x.toml", "--engine", "amqp://localhost"])
    assert done.exit_code == 3
    assert "pip install 'edgespec[engine]'" in done.output


def test_a_broker_besides_an_engine_is_refused() -> None:
    words = ["twin", "run", "x.toml", "--engine", "amqp://h", "--mqtt", "mqtt://h"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 2
    assert "leave --mqtt out" in done.output
