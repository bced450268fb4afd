"""One task in whatever process it is given to: run, timed, its output put in place."""

import time
import traceback
from dataclasses import dataclass
from pathlib import Path

from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.task import Task
from edgespec.errors import EdgespecError

__all__ = ["Job", "Outcome", "execute"]


@dataclass(frozen=True, slots=True)
class Job:
    """A task that is ready, its key, and the WORK folder."""

    task: Task
    key: str
    work: Path


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a task; ``error`` is one line, empty where all went well."""

    task: str
    wall_s: float
    cpu_s: float
    error: str = ""


def execute(job: Job) -> Outcome:
    """Run a task to its end.

    Whatever goes wrong is this task's own: it is written to ``WORK/failed`` and returned.
    """
    task, folder = job.task, WorkFolder(job.work)
    wall, cpu = time.monotonic(), time.process_time()

    def spent() -> tuple[float, float]:
        return time.monotonic() - wall, time.process_time() - cpu

    try:
        with folder.scratch() as scratch:
            output = task.output(folder)
            out = scratch / output.name
            facts = task.run(folder, out)
            folder.finish(task.name, job.key, out, output, *spent(), facts)
    except Exception as error:
        folder.write_failure(task.name, traceback.format_exc())
        return Outcome(task.name, *spent(), error=_one_line(error))
    return Outcome(task.name, *spent())


def _one_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if isinstance(error, EdgespecError) and text else f"{type(error).__name__}: {text}"
