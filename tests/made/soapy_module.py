"""A radio of SoapySDR for tests, from ``soapy_module.cpp``: what it plays, and how it breaks."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

__all__ = ["PlayedRadio", "compile_module"]

_SOURCE = Path(__file__).with_suffix(".cpp")
_HEADERS = Path("/usr/include/SoapySDR/Device.hpp"), Path("/usr/local/include/SoapySDR/Device.hpp")


def compile_module(folder: Path) -> None:
    """Compile the module into a folder; skips the test where that is not possible."""
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler is here to make a SoapySDR module with")
    if not any(header.exists() for header in _HEADERS):
        pytest.skip("the headers of SoapySDR are not here: apt install libsoapysdr-dev")
    command = [compiler, "-O1", "-std=c++14", "-shared", "-fPIC", str(_SOURCE)]
    subprocess.run([*command, "-o", str(folder / "played.so"), "-lSoapySDR"], check=True)


class PlayedRadio:
    """The radio: one plan for each opening, the last for all further ones.

    Args:
        folder: an empty one, which belongs into ``PLAYED``.
        samples: what it plays, in its own format.
        plans: what ``soapy_module.cpp`` says.
    """

    def __init__(self, folder: Path, samples: np.ndarray, *plans: dict[str, object]) -> None:
        self.folder = folder
        data = folder / "data"
        data.write_bytes(samples.tobytes())
        for index, plan in enumerate(plans):
            lines = "".join(f"{key}={value}\n" for key, value in {"data": data, **plan}.items())
            (folder / f"plan.{index}").write_text(lines)

    @property
    def starts(self) -> list[int]:
        """The process of each opening so far."""
        path = self.folder / "starts"
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def told(self) -> list[str]:
        """What it was set to so far."""
        path = self.folder / "set"
        return path.read_text().splitlines() if path.exists() else []
