"""A score that knows nothing: what every other one has to beat."""

from hashlib import blake2b

import numpy as np

from converter.baselines.segments import Segments
from edgespec.records import FloatArray

__all__ = ["RandomScore"]


class RandomScore:
    """Uniform from 0 to 1, drawn by seed and segment: the same segment has the same score."""

    needs_iq = False

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8, "little")

    def fit(self, normal: Segments) -> None:
        """Learn nothing."""

    def score(self, segments: Segments) -> FloatArray:
        """Return a hash of each target as a number."""
        digests = b"".join(
            blake2b(target.tobytes(), digest_size=4, key=self._key).digest()
            for target in segments.target
        )
        return (np.frombuffer(digests, "<u4") / 2.0**32).astype(np.float32)
