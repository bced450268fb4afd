"""Tasks on a Dask cluster whose workers share the WORK folder, under the same path.

A cluster with a resource ``training`` (``dask worker --resources training=1``) trains there and
nowhere else.
"""

import uuid
from pathlib import Path
from typing import Any

from converter.lab.engine.apart import execute_apart
from converter.lab.engine.environment import SCORING, environment
from converter.lab.engine.execute import Job, Outcome, execute
from converter.lab.engine.folder import WorkFolder
from edgespec.errors import ModelError, UsageError

__all__ = ["DaskCluster"]

_CONNECT_S = 10
_RESOURCE = "training"


class DaskCluster:
    """As many tasks at once as the cluster has threads."""

    def __init__(self, address: str, work: Path) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise ModelError(
                f"a Dask cluster needs distributed ({error}): pip install 'edgespec[cluster]'"
            ) from error
        try:
            self._client: Any = Client(address, timeout=_CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise UsageError(
                f"no Dask scheduler answers at {address!r} ({error}): start one with 'dask "
                "scheduler' and give its address"
            ) from error
        self._running: dict[Any, Job] = {}
        try:
            self._check_workers(address)
            self._check_shared(work)
            found = self._client.run(_resources).values()
            self._trains_apart = any(_RESOURCE in resources for resources in found)
        except BaseException:
            self._client.close()
            raise

    @property
    def n_slots(self) -> int:
        """Threads of all workers that are there now, at least one."""
        return max(1, sum(int(n) for n in self._client.nthreads().values()))

    def submit(self, job: Job) -> None:
        """Send the task to a worker."""
        resources = {_RESOURCE: 1} if job.task.is_training and self._trains_apart else None
        # A name that never comes again: an output of an earlier run is no result of this one.
        key = f"{job.task.name}-{uuid.uuid4().hex}"
        future = self._client.submit(_execute, job, key=key, pure=False, resources=resources)
        self._running[future] = job

    def collect(self) -> list[Outcome]:
        """Wait for the next results; a worker that is lost has failed its task."""
        from distributed import wait

        with self._client.as_current():
            done, _ = wait(list(self._running), return_when="FIRST_COMPLETED")
        return [self._outcome(future, self._running.pop(future)) for future in done]

    def close(self) -> None:
        """Cancel what has not begun and leave the cluster; a task that runs ends unheard."""
        self._client.cancel(list(self._running))
        self._client.close()

    def _outcome(self, future: Any, job: Job) -> Outcome:
        try:
            outcome: Outcome = future.result()
        except Exception as error:  # whatever a cluster may throw, it is this task's
            text = f"the cluster lost it ({type(error).__name__}: {' '.join(str(error).split())})"
            WorkFolder(job.work).write_failure(job.task.name, text + "\n")
            return Outcome(job.task.name, 0.0, 0.0, text)
        return outcome

    def _check_workers(self, address: str) -> None:
        if not self._client.nthreads():
            raise UsageError(
                f"the Dask scheduler at {address!r} has no worker: start some with 'dask worker "
                f"{address} --nthreads 1'"
            )

    def _check_shared(self, work: Path) -> None:
        """Check that every worker finds a file that was written here."""
        token = work / f".shared-{uuid.uuid4().hex}"
        token.touch()
        try:
            seen = self._client.run(_is_file, str(token))
        finally:
            token.unlink()
        blind = sorted(worker for worker, sees in seen.items() if not sees)
        if blind:
            raise UsageError(
                f"the work folder {str(work)!r} is not there for {len(blind)} of {len(seen)} Dask "
                f"workers, such as {blind[0]}: choose a folder that all of them share under one "
                "path"
            )


def _is_file(path: str) -> bool:
    return Path(path).is_file()


def _resources(dask_worker: Any) -> dict[str, float]:
    """Return what the worker was started with; Dask gives the worker by the argument's name."""
    return dict(dask_worker.state.total_resources)


def _execute(job: Job) -> Outcome:
    """Run a task on a worker."""
    if job.task.is_training:
        return execute_apart(job)
    with environment(SCORING):
        return execute(job)
