"""Looks for the LLVM that the ray tracer's compiler needs, before anything of it is loaded."""

import ctypes
import os
import re
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
    try:
        library = ctypes.CDLL(str(path))
    except OSError:
        return None
    if not hasattr(library, "LLVMGetVersion"):
        return 0
    numbers = [ctypes.c_uint() for _ in range(3)]
    library.LLVMGetVersion(*(ctypes.byref(number) for number in numbers))
    return int(numbers[0].value)


def _installed() -> Iterator[Path]:
    for folder in map(Path, _FOLDERS):
        for pattern in _PATTERNS:
            yield from sorted(folder.glob(pattern))
