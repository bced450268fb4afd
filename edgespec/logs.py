"""How lines are logged on stderr: for people or as JSON, and repeated ones not for ever."""

import json
import logging
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import TextIO

from edgespec.units import format_utc

__all__ = ["STYLES", "JsonLines", "RepeatLimit", "are_json", "begin_logs", "log_handler"]

#: By name, how a line is written.
STYLES = ("text", "json")
_TEXT = "%(levelname)s: %(message)s"
#: What these say of their insides is for whoever works on them: a compiler lists all it makes.
_LIBRARIES = ("numba", "matplotlib", "PIL", "asyncio")


class JsonLines(logging.Formatter):
    """One JSON object a line, of schema ``edgespec.log/1``: UTC, level, logger, message, error."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "schema": "edgespec.log/1",
            "utc": format_utc(round(record.created * 1e9)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line)


class RepeatLimit(logging.Filter):
    """Passes so many lines of one kind in a while; the next one then says how many it left out.

    A kind is a logger, a level and a text before anything is put into it, if it has words. Whoever
    wants to tell every single thing writes it to stdout, not to the log.

    Args:
        most: lines of one kind in a while.
        while_s: its length.
        clock: seconds, of a clock that never steps.
    """

    #: Kinds that are remembered; the one that was silent for the longest is forgotten.
    MOST_KINDS = 256

    def __init__(
        self, most: int = 10, while_s: float = 60.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._most = most
        self._while_s = while_s
        self._clock = clock
        # Since when a kind is counted, and how many lines there were.
        self._kinds: OrderedDict[tuple[str, int, str], tuple[float, int]] = OrderedDict()
        self._lock = Lock()

    def filter(self, record: logging.LogRecord) -> bool:
        """Return whether a line passes; it may get words about those that did not."""
        text = str(record.msg)
        if not text.replace("%s", "").strip():
            text = record.getMessage()
        kind, now_s = (record.name, record.levelno, text), self._clock()
        with self._lock:
            since_s, n = self._kinds.pop(kind, (now_s, 0))
            n_left_out = 0
            if now_s - since_s >= self._while_s:
                since_s, n, n_left_out = now_s, 0, max(0, n - self._most)
            self._kinds[kind] = since_s, n + 1
            if len(self._kinds) > self.MOST_KINDS:
                self._kinds.popitem(last=False)
        if n_left_out:
            record.msg = f"{record.getMessage()} (and {n_left_out} more like this before)"
            record.args = ()
        return n < self._most


class _Stderr:
    """What stderr is at the time: a live line takes its place, so that lines come above it."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


def log_handler(style: str, stream: TextIO | _Stderr) -> logging.Handler:
    """Return what writes lines in one of :data:`STYLES` to a stream."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines() if style == "json" else logging.Formatter(_TEXT))
    handler.addFilter(RepeatLimit())
    return handler


def begin_logs(style: str, *, is_verbose: bool) -> None:
    """Log on stderr from now on, unless somebody logs already."""
    level = logging.DEBUG if is_verbose else logging.INFO
    logging.basicConfig(level=level, handlers=[log_handler(style, _Stderr())])
    for library in _LIBRARIES:
        logging.getLogger(library).setLevel(logging.WARNING)
    if are_json():
        logging.captureWarnings(capture=True)


def are_json() -> bool:
    """Whether lines on stderr are JSON."""
    return any(isinstance(one.formatter, JsonLines) for one in logging.getLogger().handlers)
