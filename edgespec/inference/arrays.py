"""Arrays as bytes: a deterministic, stored ``.npz`` and a reader that trusts nothing."""

import io
import struct
import zipfile
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.door import brief
from edgespec.errors import ModelError

__all__ = ["ZIP_ERRORS", "arrays_from_npz", "npz_from_arrays", "zip_bytes", "zip_members"]

#: All that :mod:`zipfile` is known to raise on bytes that are not a zip, or no longer one.
ZIP_ERRORS = (
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    EOFError,
    IndexError,
    KeyError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
    struct.error,
)
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_MAX_MEMBERS = 32


def zip_bytes(members: Mapping[str, bytes]) -> bytes:
    """Return a stored zip: the same members give the same bytes, whatever their order."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name, _FIXED_DATE)
            info.create_system = 3
            info.external_attr = 0o644 << 16
            archive.writestr(info, members[name])
    return buffer.getvalue()


def zip_members(
    content: bytes, name: str, accepted: Collection[str] | None = None
) -> dict[str, bytes]:
    """Return the members of a stored zip in memory; ``name`` stands for it in messages.

    Names and sizes are looked at before anything is read.

    Raises:
        ModelError: it is no zip, or compressed, or has duplicate names or others than the
            ``accepted`` ones, or more than it can hold, or something before or behind it.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            infos = archive.infolist()
            if not content.startswith(b"PK") or content[-22:-18] != b"PK\5\6" or archive.comment:
                raise ValueError("something stands before or behind it")
            for info in infos:
                if accepted is not None and info.filename not in accepted:
                    raise ModelError(
                        f"{name} has the unknown member {info.filename!r:.80}; accepted are "
                        f"{', '.join(accepted)}: fetch or convert it again"
                    )
            names = [info.filename for info in infos]
            if len(infos) > _MAX_MEMBERS or len(set(names)) != len(names):
                raise ModelError(
                    f"{name} has {len(infos)} members, {len(set(names))} of them distinct; at "
                    f"most {_MAX_MEMBERS}, each once, are accepted: fetch or convert it again"
                )
            if sum(info.file_size for info in infos) > len(content):
                raise ValueError("its members overlap, or are larger than the file")
            for info in infos:
                if info.compress_type != zipfile.ZIP_STORED:
                    raise ModelError(
                        f"{name} has the member {info.filename!r:.80}, which is compressed; "
                        "members must be stored: fetch or convert it again"
                    )
            return {info.filename: archive.read(info) for info in infos}
    except ZIP_ERRORS as error:
        raise ModelError(
            f"{name} is not an intact zip file ({error}): fetch or convert it again"
        ) from error


def npz_from_arrays(**arrays: NDArray[np.floating[Any]]) -> bytes:
    """Return arrays of floats as a stored ``.npz`` that ``numpy.load`` reads."""
    members = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)
        members[f"{name}.npy"] = buffer.getvalue()
    return zip_bytes(members)


def arrays_from_npz(content: bytes, name: str) -> dict[str, NDArray[Any]]:
    """Return the arrays of a stored ``.npz``, without pickles and without copying.

    Raises:
        ModelError: it is not such a file, or an array is not as large as its header says.
    """
    arrays = {}
    for member, data in zip_members(content, name).items():
        arrays[member.removesuffix(".npy")] = _array(data, f"{name}: {member}")
    return arrays


def _array(data: bytes, name: str) -> NDArray[Any]:
    # np.load would allocate whatever shape the header asks for before it reads a byte.
    stream = io.BytesIO(data)
    try:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError("version of the format")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        if fortran or dtype.kind != "f" or any(n < 1 for n in shape):
            raise ValueError(f"type {dtype}, shape {shape}")
        return np.frombuffer(data, dtype, offset=stream.tell()).reshape(shape)
    except Exception as error:
        # numpy reads the header as Python, which fails in more ways than it says.
        raise ModelError(
            f"{name} is not a plain array of floats ({type(error).__name__} {brief(error)}): "
            "fetch or convert it again"
        ) from error
