"""Who is found at the thresholds of a promise, ISR by ISR: all detectors, and each of them alone.

An interferer is found when some detector's event-level score is above its threshold in a hop that
needed the interferer's samples. The scores are those of a chain that went by the usual thresholds:
what it holds back while an event is open, it held back by those.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmarks.detection.hours_tables import ALL, group_names, groups_of
from benchmarks.detection.promised import (
    TARGETS_PER_DAY,
    blocks_of,
    detectors_of,
    name_of,
    promises,
    taught_by,
)
from converter.lab.numbers.intervals import clopper_pearson
from converter.report.markdown_table import markdown_table

__all__ = ["Sought", "found_markdown", "sought"]

#: The target by which kinds are told.
_TOLD_PER_DAY = 1.0


@dataclass(frozen=True, slots=True)
class Sought:
    """An interferer at the thresholds of one promise; ``delay_ms`` is None where it was not found.

    The delay is from its first sample to the last that the hop needed. Groups are those of
    :func:`benchmarks.detection.hours_tables.groups_of`.
    """

    observer: str
    round: int
    groups: tuple[str, ...]
    kind: str
    isr_db: float
    detector: str
    per_day: float
    delay_ms: float | None


def sought(
    row: dict[str, Any],
    calibrate_s: float,
    usual: Mapping[str, float],
    *,
    is_tail_alone: bool = False,
) -> Iterator[Sought]:
    """Yield what became of an observer's interferers, by the first of its normal signal.

    Nothing where that was too short, or the scores of the interferers were not kept.

    Args:
        row: of :func:`benchmarks.detection.hours.observe`.
        calibrate_s: so much of its normal signal sets the thresholds.
        usual: the thresholds without a calibration.
        is_tail_alone: as in :func:`benchmarks.detection.promised.promises`.
    """
    names, block_s, blocks = blocks_of(row)
    n_first = round(calibrate_s / block_s)
    if len(blocks) < n_first:
        return
    calibration = taught_by(blocks[:n_first], names, block_s)
    if calibration is None:
        return
    groups = groups_of(row)
    for promise in promises(calibration, usual, is_tail_alone=is_tail_alone):
        for one in row["episodes"]:
            if "rises" not in one:
                continue
            yield Sought(
                row["observer"], row["round"], groups, one["kind"], one["isr_db"], promise.label,
                promise.per_day, _delay_ms(one["rises"], promise.limits),
            )  # fmt: skip


def _delay_ms(
    rises: Mapping[str, Sequence[tuple[float, float]]], limits: Mapping[str, float]
) -> float | None:
    """Return when a score was first above its threshold."""
    above = [
        at for name, limit in limits.items() for at, value in rises.get(name, ()) if value > limit
    ]
    return min(above, default=None)


def found_markdown(found: Sequence[Sought]) -> str:
    """Return the tables: by target and detector, by groups of observers, and by kind."""
    isrs = sorted({one.isr_db for one in found})
    detectors = detectors_of([one.detector for one in found])
    targets = (*TARGETS_PER_DAY, 0.0)
    by_target = [
        [label, name_of(per_day), *_cells(found, isrs, label, per_day)]
        for label in (ALL, *detectors)
        for per_day in targets
    ]
    own = [one for one in found if one.per_day == _TOLD_PER_DAY and one.detector == ALL]
    by_group = [
        [group, name_of(per_day), *_cells(_in_group(found, group), isrs, ALL, per_day)]
        for group in group_names(one.groups for one in own)
        for per_day in targets
    ]
    by_kind = [
        [kind, *_cells([one for one in own if one.kind == kind], isrs, ALL, _TOLD_PER_DAY)]
        for kind in sorted({one.kind for one in own})
    ]
    heads = [f"{isr:+.0f} dB" for isr in isrs]
    told = f"at {name_of(_TOLD_PER_DAY)}, all detectors"
    return "\n\n".join(
        [
            f"Found of {len(own)} interferers, in percent [95%], and the median delay in ms:",
            markdown_table(["detector", "target", *heads], by_target),
            "By observers, all detectors:",
            markdown_table(["observers", "target", *heads], by_group),
            f"By kind, {told}:",
            markdown_table(["kind", *heads], by_kind),
        ]
    )


def _in_group(found: Sequence[Sought], group: str) -> list[Sought]:
    return [one for one in found if group in one.groups]


def _cells(
    found: Sequence[Sought], isrs: Sequence[float], label: str, per_day: float
) -> Iterator[str]:
    """Yield for each ISR the share that was found, and the median delay."""
    own = [one for one in found if one.detector == label and one.per_day == per_day]
    for isr in isrs:
        here = [one for one in own if one.isr_db == isr]
        delays = [one.delay_ms for one in here if one.delay_ms is not None]
        if not here:
            yield "-"
            continue
        share = clopper_pearson(len(delays), len(here)).times(100)
        late = f", {np.median(delays):.0f}" if delays else ""
        yield f"{share:.0f} of {len(here)}{late}"
