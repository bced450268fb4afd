"""Whether there is more than normal, or less."""

from enum import StrEnum

__all__ = ["Change"]


class Change(StrEnum):
    """Whether there is more than normal, or less."""

    GAIN = "gain"
    LOSS = "loss"
