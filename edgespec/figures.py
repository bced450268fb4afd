"""Pictures: the one place that loads matplotlib, and says what is missing where it is not there."""

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgespec.errors import ConfigError
from edgespec.newfile import check_over, unwritable

__all__ = ["can_draw", "check_can_draw", "check_picture", "new_figure", "save_figure"]

#: How the name of a picture ends, as the help says.
_ENDINGS = (".png", ".svg", ".pdf")


def can_draw() -> bool:
    """Return whether matplotlib is installed, without loading it."""
    return find_spec("matplotlib") is not None


def check_can_draw() -> None:
    """See that pictures can be drawn, before anything that takes long.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    if not can_draw():
        raise ConfigError(
            f"pictures need matplotlib, which is not installed: {sys.executable} -m pip install "
            "matplotlib"
        )


def check_picture(path: Path) -> None:
    """See that a picture can be drawn into a file, before anything that takes long.

    Raises:
        ConfigError: matplotlib is not installed, the name of the file does not say what kind of
            picture it is to be, or the file cannot be written.
    """
    check_can_draw()
    if path.suffix.lower() not in _ENDINGS:
        *others, last = _ENDINGS
        raise ConfigError(
            f"{str(path)!r:.160} names no picture: a name that ends with {', '.join(others)} or "
            f"{last} is accepted"
        )
    check_over(path)


def new_figure(width_in: float, height_in: float) -> Any:
    """Return an empty figure of matplotlib, which arranges its panels by itself.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    check_can_draw()
    from matplotlib.figure import Figure

    return Figure(figsize=(width_in, height_in), layout="constrained")


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        figure.savefig(path, dpi=110)
    except OSError as error:
        raise unwritable(path, error) from error
    except ValueError as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error
