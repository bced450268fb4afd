"""A pool of processes of our own, for a worker that dies takes only its task with it.

Workers are spawned, each with one thread for its numerical libraries: side by side they use the
cores better than together. Those that train are others than those that score, so that only they
touch a GPU.
"""

import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from converter.lab.engine.environment import SCORING, environment
from converter.lab.engine.execute import Job, Outcome, execute
from converter.lab.engine.folder import WorkFolder

__all__ = ["ProcessPool"]

#: Until a worker that was asked to end is killed.
_PATIENCE_S = 5.0


@dataclass(slots=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    trains: bool
    job: Job | None = None
    began: float = 0.0


class ProcessPool:
    """At most ``n_workers`` tasks at once, each in a process that lives for many."""

    def __init__(self, n_workers: int) -> None:
        self.n_slots = n_workers
        self._workers: list[_Worker] = []

    def submit(self, job: Job) -> None:
        """Give the task to an idle worker of its kind, or to a new one."""
        trains = job.task.is_training
        idle = (w for w in self._workers if w.job is None and w.trains == trains)
        worker = next(idle, None) or self._start(trains)
        worker.job, worker.began = job, time.monotonic()
        worker.pipe.send(job)

    def collect(self) -> list[Outcome]:
        """Wait for the next results; a worker that died has failed its task."""
        busy = {worker.pipe: worker for worker in self._workers if worker.job is not None}
        return [self._outcome(busy[pipe]) for pipe in connection.wait(list(busy))]  # type: ignore[index]

    def close(self) -> None:
        """End all workers."""
        for worker in self._workers:
            worker.process.terminate()
        for worker in self._workers:
            worker.process.join(_PATIENCE_S)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
            worker.pipe.close()
        self._workers.clear()

    def _start(self, trains: bool) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(theirs,), daemon=True)
        # Libraries read it when they are loaded, which may be before our first line.
        with environment({} if trains else SCORING):
            process.start()
        theirs.close()
        worker = _Worker(process, ours, trains)
        self._workers.append(worker)
        return worker

    def _outcome(self, worker: _Worker) -> Outcome:
        job = worker.job
        if job is None:
            raise RuntimeError("a worker answered that had no task")
        worker.job = None
        try:
            outcome: Outcome = worker.pipe.recv()
        except (EOFError, OSError):
            worker.process.join()
            worker.pipe.close()
            self._workers.remove(worker)
            error = f"its process died ({_reason(worker.process.exitcode)})"
            WorkFolder(job.work).write_failure(job.task.name, error + "\n")
            return Outcome(job.task.name, time.monotonic() - worker.began, 0.0, error)
        return outcome


def _serve(pipe: Connection) -> None:
    """Run tasks until the pool goes away."""
    # Ctrl-C reaches every process of a terminal; the pool decides what ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        pipe.send(execute(job))


def _end_with_parent() -> None:
    """End this process, in the middle of a task if need be, when the pool's process is gone."""
    parent = parent_process()
    if parent is not None:
        connection.wait([parent.sentinel])
        os._exit(1)


def _reason(exit_code: int | None) -> str:
    if exit_code is not None and exit_code < 0:
        name = signal.Signals(-exit_code).name
        hint = ", perhaps for want of memory: take fewer workers" if name == "SIGKILL" else ""
        return f"{name}{hint}"
    return f"exit code {exit_code}"
