"""What kept hours promise: an observer calibrated on a part of them, and the thresholds of that."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.hours_tables import ALL
from edgespec.config import DetectConfig
from edgespec.detect.calibration import Calibration, calibrate
from edgespec.errors import ModelError
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.thresholds import thresholds_of

__all__ = [
    "TARGETS_PER_DAY",
    "USUAL",
    "Promise",
    "blocks_of",
    "detectors_of",
    "name_of",
    "promises",
    "taught_by",
    "usual_thresholds",
]

TARGETS_PER_DAY = (1.0, 10.0, 100.0)
#: The label of the thresholds that an observer has without a calibration.
USUAL = "thresholds of the bundle"


@dataclass(frozen=True, slots=True)
class Promise:
    """Thresholds of some detectors, by name, and what they were made for.

    ``label`` is all of the detectors or the one that is alone, ``per_day`` the false events that
    were asked for, 0 for the usual thresholds; ``part`` is the calibration of these detectors.
    """

    label: str
    per_day: float
    limits: dict[str, float]
    part: Calibration


def blocks_of(row: Mapping[str, Any]) -> tuple[tuple[str, ...], float, NDArray[np.float64]]:
    """Return what an observer's fullest set came to: detectors, seconds of a block, maxima.

    Args:
        row: of :func:`benchmarks.detection.hours.observe`.

    Returns:
        The maxima are ``(n_blocks, n_detectors)``, ``-inf`` where nothing could have opened.
    """
    last = list(row["sets"].values())[-1]
    names = tuple(last["peaks"])
    columns = [[-np.inf if one is None else one for one in last["peaks"][name]] for name in names]
    return names, float(last["block_s"]), np.array(columns, np.float64).T


def taught_by(
    blocks: NDArray[np.float64], names: Sequence[str], block_s: float
) -> Calibration | None:
    """Return what normal signal says, as :func:`blocks_of` gives it; None where it is too short."""
    try:
        return calibrate(names, blocks.astype(np.float32), block_s)
    except ModelError:
        return None


def promises(
    calibration: Calibration, usual: Mapping[str, float], *, is_tail_alone: bool = False
) -> Iterator[Promise]:
    """Yield the thresholds of every target, and the usual ones: of all detectors, and each alone.

    A detector that the calibration heard too little of is in none. Where the tail counts alone, the
    usual thresholds hold none up.
    """
    known = None if is_tail_alone else usual
    detectors = calibration.detectors
    for chosen in (detectors, *((one,) for one in detectors)):
        part = Calibration(calibration.signal_s, tuple(chosen))
        label = ALL if len(chosen) > 1 else chosen[0].name
        for per_day in TARGETS_PER_DAY:
            yield Promise(label, per_day, part.thresholds(per_day, known), part)
        yield Promise(label, 0.0, {one.name: usual[one.name] for one in chosen}, part)


def usual_thresholds() -> dict[str, float]:
    """Return those of a device with the shipped bundle, by detector."""
    names = ("residual", "zscore", "energy", "forecast", "any-band")
    usual, _ = thresholds_of(load_bundle(shipped_bundle_path()).manifest, names, DetectConfig())
    return usual


def name_of(per_day: float) -> str:
    """Return how a table names a target."""
    return f"{per_day:g} a day" if per_day else USUAL


def detectors_of(labels: Sequence[str]) -> list[str]:
    """Return the detectors that were alone, once each."""
    return [name for name in dict.fromkeys(labels) if name != ALL]
