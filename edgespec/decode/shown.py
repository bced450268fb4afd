"""Values as messages show them, never longer than a line or two."""

from reprlib import Repr

__all__ = ["clipped", "shown"]

_SHORT = Repr()
_SHORT.maxlevel = 3
_SHORT.maxlist = _SHORT.maxtuple = _SHORT.maxdict = 6
_SHORT.maxstring = _SHORT.maxother = 80
_SHORT.maxlong = 40


def shown(value: object) -> str:
    """Return a value as a message shows it; long ones lose their middle or their end."""
    if type(value) is int and value.bit_length() > 256:
        # Python refuses to write out integers of thousands of digits.
        return f"an integer of {value.bit_length()} bits"
    return clipped(_SHORT.repr(value), 200)


def clipped(text: str, longest: int) -> str:
    """Return a text of at most ``longest`` characters."""
    return text if len(text) <= longest else f"{text[: longest - 3]}..."
