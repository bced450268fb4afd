"""Tasks of an experiment that do next to nothing, for the tests of who runs what and when."""

import os
import signal
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from converter.lab.engine.folder import WorkFolder
from edgespec.errors import UsageError


@dataclass(frozen=True, slots=True)
class Join:
    """Writes a text and, behind it, what the tasks that it needs have written."""

    version: ClassVar[int] = 1
    is_training: ClassVar[bool] = False
    is_index: ClassVar[bool] = False

    name: str
    text: str
    needs: tuple[str, ...] = ()
    weight: float = 1.0

    def output(self, folder: WorkFolder) -> Path:
        return folder.path / "out" / f"{self.name}.txt"

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        texts = [(folder.path / "out" / f"{need}.txt").read_text() for need in self.needs]
        out.write_text("".join([self.text, *texts]))
        return {"letters": len(self.text)}


@dataclass(frozen=True, slots=True)
class Train(Join):
    """Takes a while, as trainings do, and says from when to when it ran."""

    is_training: ClassVar[bool] = True

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        began = time.monotonic()
        time.sleep(0.3)
        out.write_text(self.text)
        return {"began": began, "ended": time.monotonic()}


@dataclass(frozen=True, slots=True)
class Fail(Join):
    """Cannot do it, and says why, if ``text`` is not empty; else it has a bug."""

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        out.write_text("half of it")
        if self.text:
            raise UsageError(self.text)
        return {"nothing": 1 / 0}


@dataclass(frozen=True, slots=True)
class Die(Join):
    """Takes its process with it, unless a file says that it may live."""

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        if not (folder.path / "live").exists():
            os.kill(os.getpid(), signal.SIGKILL)
        return Join.run(self, folder, out)


@dataclass(frozen=True, slots=True)
class Look(Join):
    """Tells variables of its environment and its process."""

    names: tuple[str, ...] = field(default=())
    trains: bool = False

    @property
    def is_training(self) -> bool:  # type: ignore[override]
        return self.trains

    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        out.write_text(self.text)
        return {"pid": os.getpid(), **{name: os.environ.get(name) for name in self.names}}


def plan(tasks: Iterable[Join]) -> dict[str, Any]:
    return {task.name: task for task in tasks}
