"""Numbers out of a learnt state that anybody may have written."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.decode.shown import shown

__all__ = ["array_of", "integer_of"]


def integer_of(items: Any, key: str | int, least: int, most: int) -> int:
    """Return a whole number within bounds.

    Raises:
        ValueError, KeyError, IndexError, TypeError: there is none.
    """
    value = items[key]
    if type(value) is not int or not least <= value <= most:
        raise ValueError(f"{key} is {shown(value)}")
    return value


def array_of(
    items: dict[str, Any], key: str, shape: tuple[int, ...], least: float, most: float
) -> NDArray[np.float64]:
    """Return numbers of a shape and within bounds; texts and truth values are none.

    Raises:
        ValueError, KeyError, TypeError: there are none.
    """
    values = np.array(items[key])
    if values.shape != shape or values.dtype.kind not in "fiu":
        raise ValueError(f"{key} has the shape {values.shape}, not {shape} of numbers")
    # Written so that NaN fails.
    if not ((values >= least) & (values <= most)).all():
        raise ValueError(f"{key} has numbers outside of {least:g} to {most:g}")
    return values.astype(np.float64)
