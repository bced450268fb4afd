"""``edgespec events`` and ``edgespec incidents`` as people type them."""

import csv
import io
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from edgespec.alert import Alert
from edgespec.alerts.incidents import IncidentTable, load_incidents
from edgespec.cli import main
from edgespec.level_scale import LevelScale
from edgespec.ops.events.text import timetable
from edgespec.records import EventType
from edgespec.wire.event import parse_event
from tests.made.event import event_of
from tests.made.history import keep


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "edgespec.toml"
    path.write_text("[node]\nstate_dir = 'state'\n")
    return path


@pytest.fixture
def past(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "events"
    table, events = IncidentTable({"lte": 2e4, "gsm": 2e4}), []
    for number in range(30):
        band = "gsm" if number % 10 == 9 else "lte"
        for event_type in (EventType.NEW, EventType.END):
            event = event_of(
                event_id=f"e{number}", event_type=event_type, band=band, at_s=3600.0 * number,
                lasts_s=90.0, alert=Alert(number % 2 == 0, "" if number % 2 == 0 else "rule", "i"),
                scale=LevelScale(-30.0 if band == "gsm" else None),
            )  # fmt: skip
            table.take(event)
            events.append(event)
    keep(tmp_path / "state", events)
    folder.mkdir()
    (folder / "incidents.json").write_bytes(table.content())


def run(config: Path, *arguments: str) -> Result:
    done = CliRunner().invoke(main, [*arguments, "-c", str(config)])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


def test_nothing_kept_is_a_heading(config: Path) -> None:
    assert run(config, "events", "list").output.startswith("start (UTC)")
    assert run(config, "events", "list", "--json").output == ""
    assert run(config, "incidents").output == "no incident is known here\n"
    assert not (config.parent / "state").exists()


@pytest.mark.usefixtures("past")
def test_events_are_listed_each_as_it_was_last_told(config: Path) -> None:
    heading, *rows = run(config, "events", "list").output.splitlines()
    assert [row.split()[-1] for row in rows] == [f"e{number}" for number in range(10, 30)]
    assert rows[0].split()[:4] == ["2026-01-19T18:00:00Z", "1.5", "min", "lte"]
    assert "100 kHz at 806.05 MHz" in rows[0]
    assert heading.index("alert") == rows[0].index("yes") == rows[1].index("rule")
    rows = run(config, "events", "list", "--band", "gsm", "-n", "2").output.splitlines()
    assert [row.split()[-1] for row in rows[1:]] == ["e19", "e29"]
    assert [unit in rows[1] for unit in ("-71.0 dBm", "-41.0 dBFS")] == [True, False]
    rows = run(config, "events", "list", "--alerts", "-n", "100").output.splitlines()
    assert len(rows) == 16


@pytest.mark.usefixtures("past")
def test_events_of_a_time_and_kind(config: Path) -> None:
    def ids(*arguments: str) -> list[str]:
        lines = run(config, "events", "list", "--json", *arguments).output.splitlines()
        return [json.loads(line)["id"] for line in lines]

    # The events begin at every full hour from 2026-01-19T08:00 on.
    assert ids("--since", "2026-01-20") == [f"e{number}" for number in range(16, 30)]
    assert ids("--since", "2026-01-20T12:00+01:00", "--until", "2026-01-20 13:00") == ["e27", "e28"]
    assert len(ids("--until", "2099-01-01")) == 30
    assert ids("--since", "2026-01-20", "-n", "1") == ["e29"]
    assert ids("--since", "1h") == []
    assert ids("--kind", "pulse") == []
    assert len(ids("--kind", "tone")) == 20
    done = run(config, "events", "list", "--kind", "tune")
    assert done.exit_code == 2
    assert "did you mean 'tone'" in done.output
    done = run(config, "events", "list", "--band", "gsn")
    assert done.exit_code == 2
    assert "did you mean 'gsm'" in done.output
    done = run(config, "events", "list", "--since", "yesterday")
    assert done.exit_code == 2
    assert "write how long ago (90min, 2h, 3d) or a date" in done.output


@pytest.mark.parametrize("asked", [("undo",), ("mute", "--kind", "tone")])
def test_a_state_that_cannot_be_written_is_said(config: Path, asked: tuple[str, ...]) -> None:
    (config.parent / "state").write_text("no folder")
    done = run(config, "events", *asked)
    assert done.exit_code == 3
    assert f"{Path('state') / 'events'} cannot be written: Not a directory" in done.output


@pytest.mark.usefixtures("past")
def test_a_damaged_history_is_one_sentence(config: Path) -> None:
    (config.parent / "state" / "history.sqlite").write_bytes(b"what was a database" * 1000)
    done = run(config, "events", "list")
    assert done.exit_code == 1
    assert "sets it aside when it next starts" in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.usefixtures("past")
def test_events_for_programs(config: Path) -> None:
    lines = run(config, "events", "list", "--json", "-n", "3").output.splitlines()
    messages = [parse_event(line) for line in lines]
    assert [message.event.event_id for message in messages] == ["e27", "e28", "e29"]
    table = list(csv.DictReader(io.StringIO(run(config, "events", "list", "--csv").output)))
    assert [row["id"] for row in table] == [f"e{number}" for number in range(10, 30)]
    assert list(table[0]) == list(json.loads(lines[0]))
    assert run(config, "events", "list", "--csv", "--json").exit_code == 2


@pytest.mark.usefixtures("past")
def test_incidents_have_a_timetable(config: Path) -> None:
    text = run(config, "incidents").output
    assert "lte: tone, 100 kHz at 806.05 MHz" in text
    assert "27 times, about every 1 h, at most 1.5 min long" in text
    assert "3 times, about every 10 h" in text
    lte, gsm = (json.loads(line) for line in run(config, "incidents", "--json").output.splitlines())
    assert (lte["band"], lte["n_events"], gsm["band"], gsm["n_events"]) == ("lte", 27, "gsm", 3)
    assert lte["first_seen"] == "2026-01-19T08:00:00.000000Z"
    assert sum(lte["hours_utc"]) == 27


def test_a_timetable_shows_hours_and_counts() -> None:
    assert timetable([0] * 24) == "·" * 24
    assert timetable([1, *[0] * 22, 1]) == "█" + "·" * 22 + "█"
    assert timetable([1, 100, 50]) == "▁█▄"


@pytest.mark.usefixtures("past")
def test_what_people_say_is_kept_listed_and_undone(config: Path) -> None:
    (lte, gsm) = (json.loads(one) for one in run(config, "incidents", "--json").output.splitlines())
    muted = run(config, "events", "mute", "--kind", "tone", "--from", "2.4e9", "--for", "2").output
    assert "every band: tone, above 2.4 GHz, until " in muted
    taught = json.loads(run(config, "events", "normal", lte["id"], "--json").output)
    assert taught["incident"] == lte["id"]
    lines = run(config, "events", "silenced").output.splitlines()
    assert [line.split()[0] for line in lines] == [muted.split()[0], taught["id"]]
    assert lines[1].endswith("lte: tone, 100 kHz at 806.05 MHz, for ever")
    assert run(config, "events", "undo").output == f"undone: {taught['id']}\n"
    assert run(config, "events", "undo", muted.split()[0]).exit_code == 0
    assert run(config, "events", "silenced").output == "nothing is silenced\n"
    assert gsm["band"] == "gsm"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mute"], "a mute of everything is none"),
        (["mute", "--band", "gsm"], "'gsm' is not there"),
        (["mute", "--from", "2.5G", "--to", "2.4 GHz"], "--from must be below"),
        (["mute", "--from", "1e400"], "--from is '1e400', which is not a number"),
        (["mute", "x/y"], "id is 'x/y'"),
        (["normal", "i-1"], "no event and no incident 'i-1'"),
        (["ack", "e1"], "no event 'e1' is known"),
        (["undo"], "nothing to undo"),
        (["silenced", "--node", "pi-1"], "no broker is named"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    config: Path, arguments: list[str], words: str
) -> None:
    done = run(config, "events", *arguments)
    assert done.exit_code in (2, 3)
    assert words in done.output
    assert len(done.output.splitlines()) == 1


@pytest.mark.usefixtures("past")
def test_all_that_was_told_can_be_called_normal_at_once(config: Path) -> None:
    folder = config.parent / "state" / "events"
    table = IncidentTable({"lte": 2e4, "gsm": 2e4}, load_incidents(folder / "incidents.json"))
    table.take(event_of("overload", event_id="o", band="lte", event_type=EventType.END))
    (folder / "incidents.json").write_bytes(table.content())
    done = run(config, "events", "normal", "--all", "--band", "gsm", "--json")
    assert [json.loads(line)["band"] for line in done.output.splitlines()] == ["gsm"]
    # Those that came most often first; what tells no level cannot be normal.
    done = run(config, "events", "normal", "--all", "--for", "1")
    assert [line.split()[1] for line in done.output.splitlines()] == ["lte:", "gsm:"]
    assert len(run(config, "events", "silenced").output.splitlines()) == 2
    ids = [line.split()[0] for line in run(config, "incidents").output.splitlines()[::3]]
    assert run(config, "events", "normal", ids[0], ids[1]).exit_code == 0


@pytest.mark.usefixtures("past")
@pytest.mark.parametrize(
    ("arguments", "wanted"),
    [
        ([], "name events or incidents, or say --all"),
        (["e1", "--all"], "name events or incidents, or say --all"),
        (["e1", "--band", "lte"], "--band is for --all"),
        (["--all", "--node", "roof"], "--all is of this host"),
        (["--all", "--band", "lts"], "did you mean 'lte'?"),
    ],
)
def test_what_is_to_be_normal_is_said_in_one_way(
    config: Path, arguments: list[str], wanted: str
) -> None:
    done = run(config, "events", "normal", *arguments)
    assert (done.exit_code, wanted in done.output) == (2, True)
    assert run(config, "events", "silenced").output == "nothing is silenced\n"


def test_where_nothing_was_told_nothing_can_be_normal(config: Path) -> None:
    done = run(config, "events", "normal", "--all")
    assert (done.exit_code, "nothing was told here" in done.output) == (2, True)
