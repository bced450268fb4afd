"""Which rows of the history are asked for."""

__all__ = ["within"]


def within(*bounds: tuple[str, object]) -> tuple[str, list[object]]:
    """Return the condition of SQL that all bounds with a value make together, and the values.

    Args:
        bounds: a term with one place for a value, and the value; None bounds nothing.
    """
    asked = [(term, value) for term, value in bounds if value is not None]
    return " AND ".join(term for term, _ in asked) or "1", [value for _, value in asked]
