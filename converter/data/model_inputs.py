"""What a model is given for many segments: their windows, and side inputs where it has some."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from edgespec.errors import UsageError
from edgespec.records import FloatArray

__all__ = ["ModelInputs"]


@dataclass(frozen=True, slots=True, eq=False)
class ModelInputs:
    """``windows`` float32 ``(n, n_frames, n_bins)`` and ``sides``, standardised by their contexts.

    Each of ``sides`` is float32 ``(n, n_rows, n_bins)``, in the order of the model's side inputs.

    Raises:
        UsageError: there are not as many of one as of the other.
    """

    windows: FloatArray
    sides: tuple[FloatArray, ...] = ()

    def __post_init__(self) -> None:
        lengths = [len(self.windows), *map(len, self.sides)]
        if len(set(lengths)) > 1:
            raise UsageError(
                f"there are {lengths[0]} windows and side inputs for {lengths[1:]}; each window "
                "takes one of each"
            )

    def __len__(self) -> int:
        return len(self.windows)

    def __iter__(self) -> Iterator[tuple[FloatArray, ...]]:
        """Yield what a backend is given, one segment after the other."""
        return zip(self.windows, *self.sides, strict=True)

    def some(self, chosen: slice | Sequence[int] | np.ndarray[Any, Any]) -> "ModelInputs":
        """Return those of some segments."""
        return ModelInputs(self.windows[chosen], tuple(side[chosen] for side in self.sides))

    @property
    def for_keras(self) -> Any:
        """What a Keras model takes: an array, or a list of them."""
        return [self.windows, *self.sides] if self.sides else self.windows
