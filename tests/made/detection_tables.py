"""Detection tables whose numbers are known: normal scores are Gaussian, what is on the air adds."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Table = dict[str, NDArray[Any]]

#: What each observer of a split hears, in order: mode, kind, ISR, stretch, segments.
_TEST = (
    ("warmup", "", np.nan, -1, 60),
    ("normal", "", np.nan, -1, 200),
    ("onset", "tone", 0.0, 1, 4),
    ("persistent", "tone", 0.0, 1, 20),
    ("onset", "chirp", 0.0, 2, 4),
    ("persistent", "chirp", 0.0, 2, 20),
    ("persistent", "tone", 10.0, 3, 20),
    ("persistent", "power-step:3", np.nan, 4, 20),
)
_CALIBRATION = (("warmup", "", np.nan, -1, 60), ("normal", "", np.nan, -1, 400))


def table(
    rng: np.random.Generator,
    gains: Mapping[str, float],
    *,
    n_observers: int = 8,
    n_seeds: int = 2,
    offset: float = 0.0,
    scale: float = 1.0,
) -> Table:
    """Return a table with a scorer for each of ``gains``: sigmas that an ISR of 0 dB adds.

    10 dB more add one more, a fault adds none. Observers differ by ``offset`` (standard deviation
    of their means) and ``scale`` (the largest ratio of their spreads).
    """
    columns: dict[str, list[Any]] = {
        name: [] for name in ("split", "seed", "observer", "mode", "kind", "isr_db", "stretch")
    }
    segments: list[int] = []
    spread: list[float] = []
    middle: list[float] = []
    for split, seeds, parts in (("calibration", 1, _CALIBRATION), ("test", n_seeds, _TEST)):
        for seed in range(seeds):
            for number in range(n_observers):
                mean, std = offset * rng.normal(), scale ** rng.uniform(-0.5, 0.5)
                for mode, kind, isr_db, stretch, n in parts:
                    row = (split, seed, f"o{number}", mode, kind, isr_db, stretch)
                    for values, value in zip(columns.values(), row, strict=True):
                        values.extend([value] * n)
                    segments.extend(range(len(segments), len(segments) + n))
                    spread.extend([std] * n)
                    middle.extend([mean] * n)
    out: Table = {name: np.array(values) for name, values in columns.items()}
    out["segment"] = np.array(segments)
    is_tone = np.isfinite(out["isr_db"])
    added = np.where(is_tone, 1.0 + np.nan_to_num(out["isr_db"]) / 10.0, 0.0)
    for name, gain in gains.items():
        noise = rng.normal(size=len(added)) + gain * added
        out[f"score:{name}"] = (np.array(middle) + np.array(spread) * noise).astype(np.float32)
    return out


def shuffled(rows: Table, rng: np.random.Generator) -> Table:
    """Return the table with its rows in another order."""
    order = rng.permutation(len(rows["split"]))
    return {name: values[order] for name, values in rows.items()}
