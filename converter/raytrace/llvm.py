"""Looks for the LLVM that the ray tracer's compiler needs, before anything of it is loaded."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from edgespec.errors import EdgespecError

__all__ = ["OLDEST_LLVM", "choose_llvm", "llvm_version"]

#: Older ones end the whole process while code is generated.
OLDEST_LLVM = 19

_VARIABLE = "DRJIT_LIBLLVM_PATH"
_FOLDERS = ("/usr/lib", "/usr/local/lib", "/opt/homebrew/opt/llvm/lib")
_PATTERNS = ("libLLVM*.so*", "*/libLLVM*.so*", "llvm-*/lib/libLLVM*.so*", "libLLVM*.dylib")
_INSTALL = (
    f"on Debian: apt-get install libllvm{OLDEST_LLVM}; elsewhere set {_VARIABLE} to the file of a "
    f"libLLVM of version {OLDEST_LLVM} or newer"
)

#: Asked in a process of its own: a second LLVM beside that of TensorFlow ends the process at exit.
_ASK = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
numbers = [ctypes.c_uint() for _ in range(3)]
if hasattr(library, "LLVMGetVersion"):
    library.LLVMGetVersion(*map(ctypes.byref, numbers))
print(numbers[0].value, flush=True)
"""


def choose_llvm() -> Path:
    """Return the libLLVM to use, and tell the compiler by ``DRJIT_LIBLLVM_PATH``.

    Raises:
        EdgespecError: none is there, or the one that the variable names is too old.
    """
    named = os.environ.get(_VARIABLE)
    if named:
        version = llvm_version(Path(named))
        if version is None or version < OLDEST_LLVM:
            found = "no LLVM that loads" if version is None else f"LLVM {version or 'before 16'}"
            raise EdgespecError(
                f"{_VARIABLE} is {named!r}, {found}: ray tracing dies with it; {_INSTALL}"
            )
        return Path(named)
    candidates = [(llvm_version(path) or 0, path) for path in _installed()]
    version, path = max(candidates, default=(0, Path()))
    if version < OLDEST_LLVM:
        raise EdgespecError(
            f"ray tracing needs LLVM {OLDEST_LLVM} or newer, and there is none here; {_INSTALL}"
        )
    os.environ[_VARIABLE] = str(path)
    return path


def llvm_version(path: Path) -> int | None:
    """Return the major version of a libLLVM: 0 for any before 16, None if it cannot be loaded."""
    named = re.search(r"libLLVM(?:\.so\.|-)(\d+)", path.name)
    if named and int(named[1]) < OLDEST_LLVM and path.exists():
        return 0 if int(named[1]) < 16 else int(named[1])
    done = subprocess.run(
        [sys.executable, "-c", _ASK, str(path)], capture_output=True, text=True, check=False
    )
    return int(done.stdout) if done.returncode == 0 and done.stdout.strip() else None


def _installed() -> Iterator[Path]:
    for folder in map(Path, _FOLDERS):
        for pattern in _PATTERNS:
            yield from sorted(folder.glob(pattern))
