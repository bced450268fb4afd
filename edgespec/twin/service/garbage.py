"""How often Python looks for objects that only each other know."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["rarely_collected"]

#: New objects before it looks; Python's own is 700, in some versions 2000.
_YOUNG = 50_000


@contextmanager
def rarely_collected() -> Iterator[None]:
    """Look rarely, while what is made by ten thousands a second hardly ever makes such circles."""
    before = gc.get_threshold()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
