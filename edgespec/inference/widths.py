"""How wide the vectors of our runtime are, kernel by kernel."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["KERNELS", "Widths"]

#: The kernels whose width is chosen.
KERNELS = ("project", "recur", "dense")


@dataclass(frozen=True, slots=True)
class Widths:
    """Bits of a vector in each kernel of :mod:`edgespec.inference.kernels`; 0: the widest here."""

    project: int = 0
    recur: int = 0
    dense: int = 0

    @classmethod
    def from_json(cls, value: Any) -> "Widths":
        """Return the widths of a JSON object; what is missing or makes no sense is 0."""
        found = value if isinstance(value, Mapping) else {}
        return cls(
            *(int(bits) if (bits := found.get(name)) in (256, 512) else 0 for name in KERNELS)
        )

    def __str__(self) -> str:
        """Return it for people; nothing where there was no choice."""
        if self == Widths():
            return ""
        return ", ".join(f"{name} {getattr(self, name)}" for name in KERNELS)
