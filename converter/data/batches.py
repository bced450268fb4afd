"""Batches for Keras, gathered from the recordings as they are needed."""

import math
from typing import Any

import keras
import numpy as np

from converter.data.segment_set import SegmentSet
from edgespec.records import FloatArray

__all__ = ["Batches"]


class Batches(keras.utils.PyDataset):  # type: ignore[misc]
    """Pairs of model input and wanted output, in a new seeded order each epoch.

    Args:
        windows: the segments.
        role: ``forecast`` pairs context with target, ``reconstruction`` target with itself.
        batch_size: windows in a batch; the last one may have fewer.
        shuffle_seed: seed of the order, or None for the order of the recordings.
    """

    def __init__(
        self, windows: SegmentSet, role: str, batch_size: int, shuffle_seed: int | None = None
    ) -> None:
        super().__init__()
        self._windows = windows
        self._role = role
        self._batch_size = batch_size
        self._rng = None if shuffle_seed is None else np.random.default_rng(shuffle_seed)
        self._order = np.arange(len(windows))
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._windows) / self._batch_size)

    def __getitem__(self, index: int) -> tuple[Any, FloatArray]:
        first = index * self._batch_size
        numbers = self._order[first : first + self._batch_size]
        contexts, targets = self._windows.gather(numbers)
        seen = contexts if self._role == "forecast" else targets
        sides = self._windows.sides(numbers)
        # Keras takes several inputs of a batch as a tuple, and not as a list.
        inputs = (seen, *sides) if sides else seen
        return inputs, targets.reshape(len(targets), -1)

    def on_epoch_end(self) -> Any:
        """Shuffle for the next epoch."""
        if self._rng is not None:
            self._rng.shuffle(self._order)
