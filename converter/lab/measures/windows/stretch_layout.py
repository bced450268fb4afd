"""When something is on the air in a stretch, and which of its segments are what."""

from dataclasses import dataclass
from math import ceil

import numpy as np

from edgespec.framing import Recipe
from edgespec.simulate.numerology import SAMPLE_RATE_HZ, SYMBOL_SAMPLES

__all__ = ["Layout"]

#: A fault begins with a symbol, so up to a symbol later than it was asked for.
_LATE_S = float(np.max(SYMBOL_SAMPLES)) / SAMPLE_RATE_HZ


@dataclass(frozen=True, slots=True)
class Layout:
    """A stretch of segments at the hop of the device, of which some have a name.

    Something is switched on in the horizon of segment 0, which is ``onset``, and off in the horizon
    of the last one, which is ``ended``: both at a place that is drawn, so that both horizons are
    changed in part and mirror each other. Two segments one hop apart are ``persistent``: it is on
    the air in all of their context and horizon, and was so for some time before the horizon. Two
    that are ``lasting`` come later still, for detectors that integrate. The segments between are
    there because they pass through the detectors that remember. With the recipe of Li et al. 2019
    the shortest stretch has 8 segments, 300 frames.

    ``modes`` names segments by their number in the stretch.
    """

    recipe: Recipe
    modes: tuple[tuple[int, str], ...]

    @classmethod
    def of(cls, recipe: Recipe, persistent_s: float = 0.0, lasting_s: float = 0.0) -> "Layout":
        """Return the shortest stretch of a recipe.

        Args:
            recipe: of the segments.
            persistent_s: how long it has been on the air, at least, where the horizon of a
                persistent segment begins.
            lasting_s: the same of a lasting one; 0 leaves them out.
        """
        first = ceil(recipe.geometry.n_segment / recipe.hop_frames)
        first = max(first, _segment_after(recipe, persistent_s))
        named = [(0, "onset"), (first, "persistent"), (first + 1, "persistent")]
        if lasting_s:
            late = max(first + 2, _segment_after(recipe, lasting_s))
            named += [(late, "lasting"), (late + 1, "lasting")]
        ended = named[-1][0] + ceil(recipe.n_horizon / recipe.hop_frames)
        return cls(recipe, (*named, (ended, "ended")))

    @property
    def n_segments(self) -> int:
        """Segments of a stretch."""
        return self.modes[-1][0] + 1

    @property
    def n_frames(self) -> int:
        """Frames of a stretch."""
        return self.modes[-1][0] * self.recipe.hop_frames + self.recipe.geometry.n_segment

    @property
    def n_samples(self) -> int:
        """Samples of a stretch."""
        return self.recipe.samples_in(self.n_frames)

    def sample_of(self, segment: int) -> int:
        """Return the first sample of a segment of the grid."""
        return segment * self.recipe.hop_samples

    def horizon(self, segment: int) -> slice:
        """Return the samples of the horizon of a segment, counted from the stretch's first."""
        recipe = self.recipe
        first = segment * recipe.hop_frames + recipe.n_context
        return slice(recipe.samples_in(first), recipe.samples_in(first + recipe.n_horizon))

    def share(self, segment: int, on: int, off: int) -> float:
        """Return how much of the horizon of a segment lies from sample ``on`` to before ``off``."""
        horizon = self.horizon(segment)
        inside = min(off, horizon.stop) - max(on, horizon.start)
        return float(max(inside, 0) / (horizon.stop - horizon.start))

    def draw(self, rng: np.random.Generator) -> tuple[int, int]:
        """Return the first sample with something on the air and the first one without it again.

        Both lie a symbol of LTE before the end of their horizons, so that faults do as well.
        """
        on, off = (self._draw_in(self.horizon(s), rng) for s in (0, self.n_segments - 1))
        return on, off

    def _draw_in(self, horizon: slice, rng: np.random.Generator) -> int:
        n = horizon.stop - horizon.start
        late = ceil(_LATE_S * self.recipe.sample_rate_hz)
        return int(horizon.start + rng.integers(1, max(n - late, 2)))


def _segment_after(recipe: Recipe, seconds: float) -> int:
    """Return the first segment whose horizon begins so long after that of segment 0 ends."""
    n_frames = seconds / recipe.framing.frame_s + recipe.n_horizon
    return ceil(n_frames / recipe.hop_frames - 1e-9)
