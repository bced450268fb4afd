"""A small file of the observer's state: a line of JSON, and the arrays that go with it."""

import json
import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from edgespec.errors import ModelError
from edgespec.inference.arrays import arrays_from_npz, npz_from_arrays
from edgespec.newfile import replace_file

__all__ = ["as_kept", "load_arrays", "range_of", "save_arrays"]

_LOG = logging.getLogger(__name__)

Kept = TypeVar("Kept")
Arrays = Mapping[str, NDArray[Any]]


def as_kept(head: Mapping[str, Any], arrays: Arrays) -> bytes:
    """Return the bytes of such a file: the arrays are a stored npz."""
    return json.dumps(head).encode() + b"\n" + npz_from_arrays(**arrays)


def range_of(head: Mapping[str, Any]) -> tuple[float, float]:
    """Return the ``range_hz`` of a line."""
    lower_hz, upper_hz = head["range_hz"][0], head["range_hz"][1]
    return float(lower_hz), float(upper_hz)


def save_arrays(path: Path, head: Mapping[str, Any], arrays: Arrays, *, unkept: str) -> None:
    """Put it in the place of the file in one step; a disk that refuses costs the file alone.

    Args:
        path: of the file.
        head: what JSON can hold.
        arrays: by their names.
        unkept: what to log where it cannot be written.
    """
    try:
        replace_file(path, as_kept(head, arrays))
    except OSError as error:
        _LOG.warning("%s: %s", unkept, error)


def load_arrays(
    path: Path, max_bytes: int, parse: Callable[[Any, Arrays], Kept], *, label: str, unlike: str
) -> Kept | None:
    """Return what was kept, None where there is nothing or nothing that can be read.

    Args:
        path: of the file.
        max_bytes: what is longer was not written here.
        parse: makes it of the line and the arrays; what is wrong with them may raise as it comes.
        label: of the arrays, in what is logged of them.
        unlike: what to log that the file is not.
    """
    try:
        with path.open("rb") as stream:
            data = stream.read(max_bytes + 1)
    except OSError:
        return None
    try:
        if len(data) > max_bytes:
            raise ValueError(f"it is longer than {max_bytes} bytes")
        first, _, rest = data.partition(b"\n")
        return parse(json.loads(first), arrays_from_npz(rest, label))
    except (
        *(ValueError, TypeError, LookupError, OverflowError, RecursionError, ModelError),
    ) as error:
        _LOG.warning("%s is %s (%s): it is not used", path, unlike, str(error)[:100])
        return None
