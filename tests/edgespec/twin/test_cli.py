"""``edgespec twin`` as its user types it, and the pictures it draws."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.errors import ConfigError
from edgespec.twin.central import SiteTwin
from edgespec.twin.expected import Expectation
from edgespec.twin.picture import draw_site, received_map_dbm
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.service.fleet import VirtualJammer
from edgespec.twin.service.screen import JsonScreen
from edgespec.wire.rss import encode_rss
from edgespec.wire.verdict import TwinVerdict
from tests.made import twin_fleet
from tests.made.walked_site import ground, walk_of, write_walk

pytestmark = pytest.mark.slow_without_jit

PNG = b"\x89PNG\r\n"
NOBODY = "mqtt://127.0.0.1:1"


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr("edgespec.twin.cli._REQUIRE_BROKER_S", 0.2)


def twin(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["twin", *map(str, arguments)])


@pytest.fixture
def hall(tmp_path: Path) -> Path:
    path = tmp_path / "hall.toml"
    assert twin("init", path).exit_code == 0
    return path


def alarm_of(**changes: object) -> TwinVerdict:
    """A verdict of the yard with a jammer, one unit silent, one saturated, one not believed."""
    site = twin_fleet.site_of()
    fleet = twin_fleet.virtual(site, [VirtualJammer(9.0, 20.0, 10.0)])
    core = SiteTwin(site, trained=twin_fleet.trained(site))
    for report in list(fleet.reports(10**9, 0.0))[1:]:
        core.accept(report, report.utc_ns)
    verdict = core.advance(3 * 10**9)[0]
    marks = {"units_saturated": ("yard-2",), "implausible": {"yard-3": "repeats itself"}}
    return replace(verdict, **{**marks, **changes})  # type: ignore[arg-type]


def test_init_prints_what_it_writes_and_never_overwrites(hall: Path) -> None:
    assert twin("init").stdout == hall.read_text(encoding="utf-8")
    again = twin("init", hall)
    assert again.exit_code == 3
    assert "is not overwritten" in again.stderr


def test_a_map_of_what_is_expected(hall: Path, tmp_path: Path) -> None:
    picture = tmp_path / "hall.png"
    done = twin("map", hall, "-o", picture)
    assert done.exit_code == 0, done.output
    assert picture.read_bytes().startswith(PNG)


def test_a_map_of_a_recorded_verdict(tmp_path: Path) -> None:
    path = twin_fleet.write_site(twin_fleet.site_of(), tmp_path / "yard.toml")
    recorded = tmp_path / "run.jsonl"
    with recorded.open("w", encoding="utf-8") as file:
        JsonScreen(file, "c-1", {"yard": "dBm"}).verdict(alarm_of(), {})
    picture = tmp_path / "yard.png"
    done = twin("map", path, "--verdict", recorded, "-o", picture)
    assert done.exit_code == 0, done.output
    assert picture.read_bytes().startswith(PNG)


def test_a_picture_of_a_quiet_and_of_a_silent_site(tmp_path: Path) -> None:
    site = twin_fleet.site_of()
    alarm = alarm_of()
    assert alarm.is_alarm
    assert np.isnan(alarm.level_db[0]).all()
    silent = np.full_like(alarm.level_db, np.nan)
    for verdict in (
        replace(alarm, is_alarm=False, source=None),
        replace(alarm, level_db=silent, residual_db=silent, is_alarm=False, source=None),
    ):
        draw_site(site, verdict, tmp_path / "site.png")
        assert (tmp_path / "site.png").read_bytes().startswith(PNG)
    with pytest.raises(ConfigError, match="other units"):
        draw_site(site, replace(alarm, nodes=alarm.nodes[1:]), tmp_path / "site.png")
    with pytest.raises(ConfigError, match="cannot be written"):
        draw_site(site, None, tmp_path / "none" / "site.png")


def test_the_map_agrees_with_the_twin_where_units_stand() -> None:
    """Transmitters to places here, places to units there: the same paths, by reciprocity."""
    site = twin_fleet.site_of()
    shown = received_map_dbm(site)
    assert shown is not None
    expected = Expectation(site, path_gain(site)).level_dbm
    for unit, levels in zip(site.unit, expected, strict=True):
        row, column = (int(place / 30.0 * len(shown)) for place in (unit.y_m, unit.x_m))
        total = 10.0 * np.log10((10.0 ** (levels / 10.0)).sum())
        # Half a cell of 25 cm from the place, ten metres and more from the transmitter.
        assert shown[row, column] == pytest.approx(total, abs=0.3)


def test_training_from_a_file(tmp_path: Path) -> None:
    site = twin_fleet.site_of()
    path = twin_fleet.write_site(site, tmp_path / "yard.toml")
    reports = tmp_path / "normal.jsonl"
    lines = [encode_rss(report) for report in twin_fleet.normal_reports(site, 100)]
    reports.write_bytes(b"\n".join(lines))
    done = twin("train", path, reports, "-o", tmp_path / "yard.npz", "--json")
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["n_snapshots"] >= 90
    assert (tmp_path / "yard.npz").exists()


def test_training_from_a_walk_and_a_map_of_it(tmp_path: Path, rng: np.random.Generator) -> None:
    text = twin_fleet.write_site(ground(), tmp_path / "ground.toml").read_text(encoding="utf-8")
    table = '[propagation]\nmodel = "walk"\nfile = "ground.npz"\ncell_m = 20\n'
    (tmp_path / "walked.toml").write_text(f'level_unit = "dBFS"\n{text}{table}', encoding="utf-8")
    places_m, levels_db = walk_of(150, rng)
    levels_db[:, 3] = np.nan
    walk = write_walk(tmp_path / "walk.csv", places_m, levels_db)
    arguments = tmp_path / "walked.toml", "--walk", walk, "-o", tmp_path / "ground.npz"
    done = twin("train", *arguments, "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert (said["n_readings"], said["units_unknown"]) == (150, ["g-3"])
    assert said["held_out"]["median_m"] < 60.0
    assert "warning: g-3: heard at too few places" in done.stderr
    drawn = twin("map", tmp_path / "walked.toml", "-o", tmp_path / "walked.png")
    assert drawn.exit_code == 0, drawn.output
    both = twin("train", *arguments, walk)
    assert both.exit_code == 2
    assert "run the command for each" in both.stderr


def test_c6_training_under_a_jammer_is_warned_of(tmp_path: Path) -> None:
    """Whoever trains may know better; who only lets it learn is refused."""
    site = twin_fleet.site_of()
    path = twin_fleet.write_site(site, tmp_path / "yard.toml")
    fleet = twin_fleet.virtual(site, [VirtualJammer(9.0, 20.0, 10.0)])
    lines = [encode_rss(one) for k in range(1, 100) for one in fleet.reports(k * 250_000_000, 0.0)]
    (tmp_path / "loud.jsonl").write_bytes(b"\n".join(lines))
    done = twin("train", path, tmp_path / "loud.jsonl", "-o", tmp_path / "yard.npz", "--json")
    assert done.exit_code == 0, done.output
    assert "warning: what was heard while learning is not believed" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("run", "{hall}"), 3, "add --mqtt URL"),
        (("run", "{hall}", "--mqtt", NOBODY, "--id", "a/b"), 2, "the id is 'a/b'"),
        (("run", "{hall}", "--mqtt", "http://x"), 3, "its scheme is not one of"),
        (("run", "none.toml", "--mqtt", NOBODY), 3, "edgespec twin init"),
        (("run", "{hall}", "--mqtt", NOBODY, "--trained", "none.npz"), 3, "none.npz"),
        (("run", "{hall}", "--mqtt", NOBODY, "--require-broker"), 6, "cannot be reached"),
        (("status", "--mqtt", NOBODY), 6, "cannot be reached"),
        (("train", "{hall}", "--mqtt", NOBODY, "-o", "x.npz"), 6, "cannot be reached"),
        (("train", "{hall}", "none.jsonl", "-o", "x.npz"), 3, "none.jsonl cannot be read"),
        (("train", "{hall}", "--walk", "no.csv", "-o", "x.npz"), 3, "no.csv cannot be read"),
        (("train", "{hall}", "--walk", "no.csv", "-o", "."), 3, ". is a folder: name a file in it"),
        (("train", "{hall}", "--mqtt", NOBODY, "-o", "{hall}/x.npz"), 3, "no folder one may write"),
        (("simulate", "{hall}", "--mqtt", NOBODY, "--jammer", "1,2"), 2, "write X,Y,POWER"),
        (("map", "{hall}", "-o", "x.png", "--verdict", "{hall}"), 3, "holds no verdict"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    hall: Path, arguments: tuple[str, ...], code: int, says: str
) -> None:
    done = twin(*(argument.format(hall=hall) for argument in arguments))
    assert says in done.stderr
    assert done.exit_code == code
    assert "Traceback" not in done.output


@pytest.mark.parametrize("option", ["--partitions", "--catch-up"])
def test_what_is_for_an_engine_means_nothing_without_one(option: str, tmp_path: Path) -> None:
    path = twin_fleet.write_site(twin_fleet.site_of(), tmp_path / "yard.toml")
    done = twin("run", path, "--mqtt", "mqtt://localhost", option, 3)
    assert done.exit_code == 2
    assert f"{option} is for --engine" in done.output
