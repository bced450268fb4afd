"""The process that looks for a running observer: ``python -m edgespec.ops.look.beside``.

A configuration, the id of a band, what was heard of it and where to draw it, None for nowhere, come
pickled on standard input, as :mod:`edgespec.observer.errands.asked_look` writes them; both ends
are this program. Standard output has the object that ``edgespec look --json`` prints.
"""

import pickle
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from edgespec.config import Config
from edgespec.errors import EdgespecError
from edgespec.ops.look.opening import HeardOf, open_view
from edgespec.ops.look.through import look_through
from edgespec.wire.text import encode

__all__ = ["look_beside"]


def look_beside(
    config: Config, band: str, heard: HeardOf, duration_s: float, picture: Path | None
) -> dict[str, Any]:
    """Return what ``edgespec look --json`` says of what an observer heard, and draw it.

    Raises:
        EdgespecError: it cannot be looked at.
        OSError: the picture cannot be written.
    """
    view = open_view(config, band, check=lambda one: None, heard=heard)
    found = replace(look_through(view, duration_s), source=heard.source)
    if picture is not None:
        from edgespec.ops.look.picture import draw_look

        draw_look(found, picture)
    return found.as_json()


if __name__ == "__main__":
    given: tuple[Config, str, tuple[Path, str], float, Path | None] = pickle.loads(
        sys.stdin.buffer.read()
    )
    asked, name, (meta, uri), seconds, path = given
    try:
        said = look_beside(asked, name, HeardOf(meta, uri), seconds, path)
    except EdgespecError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(encode(said))
