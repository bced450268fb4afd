"""The units of systemd: that they are ones, bare little, and say what the observer relies on."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

FILES = Path(__file__).resolve().parents[2] / "firmware_configs"
UNITS = sorted((FILES / "systemd").iterdir())
#: Of systemd-analyze security, from 0 to 10.
MOST_EXPOSED = 3.0
SANDBOX = ("NoNewPrivileges=yes", "ProtectSystem=strict", "ProtectHome=yes", "DevicePolicy=closed",
           "CapabilityBoundingSet=", "Restart=always")  # fmt: skip


def lines_of(unit: Path) -> list[str]:
    return unit.read_text(encoding="utf-8").splitlines()


def test_the_observer_is_ready_when_it_says_so_and_is_missed_when_it_does_not() -> None:
    lines = lines_of(FILES / "systemd" / "edgespec@.service")
    for line in ("Type=notify", "WatchdogSec=30", "WatchdogSignal=SIGTERM"):
        assert line in lines
    # A radio that is not there is no reason to start anew again and again.
    assert "TimeoutStartSec=infinity" in lines


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_the_boot_ends_without_a_radio(tmp_path: Path) -> None:
    """What a target wants comes before it, unless it says that it comes behind."""
    unit = FILES / "systemd" / "edgespec@.service"
    after = next(line for line in lines_of(unit) if line.startswith("After="))
    assert "multi-user.target" in after.split()
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text())
    (tmp_path / unit.name).write_text(text, encoding="utf-8")
    wants = tmp_path / "multi-user.target.wants"
    wants.mkdir()
    (wants / "edgespec@band0.service").symlink_to(f"../{unit.name}")
    verified = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", "multi-user.target"],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "cycle" not in verified.stderr


def test_two_observers_of_one_machine_share_compiled_kernels_and_nothing_else() -> None:
    lines = lines_of(FILES / "systemd" / "edgespec@.service")
    assert {"StateDirectory=edgespec/%i", "CacheDirectory=edgespec"} < set(lines)
    assert any(line.endswith("--config /etc/edgespec/%i.toml") for line in lines)


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_each_is_shut_in_by_the_same_means(unit: Path) -> None:
    assert set(SANDBOX) - set(lines_of(unit)) == set()


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)
def test_each_is_a_unit_and_bares_little(unit: Path, tmp_path: Path) -> None:
    copy = tmp_path / unit.name.replace("@", "@band0")
    text = re.sub(r"(?m)^ExecStart=\S+", f"ExecStart={sys.executable}", unit.read_text())
    copy.write_text(text, encoding="utf-8")
    verified = subprocess.run(
        ["systemd-analyze", "verify", copy], capture_output=True, text=True, check=False
    )
    assert (verified.returncode, verified.stderr) == (0, "")
    limit = f"--threshold={round(10 * MOST_EXPOSED)}"
    judged = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", limit, copy],
        capture_output=True,
        text=True,
        check=False,
    )
    assert judged.returncode == 0, judged.stdout[-500:]
