"""Where machine code is kept from run to run.

Numba looks at the file of a kernel alone: after a change in a function that is compiled into it,
old machine code would run. So the folder of each file with kernels is named by a hash of all that
its kernels are made from (:mod:`edgespec.jit.sources`), and folders of earlier sources are removed.

The first of these places that can be written to is taken: ``NUMBA_CACHE_DIR``, beside the source,
the user's cache folder. Where there is none, or no space is left, kernels are compiled in every
run, which is said once.
"""

import functools
import logging
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numba
from numba.core.caching import CompileResultCacheImpl, FunctionCache, NullCache, _CacheLocator

from edgespec.jit.progress import NOTICE
from edgespec.jit.sources import digest_of

__all__ = ["cache_folder", "kept"]

_LOG = logging.getLogger(__name__)
#: Folders of earlier sources that stay: that of a version one may go back to, and one more.
_N_KEPT = 2


def kept(dispatcher: Any) -> Any:
    """Return a kernel that finds its machine code of earlier runs, and leaves it for later ones."""
    # With its compiler switched off, Numba hands back the Python function.
    if hasattr(dispatcher, "py_func"):
        try:
            dispatcher._cache = _Cache(dispatcher.py_func)
        except RuntimeError:
            dispatcher._cache = _Uncached(dispatcher.py_func)
            _say_uncached("no folder can be written to")
    return dispatcher


def cache_folder(file: str) -> Path | None:
    """Return where the machine code of a file's kernels is kept; None where that is nowhere."""
    try:
        return _folder(Path(file).resolve())
    except OSError:
        return None


class _Locator(_CacheLocator):  # type: ignore[misc]
    """Tells Numba the place and the age of what it keeps."""

    def __init__(self, folder: Path, line: int) -> None:
        self._folder, self._line = folder, line

    @classmethod
    def from_function(cls, py_func: Any, py_file: str) -> "_Locator | None":
        folder = cache_folder(py_file)
        return None if folder is None else cls(folder, py_func.__code__.co_firstlineno)

    def get_cache_path(self) -> str:
        return str(self._folder)

    def get_source_stamp(self) -> str:
        return self._folder.name

    def get_disambiguator(self) -> str:
        return str(self._line)


class _Implementation(CompileResultCacheImpl):  # type: ignore[misc]
    _locator_classes = (_Locator,)


class _Cache(FunctionCache):  # type: ignore[misc]
    """A cache that never stops a kernel from running."""

    _impl_class = _Implementation

    def _index_key(self, sig: Any, codegen: Any) -> tuple[Any, ...]:
        # Numba's own holds a random number for every compiled function in a closure.
        cells = self._py_func.__closure__ or ()
        return sig, codegen.magic_tuple(), _constant([cell.cell_contents for cell in cells])

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        found = None
        try:
            found = super().load_overload(sig, target_context)
        except Exception as error:
            # A power cut leaves empty and torn files, which raise whatever comes to mind.
            _LOG.info("machine code of %s cannot be read, compiling it: %r", self._name, error)
            with suppress(OSError):
                self.flush()
        if found is None:
            NOTICE.begin(self._py_func.__name__, self._py_func.__module__)
        return found

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError as error:
            _say_uncached(error.strerror or str(error))


class _Uncached(NullCache):  # type: ignore[misc]
    """No cache, which lets it be known when a kernel is compiled as the other one does."""

    def __init__(self, py_func: Any) -> None:
        self._py_func = py_func

    def load_overload(self, sig: Any, target_context: Any) -> None:
        NOTICE.begin(self._py_func.__name__, self._py_func.__module__)


def _constant(value: Any) -> str:
    """Return a text that tells constants of a closure apart, in every run the same."""
    if isinstance(value, list | tuple):
        return f"({', '.join(_constant(item) for item in value)})"
    function = getattr(value, "py_func", None)
    return repr(value) if function is None else f"{function.__module__}.{function.__qualname__}"


@functools.cache
def _folder(file: Path) -> Path | None:
    """Return the folder for a file's kernels, made now; folders of its earlier sources go."""
    name = ".".join(file.with_suffix("").parts[-3:])
    for place in _places(file):
        folder = place / f"{name}-{digest_of(file)}"
        try:
            is_new = not folder.is_dir()
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError:
            continue
        if is_new:
            _remove_old(place, name, folder)
        return folder
    return None


def _places(file: Path) -> list[Path]:
    given = [Path(numba.config.CACHE_DIR) / "edgespec"] if numba.config.CACHE_DIR else []
    home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")  # noqa: PTH111
    return [*given, file.parent / "__pycache__", Path(home) / "edgespec" / "jit"]


def _remove_old(place: Path, name: str, folder: Path) -> None:
    others = [
        other for other in place.iterdir() if other.name.startswith(f"{name}-") and other != folder
    ]
    for other in sorted(others, key=_changed_at, reverse=True)[_N_KEPT:]:
        shutil.rmtree(other, ignore_errors=True)


def _changed_at(folder: Path) -> float:
    try:
        return folder.stat().st_mtime
    except OSError:
        # Another process was quicker.
        return 0.0


@functools.cache
def _say_uncached(reason: str) -> None:
    _LOG.warning(
        "compiled kernels cannot be kept (%s): every start compiles them again; set "
        "NUMBA_CACHE_DIR to a folder that this user may write to",
        reason,
    )
