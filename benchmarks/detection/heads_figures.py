"""Figures of a head at each observer by itself, and of rules at thresholds that are the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.metrics import rank_scores
from converter.lab.numbers.thresholds import observer_names, site_standardised
from converter.simulate.strangers import family_of

__all__ = ["DEVICE", "MODES", "Figures", "Told", "figures_of", "told_by"]

Columns = Mapping[str, NDArray[Any]]
Floats = NDArray[np.float64]

#: Detectors of the device by the name that their scores have in a table.
DEVICE = {"residual": "residual", "zscore": "device-zscore", "energy": "device-energy"}
_RATE = 0.01
#: What is stronger is found by every head, or clips the receiver.
_MOST_ISR_DB = 0.0
MODES = ("onset", "persistent")
#: Deviations, over their thresholds, whose sum alarms, and shares of thresholds, that are tried.
_SUMS, _SHARES = (1.0, 1.25, 1.5), (0.9, 0.8, 0.7)


@dataclass(frozen=True, slots=True)
class Figures:
    """``auc`` and ``found`` float64 ``(2, n_observers, n_isrs)``: onset and persistent.

    NaN where there is nothing of an ISR. ``neighbour`` ``(n_observers,)``: one is on the air.
    """

    observers: tuple[str, ...]
    neighbour: NDArray[np.bool_]
    isrs_db: tuple[float, ...]
    auc: Floats
    found: Floats


@dataclass(frozen=True, slots=True)
class Told:
    """Share of normal hops of a group in alarm, and of those with an interferer by mode and ISR."""

    rule: str
    group: str
    false_share: float
    found: tuple[tuple[float, ...], ...]


def figures_of(scores: Mapping[str, Floats], table: Columns) -> Figures:
    """Return AUC and what is found at 1% of an observer's own normal hops, of test observers.

    Hops that clip are left out, since the observer tells them as an overload; what has no score
    for another reason is not found.

    Args:
        scores: of every row by the family that the head has not seen, '' for any.
        table: with the columns of a detection table.
    """
    who = observer_names(table)
    is_heard = (table["split"] == "test") & (table["flagged"] == 0.0)
    observers = np.unique(who[is_heard & (table["mode"] == "normal")])
    isrs_db = _isrs_db(table)
    shape = (len(MODES), len(observers), len(isrs_db))
    auc, found = np.full(shape, np.nan), np.full(shape, np.nan)
    families = np.array([family_of(kind) for kind in table["kind"].tolist()])
    for place, observer in enumerate(observers):
        own = is_heard & (who == observer)
        is_normal = own & (table["mode"] == "normal")
        for number, mode in enumerate(MODES):
            for at, isr_db in enumerate(isrs_db):
                is_on = own & (table["mode"] == mode) & (table["isr_db"] == isr_db)
                if not is_on.any():
                    continue
                areas, hits = [], []
                for family, values in scores.items():
                    rows = is_on & (families == family) if family else is_on
                    known = np.where(np.isnan(values), -np.inf, values)
                    normal, on = known[is_normal], known[rows]
                    ranked = rank_scores(normal, on)
                    areas.append(ranked.areas()[ranked.place])
                    hits.append(on > np.sort(normal)[-1 - int(_RATE * len(normal))])
                auc[number, place, at] = np.concatenate(areas).mean()
                found[number, place, at] = np.concatenate(hits).mean()
    neighbour = np.array([bool(table["neighbour"][who == name].any()) for name in observers])
    names = tuple(_name_of(str(observer)) for observer in observers)
    return Figures(names, neighbour, isrs_db, auc, found)


def told_by(table: Columns, limits: Mapping[str, float]) -> list[Told]:
    """Return what rules at the same thresholds everywhere alarm for; captures are left out.

    The rule of the device, that or the sum of ``residual`` and ``zscore``, each over its threshold
    and not below 0, above some limit, and the device's with thresholds that are lower.

    Args:
        table: with the columns of a detection table.
        limits: the threshold of each detector of :data:`DEVICE`, by column.
    """
    over = {
        name: np.nan_to_num(site_standardised(table, name), nan=-np.inf) / limit
        for name, limit in limits.items()
    }
    largest = np.max(list(over.values()), axis=0)
    both = np.maximum(over["residual"], 0.0) + np.maximum(over["device-zscore"], 0.0)
    rules = {"one is above its threshold": largest > 1.0}
    rules |= {
        f"... or the sum is above {limit:g}": (largest > 1.0) | (both > limit) for limit in _SUMS
    }
    rules |= {f"one is above {share:g} of its threshold": largest > share for share in _SHARES}
    is_kept = (table["flagged"] == 0.0) & (table["seed"] >= 0)
    is_normal, is_test = is_kept & (table["mode"] == "normal"), is_kept & (table["split"] == "test")
    isrs_db = [
        isr_db for isr_db in _isrs_db(table) if (is_test & (table["isr_db"] == isr_db)).any()
    ]
    told = []
    for rule, alarms in rules.items():
        for group, here in (
            ("with a neighbour", table["neighbour"] == 1),
            ("without", table["neighbour"] == 0),
        ):
            found = tuple(
                tuple(
                    _share(
                        alarms, is_test & here & (table["mode"] == mode) & (table["isr_db"] == isr)
                    )
                    for isr in isrs_db
                )
                for mode in MODES
            )
            told.append(Told(rule, group, _share(alarms, is_normal & here), found))
    return told


def _name_of(observer: str) -> str:
    """Return who an observer of the test split is: a capture is known by its own name."""
    seed_and_name = observer.removeprefix("test/")
    return seed_and_name.removeprefix("-1/")


def _share(alarms: NDArray[np.bool_], rows: NDArray[np.bool_]) -> float:
    """Return the share of some rows in alarm, NaN where there are none."""
    return float(alarms[rows].mean()) if rows.any() else float("nan")


def _isrs_db(table: Columns) -> tuple[float, ...]:
    is_on = (table["split"] == "test") & np.isin(table["mode"], MODES)
    values = np.unique(table["isr_db"][is_on].astype(np.float64))
    return tuple(float(value) for value in values if value <= _MOST_ISR_DB)
