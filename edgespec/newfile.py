"""A file that a person asked for, and that must not cost one that is there."""

from pathlib import Path

from edgespec.errors import ConfigError

__all__ = ["write_new"]


def write_new(path: Path, text: str) -> None:
    """Write a file where there was none.

    Raises:
        ConfigError: it exists, or cannot be written.
    """
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError(
            f"{path} exists and is not overwritten: choose another name or remove it first"
        ) from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror}") from error
