"""The WORK folder of an experiment: where everything is, and what is done."""

import json
import os
import platform
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from converter.lab.base import KEPT_NAME, base_files
from edgespec import __version__
from edgespec.errors import UsageError
from edgespec.lock import hold_file

__all__ = ["Marker", "WorkFolder", "write_atomically"]


@dataclass(frozen=True, slots=True)
class Marker:
    """What is known of a finished task; ``facts`` are the task's own."""

    task: str
    key: str
    has_output: bool
    wall_s: float
    cpu_s: float
    machine: str
    versions: Mapping[str, str]
    finished_utc: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class WorkFolder:
    """Paths of one experiment's outputs, and the markers of its tasks.

    An output appears by one rename, and its marker after it; so a process that is killed leaves
    nothing that looks finished and is not.
    """

    path: Path

    def data(self, population: str) -> Path:
        """Folder of a population's data set."""
        return self.path / "data" / population

    def model(self, name: str) -> Path:
        """Folder of a trained model."""
        return self.path / "models" / name

    def bundle(self, name: str) -> Path:
        """Bundle of a quantised model, without thresholds."""
        return self.path / "bundles" / f"{name}.edgespec"

    def calibrated(self, name: str, population: str) -> Path:
        """Bundle of a quantised model with thresholds from a population."""
        return self.path / "bundles" / "calibrated" / f"{name}@{population}.edgespec"

    def table(self, *parts: str) -> Path:
        """File of one task's rows."""
        return self.path.joinpath("tables", *parts[:-1], f"{parts[-1]}.parquet")

    def marker(self, task: str) -> Marker | None:
        """Return what is known of a finished task; None where it is not finished."""
        try:
            return Marker(**json.loads(self._marker_path(task).read_text()))
        except (OSError, ValueError, TypeError, RecursionError):
            return None

    def finished(self, task: str) -> Marker:
        """Return what is known of a task that must be finished.

        Raises:
            UsageError: it is not.
        """
        marker = self.marker(task)
        if marker is None:
            raise UsageError(f"task {task!r} is not finished in {str(self.path)!r}")
        return marker

    def finish(
        self,
        task: str,
        key: str,
        out: Path,
        output: Path,
        wall_s: float,
        cpu_s: float,
        facts: Mapping[str, Any],
    ) -> Marker:
        """Put the output in its place and write the marker."""
        self._marker_path(task).unlink(missing_ok=True)
        has_output = out.exists()
        if has_output:
            output.parent.mkdir(parents=True, exist_ok=True)
            _replace(out, output)
        elif output.is_file():
            output.unlink()
        marker = Marker(
            task,
            key,
            has_output,
            round(wall_s, 3),
            round(cpu_s, 3),
            platform.node(),
            {"edgespec": __version__, "python": platform.python_version()},
            datetime.now(UTC).isoformat(timespec="seconds"),
            dict(facts),
        )
        write_atomically(self._marker_path(task), json.dumps(asdict(marker), indent=1) + "\n")
        self._failure_path(task).unlink(missing_ok=True)
        return marker

    def write_failure(self, task: str, text: str) -> Path:
        """Write what went wrong in a task and return where."""
        path = self._failure_path(task)
        write_atomically(path, text)
        return path

    def forget(self, task: str) -> None:
        """Remove the failure of a task that is tried again."""
        self._failure_path(task).unlink(missing_ok=True)

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """Give a folder of one's own on the same file system as the outputs."""
        folder = self.path / "tmp" / uuid.uuid4().hex
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def keep_experiment(self, path: Path) -> None:
        """Keep a copy of the experiment file that is run, and of those that it extends."""
        for base in base_files(path):
            write_atomically(self.path / base.name, base.read_text(encoding="utf-8-sig"))
        write_atomically(self.path / KEPT_NAME, path.read_text(encoding="utf-8-sig"))

    def sweep(self) -> None:
        """Remove what killed tasks left behind."""
        shutil.rmtree(self.path / "tmp", ignore_errors=True)

    def retire(self, outputs: set[Path]) -> list[Path]:
        """Move tables that are none of ``outputs`` to ``WORK/retired`` and return them."""
        root = self.path / "tables"
        stale = sorted(path for path in root.rglob("*.parquet") if path not in outputs)
        for path in stale:
            new = self.path / "retired" / path.relative_to(root)
            new.parent.mkdir(parents=True, exist_ok=True)
            path.replace(new)
        return stale

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep a second run out of the folder.

        Raises:
            UsageError: there is one already, or the folder cannot be written.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            lock = hold_file(self.path / "lock")
        except OSError as error:
            raise UsageError(
                f"work folder {str(self.path)!r} cannot be written ({error.strerror}): choose "
                "another one"
            ) from error
        if lock is None:
            raise UsageError(
                f"another run works in {str(self.path)!r}: wait for it, or choose another folder"
            )
        with lock:
            yield

    def _marker_path(self, task: str) -> Path:
        return self.path / "done" / f"{_safe(task)}.json"

    def _failure_path(self, task: str) -> Path:
        return self.path / "failed" / f"{_safe(task)}.txt"


def write_atomically(path: Path, content: str) -> None:
    """Write a text file that is there in whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with draft.open("w") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _replace(new: Path, old: Path) -> None:
    """Rename ``new`` to ``old``; a folder that is there steps aside first."""
    if old.is_dir():
        aside = new.with_name(f"{new.name}.aside")
        old.replace(aside)
        new.replace(old)
        shutil.rmtree(aside, ignore_errors=True)
        return
    new.replace(old)


def _safe(task: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9@+_.-]+", task):
        raise UsageError(f"task {task!r} has letters that a file name may not have")
    return task
