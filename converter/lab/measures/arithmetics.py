"""What every detector of the laboratory computes with, and no copy of one holds a second time."""

from types import ModuleType
from typing import Any, Final

from edgespec.computing import Computing
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.scan.arithmetic import open_arithmetic as open_scan_arithmetic

__all__ = ["shared_modules"]

_AUTO: Final = Computing.named("auto")


def shared_modules() -> dict[int, Any]:
    """Return what copies of a detector share, as :func:`copy.deepcopy` takes it: arithmetics."""
    found = (open_arithmetic(_AUTO), open_scan_arithmetic(_AUTO))
    return {id(item): item for item in found if isinstance(item, ModuleType)}
