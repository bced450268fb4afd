"""How all between samples and scores is computed: in compiled loops, or plainly."""

import importlib.util
import os
from enum import StrEnum

from edgespec.errors import ConfigError

__all__ = ["AUTO", "Computing", "compiler_is_off", "loops_are_quick"]

#: Compiled where that is possible.
AUTO = "auto"


class Computing(StrEnum):
    """The two ways; both give the same within float32.

    ``compiled`` are loops by Numba, one pass over the arrays for each step. ``plain`` is NumPy and
    scipy.fft: the readable one, and the one without a compiler, for boards with little memory.
    """

    COMPILED = "compiled"
    PLAIN = "plain"

    @classmethod
    def named(cls, name: str = AUTO) -> "Computing":
        """Return the way of a name; ``auto`` is compiled where Numba is installed.

        Raises:
            ConfigError: the name is unknown.
        """
        if name == AUTO:
            return cls.COMPILED if importlib.util.find_spec("numba") else cls.PLAIN
        if name not in tuple(cls):
            raise ConfigError(f"computing is {name!r}; known are {AUTO}, {', '.join(cls)}")
        return cls(name)


def compiler_is_off() -> bool:
    """Whether ``NUMBA_DISABLE_JIT`` makes compiled loops plain Python, which is far slower."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")


def loops_are_quick() -> bool:
    """Whether there is a compiler for loops, which is not switched off."""
    return Computing.named() is Computing.COMPILED and not compiler_is_off()
