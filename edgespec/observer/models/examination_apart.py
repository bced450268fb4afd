"""A model that came over the broker is examined in a process apart, at the lowest priority.

``python -m edgespec.observer.models.examination_apart``: standard input has a pickled task, and
standard output gets what became of it. Both ends are this program. Whatever a model does to a
runtime happens there, and takes no time that the bands need.
"""

import errno
import json
import logging
import os
import pickle
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event as Flag

from edgespec.apart import run_apart
from edgespec.config import Config
from edgespec.errors import ConfigError, EdgespecError, ModelError
from edgespec.inference.bundle import Bundle, parse_bundle
from edgespec.machine import keep_machine_code
from edgespec.observer.models.examination import Examined, examine

__all__ = ["examine_apart"]

_MODULE = "edgespec.observer.models.examination_apart"
#: On a board that compiles for the first time, beside bands that leave little time.
_LONGEST_S = 1800.0


@dataclass(frozen=True, slots=True)
class _Task:
    """A bundle, and the configuration of the one band that it is for."""

    config: Config
    path: Path
    content: bytes


def examine_apart(config: Config, bundle: Bundle, content: bytes, stopping: Flag) -> Examined:
    """Examine a model as :func:`~edgespec.observer.models.examination.examine` does.

    Args:
        config: of an observer of the band.
        bundle: what ``content`` holds.
        content: the bytes of its file.
        stopping: ends it once it is set.

    Raises:
        ModelError: as there; or it ended the process that examined it.
        ConfigError: it could not be examined for now: there is no such process, it took too long,
            or was stopped.
    """
    task = pickle.dumps(_Task(config, bundle.path, content))
    try:
        cache = config.node.state_dir / "matplotlib"
        out = run_apart((_MODULE,), task, stopping, _LONGEST_S, cache)
    except OSError as error:
        if error.errno == errno.ECHILD:
            raise ModelError(f"the process that examined it crashed ({error.strerror})") from None
        raise ConfigError(f"it cannot be examined for now: {error.strerror}") from None
    found = json.loads(out)
    if "error" in found:
        raise ModelError(found["error"])
    return Examined(**{**found, "doubts": tuple(found["doubts"])})


def _main() -> None:
    """Examine what standard input has, and say what became of it."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as said:
        # Whatever a runtime writes there is no answer.
        os.dup2(2, 1)
        task: _Task = pickle.load(sys.stdin.buffer)
        logging.disable(logging.CRITICAL)
        keep_machine_code(task.config.node.state_dir)
        try:
            bundle = parse_bundle(task.content, task.path)
            found = asdict(examine(task.config, bundle))
        except EdgespecError as error:
            found = {"error": str(error)}
        json.dump(found, said)


if __name__ == "__main__":
    _main()
