"""The law: a parser works, or says in one short line why not, soon and in little memory."""

import resource
import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from edgespec.door import MESSAGE_CHARS
from edgespec.errors import EdgespecError
from tests.fuzz.target import Call

__all__ = ["MAX_CALL_S", "MAX_GROWTH_MB", "Outcome", "broken_by", "call_measured"]

#: Of processor time, so that other work on the machine breaks no law.
MAX_CALL_S = 1.0
MAX_GROWTH_MB = 200.0
_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call came to.

    ``problem`` is what it broke, in a line that is the same for the same fault; empty where it
    broke nothing.
    """

    problem: str
    is_refused: bool
    call_s: float
    growth_mb: float


def broken_by(error: BaseException) -> str:
    """Return what is wrong with an exception, nothing where it is as it should be."""
    if not isinstance(error, EdgespecError):
        return f"{type(error).__name__} at {_place(error)}"
    message = str(error)
    if not 0 < len(message) <= MESSAGE_CHARS:
        return f"a message of {'no' if not message else 'too many'} characters at {_place(error)}"
    if not message.isprintable():
        return f"a message that is no printable line at {_place(error)}"
    return ""


def call_measured(call: Call, data: bytes) -> Outcome:
    """Call a parser and judge it, time and memory too."""
    before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start_s = time.thread_time()
    problem, is_refused = "", False
    try:
        call(data)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        is_refused = True
        problem = broken_by(error)
    call_s = time.thread_time() - start_s
    growth_mb = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb) / 1024.0
    if not problem and call_s > MAX_CALL_S:
        problem = "a call that takes longer than a second"
    if not problem and growth_mb > MAX_GROWTH_MB:
        problem = "a call that takes more than 200 MB"
    return Outcome(problem, is_refused, call_s, growth_mb)


def _place(error: BaseException) -> str:
    """Return file and function of the innermost frame of the project."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith((f"{_ROOT}/edgespec", f"{_ROOT}/converter"))]
    frame = (ours or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno} {frame.name}"
