"""The profiles of boards: each is a configuration the observer takes, and changes something."""

import tomllib
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from edgespec.cli import main
from edgespec.config import Config, load_config

FILES = Path(__file__).resolve().parents[2] / "firmware_configs"
PROFILES = sorted((FILES / "boards").glob("*.toml"))
BOARDS = {"pi-zero-2w", "pi-4", "pi-5", "jetson-orin-nano", "x86-64"}
#: What whoever has the board fills in.
YOURS = ("source", "band")


def test_there_is_one_for_each_board() -> None:
    assert {profile.stem for profile in PROFILES} == BOARDS


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_is_a_good_configuration(profile: Path) -> None:
    done = CliRunner().invoke(main, ["config", "check", str(profile)])
    assert (done.exit_code, ": good; " in done.output) == (0, True), done.output
    assert "caution" not in done.output


@pytest.mark.parametrize("profile", PROFILES, ids=lambda path: path.stem)
def test_a_profile_states_what_differs_from_the_default(profile: Path) -> None:
    stated = tomllib.loads(profile.read_text(encoding="utf-8"))
    usual: dict[str, Any] = asdict(Config())
    same = {
        f"{table}.{key}"
        for table, values in stated.items()
        if table not in YOURS
        for key, value in values.items()
        if value == usual[table][key]
    }
    assert same == set()


def test_the_central_unit_finds_its_broker(tmp_path: Path) -> None:
    secret, copy = tmp_path / "password", tmp_path / "twin.toml"
    secret.write_text("of central\n", encoding="utf-8")
    text = (FILES / "twin" / "twin.toml").read_text(encoding="utf-8")
    assert "/etc/edgespec/twin.password" in text
    copy.write_text(text.replace("/etc/edgespec/twin.password", str(secret)), encoding="utf-8")
    mqtt = load_config(copy).mqtt
    assert (mqtt.url, mqtt.username) == ("mqtt://localhost:1883", "central")
