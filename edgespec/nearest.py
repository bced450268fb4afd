"""The known name that is nearest to a mistyped one."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = ["advice", "nearest"]

#: No name of ours is longer; of a longer text, comparing would take its time.
_LONGEST = 64


def nearest(name: str, known: Iterable[str], cutoff: float = 0.6) -> str | None:
    """Return the known name that is most like ``name``, or None where none is.

    ``cutoff`` is how much alike they must be, from 0 (whatever is nearest) to 1 (equal).
    """
    return next(iter(get_close_matches(name[:_LONGEST], list(known), n=1, cutoff=cutoff)), None)


def advice(name: str, known: Iterable[str]) -> str:
    """Return what to do about an unknown name: the one that was meant, or all known ones."""
    names = list(known)
    meant = nearest(name, names)
    if meant is not None:
        return f"did you mean {meant!r}?"
    if not names:
        return "none is known"
    return f"the nearest is {nearest(name, names, 0.0)!r}, and known are {', '.join(names)}"
