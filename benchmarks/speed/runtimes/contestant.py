"""What a runtime is to the benchmark: a function from the number of a window to its output."""

import importlib
from collections.abc import Callable
from typing import Any

from benchmarks.speed.networks import Case
from edgespec.records import FloatArray

__all__ = ["Contestant", "LeftOutError", "Maker", "installed"]

#: Takes the number of a window of the case; returns the output, of any shape.
Contestant = Callable[[int], FloatArray]
Maker = Callable[[Case], Contestant]


class LeftOutError(Exception):
    """This runtime cannot take part, and why."""


def installed(module: str) -> Any:
    """Return a module.

    Raises:
        LeftOutError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError:
        raise LeftOutError(f"{module.partition('.')[0]} is not installed") from None
