"""Every option of both command lines (O8): no number is infinite, whatever is closed or full."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from converter.cli import main as converter
from converter.training.settings import TrainSettings
from edgespec.cli import main as observer
from edgespec.finite import Finite
from tests.made.observer import environment


def commands(group: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Yield every command below a group, with what to type for it."""
    if isinstance(group, click.Group):
        for name, command in group.commands.items():
            yield from commands(command, f"{path} {name}")
    else:
        yield path, group


#: These become a record that checks its own values.
CHECKED = [field.name for field in fields(TrainSettings)]
ALL = [*commands(observer, "edgespec"), *commands(converter, "edgespec-converter")]


@pytest.mark.parametrize("command", [one for _, one in ALL], ids=[path for path, _ in ALL])
def test_o8_every_number_has_bounds_or_is_finite(command: click.Command) -> None:
    for parameter in command.params:
        kind = parameter.type
        if parameter.name in CHECKED:
            continue
        if isinstance(kind, click.types.FloatParamType):
            assert isinstance(kind, Finite), parameter.name
        elif isinstance(kind, click.types.IntParamType):
            assert isinstance(kind, click.IntRange), parameter.name


@pytest.mark.parametrize(
    "value", ["inf", "-inf", "nan", "-1", "0", "1e999", "1e308", "1.1e9", "-0", "x", ""]
)
def test_o8_durations_that_are_none(value: str) -> None:
    for command in ("monitor", "bench", "demo"):
        found = CliRunner().invoke(observer, [command, f"--duration={value}"])
        assert isinstance(found.exception, SystemExit)
        assert found.exit_code == 2, found.stderr
        assert "--duration" in found.stderr


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", ">&- 2>&- <&-", ">/dev/full"])
@pytest.mark.parametrize("arguments", ["config schema", "model info", "config init x/y/z.toml"])
def test_o8_streams_that_are_closed_or_full(
    tmp_path: Path, redirection: str, arguments: str
) -> None:
    found = shell(f"{sys.executable} -m edgespec {arguments} {redirection}", tmp_path)
    assert "Traceback" not in found.stderr
    assert "Exception ignored" not in found.stderr
    assert "Errno" not in found.stderr
    if "z.toml" in arguments:
        assert found.returncode == 3
    elif "full" in redirection:
        assert found.returncode == 1
        assert "No space left on device" in found.stderr
    else:
        assert found.returncode == 0


@pytest.mark.parametrize("redirection", [">&-", ">/dev/full", "| head -1"])
@pytest.mark.parametrize("as_json", ["", "--json"])
def test_o8_an_observer_goes_on_without_a_screen(redirection: str, as_json: str) -> None:
    uri = "sim:lte-dl?seed=1&duration_s=0.3"
    found = shell(
        f"{sys.executable} -m edgespec monitor --source '{uri}' {as_json} {redirection}; "
        "echo ended $? >&2"
    )
    assert "Traceback" not in found.stderr
    assert "Exception ignored" not in found.stderr
    assert "ended 0" in found.stderr


def shell(line: str, folder: Path | None = None) -> "subprocess.CompletedProcess[str]":
    """Run a line as a person types it."""
    return subprocess.run(
        ["bash", "-c", line],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
        env=environment(),
        cwd=folder,
    )
