"""Arrays of a stored ``.npz`` as read-only memory maps: a data set may be larger than memory."""

import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import door
from edgespec.errors import SourceError

__all__ = ["map_npz"]

#: Length of a local file header of a zip, and where the lengths of name and extra field lie.
_LOCAL_HEADER_BYTES = 30
_NAME_LENGTHS = struct.Struct("<26xHH")


def map_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays of a file that ``numpy.savez`` wrote, by name, without reading them.

    Raises:
        SourceError: the file is missing, damaged or compressed.
    """
    with (
        door(f"recording {str(path)!r} of the data set", SourceError, "build the data set again"),
        zipfile.ZipFile(path) as archive,
        path.open("rb") as file,
    ):
        return {
            info.filename.removesuffix(".npy"): _map_member(path, file, info)
            for info in archive.infolist()
        }


def _map_member(path: Path, file: Any, info: zipfile.ZipInfo) -> NDArray[Any]:
    if info.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{info.filename} is compressed")
    file.seek(info.header_offset)
    lengths = _NAME_LENGTHS.unpack(file.read(_LOCAL_HEADER_BYTES))
    file.seek(info.header_offset + _LOCAL_HEADER_BYTES + sum(lengths))
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError(f"{info.filename} has an unknown version")
    shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.memmap(path, dtype, "r", file.tell(), shape).view(np.ndarray)
