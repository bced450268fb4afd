"""An archive for support: what is in it, and that no secret is."""

import base64
import json
import tarfile
import tomllib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote, quote_plus

import hypothesis
import pytest
from click.testing import CliRunner
from hypothesis import strategies

from edgespec.cli import main
from edgespec.config import Config, NodeConfig, load_config
from edgespec.errors import UsageError
from edgespec.ops.checks.finding import Machine
from edgespec.ops.support.archive import write_support
from edgespec.ops.support.contents import PARTS, Part, Question
from edgespec.ops.support.scrubber import Scrubber
from tests.made.secret_config import MARK, marked_config


def members(path: Path) -> dict[str, str]:
    with tarfile.open(path) as archive:
        return {
            Path(entry.name).name: archive.extractfile(entry).read().decode()  # type: ignore[union-attr]
            for entry in archive.getmembers()
        }


def all_forms(secret: str) -> list[str]:
    octets = secret.encode()
    return [
        secret,
        quote(secret, safe=""),
        quote_plus(secret),
        json.dumps(secret),
        repr(secret),
        base64.b64encode(octets).decode(),
        base64.urlsafe_b64encode(octets).decode(),
    ]


#: What tells without asking radio or broker.
QUICK = tuple(part for part in PARTS if part.name not in ("doctor.txt", "broker.txt"))


def test_no_secret_of_any_option_or_variable_survives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every program says every secret in every form that it may have."""
    config, marks = marked_config(tmp_path)
    for name in ("EDGESPEC_MQTT_PASSWORD", "EDGESPEC_MQTT_URL", "EDGESPEC_OF_TOMORROW"):
        marks.append(f"{MARK} {name}")
        monkeypatch.setenv(name, marks[-1])
    said = "\n".join(form for mark in marks for form in all_forms(mark))

    def run(command: Sequence[str]) -> str:
        return said

    gossip = Part("gossip.txt", "all of it", lambda question: said)
    broken = Part(
        "broken.txt", "an error", lambda question: (_ for _ in ()).throw(ValueError(said))
    )
    path = tmp_path / "x.tar.gz"
    write_support(path, Question(config, Machine(run=run)), [*QUICK, gossip, broken])
    found = members(path)
    assert set(found) == {"about.txt", "gossip.txt", "broken.txt", *(p.name for p in QUICK)}
    for name, text in found.items():
        # Of a file that holds a secret the name may be told, and it is no mark.
        for mark in marks:
            for form in all_forms(mark):
                assert form not in text, (name, form)
        assert MARK not in text, name
    assert "ValueError" in found["broken.txt"]
    assert "***" in found["log.txt"]


@hypothesis.given(
    strategies.text(min_size=4, max_size=30).filter(lambda text: "*" not in text),
    strategies.text(max_size=30),
    strategies.text(max_size=30),
)
def test_a_secret_is_found_in_whatever_stands_around_it(
    secret: str, before: str, after: str
) -> None:
    scrubbed = Scrubber([secret]).scrub(f"{before}{secret}{after}")
    assert secret not in scrubbed


def test_a_short_secret_goes_where_it_stands_alone() -> None:
    assert Scrubber(["pi", ""]).scrub("pi is no pie: user=pi") == "*** is no pie: user=***"


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("open mqtt://me:hunter2@host:1883/x", "hunter2"),
        ("Authorization: Bearer abc.def-123", "abc.def"),
        ('{"password": "hunter2", "a": 1}', "hunter2"),
        ("api_key=hunter2 next", "hunter2"),
        ("mqtt.password = 'hunter two'", "hunter"),
        ("-----BEGIN EC PRIVATE KEY-----\nhunter2\n-----END EC PRIVATE KEY-----", "hunter2"),
        ("-----BEGIN PRIVATE KEY-----\nhunter2\n", "hunter2"),
    ],
)
def test_what_looks_like_a_secret_goes_too(text: str, secret: str) -> None:
    scrubbed = Scrubber([]).scrub(text)
    assert secret not in scrubbed
    assert "***" in scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "check mqtt.username and mqtt.password",
        'password_file = "/run/secrets/mqtt"',
        "https://docs.example.org/a@b: read it",
        "no token is missing",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert Scrubber([]).scrub(text) == text


def test_the_configuration_in_it_can_be_read_again(tmp_path: Path) -> None:
    config, _ = marked_config(tmp_path)
    path = tmp_path / "x.tar.gz"
    write_support(path, Question(config, Machine()), QUICK[:1])
    text = members(path)["configuration.toml"]
    assert tomllib.loads(text)["mqtt"]["password"] == "***"
    plain = Config(node=NodeConfig(id="pi-7", state_dir=tmp_path))
    write_support(tmp_path / "y.tar.gz", Question(plain, Machine()), QUICK[:1])
    file = tmp_path / "read.toml"
    file.write_text(members(tmp_path / "y.tar.gz")["configuration.toml"])
    assert load_config(file) == plain


def test_a_part_that_breaks_costs_no_other(tmp_path: Path) -> None:
    def breaks(question: Question) -> str:
        raise UsageError("the reason")

    parts = [Part("a", "breaks", breaks), Part("b", "works", lambda question: "well")]
    path = tmp_path / "x.tar.gz"
    write_support(path, Question(Config(), Machine()), parts)
    found = members(path)
    assert found["a"] == "not told: the reason\n"
    assert found["b"] == "well"


def test_the_command_says_where_it_is_and_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.ops.support.contents.run_checks", lambda *_, **__: [])
    monkeypatch.setattr("edgespec.ops.support.contents.doctor_table", lambda checks: "all well")
    config = tmp_path / "edgespec.toml"
    config.write_text('[node]\nid = "pi-7"\nstate_dir = "state"\n')
    path = tmp_path / "out.tar.gz"
    done = CliRunner().invoke(main, ["support", "-c", str(config), "-o", str(path)])
    assert done.exit_code == 0, done.output
    assert str(path) in done.stdout
    assert path.stat().st_mode & 0o777 == 0o600
    found = members(path)
    for name in found:
        assert name in done.stdout
        assert name in found["about.txt"] or name == "about.txt"
    assert found["doctor.txt"] == "all well\n"
    again = CliRunner().invoke(main, ["support", "-c", str(config), "-o", str(path)])
    assert again.exit_code == 3
    assert "is not overwritten" in again.stderr
    nowhere = CliRunner().invoke(main, ["support", "-c", str(config), "-o", str(path / "x.tgz")])
    assert nowhere.exit_code == 3
    assert f"{path / 'x.tgz'} cannot be written: Not a directory" in nowhere.stderr
    monkeypatch.chdir(tmp_path)
    as_json = CliRunner().invoke(main, ["support", "-c", str(config), "--json"])
    told = json.loads(as_json.stdout)
    assert told["schema"] == "edgespec.support/1"
    assert Path(told["path"]).name.startswith("edgespec-support-pi-7-")
    assert {part["name"] for part in told["parts"]} == set(found)
