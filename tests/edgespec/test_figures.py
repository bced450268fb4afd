"""Where pictures are drawn to is checked before anything is heard, by every command that draws."""

from pathlib import Path
from typing import NoReturn

import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.errors import ConfigError
from tests.made import twin_fleet

pytest.importorskip("matplotlib", reason="pictures need matplotlib")

SIM = ("--source", "sim:lte-dl?sample_rate=1.92M&duration_s=60")
DRAWING = {
    "calibrate": (*SIM, "--picture"),
    "history": ("-o",),
    "look": (*SIM, "-o"),
    "survey": (*SIM, "--picture"),
    "twin map": ("-o",),
}


def run(command: str, folder: Path, picture: object) -> Result:
    args = [*command.split(), *DRAWING[command], str(picture)]
    if command.startswith("twin"):
        args.append(str(twin_fleet.write_site(twin_fleet.site_of(), folder / "yard.toml")))
    return CliRunner().invoke(main, args)


@pytest.fixture
def deaf(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody hears anything, and nothing is drawn."""

    def refuse(*_: object, **__: object) -> NoReturn:
        raise AssertionError("something was heard or drawn")

    for name in (
        "calibration.report.calibrate_bands",
        "history.report.band_history",
        "look.opening.open_view",
        "survey.report.survey",
    ):
        monkeypatch.setattr(f"edgespec.ops.{name}", refuse)
    monkeypatch.setattr("edgespec.twin.picture.draw_site", refuse)


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize("command", DRAWING)
@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("none/x.png", 3, "none is no folder one may write to"),
        ("x.xyz", 3, "a name that ends with .png, .svg or .pdf is accepted"),
        ("x", 3, "a name that ends with .png, .svg or .pdf is accepted"),
        ("", 2, "an empty name is none"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before(
    tmp_path: Path, command: str, name: str, code: int, says: str
) -> None:
    got = run(command, tmp_path, tmp_path / name if name else "")
    assert got.exit_code == code, got.output
    assert says in got.stderr
    assert got.stdout == ""


def test_a_folder_is_no_picture(tmp_path: Path) -> None:
    (tmp_path / "x.png").mkdir()
    got = run("twin map", tmp_path, tmp_path / "x.png")
    assert got.exit_code == 3
    assert "name a file in it" in got.stderr


@pytest.mark.parametrize(("name", "begin"), [("x.PNG", b"\x89PNG"), ("x.pdf", b"%PDF")])
def test_an_older_picture_is_replaced(tmp_path: Path, name: str, begin: bytes) -> None:
    picture = tmp_path / name
    picture.write_bytes(b"old")
    got = run("twin map", tmp_path, picture)
    assert got.exit_code == 0, got.output
    assert picture.read_bytes().startswith(begin)


def test_what_was_found_is_printed_before_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The disk is full by then: the result is not lost with the picture."""

    def refuse(*_: object) -> NoReturn:
        raise ConfigError("No space left on device")

    for name in ("survey.picture.draw_survey", "look.picture.draw_look"):
        monkeypatch.setattr(f"edgespec.ops.{name}", refuse)
    for command in ("survey", "look"):
        args = [command, *DRAWING[command], str(tmp_path / "x.png"), "--duration", "0.1", "--json"]
        got = CliRunner().invoke(main, args)
        assert got.exit_code == 3, got.output
        assert got.stdout.startswith("{")
        assert "No space left" in got.stderr
