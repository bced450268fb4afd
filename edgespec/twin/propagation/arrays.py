"""Arrays from a file that another program wrote: read with care, never unpickled."""

import zipfile
import zlib
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError

__all__ = ["read_arrays"]

#: What numpy and zipfile raise for a file that is cut off, damaged or something else.
_BROKEN = (ValueError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError, TypeError)


def read_arrays(path: Path, names: Collection[str], advice: str) -> dict[str, NDArray[Any]]:
    """Return those arrays of numbers that the npz file at ``propagation.file`` has.

    Raises:
        ConfigError: it cannot be read; ``advice`` says what makes such a file.
    """
    try:
        # Opened here: numpy leaves a file open that turns out to be no archive.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            arrays = {name: file[name] for name in names if name in file}
    except OSError as error:
        raise _unreadable(path, error.strerror or "it is damaged", advice) from None
    except _BROKEN:
        raise _unreadable(path, "it is no npz, or damaged", advice) from None
    return {name: array for name, array in arrays.items() if array.dtype.kind in "fiu"}


def _unreadable(path: Path, reason: str, advice: str) -> ConfigError:
    return ConfigError(f"propagation.file {str(path)!r} cannot be read ({reason}); {advice}")
