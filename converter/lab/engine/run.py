"""Runs the tasks of a plan, each as soon as what it needs is there; again, it goes on."""

import fnmatch
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from converter.lab.engine.execute import Job, Outcome
from converter.lab.engine.folder import WorkFolder
from converter.lab.engine.schedulers import Scheduler
from converter.lab.engine.task import Task, task_keys
from edgespec.errors import UsageError

__all__ = ["Progress", "Report", "State", "Summary", "run_tasks", "survey"]


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: tasks of this run and those that were up to date before it."""

    n_done: int
    n_total: int
    running: tuple[str, ...]
    left_s: float


@dataclass(frozen=True, slots=True)
class Report:
    """News of one task: ``status`` is ``done``, ``failed`` or ``skipped``."""

    task: str
    status: str
    wall_s: float
    error: str
    progress: Progress


@dataclass(frozen=True, slots=True)
class Summary:
    """What became of a run: names of tasks."""

    done: tuple[str, ...]
    up_to_date: tuple[str, ...]
    failed: tuple[str, ...]
    skipped: tuple[str, ...]
    wall_s: float


@dataclass(frozen=True, slots=True)
class State:
    """Tasks, their keys, and which of them are to do."""

    tasks: Mapping[str, Task]
    keys: Mapping[str, str]
    to_do: frozenset[str]


def survey(tasks: Mapping[str, Task], folder: WorkFolder, only: Sequence[str] = ()) -> State:
    """Return which tasks are to do, so that those at the ends of the plan are up to date.

    A task is up to date if it was finished with the key that it has now and its output is there.
    What is in between is looked at only where something after it is to do: data that were removed
    after the training are not made again for nothing.

    Args:
        tasks: each after what it needs.
        folder: the WORK folder.
        only: patterns of names; those tasks, and what they need, are all there is.

    Raises:
        UsageError: a pattern matches nothing.
    """
    wanted = _ends(tasks, only)
    needed = _with_needs(tasks, wanted)
    keys = task_keys(needed)
    to_do = set()
    for name in reversed(needed):
        if name in wanted and not _is_fresh(name, needed, keys, folder):
            to_do.add(name)
            wanted.update(needed[name].needs)
    return State(needed, keys, frozenset(to_do))


def _ends(tasks: Mapping[str, Task], only: Sequence[str]) -> set[str]:
    """Return the tasks that match a pattern, or without patterns those that no other needs."""
    if not only:
        return set(tasks).difference(*(task.needs for task in tasks.values()))
    ends: set[str] = set()
    for pattern in only:
        hits = fnmatch.filter(tasks, pattern)
        if not hits:
            raise UsageError(
                f"--only {pattern!r} matches none of {len(tasks)} tasks: --dry-run lists them"
            )
        ends.update(hits)
    return ends


def _with_needs(tasks: Mapping[str, Task], ends: set[str]) -> dict[str, Task]:
    wanted = set(ends)
    for name in reversed(dict(tasks)):
        if name in wanted:
            wanted.update(tasks[name].needs)
    return {name: task for name, task in tasks.items() if name in wanted}


def _is_fresh(
    name: str, tasks: Mapping[str, Task], keys: Mapping[str, str], folder: WorkFolder
) -> bool:
    task, marker = tasks[name], folder.marker(name)
    if marker is None or marker.key != keys[name]:
        return False
    if marker.has_output and not task.output(folder).exists():
        return False
    return not task.is_index or all(_is_fresh(n, tasks, keys, folder) for n in task.needs)


def run_tasks(
    state: State,
    folder: WorkFolder,
    scheduler: Scheduler,
    report: Callable[[Report], None],
    n_trainings: int = 2,
) -> Summary:
    """Run what is not up to date. A task that fails takes along those that need it, no others.

    Args:
        state: of :func:`survey`.
        folder: the WORK folder.
        scheduler: runs the tasks; it is left open.
        report: told of every task that ends.
        n_trainings: most trainings at once.

    Raises:
        UsageError: ``n_trainings`` is not positive.
    """
    if n_trainings < 1:
        raise UsageError(f"the number of trainings at once is {n_trainings}; it must be positive")
    run = _Run(state, folder, scheduler, report, n_trainings)
    while run.begin() or run.running:
        for outcome in scheduler.collect():
            run.end(outcome)
    return run.summary()


@dataclass(slots=True)
class _Run:
    state: State
    folder: WorkFolder
    scheduler: Scheduler
    report: Callable[[Report], None]
    n_trainings: int
    running: dict[str, Task] = field(default_factory=dict)
    missing: dict[str, set[str]] = field(default_factory=dict)
    dependants: dict[str, list[str]] = field(default_factory=dict)
    rank: dict[str, float] = field(default_factory=dict)
    ready: list[str] = field(default_factory=list)
    status: dict[str, str] = field(default_factory=dict)
    clock: "_Clock" = field(default_factory=lambda: _Clock())

    def __post_init__(self) -> None:
        tasks, to_do = self.state.tasks, self.state.to_do
        for name, task in tasks.items():
            if name not in to_do:
                continue
            self.missing[name] = set(task.needs) & to_do
            for need in self.missing[name]:
                self.dependants.setdefault(need, []).append(name)
        # Longest way to the end first, so that the last task is not a long one that stood in line.
        for name in reversed(self.missing):
            after = (self.rank[other] for other in self.dependants.get(name, ()))
            self.rank[name] = tasks[name].weight + max(after, default=0.0)
        self._enqueue(name for name, needs in self.missing.items() if not needs)

    def begin(self) -> bool:
        """Give the scheduler as many ready tasks as it has room for; return whether any."""
        room = self.scheduler.n_slots - len(self.running)
        trainings = sum(task.is_training for task in self.running.values())
        begun = False
        for name in list(self.ready):
            if room <= 0:
                break
            task = self.state.tasks[name]
            if task.is_training:
                if trainings >= self.n_trainings:
                    continue
                trainings += 1
            self.ready.remove(name)
            self.folder.forget(name)
            self.running[name] = task
            self.scheduler.submit(Job(task, self.state.keys[name], self.folder.path))
            room -= 1
            begun = True
        return begun

    def end(self, outcome: Outcome) -> None:
        """Take a result: what waited for it is ready, or is skipped."""
        name = outcome.task
        task = self.running.pop(name)
        self.clock.add(task, outcome.wall_s)
        status = "failed" if outcome.error else "done"
        self.status[name] = status
        self._tell(name, status, outcome.wall_s, outcome.error)
        if outcome.error:
            self._skip(name, name)
            return
        waiting = self.dependants.get(name, ())
        for other in waiting:
            self.missing[other].discard(name)
        self._enqueue(o for o in waiting if not self.missing[o] and o not in self.status)

    def summary(self) -> Summary:
        """Return what became of every task."""

        def of(status: str) -> tuple[str, ...]:
            return tuple(name for name, found in self.status.items() if found == status)

        fresh = tuple(name for name in self.state.tasks if name not in self.state.to_do)
        return Summary(of("done"), fresh, of("failed"), of("skipped"), self.clock.elapsed_s)

    def _enqueue(self, names: Iterable[str]) -> None:
        self.ready.extend(names)
        self.ready.sort(key=lambda name: -self.rank[name])

    def _skip(self, failed: str, because: str) -> None:
        for name in self.dependants.get(because, ()):
            if name not in self.status:
                self.status[name] = "skipped"
                self._tell(name, "skipped", 0.0, f"it needs {failed}")
                self._skip(failed, name)

    def _tell(self, name: str, status: str, wall_s: float, error: str) -> None:
        left = [self.state.tasks[n] for n in self.missing if n not in self.status]
        n_total = len(self.state.tasks)
        progress = Progress(
            n_total - len(left), n_total, tuple(self.running), self.clock.left_s(left)
        )
        self.report(Report(name, status, wall_s, error, progress))


@dataclass(slots=True)
class _Clock:
    """How long tasks take here against their weights, by their type, and how many run at once."""

    began: float = field(default_factory=time.monotonic)
    spent: dict[type, list[float]] = field(default_factory=dict)

    @property
    def elapsed_s(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self.began

    def add(self, task: Task, wall_s: float) -> None:
        """Learn from a task that has ended."""
        total = self.spent.setdefault(type(task), [0.0, 0.0])
        total[0] += wall_s
        total[1] += task.weight

    def left_s(self, tasks: Iterable[Task]) -> float:
        """Return about how long these tasks will take."""
        walls, weights = (sum(total[i] for total in self.spent.values()) for i in (0, 1))
        usual = walls / weights if weights else 1.0
        at_once = max(1.0, walls / max(self.elapsed_s, 1e-3))
        left = 0.0
        for task in tasks:
            wall, weight = self.spent.get(type(task), (0.0, 0.0))
            left += task.weight * (wall / weight if weight else usual)
        return left / at_once
