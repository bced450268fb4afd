"""What a check is told and what it answers."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from edgespec.config import Config
from edgespec.sources.soapy.listed import SoapyRadio, soapy_radios

__all__ = ["Finding", "Machine", "Status", "Subject"]

Status = Literal["ok", "warn", "fail", "skipped"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Answer of one check; ``fix`` says what to do, empty where nothing is to be done."""

    status: Status
    detail: str
    fix: str = ""


def _run(command: Sequence[str]) -> str | None:
    """Return what a program printed, or None where it is missing, hangs or fails."""
    if shutil.which(command[0]) is None:
        return None
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _free_bytes(folder: Path) -> int:
    return shutil.disk_usage(folder).free


@dataclass(frozen=True, slots=True)
class Machine:
    """Where the checks find the machine; a test puts another one in its place."""

    proc_dir: Path = Path("/proc")
    sys_dir: Path = Path("/sys")
    run: Callable[[Sequence[str]], str | None] = _run
    free_bytes: Callable[[Path], int] = _free_bytes
    soapy_radios: Callable[[], Sequence[SoapyRadio]] = soapy_radios


@dataclass(frozen=True, slots=True)
class Subject:
    """What every check is told: the configuration, the machine, whether to fill caches.

    ``progress`` is told what takes long.
    """

    config: Config
    warm: bool = False
    machine: Machine = field(default_factory=Machine)
    timeout_s: float = 5.0
    progress: Callable[[str], None] = lambda text: None

    @property
    def scheme(self) -> str:
        """Scheme of the configured source, such as ``rtlsdr``."""
        return (self.config.source[0].uri or "").partition(":")[0]
