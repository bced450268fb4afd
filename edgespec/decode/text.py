"""From text to tables: TOML and JSON, of bounded size, as plain dicts and lists."""

import json
import re
import tomllib
from pathlib import Path
from typing import Any

from edgespec.decode.shown import clipped, shown
from edgespec.door import brief, refuse_fifo
from edgespec.errors import EdgespecError

__all__ = [
    "parse_json",
    "parse_object",
    "parse_toml",
    "read_bounded",
    "read_kept",
    "read_toml",
    "why_unread",
]

#: The index of some ten thousand recordings has a tenth of this; a longer file is none of ours.
MAX_BYTES = 64 * 1024 * 1024
#: A file that people write; the largest of ours has 40 kB.
MAX_TOML_BYTES = 512 * 1024
#: Tables within tables in one key. A parser of TOML takes the square of it in time.
_MAX_PARTS = 16
_PART = r"""(?:(?<![\w-])[\w-]+|"[^"\n]*"|'[^'\n]*')[ \t]*"""
_LONG_KEY = re.compile(
    rf"""(?:^|[{{,])[ \t]*\[{{0,2}}[ \t]*(?:{_PART}\.[ \t]*){{{_MAX_PARTS}}}""", re.MULTILINE
)


def read_bounded(
    path: Path,
    error: type[EdgespecError],
    advice: str,
    most_bytes: int = MAX_BYTES,
    shorter: str = "",
) -> bytes:
    """Return the content of a file that is not endless; ``advice`` is what to do without it.

    ``shorter`` is what to do with one that is too long, where that is something else.

    Raises:
        EdgespecError: of the class ``error``: it cannot be read, or is too long.
    """
    try:
        refuse_fifo(path)
        with path.open("rb") as file:
            content = file.read(most_bytes + 1)
    except (OSError, ValueError) as caught:
        # A path with a zero byte is a ValueError.
        reason = caught.strerror if isinstance(caught, OSError) else caught
        raise error(f"{brief(path, 160)} cannot be read ({reason}); {advice}") from None
    if len(content) > most_bytes:
        raise error(f"{brief(path, 160)} has more than {most_bytes} bytes; {shorter or advice}")
    return content


def read_kept(
    path: Path, error: type[EdgespecError], advice: str, most_bytes: int = MAX_BYTES
) -> bytes | None:
    """Return the content of a file that may not be there yet: None then.

    Raises:
        EdgespecError: as :func:`read_bounded`; also where nobody may look for it.
    """
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        # Whoever opens it is told the same.
        pass
    return read_bounded(path, error, advice, most_bytes)


def read_toml(path: Path, error: type[EdgespecError], advice: str) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        EdgespecError: as :func:`read_bounded` and :func:`parse_toml`; it names the file.
    """
    content = read_bounded(path, error, advice, MAX_TOML_BYTES)
    try:
        return parse_toml(content.decode("utf-8-sig"), error)
    except UnicodeDecodeError as caught:
        raise error(f"{path} is no UTF-8 text at byte {caught.start}; save it as UTF-8") from None
    except error as caught:
        raise error(f"{path}: {caught}") from None


def parse_toml(text: str, error: type[EdgespecError]) -> dict[str, Any]:
    """Return the tables of a TOML text.

    Raises:
        EdgespecError: of the class ``error``: it is no TOML, or nested too deep.
    """
    if _LONG_KEY.search(text):
        raise error(f"no valid TOML: a key has more than {_MAX_PARTS} parts with dots between them")
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as caught:
        raise error(f"no valid TOML: {why_unread(caught)}") from None


def why_unread(caught: Exception) -> str:
    """Return why a parser of TOML or JSON gave up, in words for whoever wrote the text."""
    if isinstance(caught, RecursionError):
        return "its lists or tables are nested too deep"
    reason = str(caught)
    if "integer string conversion" in reason:
        return "a whole number has more than 4300 digits"
    return clipped(reason, 200)


def parse_object(
    text: bytes | str, error: type[EdgespecError], where: str, advice: str
) -> dict[str, Any]:
    """Return the object of a JSON text called ``where``.

    Raises:
        EdgespecError: of the class ``error``: it is no UTF-8, no JSON or no object, or it has a key
            twice or a number that is not finite.
    """
    try:
        data = json.loads(text, parse_constant=_refuse, object_pairs_hook=_once)
    except (ValueError, RecursionError) as caught:
        raise error(f"{where} is not JSON ({why_unread(caught)}): {advice}") from None
    if not isinstance(data, dict):
        raise error(f"{where} is {shown(data)}; it must be a JSON object: {advice}")
    return data


def parse_json(
    text: bytes | str, schema: str, error: type[EdgespecError], where: str, advice: str
) -> dict[str, Any]:
    """Return the object of a JSON text called ``where``, without its ``schema``.

    Raises:
        EdgespecError: as :func:`parse_object`; or the object is of another schema.
    """
    data = parse_object(text, error, where, advice)
    found = data.pop("schema", None)
    if found != schema:
        raise error(
            f"{where} has the schema {shown(found)}; this version of edgespec reads {schema!r}: "
            f"update edgespec, or {advice}"
        )
    return data


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"it has the key {clipped(twice, 60)!r} twice")
    return found
