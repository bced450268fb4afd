"""The seeds of cloud-init: it takes them, and what they write is a configuration."""

import re
import shutil
import subprocess
from pathlib import Path
from textwrap import dedent

import pytest

from edgespec.config import load_config

FILES = Path(__file__).resolve().parents[2] / "firmware_configs"
SEEDS = FILES / "cloud-init"


def test_the_configuration_in_it_is_good_and_no_login_by_password_is_there(tmp_path: Path) -> None:
    text = (SEEDS / "user-data").read_text(encoding="utf-8")
    assert text.startswith("#cloud-config\n")
    found = re.search(r"content: \|\n((?: {6}.*\n|\n)+)", text)
    assert found is not None
    config = tmp_path / "observer.toml"
    config.write_text(dedent(found[1]), encoding="utf-8")
    assert load_config(config).node.id == "edgespec-1"
    assert "ssh_pwauth: false" in text
    assert not re.search(r"(?m)^\s*(passwd|plain_text_passwd|password|chpasswd):", text)


def test_the_node_is_called_as_the_host() -> None:
    names = [
        re.findall(r"(?m)^(?:local-)?hostname: (\S+)$", (SEEDS / name).read_text(encoding="utf-8"))
        for name in ("user-data", "meta-data")
    ]
    assert names == [["edgespec-1"], ["edgespec-1"]]


@pytest.mark.skipif(shutil.which("cloud-init") is None, reason="cloud-init is not installed")
def test_cloud_init_takes_it(tmp_path: Path) -> None:
    command = ["cloud-init", "schema", "-c"]
    done = subprocess.run(
        [*command, SEEDS / "user-data"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    # It would tell: a value of the wrong kind is refused.
    wrong = tmp_path / "user-data"
    wrong.write_text("#cloud-config\nruncmd: 5\n", encoding="utf-8")
    done = subprocess.run([*command, wrong], capture_output=True, text=True, check=False)
    assert done.returncode != 0
