"""What heads find, in tables: by group of observers, and beside what needs no head."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.heads_figures import MODES, Figures, Told
from converter.lab.numbers.intervals import Interval
from converter.report.markdown_table import markdown_table
from converter.report.resamples import Draws, interval

__all__ = ["BASE", "markdown", "rows_of"]

Floats = NDArray[np.float64]

#: What every head is measured against: nothing of it was trained, and the device has its parts.
BASE = "max(residual, zscore)"
_FIXED, _AUTOMATIC = "captures, gain fixed", "captures, automatic gain"


def _groups(figures: Figures) -> dict[str, NDArray[np.bool_]]:
    """Return which observers belong together, by name; groups without any are left out."""
    is_capture = np.array([name.startswith("lte_") for name in figures.observers])
    has_agc = np.array(["_g0_" in name for name in figures.observers])
    groups = {
        "all": ~is_capture,
        "with a neighbour": ~is_capture & figures.neighbour,
        "without": ~is_capture & ~figures.neighbour,
        _FIXED: is_capture & ~has_agc,
        _AUTOMATIC: is_capture & has_agc,
    }
    return {name: rows for name, rows in groups.items() if rows.any()}


def _mean(values: Floats, rows: NDArray[np.bool_]) -> Interval:
    """Return the mean of ``(n_observers,)`` over some of them, with an interval."""
    picked = values[rows]
    return interval(Draws(range(len(picked)), "heads").mean(picked))


def _series(values: Floats) -> str:
    """Return means over observers of ``(n_observers, n_isrs)``."""
    known = np.isfinite(values)
    n_known = known.sum(axis=0)
    means = np.where(known, values, 0.0).sum(axis=0) / np.maximum(n_known, 1)
    texts = [f"{mean:.3f}" if n else "-" for mean, n in zip(means, n_known, strict=True)]
    return " / ".join(texts)


def _table(by_head: Mapping[str, Figures], what: Callable[[Figures], Floats]) -> str:
    """Return means by head, group and mode; ``what`` is ``(n_modes, n_observers, n_isrs)``."""
    base = by_head[BASE]
    groups = {
        name: (rows, np.isfinite(base.auc[:, rows]).any(axis=(0, 1)))
        for name, rows in _groups(base).items()
    }
    head = ["head"]
    for name, (_, isrs) in groups.items():
        known = " / ".join(f"{isr_db:+g}" for isr_db in np.array(base.isrs_db)[isrs])
        head += [f"{mode}, {name}, {known} dB" for mode in MODES]
    rows = [
        [
            name,
            *(
                _series(values[observers][:, isrs])
                for observers, isrs in groups.values()
                for values in what(figures)
            ),
        ]
        for name, figures in by_head.items()
    ]
    return markdown_table(head, rows)


def _against_base(by_head: Mapping[str, Figures]) -> str:
    """Return by how much each head is ahead, over all modes and ISRs, and at how many observers."""
    base, rows = by_head[BASE], []
    for name, figures in by_head.items():
        if name == BASE:
            continue
        row = [name]
        for group in _groups(base).values():
            for mine, theirs in ((figures.auc, base.auc), (figures.found, base.found)):
                ahead = np.nanmean(mine - theirs, axis=(0, 2))
                one, here = _mean(ahead, group), ahead[group]
                row.append(
                    f"{one.value:+.3f} [{one.low:+.3f}, {one.high:+.3f}], "
                    f"{np.count_nonzero(here > 0)} and {np.count_nonzero(here < 0)} of {len(here)}"
                )
        rows.append(row)
    head = [
        "head",
        *(f"{what}, {name}" for name in _groups(base) for what in ("AUC", "found")),
    ]
    return markdown_table(head, rows)


def _told_table(told: Sequence[Told]) -> str:
    rows = [
        [
            one.rule,
            one.group,
            f"{100 * one.false_share:.2f}",
            *(" / ".join(f"{100 * share:.0f}" for share in of_mode) for of_mode in one.found),
        ]
        for one in told
    ]
    return markdown_table(["alarm where", "observers", "false, %", *MODES], rows)


def markdown(by_head: Mapping[str, Figures], told: Sequence[Told]) -> str:
    """Return all tables, with what they mean."""
    figures = by_head[BASE]
    n_captures = sum(name.startswith("lte_") for name in figures.observers)
    return (
        f"{len(figures.observers) - n_captures} simulated observers and {n_captures} real captures "
        "that no head has seen: the mean over them of figures of each by itself, by ISR.\n\n"
        f"**AUC**\n\n{_table(by_head, lambda one: one.auc)}\n\n"
        "**Found at the threshold that 1% of the observer's own normal hops are above**\n\n"
        f"{_table(by_head, lambda one: one.found)}\n\n"
        f"**Ahead of `{BASE}`**: mean over modes and ISRs with its interval by observer, and at "
        f"how many observers it is ahead and behind\n\n{_against_base(by_head)}\n\n"
        "**At the thresholds of the device** (`residual` 12, the others by the shipped bundle at a "
        "rate of .001), hops, without the rules for cells and neighbours that follow there\n\n"
        f"{_told_table(told)}\n"
    )


def rows_of(by_head: Mapping[str, Figures], told: Sequence[Told]) -> list[dict[str, object]]:
    """Return a row for each head, observer, mode and ISR, and one for each rule and group."""
    rows: list[dict[str, object]] = []
    for name, figures in by_head.items():
        for number, observer in enumerate(figures.observers):
            for mode, auc, found in zip(MODES, figures.auc, figures.found, strict=True):
                for at, isr_db in enumerate(figures.isrs_db):
                    if np.isnan(auc[number, at]):
                        continue
                    rows.append(
                        {
                            "head": name,
                            "observer": observer,
                            "neighbour": bool(figures.neighbour[number]),
                            "mode": mode,
                            "isr_db": isr_db,
                            "auc": float(auc[number, at]),
                            "found": float(found[number, at]),
                        }
                    )
    rows += [
        {
            "rule": one.rule,
            "observers": one.group,
            "false": one.false_share,
            **{mode: list(found) for mode, found in zip(MODES, one.found, strict=True)},
        }
        for one in told
    ]
    return rows
