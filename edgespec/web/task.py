"""What the process of a page is told when it begins."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

__all__ = ["Task"]


@dataclass(frozen=True, slots=True)
class Task:
    """Which page to serve, to whom, and what it is about.

    ``app`` names the routes, see :data:`edgespec.web.server.APPS`; ``about`` is what they need, of
    JSON's types. ``host`` is where the page listens, ``token`` what it asks for, '' for nothing.
    """

    app: str
    host: str
    token: str = ""
    read_only: bool = True
    hosts: tuple[str, ...] = ()
    max_lookers: int = 32
    about: dict[str, Any] = field(default_factory=dict)

    def as_bytes(self) -> bytes:
        """Return it as one line."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def of_bytes(cls, data: bytes) -> "Task":
        """Return what was written as :meth:`as_bytes`, by this program."""
        found = json.loads(data)
        return cls(**{**found, "hosts": tuple(found["hosts"])})
