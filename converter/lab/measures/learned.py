"""Classifiers on the features of a detection table, without the family they are tested on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.baselines.sklearn_loader import load_sklearn
from converter.lab.numbers.cells import LEAST_SHARE, MODES
from converter.lab.numbers.thresholds import site_standardised
from converter.simulate.strangers import FAMILIES, family_of
from edgespec.errors import UsageError

__all__ = ["CLASSIFIERS", "feature_matrix", "learned_scores"]

Float = NDArray[np.float64]

#: Names of the classifiers in a table.
CLASSIFIERS = ("logistic", "trees")
#: Scores of a table that are no features: they are the same for all, or know what is on the air.
_LEFT_OUT = ("random", "overload")
_SEED = 20261128
_MOST_ROWS = 60_000


def feature_matrix(columns: Mapping[str, Any]) -> tuple[Float, list[str]]:
    """Return what is known of every row, ``(n_rows, n_features)``, and what each column is.

    The features of the table and all of its scores in deviations of the site; ``asinh`` draws in
    the largest, and what is not there is 0, which is usual.
    """
    parts, names = [], []
    for name in columns:
        kind, _, rest = name.partition(":")
        if kind == "feature":
            values = np.asarray(columns[name], np.float64)
        elif kind == "score" and rest not in _LEFT_OUT:
            values = site_standardised(columns, rest)
        else:
            continue
        parts.append(np.arcsinh(np.where(np.isfinite(values), values, 0.0)))
        names.append(name)
    if not parts:
        raise UsageError("the detection table has neither features nor scores to learn from")
    return np.stack(parts, axis=1), names


def learned_scores(
    columns: Mapping[str, Any], classifiers: Sequence[str] = CLASSIFIERS
) -> dict[str, NDArray[np.float32]]:
    """Return scores of every row by each classifier without each family, float32 ``(n_rows,)``.

    By names such as ``score:trees without carriers``. Normal rows of the train split are told from
    those with something on the air, of all kinds but those of the family; faults teach nothing.
    Constants are those of this file, and nothing is chosen on calibration or test observers.

    Args:
        columns: of a detection table; all of its features and scores are learnt from.
        classifiers: some of :data:`CLASSIFIERS`.

    Raises:
        UsageError: the table has no rows of the train split, or none of one sort.
    """
    table = {name: np.asarray(values) for name, values in columns.items()}
    matrix, _ = feature_matrix(table)
    is_train = table["split"] == "train"
    is_normal = is_train & (table["mode"] == "normal")
    is_on = is_train & np.isin(table["mode"], MODES) & np.isfinite(table["isr_db"])
    is_on &= table["share"] >= LEAST_SHARE
    families = np.array([family_of(kind) for kind in table["kind"].astype(str).tolist()])
    rng = np.random.default_rng(_SEED)
    found: dict[str, NDArray[np.float32]] = {}
    for family in sorted(set(families[is_on].tolist()) & FAMILIES.keys()):
        rows = np.flatnonzero(is_normal | (is_on & (families != family)))
        if len(rows) > _MOST_ROWS:
            rows = rng.choice(rows, _MOST_ROWS, replace=False)
        truth = ~is_normal[rows]
        if not truth.any() or truth.all():
            raise UsageError(
                f"without the family {family!r} there are {int(truth.sum())} segments with "
                f"something on the air and {int((~truth).sum())} normal ones to learn from; it "
                "takes some of both"
            )
        for name in classifiers:
            model = _made(name)
            # Threads that wait for each other take longer than one where others work as well.
            with load_sklearn("threadpoolctl").threadpool_limits(1):
                model.fit(matrix[rows], truth)
                margin = np.asarray(model.decision_function(matrix), np.float32)
            found[f"score:{name} without {family}"] = np.where(is_train, np.float32(np.nan), margin)
    if not found:
        raise UsageError("no row of the train split has an interferer: ask for kinds and ISRs")
    return found


def _made(name: str) -> Any:
    """Return a new classifier."""
    if name == "trees":
        return load_sklearn("sklearn.ensemble").HistGradientBoostingClassifier(
            max_iter=150,
            learning_rate=0.1,
            max_leaf_nodes=15,
            class_weight="balanced",
            random_state=_SEED,
        )
    scaler = load_sklearn("sklearn.preprocessing").StandardScaler()
    linear = load_sklearn("sklearn.linear_model").LogisticRegression(
        C=0.1, max_iter=300, class_weight="balanced"
    )
    return load_sklearn("sklearn.pipeline").make_pipeline(scaler, linear)
