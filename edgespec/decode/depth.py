"""How deep a value is nested, without a recursion that a deep one would exhaust."""

__all__ = ["depth_of"]


def depth_of(value: object, most: int) -> int:
    """Return how deep a value is nested; more than ``most`` is not looked into."""
    depth, level = 0, [value]
    while level and depth <= most:
        inner: list[object] = []
        for one in level:
            if isinstance(one, dict):
                inner.extend(one.values())
            elif isinstance(one, list):
                inner.extend(one)
        depth, level = depth + 1, inner
    return depth
