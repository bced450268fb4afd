"""A task: one step of an experiment, with one output, and a key that says when it is up to date."""

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, ClassVar

from converter.lab.engine.folder import WorkFolder
from edgespec.option import key_of

__all__ = ["Task", "canonical", "task_keys"]


class Task(ABC):
    """One step. A frozen dataclass, whose fields determine the output together with ``needs``.

    ``version`` of a class is raised when its code gives another output for the same fields.
    Who needs an ``is_index`` task reads the outputs of what that task needs, too. A task that
    ``is_training`` wants the machine to itself.
    """

    __slots__ = ()
    version: ClassVar[int] = 1
    is_training: ClassVar[bool] = False
    is_index: ClassVar[bool] = False

    @property
    @abstractmethod
    def name(self) -> str:
        """Unique in the experiment, in letters that a file name may have."""

    @property
    @abstractmethod
    def needs(self) -> tuple[str, ...]:
        """Names of the tasks whose outputs this one reads."""

    @property
    @abstractmethod
    def weight(self) -> float:
        """Roughly the seconds of work on one core, for the estimate of what is left."""

    @abstractmethod
    def output(self, folder: WorkFolder) -> Path:
        """Return the file or folder that this task writes and no other does."""

    @abstractmethod
    def run(self, folder: WorkFolder, out: Path) -> Mapping[str, Any]:
        """Do it: write to ``out``, which does not exist, what will be moved to ``output``.

        Returns:
            Facts for the marker, as JSON has them.
        """


def task_keys(tasks: Mapping[str, Task]) -> dict[str, str]:
    """Return the key of every task: a hash of its fields and of the keys of what it needs.

    ``tasks`` come after what they need. Nothing that is run is looked at, so that a plan knows
    what is up to date before it starts.
    """
    keys: dict[str, str] = {}
    for name, task in tasks.items():
        content = {
            "task": type(task).__name__,
            "version": task.version,
            "fields": canonical(task),
            "needs": [keys[need] for need in task.needs],
        }
        text = json.dumps(content, sort_keys=True, allow_nan=False)
        keys[name] = hashlib.sha256(text.encode()).hexdigest()
    return keys


def canonical(value: Any) -> Any:
    """Return a value as JSON, the same on every machine.

    Fields go by the keys that files have for them. Those with ``key`` False in their metadata say
    how, not what, and are left out; so are those with ``late`` True while they have their default,
    so that they change no key of before them.

    Raises:
        TypeError: a type that has no such form.
    """
    if is_dataclass(value) and not isinstance(value, type):
        return {
            key_of(field): canonical(getattr(value, field.name))
            for field in fields(value)
            if field.metadata.get("key", True)
            and not (field.metadata.get("late") and getattr(value, field.name) == field.default)
        }
    if isinstance(value, Mapping):
        return {str(key): canonical(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [canonical(item) for item in value]
    if isinstance(value, Enum):
        return canonical(value.value)
    if isinstance(value, complex):
        return [canonical(value.real), canonical(value.imag)]
    if isinstance(value, float):
        # Draws differ in the last digit from one mathematical library to another.
        return f"{value:.9g}"
    if value is None or isinstance(value, bool | int | str):
        return value
    raise TypeError(f"{type(value).__name__} has no canonical form")
