"""What to do about a key that a table does not know."""

from typing import Any

from edgespec.decode.kind import kinds_of
from edgespec.nearest import advice, nearest

__all__ = ["unknown_key"]


def unknown_key(key: str, known: list[str], path: str, root: type[Any] | None) -> str:
    """Return the nearest key of the table at ``path``; else the table it belongs into; else all.

    ``root`` is the dataclass of the whole file, None where only a part of it is read.
    """
    homes = [] if root is None else _homes(key, root)
    elsewhere = [f"[{home}]" for home in homes if not path.startswith(home)]
    if elsewhere and nearest(key, known) is None:
        return f"it belongs into {' or '.join(elsewhere)}"
    return advice(key, known)


def _homes(key: str, root: type[Any]) -> list[str]:
    """Return the tables of the whole that have such a key."""
    tables = ((name, kind.table) for name, kind in kinds_of(root).items())
    return [name for name, table in tables if table is not None and key in kinds_of(table)]
