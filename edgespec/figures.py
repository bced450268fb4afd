"""Pictures: the one place that loads matplotlib, and says what is missing where it is not there."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from edgespec.errors import ConfigError

__all__ = ["can_draw", "new_figure", "save_figure"]


def can_draw() -> bool:
    """Return whether matplotlib is installed, without loading it."""
    return find_spec("matplotlib") is not None


def new_figure(width_in: float, height_in: float) -> Any:
    """Return an empty figure of matplotlib, which arranges its panels by itself.

    Raises:
        ConfigError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise ConfigError(
            "pictures need matplotlib: install the extra (pip install 'edgespec[twin]')"
        ) from None
    return Figure(figsize=(width_in, height_in), layout="constrained")


def save_figure(figure: Any, path: Path) -> None:
    """Write a figure, in the format that the file's name asks for.

    Raises:
        ConfigError: the file cannot be written.
    """
    try:
        figure.savefig(path, dpi=110)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be written: {error}") from error
