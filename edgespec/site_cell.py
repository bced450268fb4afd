"""A cell that an observer knows what is normal beside: a record that is told of a site."""

from dataclasses import dataclass
from typing import Protocol

__all__ = ["SiteCell"]


class _Cell(Protocol):
    @property
    def technology(self) -> str: ...

    @property
    def identity(self) -> int: ...

    @property
    def duplex(self) -> str: ...


@dataclass(frozen=True, slots=True)
class SiteCell:
    """One cell: ``lte`` or ``nr``, its physical identity, and when it was last learnt or left.

    ``duplex`` is ``fdd`` or ``tdd``, '' where it is not known.
    """

    technology: str
    identity: int
    duplex: str
    utc_ns: int

    @classmethod
    def of(cls, cell: _Cell, utc_ns: int) -> "SiteCell":
        """Return what is told of a cell."""
        return cls(cell.technology, cell.identity, cell.duplex, utc_ns)
