"""A cell that an observer knows what is normal beside: a record that is told of a site."""

from dataclasses import dataclass

__all__ = ["SiteCell"]


@dataclass(frozen=True, slots=True)
class SiteCell:
    """One cell: ``lte`` or ``nr``, its physical identity, and when it was last learnt or left.

    ``duplex`` is ``fdd`` or ``tdd``, '' where it is not known.
    """

    technology: str
    identity: int
    duplex: str
    utc_ns: int
