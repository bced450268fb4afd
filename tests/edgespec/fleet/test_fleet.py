"""The whole way: observers over a real broker into a store, and what is asked of it."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.config import Config, MqttConfig, NodeConfig
from edgespec.errors import ConfigError
from edgespec.fleet.openings import hold_spool, identity_of, left_behind, spool_folder
from edgespec.fleet.overview import look
from edgespec.fleet.place import store_url
from edgespec.fleet.places import read_places
from edgespec.fleet.spool import RowSpool
from edgespec.fleet.store import FleetStore, reading
from edgespec.fleet.tables import Row
from edgespec.mqtt.retained import gather_retained
from edgespec.records import EventType
from tests.made.broker import Broker, wait_for
from tests.made.event import NS
from tests.made.fleet import NOW_NS, event_bytes, event_row, kept, state_bytes
from tests.made.observer import environment

DAY_NS = 86_400 * NS


@pytest.fixture
def run(broker: Broker, tmp_path: Path, stack: ExitStack) -> Callable[..., "subprocess.Popen[str]"]:
    """Start ``edgespec fleet run``; its folder is where everything is kept."""
    config = tmp_path / "fleet.toml"
    config.write_text(f'[node]\nstate_dir = "{tmp_path}"\n[mqtt]\nurl = "{broker.url}"\n')

    def start(*arguments: str) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [sys.executable, "-m", "edgespec", "fleet", "run", "-c", str(config), "--json",
             "--require-broker", *arguments],
            stdout=subprocess.PIPE, text=True, env=environment(),
        )  # fmt: skip
        stack.enter_context(process)
        stack.callback(process.kill)
        return process

    return start


def has(path: Path, *ids: str) -> bool:
    """Return whether a store has events, and no others."""
    if not path.exists():
        return False
    try:
        return [one for (one,) in kept(str(path), "events", "id")] == [*ids]
    except Exception:
        return False


def test_nothing_is_lost_while_the_program_is_away_or_killed_and_nothing_comes_twice(
    run: Callable[..., "subprocess.Popen[str]"], say: Callable[..., None], tmp_path: Path
) -> None:
    path = tmp_path / "fleet.sqlite"
    say("roof/availability", b"online", retain=True)
    say("roof/state", state_bytes(utc_ns=time.time_ns()), retain=True)
    first = run()
    assert first.stdout is not None
    # It listens when it answers what is retained.
    wait_for(lambda: path.exists(), "the store is there")
    wait_for(lambda: (say("roof/events", event_bytes()), has(path, "e1"))[1], "the first is kept")
    news = json.loads(first.stdout.readline())
    assert (news["what"], news["event"]["id"], news["broker"]) == ("event", "e1", "main")
    first.kill()
    first.wait()
    for number in (2, 3, 4):
        say("roof/events", event_bytes(event_id=f"e{number}"))
    say("roof/events", event_bytes(sequence=9, event_type=EventType.END, lasts_s=5.0))
    second = run()
    wait_for(lambda: has(path, "e1", "e2", "e3", "e4"), "the broker had kept the others")
    # States come over a connection of their own.
    wait_for(lambda: kept(str(path), "bands", "band"), "what is retained is kept")
    say("bad name/events", event_bytes())
    second.terminate()
    assert second.wait(100) == 0
    assert kept(str(path), "events", "is_over")[0] == (True,)
    assert len(kept(str(path), "bands", "band")) == 1
    ended = ask(tmp_path, "status")
    assert "roof" in ended.stdout
    told = [json.loads(line) for line in ask(tmp_path, "status", "--json").stdout.splitlines()]
    assert told[0]["schema"] == "edgespec.fleet-observer/1"
    assert told[0]["bands"][0]["promised_per_day"] == 0.5


def ask(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(
        main, ["fleet", *arguments, "--store", str(folder / "fleet.sqlite")], catch_exceptions=False
    )


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    """Return a folder with a store of two observers, one of which tells more than it promises."""
    rows = []
    for node, n_events, heard_ns in (("cellar", 1, NOW_NS), ("roof", 9, NOW_NS - 600 * NS)):
        key = {"broker": "main", "node": node}
        about = {"first_ns": NOW_NS, "heard_ns": heard_ns}
        rows.append(Row("observers", {**key, **about, "ahead_s": 420.0 if n_events > 1 else 0.0}))
        promise = {"promise_per_day": 0.5, "promise_low": 0.1, "promise_high": 1.2}
        band = {**key, "band": "lte", **about, "at_ns": NOW_NS, "is_alarm": False, **promise}
        rows.append(Row("bands", {**band, "state": '{"troubles":["overload"]}'}))
        for hour in range(24):
            at = {"at_ns": NOW_NS - hour * 3600 * NS, "heard_ns": NOW_NS - hour * 3600 * NS}
            rows += [Row("states", {**key, "band": "lte", **at, "condition": "{}"})]
        rows += [event_row(node, event_id=f"e{number}") for number in range(n_events)]
        # None of these is a false event of a detector.
        rows += [event_row(node, kind="test", event_id=f"t{number}") for number in range(9)]
    rows[-1].values["why_not"] = "normal here"
    store = FleetStore(store_url(str(tmp_path / "fleet.sqlite")))
    store.write(rows)
    store.write([
        Row("actions", {"broker": "main", "node": "roof", "command": "ack", "name": "e3",
                        "heard_ns": NOW_NS, "event": "e3", "answer": "{}"}),
    ])  # fmt: skip
    store.close()
    return tmp_path


def test_who_is_silent_and_who_tells_more_than_it_promised(filled: Path) -> None:
    with reading(store_url(str(filled / "fleet.sqlite"))) as base:
        cellar, roof = look(base, silent_s=90.0, days=7.0, utc_ns=NOW_NS).observers
        later = look(base, 90.0, 7.0, utc_ns=NOW_NS + 8 * DAY_NS).observers
    assert (cellar.why, roof.why) == ("", "nothing was heard for 10 min")
    assert (cellar.bands[0].told_per_day, roof.bands[0].told_per_day) == (1.0, 9.0)
    # One event in a day is no wonder where 1.2 may be false; nine are one in a million.
    assert (cellar.bands[0].is_more, roof.bands[0].is_more) == (False, True)
    assert roof.has_wrong_clock
    assert "its clock is 7 min ahead" in roof.words
    assert "lte: overload" in roof.words
    assert later[1].bands[0].told_per_day is None


def test_what_the_command_line_says(filled: Path) -> None:
    found = ask(filled, "status")
    assert isinstance(found.exception, SystemExit)
    assert found.exit_code == 7
    assert "SILENT" in found.stdout
    assert "silent: cellar, roof" in found.stderr
    listed = ask(filled, "events", "--node", "roof", "--alerts", "-n", "18")
    assert listed.exit_code == 0
    assert listed.stdout.count("\n") == 19
    assert "yes, ack" in listed.stdout
    told = ask(filled, "events", "--node", "cellar", "-n", "1", "--json").stdout
    assert json.loads(told)["schema"] == "edgespec.fleet-event/1"
    missing = ask(filled / "none", "status")
    assert missing.exit_code == 3
    assert "there is no store" in missing.stderr


def test_an_observer_that_is_no_more_is_forgotten_here_and_at_its_broker(
    filled: Path, broker: Broker, say: Callable[..., None]
) -> None:
    for topic in ("roof/availability", "roof/band/lte/state", "cellar/info"):
        say(topic, b"kept", retain=True)
    told = ask(filled, "forget", "roof", "--yes", "--mqtt", broker.url, "--json")
    assert (told.exit_code, json.loads(told.stdout)["emptied"]) == (0, 2)
    assert [*gather_retained(MqttConfig(url=broker.url), ["edgespec/#"])] == [
        "edgespec/cellar/info"
    ]
    path = str(filled / "fleet.sqlite")
    assert kept(path, "observers", "node") == kept(path, "bands", "node") == [("cellar",)]
    assert len(kept(path, "events", "id")) == 28
    store = FleetStore(store_url(path))
    about = {"first_ns": NOW_NS, "heard_ns": time.time_ns()}
    store.write([Row("observers", {"broker": "west", "node": "cellar", **about})])
    store.close()
    for arguments, words in (
        (["roof"], "knows no observer 'roof'"),
        (["celar"], "did you mean 'cellar'?"),
        (["cellar"], "observers of the brokers main, west are called 'cellar'"),
        (["cellar", "--broker", "west"], "would be there again with its next message"),
        (["cellar", "--broker", "main", "--mqtt", "east=h"], "write --mqtt main=mqtt://HOST"),
    ):
        found = ask(filled, "forget", *arguments, "--yes")
        assert found.exit_code == 2
        assert words in found.stderr
    assert "brings it back" in ask(filled, "forget", "cellar", "--broker=main", "--yes").stdout


def test_tables_become_files_of_parquet(filled: Path) -> None:
    found = ask(filled, "export", str(filled / "out"), "--json")
    assert json.loads(found.stdout)["rows"]["events"] == 28
    table = pyarrow.parquet.read_table(filled / "out" / "events.parquet")
    assert str(table.schema.field("first_ns").type) == "timestamp[ns, tz=UTC]"
    assert sorted(table["node"].to_pylist()) == ["cellar"] * 10 + ["roof"] * 18
    again = ask(filled, "export", str(filled / "out"), "--table", "events")
    assert again.exit_code == 3
    assert "is not overwritten" in again.stderr
    assert sorted(path.name for path in (filled / "out").glob(".*")) == []
    wrong = ask(filled, "export", str(filled / "out"), "--table", "event")
    assert wrong.exit_code == 2
    assert "events" in wrong.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("node,lat\nroof,1\n", "it must have a heading and rows of node,latitude,longitude"),
        ("node,latitude,longitude\nroof,120,48\n", "line 2: latitude is '120'"),
        ("node,latitude,longitude\nroof,nan,48\n", "latitude is 'nan'"),
        ("node,latitude,longitude\nroof,1,2\nroof,1,2\n", "twice"),
        ("node,latitude,longitude,broker\nroof,1,2,west\n", "brokers are main"),
        ("node,latitude,longitude\nroof,48,1,11,5\n", "line 2 has more cells than the heading"),
        ("node,latitude,longitude\nmy roof,1,2\n", "line 2: the observer is 'my roof'; its id"),
        ("\0", "places.csv"),
    ],
)
def test_places_that_are_none(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "places.csv").write_text(text)
    found = ask(
        tmp_path, "run", "--mqtt", "mqtt://127.0.0.1:1", "--places", str(tmp_path / "places.csv")
    )
    assert found.exit_code == 3
    assert words in found.stderr


def test_places_of_a_spreadsheet(tmp_path: Path) -> None:
    path = tmp_path / "places.csv"
    path.write_text("\ufeffsep=;\r\nNode;Latitude;Longitude\r\n;;\r\nroof;48,1;-11,5\r\n")
    (row,) = read_places(path, ["main"])
    assert (row.values["node"], row.values["latitude_deg"]) == ("roof", 48.1)
    assert row.values["longitude_deg"] == -11.5


def test_the_broker_knows_a_program_that_moved_to_another_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, brokers = Config(node=NodeConfig(state_dir=tmp_path)), {"main": MqttConfig()}
    url, other = store_url(str(tmp_path / "a")), store_url(str(tmp_path / "b"))
    first = identity_of(config, url, brokers)
    monkeypatch.setattr("platform.node", lambda: "another")
    assert identity_of(config, url, brokers) == first != identity_of(config, other, brokers)
    folder = spool_folder(config, first)
    RowSpool(spool_folder(config, "before"), 1 << 20).add([event_row()])
    assert left_behind(folder) == [folder.with_name("before")]
    # Two of them would write one file, and the store's lock is away with the store.
    with hold_spool(folder), pytest.raises(ConfigError, match="another edgespec fleet run"):
        hold_spool(folder)
    hold_spool(folder).close()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 3, "no broker is named"),
        (["--mqtt", "mqtt://a", "--mqtt", "mqtt://b"], 2, "each --mqtt is NAME=mqtt://HOST"),
        (["--mqtt", "a=mqtt://a", "--mqtt", "a=mqtt://b"], 2, "two brokers are called 'a'"),
        (["--mqtt", "a=mqtt://h", "--mqtt", "b=h:1883"], 2, "'a' and 'b' are one broker"),
        (["--mqtt", "we st=mqtt://a"], 2, "calls a broker 'we st'; its name must be 1 to 64"),
        (["--mqtt", "http://a"], 3, "http"),
        (["--mqtt", "mqtt://a", "--keep", "long"], 2, "is no duration"),
        (["--mqtt", "mqtt://a", "--silent", "2d"], 2, "more than 0 and at most 24.0 h"),
    ],
)
def test_brokers_that_are_none(tmp_path: Path, arguments: list[str], code: int, words: str) -> None:
    found = ask(tmp_path, "run", *arguments)
    assert found.exit_code == code
    assert words in found.stderr
