"""What was learnt of a site, as arrays by name: taken from one observer and given to another."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reference", "below", "filled", "under"]

#: Arrays of floats by names with dots; none is empty.
Reference = dict[str, NDArray[Any]]


def under(name: str, reference: Mapping[str, NDArray[Any]]) -> Reference:
    """Return a reference as a part, ``name``, of a larger one."""
    return {f"{name}.{key}": value for key, value in reference.items()}


def below(name: str, reference: Mapping[str, NDArray[Any]]) -> Reference:
    """Return the part of a reference that was put under a name; empty where there is none."""
    start = f"{name}."
    return {
        key.removeprefix(start): value for key, value in reference.items() if key.startswith(start)
    }


def filled(out: NDArray[Any], value: NDArray[Any]) -> None:
    """Copy an array into one that is there.

    Raises:
        ValueError: it is of another shape, or not all of it is finite.
    """
    if value.shape != out.shape or not np.isfinite(value).all():
        raise ValueError(f"an array of shape {value.shape} in place of {out.shape}, or not finite")
    out[...] = value
