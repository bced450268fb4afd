"""The archive: every part goes through the scrubber, and none around it."""

import io
import os
import tarfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgespec import __version__
from edgespec.config.secrets import HIDDEN, secrets_of
from edgespec.newfile import check_absent, unwritable
from edgespec.ops.support.contents import PARTS, Part, Question, told
from edgespec.ops.support.scrubber import Scrubber
from edgespec.screen.table import Column, Table

__all__ = ["Support", "write_support"]

_MODE = 0o600


@dataclass(frozen=True, slots=True)
class Support:
    """An archive that was written, and what is in it: name, bytes and words of each part."""

    path: Path
    parts: tuple[tuple[str, int, str], ...]

    def as_text(self, width: int | None = None) -> str:
        """Return it as lines for people."""
        columns = (Column(), Column(is_right=True), Column())
        rows = [(name, str(n_bytes), words) for name, n_bytes, words in self.parts]
        lines = Table(columns, rows, width, indent=2).lines()
        return "\n".join(
            (f"{self.path} holds", *lines, f"Secrets are {HIDDEN}; look before you send.")
        )

    def as_json(self) -> dict[str, Any]:
        """Return it as an object of schema ``edgespec.support/1``."""
        keys = ("name", "bytes", "words")
        return {
            "schema": "edgespec.support/1",
            "path": str(self.path),
            "parts": [dict(zip(keys, part, strict=True)) for part in self.parts],
        }


def write_support(path: Path, question: Question, parts: Sequence[Part] = PARTS) -> Support:
    """Write an archive (tar, gzip) that only this user may read.

    Args:
        path: where none is yet.
        question: what it is about.
        parts: what goes into it.

    Raises:
        ConfigError: there is a file already, or none can be written.
    """
    scrubber = Scrubber(secrets_of(question.config).all_texts())
    check_absent(path)
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE)
    except OSError as error:
        raise unwritable(path, error) from error
    written = []
    with os.fdopen(file, "wb") as stream, tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for part in (_about(parts), *parts):
            data = scrubber.scrub(told(part, question)).encode(errors="replace")
            entry = tarfile.TarInfo(f"edgespec-support/{part.name}")
            entry.size, entry.mode, entry.mtime = len(data), _MODE, int(time.time())
            archive.addfile(entry, io.BytesIO(data))
            written.append((part.name, len(data), part.words))
    return Support(path, tuple(written))


def _about(parts: Sequence[Part]) -> Part:
    lines = Table([Column()] * 2, [(part.name, part.words) for part in parts]).lines()
    text = "\n".join(
        (
            f"edgespec {__version__}, {time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())}",
            "",
            *lines,
            "",
            f"Passwords, tokens, keys, commands and users in addresses are {HIDDEN}, as is what",
            "EDGESPEC_* variables say. No samples and no pictures are in it.",
        )
    )
    return Part("about.txt", "what is in it", lambda question: f"{text}\n")
