"""Amounts as people say them."""

__all__ = ["amount", "counted", "isr_text"]


def amount(seconds: float) -> str:
    """Return a duration in seconds, minutes or hours: ``10 s``, ``5 min``, ``1.5 h``."""
    if seconds >= 3600:
        return f"{seconds / 3600:.3g} h"
    return f"{seconds / 60:.3g} min" if seconds >= 60 else f"{seconds:.3g} s"


def counted(n: int, noun: str) -> str:
    """Return a number of things: ``1 cell``, ``2 cells``."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


def isr_text(isr_db: float) -> str:
    """Return an ISR with its sign: ``-10``, ``0``, ``+5``."""
    return f"{isr_db:+g}" if isr_db else "0"
