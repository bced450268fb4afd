"""Arrays from a file that another program wrote: read with care, never unpickled."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from edgespec.door import door
from edgespec.errors import ConfigError
from edgespec.npz import read_npz

__all__ = ["read_arrays"]


def read_arrays(path: Path, names: Collection[str], advice: str) -> dict[str, NDArray[Any]]:
    """Return those arrays of numbers that the npz file at ``propagation.file`` has.

    Raises:
        ConfigError: it cannot be read; ``advice`` says what makes such a file.
    """
    with door(f"propagation.file {str(path)!r}", ConfigError, advice):
        arrays = read_npz(path, "fiu")
    return {name: array for name, array in arrays.items() if name in names}
