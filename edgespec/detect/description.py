"""An event described over its life so far: what the features of its name are made of."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from edgespec.detect.regions import Region
from edgespec.detect.shape import SHAPE, bounded_power, shape_of
from edgespec.records import FloatArray

__all__ = ["FEATURES", "N_FINE", "Description", "Look", "features_of"]

#: Horizons of frames that are described together: a sweep of a tenth of a second lies in them.
N_HORIZONS = 16
_OF_BAND = ("still", "one-way", "moving", "even", "span", "places", "dwell", "concentration")
#: What a look at single FFTs tells: the shape in the region, and what repeats as a prefix.
_FINE = (*(f"fine {name}" for name in SHAPE), "fine prefix", "fine repeat")
#: Names of the numbers that an event is described by. ``fine``: of single FFTs, means over all
#: looks; ``frame``: of the newest frames; ``band``: the same, of the whole band.
FEATURES = (
    *_FINE,
    *(f"frame {name}" for name in SHAPE),
    *(f"band {name}" for name in _OF_BAND),
    "share of the band",
    "edges touched",
    "flatness",
    "excess",
    "occupied",
    "broad",
    "roams",
)
N_FINE = len(_FINE)
_BAND_ROWS = [SHAPE.index(name) for name in _OF_BAND]
#: An excess of so many dB counts as 1.
_MOST_DB = 60.0
#: A bin so far above the lower tenth is normally occupied, linear.
_OCCUPIED = 10.0


class Look(Protocol):
    """The newest samples, FFT by FFT."""

    @property
    def power(self) -> FloatArray:
        """Linear, ``(n_rows, n_bins)``."""
        ...

    def prefix_shares(self, lower_bin: int, upper_bin: int) -> tuple[float, float, float]:
        """Return which share of the power repeats as LTE's prefixes do, at two timings, at any."""
        ...


@dataclass(slots=True)
class Description:
    """What the looks at an event's samples have shown: mean of ``n_looks``."""

    fine: FloatArray
    n_looks: int = 0

    @classmethod
    def empty(cls) -> "Description":
        """Return that of an event whose samples were not looked at."""
        return cls(np.zeros(N_FINE, np.float32))

    def add(self, look: Look, normal: FloatArray, region: Region) -> None:
        """Look at the newest samples.

        Args:
            look: at them.
            normal: power of the bins on normal signal, linear.
            region: where the event is now.
        """
        lower, upper = region.lower_bin, region.upper_bin
        first, second, whole = look.prefix_shares(lower, upper)
        # What was there before may have prefixes of its own: it has less of the power now.
        inside = slice(lower, upper + 1)
        before = max(float(bounded_power(normal[inside]).mean()), 1e-30)
        level = float(bounded_power(look.power[:, inside]).mean()) / before
        usual = 1.0 / max(level, 1.0)
        repeats = np.clip(np.nan_to_num([max(second, first - usual), whole - usual]), 0.0, 1.0)
        # What is a tenth of the power already is more than noise ever is.
        repeats = np.sqrt(repeats)
        new = np.concatenate([shape_of(look.power, normal, lower, upper), repeats])
        self.n_looks += 1
        self.fine += (np.clip(new, 0.0, 1.0) - self.fine) / np.float32(self.n_looks)


def features_of(
    description: Description,
    frames: FloatArray,
    mean: FloatArray,
    normal: FloatArray,
    region: Region,
    *,
    is_broad: bool,
    roams: bool,
) -> FloatArray:
    """Return what an event is like, float32 ``(len(FEATURES),)``, each within 0 and 1.

    Args:
        description: of single FFTs.
        frames: linear power of the newest frames, ``(n_frames, n_bins)``.
        mean: of all frames of its life, ``(n_bins,)``.
        normal: what it is on normal signal.
        region: where it is.
        is_broad: whether most of the band has moved with it.
        roams: whether it was elsewhere every time.
    """
    n_bins = len(normal)
    lower, upper = region.lower_bin, region.upper_bin
    inside = slice(lower, upper + 1)
    whole = shape_of(frames, normal, 0, n_bins - 1)
    usual, now = bounded_power(normal), bounded_power(mean)[inside]
    before = usual[inside]
    added = np.maximum(now - before, 1e-6 * before + 1e-30)
    ratio = float(now.sum()) / max(float(before.sum()), 1e-30)
    out = np.concatenate(
        [
            description.fine,
            shape_of(frames, normal, lower, upper),
            whole[_BAND_ROWS],
            [
                region.n_bins / n_bins,
                ((lower <= 1) + (upper >= n_bins - 2)) / 2.0,
                float(np.exp(np.mean(np.log(added))) / np.mean(added)),
                10.0 * np.log10(max(ratio, 1.0)) / _MOST_DB,
                np.mean(before > _OCCUPIED * np.quantile(usual, 0.1)),
                is_broad,
                roams,
            ],
        ]
    )
    bounded: FloatArray = np.clip(np.nan_to_num(out), 0.0, 1.0).astype(np.float32)
    return bounded
