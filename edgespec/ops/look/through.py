"""A look through what was opened for it, by the command and by who is asked over a broker."""

from collections.abc import Callable

from edgespec.ops.look.measure import look_at
from edgespec.ops.look.opening import View
from edgespec.ops.look.report import Look

__all__ = ["look_through"]


def look_through(
    view: View,
    duration_s: float,
    skip_s: float = 0.0,
    progress: Callable[[str], None] = lambda text: None,
) -> Look:
    """Return what a band looks like, and close its source.

    Args:
        view: of the band.
        duration_s: how much of it.
        skip_s: how much to leave out before.
        progress: told what may take long.

    Raises:
        EdgespecError: as :func:`edgespec.ops.look.measure.look_at`.
    """
    return look_at(
        view.source,
        view.recipe,
        duration_s,
        skip_s=skip_s,
        normal=view.normal,
        annotations=view.annotations,
        mask=view.mask,
        scale=view.scale,
        rhythm=view.rhythm,
        progress=progress,
    )
