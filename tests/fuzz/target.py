"""What can be fuzzed: a parser that takes bytes, and good inputs to start from."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Call", "Target"]

#: Takes bytes as they might come from anywhere; works, or raises EdgespecError.
Call = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    Args:
        seeds: makes inputs that the parser accepts.
        open: makes the call; it may keep files in the folder.
        cost: how many times longer a call takes than parsing a message; a short run makes fewer.
        needs_converter: whether it needs the extra ``converter``.
    """

    seeds: Callable[[], list[bytes]]
    open: Callable[[Path], Call]
    cost: int = 1
    needs_converter: bool = False
