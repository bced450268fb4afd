"""What the machine code of a kernel was made from: its file and every file that this imports."""

import functools
import re
from hashlib import sha256
from pathlib import Path

__all__ = ["digest_of"]

_PACKAGE = Path(__file__).resolve().parents[1]
_IMPORT = re.compile(
    rb"^\s*(?:from (edgespec[\w.]*) import (\([^)]*\)|.*)|import (edgespec[\w.]*))", re.MULTILINE
)
_DIGITS = 16


def digest_of(file: Path) -> str:
    """Return a hash over a file and all files of edgespec that it imports, near or far.

    What a kernel calls is compiled into it, and so are the constants it names, wherever they come
    from: after a change in any of these files the machine code is that of another program.
    Imports are read, not made; one that stands in a text does no harm.

    Raises:
        OSError: the file cannot be read.
    """
    found, waiting = {file}, [file]
    while waiting:
        for module in _read(waiting.pop())[1]:
            if module not in found:
                found.add(module)
                waiting.append(module)
    # Neither the order nor the place of the installation counts.
    return sha256("".join(sorted(_read(module)[0] for module in found)).encode()).hexdigest()[
        :_DIGITS
    ]


@functools.cache
def _read(file: Path) -> tuple[str, tuple[Path, ...]]:
    """Return the hash of a file and the files of edgespec that it names in imports."""
    text = file.read_bytes()
    modules: set[str] = set()
    for match in _IMPORT.finditer(text):
        base = (match[1] or match[3]).decode()
        names = re.findall(r"\w+", (match[2] or b"").decode(errors="replace"))
        modules.update([base, *(f"{base}.{name}" for name in names)])
    files = [path for module in sorted(modules) if (path := _file_of(module)) is not None]
    return sha256(text).hexdigest(), tuple(files)


def _file_of(module: str) -> Path | None:
    path = _PACKAGE.joinpath(*module.split(".")[1:])
    candidates = (path.with_suffix(".py"), path / "__init__.py")
    return next((candidate for candidate in candidates if candidate.is_file()), None)
