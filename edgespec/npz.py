"""Arrays from a file that another program wrote: sizes first, never unpickled."""

import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief, refuse_fifo

__all__ = ["check_npy", "read_npz"]

#: More than any map or twin has; a file that says more of itself is refused before it is read.
MAX_BYTES = 128 * 1024 * 1024
_MAX_MEMBERS = 1024
#: The last code point of Unicode.
_MAX_CODE = 0x10FFFF
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_npz(
    path: Path, kinds: str = "fiuU", max_bytes: int = MAX_BYTES
) -> dict[str, NDArray[Any]]:
    """Return the arrays of an npz file; those of other ``kinds`` of values are left out.

    One of more than ``max_bytes`` is refused.

    To be called behind a :func:`~edgespec.door.door`: what the bytes may raise is anything.

    Raises:
        ValueError: it says of itself that it is larger than it can be, or its text is none.
    """
    arrays: dict[str, NDArray[Any]] = {}
    refuse_fifo(path)
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        n_bytes = sum(info.file_size for info in infos)
        if n_bytes > max_bytes or len(infos) > _MAX_MEMBERS:
            raise ValueError(f"{len(infos)} arrays with {n_bytes} bytes")
        for info in infos:
            with archive.open(info) as file:
                dtype = check_npy(file, info.file_size)
            if dtype.kind in kinds:
                with archive.open(info) as file:
                    name = info.filename.removesuffix(".npy")
                    arrays[name] = np.lib.format.read_array(file, allow_pickle=False)
                _check_text(name, arrays[name])
    return arrays


def check_npy(file: IO[bytes], n_bytes: int) -> "np.dtype[Any]":
    """Return the type of the array in a file of ``n_bytes``, which is open at its start.

    Raises:
        ValueError: it is no such file, or the array is larger than what stands behind its header.
    """
    version = np.lib.format.read_magic(file)
    if version not in _HEADERS:
        raise ValueError(f"version {version}")
    shape, _, dtype = _HEADERS[version](file)
    if any(n < 0 for n in shape) or len(shape) > 16:
        raise ValueError(f"shape {brief(shape)}")
    if not dtype.hasobject and int(np.prod(shape, dtype=object)) * dtype.itemsize > n_bytes:
        raise ValueError(f"{brief(shape)} of {dtype} in {n_bytes} bytes")
    return dtype


def _check_text(name: str, array: NDArray[Any]) -> None:
    """Refuse text of code points that there are not: Python's own methods break on it."""
    if array.dtype.kind != "U" or not array.size or not array.dtype.itemsize:
        return
    codes = np.ascontiguousarray(array).reshape(-1)
    if (codes.view(np.dtype("u4").newbyteorder(array.dtype.byteorder)) > _MAX_CODE).any():
        raise ValueError(f"{brief(name)} holds no text")
