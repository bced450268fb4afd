"""What figures depend on: the processor, the system, the versions of what does the work."""

import os
import platform
import re
import resource
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from edgespec import __version__

__all__ = ["keep_machine_code", "machine_facts", "peak_rss_mb", "power_facts"]

_PACKAGES = ("numpy", "scipy", "numba", "ai-edge-litert", "tflite-runtime")
_CACHE_VARIABLE = "NUMBA_CACHE_DIR"


def machine_facts() -> dict[str, str]:
    """Return processor, system and versions; a package that is missing is ``absent``."""
    installed = {}
    for package in _PACKAGES:
        try:
            installed[package] = version(package)
        except PackageNotFoundError:
            installed[package] = "absent"
    return {
        "machine": platform.machine(),
        "cpu": _cpu_name(),
        "system": platform.platform(),
        "python": platform.python_version(),
        "edgespec": __version__,
        **installed,
    }


def power_facts(root: Path = Path("/")) -> dict[str, str]:
    """Return the power mode of a Jetson, and how the processor is clocked, where either is told.

    The figures of one board differ by both. They are read, never set.

    Args:
        root: where the files of the system are.
    """
    found = {}
    status = re.search(r"pmode:0*(\d+)", _text(root / "var/lib/nvpmodel/status"))
    if status:
        number = status[1]
        modes = _text(root / "etc/nvpmodel.conf")
        name = re.search(rf"POWER_MODEL\s+ID={number}\s+NAME=(\S+)", modes)
        found["power mode"] = f"{number} {name[1]}" if name else number
    clock = root / "sys/devices/system/cpu/cpu0/cpufreq"
    limits = [_text(clock / f"scaling_{end}_freq").strip() for end in ("min", "max")]
    said = [governor] if (governor := _text(clock / "scaling_governor").strip()) else []
    if all(limit.isdecimal() for limit in limits):
        said.append(" to ".join(f"{int(limit) / 1e6:.2f}" for limit in limits) + " GHz")
    if said:
        found["clock"] = " ".join(said)
    return found


def peak_rss_mb() -> float:
    """Return the most memory this process ever had in RAM, in megabytes."""
    status = Path("/proc/self/status")
    if status.is_file():
        for line in status.read_text(encoding="utf-8").splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024 / 1e6
    # This one begins with what the parent had when it started us.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def keep_machine_code(state_dir: Path) -> None:
    """Let Numba keep what it compiles in ``jit`` of the state directory.

    A setting of ``NUMBA_CACHE_DIR`` goes first. Where the folder cannot be made, and where Numba
    is already loaded, nothing changes: it then looks for a place itself.
    """
    if os.environ.get(_CACHE_VARIABLE) or "numba" in sys.modules:
        return
    folder = state_dir.absolute() / "jit"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return
    if os.access(folder, os.W_OK):
        os.environ[_CACHE_VARIABLE] = str(folder)


def _text(path: Path) -> str:
    """Return what a file holds; nothing where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _cpu_name() -> str:
    """Return the processor's or board's name as the kernel tells it."""
    board = Path("/proc/device-tree/model")  # a Pi or a Jetson
    if board.is_file():
        return board.read_text(encoding="utf-8").strip("\0\n ")
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown"
