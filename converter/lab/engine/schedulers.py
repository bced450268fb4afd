"""Where tasks run: in this process, in a pool of processes, or on a Dask cluster."""

from pathlib import Path
from typing import Protocol

from converter.lab.engine.execute import Job, Outcome, execute
from edgespec.errors import UsageError

__all__ = ["InProcess", "Scheduler", "open_scheduler"]


class Scheduler(Protocol):
    """Runs tasks that are ready; whoever calls knows which are."""

    @property
    def n_slots(self) -> int:
        """How many tasks can run at once; it may change."""
        ...

    def submit(self, job: Job) -> None:
        """Begin a task; there is a slot for it."""
        ...

    def collect(self) -> list[Outcome]:
        """Wait until at least one task has ended and return all that have."""
        ...

    def close(self) -> None:
        """End at once, with whatever still runs."""
        ...


class InProcess:
    """One task after the other, in this process."""

    n_slots = 1

    def __init__(self) -> None:
        self._jobs: list[Job] = []

    def submit(self, job: Job) -> None:
        """Keep the task for :meth:`collect`."""
        self._jobs.append(job)

    def collect(self) -> list[Outcome]:
        """Run what was submitted."""
        outcomes = [execute(job) for job in self._jobs]
        self._jobs.clear()
        return outcomes

    def close(self) -> None:
        """Forget what was submitted."""
        self._jobs.clear()


#: Schemes of the addresses that Dask knows.
_DASK_SCHEMES = ("tcp", "tls", "ws", "wss")


def open_scheduler(n_workers: int, address: str | None, work: Path) -> Scheduler:
    """Return a scheduler: a cluster where there is an address, else this process or a pool.

    Raises:
        UsageError: the address is none of a cluster, the cluster cannot be reached, or it does not
            share the WORK folder.
        ModelError: Dask is not installed.
    """
    if address is not None:
        if address.partition("://")[0] not in _DASK_SCHEMES or "://" not in address:
            raise UsageError(
                f"scheduler {address!r} is none; write tcp://HOST:PORT, the address of a Dask "
                "scheduler"
            )
        from converter.lab.engine.cluster import DaskCluster

        return DaskCluster(address, work)
    if n_workers < 1:
        raise UsageError(f"the number of workers is {n_workers}; it must be at least 1")
    if n_workers == 1:
        return InProcess()
    from converter.lab.engine.pool import ProcessPool

    return ProcessPool(n_workers)
