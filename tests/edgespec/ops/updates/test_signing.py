"""Keys and signatures, as who makes models has them on the command line."""

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.inference.bundle import load_bundle
from edgespec.updates.signature import read_signature
from tests.made import tiny

pytest.importorskip("cryptography", reason="needs the extra `updates`")


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["model", *map(str, words)])


def test_a_key_is_made_once_and_its_public_half_is_printed(tmp_path: Path) -> None:
    path = tmp_path / "maker.pem"
    made = run("key", path)
    assert made.exit_code == 0, made.stderr
    key = made.stdout.strip()
    assert f'trusted_keys = ["{key}"]' in made.stderr
    assert run("key", path, "--public").stdout.strip() == key
    again = run("key", path)
    assert again.exit_code == 3
    assert "is not overwritten" in again.stderr
    assert json.loads(run("key", path, "--public", "--json").stdout)["key"] == key
    assert "PRIVATE" not in made.output


def test_a_bundle_is_signed_in_its_place_or_beside_it(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path, beside = tmp_path / "a.edgespec", tmp_path / "b.edgespec"
    sha256 = tiny.bundle(path, rng).sha256
    key = run("key", tmp_path / "maker.pem").stdout.strip()
    done = run(
        "sign", path, "--key", tmp_path / "maker.pem", "--counter", 7, "--days", 3, "-o", beside
    )
    assert done.exit_code == 0, done.stderr
    assert load_bundle(path).signature is None
    signed = beside.read_bytes()
    again = run("sign", path, "--key", tmp_path / "maker.pem", "-o", beside)
    assert again.exit_code == 3
    assert "b.edgespec exists and is not overwritten" in again.stderr
    assert beside.read_bytes() == signed
    assert run("sign", beside, "--key", tmp_path / "maker.pem", "-o", beside).exit_code == 0
    assert beside.read_bytes() != signed
    beside.write_bytes(signed)
    found = read_signature(load_bundle(beside))
    assert found is not None
    assert (found.keys, found.signed.version) == ((key,), 7)
    assert found.signed.expires_ns - found.signed.signed_ns == 3 * 86_400_000_000_000
    told = run("sign", path, "--key", tmp_path / "maker.pem", "--json")
    said = json.loads(told.stdout)
    assert (said["sha256"], said["keys"]) == (sha256, [key])
    assert load_bundle(path).sha256 == sha256
    # The time of signing counts up by itself.
    assert said["version"] > 1_700_000_000
    assert key in run("info", path).stdout
    signature = json.loads(run("info", path, "--json").stdout)["signature"]
    assert signature["signed"]["version"] == said["version"]


def test_who_may_not_sign_is_told_why(tmp_path: Path, rng: np.random.Generator) -> None:
    path = tmp_path / "a.edgespec"
    tiny.bundle(path, rng)
    before = path.read_bytes()
    missing = run("sign", path, "--key", tmp_path / "nowhere.pem")
    assert missing.exit_code == 3
    assert "`edgespec model key` makes one" in missing.stderr
    run("key", tmp_path / "maker.pem")
    twice = run("sign", path, *("--key", tmp_path / "maker.pem") * 2)
    assert twice.exit_code == 5
    assert "each of another key" in twice.stderr
    assert path.read_bytes() == before
