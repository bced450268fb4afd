"""What people asked of an observer, in the history: one row for each time that it was done."""

import json
import logging
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgespec.clock import ClockQuality, kernel_synchronised
from edgespec.door import brief
from edgespec.history.within import within

__all__ = ["KeptAction", "actions", "note_action"]

_LOG = logging.getLogger(__name__)
#: Whoever asks waits for it, and so may a broker.
_WAIT_S = 1.0
_INSERT = "INSERT INTO actions (at_ns, clock, command, request, answer) VALUES (?, ?, ?, ?, ?)"


@dataclass(frozen=True, slots=True)
class KeptAction:
    """A command, when it was done, and what was asked and answered."""

    at_ns: int
    clock: str
    command: str
    request: dict[str, Any]
    answer: dict[str, Any]


def note_action(
    path: Path, at_ns: int, command: str, request: dict[str, Any], answer: dict[str, Any]
) -> None:
    """Add what was done to a history that is there, from whatever process.

    Where there is none, or it takes nothing now, the log alone has it: it was done.
    """
    if not path.exists():
        return
    is_good = kernel_synchronised()
    clock = ClockQuality.SYNCHRONISED if is_good else ClockQuality.UNSYNCHRONISED
    texts = [json.dumps(one, separators=(",", ":")) for one in (request, answer)]
    try:
        with closing(sqlite3.connect(path, timeout=_WAIT_S, isolation_level=None)) as base:
            base.execute(_INSERT, (at_ns, clock.value, command, *texts))
    except (sqlite3.Error, UnicodeError, OverflowError) as error:
        _LOG.warning("%s of %s is not in the history: %s", command, texts[0], brief(error))


def actions(
    base: sqlite3.Connection, since_ns: int | None, until_ns: int | None
) -> Iterator[KeptAction]:
    """Yield what was done in a time, in its order; what is none is left out."""
    asked, values = within(("at_ns >= ?", since_ns), ("at_ns < ?", until_ns))
    found = base.execute(
        f"SELECT at_ns, clock, command, request, answer FROM actions WHERE {asked} ORDER BY number",
        values,
    )
    for at_ns, clock, command, *texts in found:
        try:
            request, answer = map(json.loads, texts)
        except ValueError:
            continue
        if isinstance(request, dict) and isinstance(answer, dict):
            yield KeptAction(at_ns, clock, command, request, answer)
