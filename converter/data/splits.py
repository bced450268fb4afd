"""Which recording is for what. Windows of one recording are never in two splits.

The exception is :func:`split_by_time`, where recordings are few: the stretches of each follow each
other with a gap, and the data set says so.
"""

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

import numpy as np

from converter.data.dataset import SPLITS
from edgespec.errors import UsageError

__all__ = ["Split", "split_by_fraction", "split_by_name", "split_by_time"]

#: Shares of train, validation, calibration and test. Train to test is 2.5 : 1, as in the paper
#: (S1 sec. 5.1), with the two sets that the paper does not keep apart taken from training.
FRACTIONS = (0.5, 0.15, 0.15, 0.2)


@dataclass(frozen=True, slots=True)
class Split:
    """Either one split for each recording by name, or shares of the time of every recording."""

    method: Mapping[str, Any]
    of_recording: Mapping[str, str] = field(default_factory=dict)
    of_time: tuple[float, ...] = ()

    def stretches(self, name: str, n_frames: int, gap_frames: int) -> list[tuple[str, int, int]]:
        """Return split, first frame and number of frames of each stretch of a recording."""
        if not self.of_time:
            return [(self.of_recording[name], 0, n_frames)]
        edges = np.rint(np.cumsum((0.0, *self.of_time)) * n_frames).astype(int)
        stretches = []
        for split, start, stop in zip(SPLITS, edges[:-1], edges[1:], strict=True):
            first = int(start) + (gap_frames if start else 0)
            if stop > first:
                stretches.append((split, first, int(stop) - first))
        return stretches


def split_by_name(names: Sequence[str], patterns: Mapping[str, Sequence[str]]) -> Split:
    """Return the split that glob patterns name, tried in the order of ``SPLITS``.

    Raises:
        UsageError: a recording matches no pattern or two splits, or a pattern no recording.
    """
    chosen = {}
    unused = {(split, pattern) for split, some in patterns.items() for pattern in some}
    for name in names:
        stem = PurePath(name).name
        hits = [
            (split, pattern)
            for split in SPLITS
            for pattern in patterns.get(split, ())
            if fnmatch.fnmatch(stem, pattern)
        ]
        splits = sorted({split for split, _ in hits})
        if len(splits) != 1:
            raise UsageError(
                f"recording {name!r} belongs to {' and '.join(splits) or 'no split'}; give each "
                "recording exactly one of --train, --validation, --calibration and --test"
            )
        chosen[name] = splits[0]
        unused -= set(hits)
    if unused:
        split, pattern = min(unused)
        raise UsageError(f"--{split} {pattern!r} matches no recording of {sorted(names)}")
    method = {"kind": "name", "patterns": {s: list(p) for s, p in patterns.items() if p}}
    return Split(method, chosen)


def split_by_fraction(
    names: Sequence[str], fractions: Sequence[float] = FRACTIONS, seed: int = 0
) -> Split:
    """Return a seeded split of the recordings by shares of their number.

    Every split with a share above zero gets at least one recording.

    Raises:
        UsageError: the shares are wrong or there are fewer recordings than splits.
    """
    shares = _checked(fractions)
    wanted = [index for index, share in enumerate(shares) if share > 0]
    if len(names) < len(wanted):
        raise UsageError(
            f"{len(names)} recordings cannot fill {len(wanted)} splits; give more recordings, "
            "fewer splits, or --split-time to cut each recording in time"
        )
    order = [sorted(names)[i] for i in np.random.default_rng(seed).permutation(len(names))]
    counts = [1 if share > 0 else 0 for share in shares]
    while sum(counts) < len(names):
        lag = [share * len(names) - count for share, count in zip(shares, counts, strict=True)]
        counts[int(np.argmax(lag))] += 1
    which = [split for split, count in zip(SPLITS, counts, strict=True) for _ in range(count)]
    method = {"kind": "fraction", "fractions": list(shares), "seed": seed}
    return Split(method, dict(zip(order, which, strict=True)))


def split_by_time(fractions: Sequence[float] = FRACTIONS) -> Split:
    """Return a split of every recording into stretches, with a gap between them.

    Raises:
        UsageError: the shares are wrong.
    """
    shares = _checked(fractions)
    return Split({"kind": "time", "fractions": list(shares)}, of_time=shares)


def _checked(fractions: Sequence[float]) -> tuple[float, ...]:
    shares = tuple(float(share) for share in fractions)
    if len(shares) != len(SPLITS) or min(shares) < 0 or abs(sum(shares) - 1) > 1e-6:
        raise UsageError(
            f"fractions are {shares}; they must be {len(SPLITS)} shares for {', '.join(SPLITS)} "
            "that add up to 1"
        )
    return shares
