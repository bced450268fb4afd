"""The installer, in a root of its own: what it lays, that it says so, and that it takes it off."""

import os
import re
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import pytest

INSTALLER = Path(__file__).resolve().parents[2] / "firmware_configs" / "install.sh"
EVERYTHING = ("--rtl-tcp", "--twin", "--broker", "--profile", "pi-5", "--instance", "roof")
CONFIG = "etc/edgespec/roof.toml"


def install(root: Path | None, *options: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "DESTDIR": "" if root is None else str(root)}
    return subprocess.run(
        ["sh", INSTALLER, *options], env=environment, capture_output=True, text=True, check=False
    )


def files_in(root: Path) -> dict[str, tuple[bytes, int]]:
    return {
        str(path.relative_to(root)): (path.read_bytes(), path.stat().st_mode & 0o777)
        for path in root.rglob("*")
        if path.is_file()
    }


def test_everything_is_laid_once_said_and_taken_off(tmp_path: Path) -> None:
    first = install(tmp_path, *EVERYTHING)
    assert (first.returncode, first.stderr) == (0, "")
    laid = files_in(tmp_path)
    sources = {path.name: path.read_bytes() for path in INSTALLER.parent.rglob("*.*")
               if path.is_file()}  # fmt: skip
    sources |= {"roof.toml": sources["pi-5.toml"], "edgespec.passwd": b""}
    assert len(laid) == 10
    assert {name: what for name, (what, _) in laid.items()} == {
        name: sources[Path(name).name] for name in laid
    }
    # Every file is announced, and what may hold a secret is not everyone's to read.
    assert [name for name in laid if f"/{name} is new" not in first.stdout] == []
    assert {name for name, (_, mode) in laid.items() if mode & 0o007} == {
        name for name in laid if "systemd" in name or ".d/" in name
    }

    second = install(tmp_path, *EVERYTHING)
    assert files_in(tmp_path) == laid
    assert "is new" not in second.stdout
    assert "renewed" not in second.stdout

    gone = install(tmp_path, "--uninstall")
    assert gone.returncode == 0
    # What became the user's stays until it is asked for.
    assert set(files_in(tmp_path)) == {
        CONFIG, "etc/edgespec/twin.toml", "etc/mosquitto/edgespec.passwd",
    }  # fmt: skip
    assert install(tmp_path, "--uninstall", "--purge").returncode == 0
    assert not (tmp_path / "etc/edgespec").exists()


def test_what_somebody_changed_is_theirs(tmp_path: Path) -> None:
    install(tmp_path, *EVERYTHING)
    config, rules = tmp_path / CONFIG, tmp_path / "etc/udev/rules.d/60-edgespec-rtlsdr.rules"
    config.write_text("# mine\n", encoding="utf-8")
    assert "/etc/edgespec/roof.toml is there and stays" in install(tmp_path, *EVERYTHING).stdout
    assert config.read_text(encoding="utf-8") == "# mine\n"
    rules.write_text("# mine\n", encoding="utf-8")
    assert "was changed here" in install(tmp_path, "--uninstall").stdout
    assert rules.read_text(encoding="utf-8") == "# mine\n"


@pytest.mark.parametrize("options", [EVERYTHING, ("--uninstall", "--purge")])
def test_a_dry_run_says_and_does_nothing(tmp_path: Path, options: tuple[str, ...]) -> None:
    if "--uninstall" in options:
        install(tmp_path, *EVERYTHING)
    before = files_in(tmp_path)
    done = install(tmp_path, *options, "--dry-run")
    assert done.returncode == 0
    assert "Nothing is done" in done.stdout
    assert "edgespec@.service" in done.stdout
    assert files_in(tmp_path) == before


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--profile", "pi-3"), "pi-3 is none of: jetson-orin-nano pi-4"),
        (("--instance", "twin"), "--instance twin"),
        (("--instance", "../../etc/passwd"), "letters, digits"),
        (("--from", "/nowhere/x.whl"), "there is no such file or folder"),
        (("--from", str(INSTALLER), "--extras", "web,converter"), "converter is none of: web upd"),
        (("--extras", "web"), "--extras goes with --from"),
        (("--wheels",), "--wheels needs a value"),
        (("--purge",), "--purge goes with --uninstall"),
        (("--instal",), "what is --instal?"),
    ],
)
def test_what_cannot_be_meant_is_said_and_nothing_is_done(
    tmp_path: Path, options: tuple[str, ...], says: str
) -> None:
    done = install(tmp_path, *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr
    assert files_in(tmp_path) == {}


def test_of_the_running_system_it_says_every_command_first(tmp_path: Path) -> None:
    done = install(None, "--dry-run", "--from", str(INSTALLER), "--enable")
    assert done.returncode == 0, done.stderr
    commands = [line for line in done.stdout.splitlines() if line.startswith("+ ")]
    # It is up when its radio is, however long that takes, and first boots must get on.
    assert commands[-1] == "+ systemctl --no-block enable --now edgespec@observer.service"
    assert all("--only-binary :all:" in line for line in commands if "pip install" in line)
    assert any("pip install" in line for line in commands)


@pytest.mark.parametrize(
    ("there", "says"),
    [
        ({}, "this system has no systemd"),
        ({"systemctl": ""}, "there is no python3; apt install python3 python3-venv"),
        (
            {"systemctl": "", "python3": "case $* in *exit*) exit 1 ;; esac; echo Python 3.9.2"},
            "Python 3.9.2 is too old, it takes 3.11 or newer",
        ),
        (
            {"systemctl": "", "python3": "case $* in *ensurepip*) exit 1 ;; esac"},
            "python3 makes no virtual environments; apt install python3-venv",
        ),
    ],
)
@pytest.mark.skipif(Path("/opt/edgespec/bin/pip").exists(), reason="the program is installed here")
def test_what_the_system_lacks_is_said_before_anything_is_done(
    tmp_path: Path, there: dict[str, str], says: str
) -> None:
    # Nothing else can be called: whatever came behind the checks would fail.
    for name, does in {"id": "echo 0", **there}.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{does}\n", encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    for name in ("dirname", "tr"):
        (tmp_path / name).symlink_to(str(shutil.which(name)))
    done = subprocess.run(
        ["/bin/sh", INSTALLER, "--from", str(INSTALLER)], env={"PATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (2, "")
    assert says in done.stderr


def test_extras_are_asked_of_pip_by_a_path_that_it_cannot_take_for_a_name(tmp_path: Path) -> None:
    (tmp_path / "edgespec").mkdir()
    done = subprocess.run(
        ["sh", INSTALLER, "--dry-run", "--from", "edgespec", "--extras", "web,updates"],
        cwd=tmp_path, capture_output=True, text=True, check=True,
    )  # fmt: skip
    asked = re.findall(r"(?m)^\+ \S+/pip install .* (\S+)$", done.stdout)
    assert asked == [f"{tmp_path}/edgespec[web,updates]", f"{tmp_path}/edgespec"]
    # What it takes, the wheel has.
    offered = re.search(r"none of: (.+)\"", INSTALLER.read_text(encoding="utf-8"))
    assert offered is not None
    setup = ConfigParser()
    setup.read(INSTALLER.parents[1] / "setup.cfg", encoding="utf-8")
    assert set(offered[1].split()) <= set(setup["options.extras_require"])


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
def test_shellcheck_finds_nothing() -> None:
    scripts = [str(path) for path in INSTALLER.parent.rglob("*.sh")]
    done = subprocess.run(["shellcheck", *scripts], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
