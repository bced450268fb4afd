"""What scores an observer's samples, one block of a hop after another."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from edgespec.dsp.prefix.cell import Cell
from edgespec.framing import Recipe
from edgespec.records import IqBlock, SampleFormat

__all__ = ["HopScorer", "Place"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where an observer is: what it hears, and the cell that a search found there.

    ``recipe`` says how samples become segments, and so how long a block is. ``warmup_s`` is how
    long may be learnt from, from the first sample on. ``cell`` is None where none was found.
    """

    recipe: Recipe
    sample_format: SampleFormat
    warmup_s: float
    cell: Cell | None = None

    @property
    def sample_rate_hz(self) -> float:
        """Rate of the samples."""
        return self.recipe.sample_rate_hz

    @property
    def hop_samples(self) -> int:
        """Samples of a block."""
        return self.recipe.hop_samples

    @property
    def n_warmup(self) -> int:
        """Blocks of the warm-up."""
        return round(self.warmup_s * self.sample_rate_hz) // self.hop_samples


class HopScorer(Protocol):
    """Scores blocks of samples in order; high is anomalous.

    ``columns`` are the names of its scores in a table.
    """

    columns: tuple[str, ...]

    def begin(self, place: Place) -> None:
        """Forget the last observer; the next block is the first of this one."""
        ...

    def score(self, block: IqBlock) -> Sequence[float]:
        """Return the scores of the next block, NaN while a reference is learnt or without one."""
        ...

    def snapshot(self) -> Any:
        """Return the state after the last block; later ones do not change it."""
        ...

    def restore(self, state: Any) -> None:
        """Go back to a state that ``snapshot`` returned, which can be used again."""
        ...
