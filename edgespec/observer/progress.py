"""Whether an observer gets on."""

from collections.abc import Sequence

__all__ = ["Progress"]


class Progress:
    """Blocks are worked off, and no band stands still that could work.

    Args:
        n_bands: how many bands there are.
    """

    def __init__(self, n_bands: int) -> None:
        self._counted = [0] * n_bands

    def made(self, counts: Sequence[int], may_rest: Sequence[bool]) -> bool:
        """Return whether something was, since this last returned True.

        Args:
            counts: samples that each band took so far.
            may_rest: of each band, whether it has nothing to work on: it has ended, or its source
                is not heard. One such band is no reason to end the others.
        """
        moved = [count > before for count, before in zip(counts, self._counted, strict=True)]
        if not any(moved) or not all(map(max, moved, may_rest)):
            return False
        self._counted = [*counts]
        return True
