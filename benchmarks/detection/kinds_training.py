"""The weights that name events, of what observers of training heard.

``python -m benchmarks.detection.kinds_training kinds.jsonl`` reads what
:mod:`benchmarks.detection.kinds` has written down and writes ``edgespec/detect/kinds.json``.
Observers of the test are left out, and so are the parts of the ranges that they heard.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold, cross_val_predict

from benchmarks.detection.kept_rows import read_rows
from benchmarks.record import ROOT
from edgespec.detect.description import FEATURES, N_FINE
from edgespec.kinds import UNKNOWN

__all__ = ["MESSAGES", "examples_of", "fit", "main"]

#: Messages of an event that are learnt from: each is what was known then.
MESSAGES = ("first", "middle", "last")
_PENALTIES = (0.03, 0.1, 0.3, 1.0)
_N_FOLDS = 5
#: A share of the examples comes once more without a look at samples, as where there are none.
_BLIND_SHARE = 0.3
_SMALLEST_SCALE = 0.02
_MOST_SIGMAS = 5.0
_DIGITS = 4


def examples_of(row: dict[str, Any]) -> Iterator[tuple[list[float], str]]:
    """Yield features and class of all that one observer heard, and of nothing."""
    for one in row["episodes"]:
        if one["goes_on"]:
            continue
        for message in MESSAGES:
            if "features" in one.get(message, {}):
                yield one[message]["features"], one["truth"]
    for one in (*row["quiet"], *row["false"]):
        if "features" in one:
            yield one["features"], UNKNOWN


def fit(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what :class:`edgespec.detect.naming.Namer` is made of.

    The penalty is the one with the best log-likelihood on observers that were left out in turn.
    """
    features, classes, observers = [], [], []
    for number, row in enumerate(rows):
        for x, kind in examples_of(row):
            features.append(x)
            classes.append(kind)
            observers.append(number)
    x, y, groups = np.asarray(features), np.asarray(classes), np.asarray(observers)
    mean, scale = x.mean(axis=0), np.maximum(x.std(axis=0), _SMALLEST_SCALE)
    z = np.clip((x - mean) / scale, -_MOST_SIGMAS, _MOST_SIGMAS)
    blind = np.random.default_rng(1).random(len(z)) < _BLIND_SHARE
    again = z[blind].copy()
    again[:, :N_FINE] = 0.0
    z, y = np.concatenate([z, again]), np.concatenate([y, y[blind]])
    groups = np.concatenate([groups, groups[blind]])
    penalty = max(_PENALTIES, key=lambda c: _likelihood(z, y, groups, c))
    model = _model(penalty).fit(z, y)
    return {
        "about": "made by python -m benchmarks.detection.kinds_training, of simulated observers",
        "n_examples": {str(kind): int(np.sum(y == kind)) for kind in model.classes_},
        "n_observers": len(rows),
        "penalty": penalty,
        "classes": [str(kind) for kind in model.classes_],
        "features": list(FEATURES),
        **{
            name: np.round(values, _DIGITS).tolist()
            for name, values in (
                ("mean", mean),
                ("scale", scale),
                ("weights", model.coef_),
                ("bias", model.intercept_),
            )
        },
    }


def _model(penalty: float) -> LogisticRegression:
    return LogisticRegression(C=penalty, max_iter=5000, class_weight="balanced")


def _likelihood(
    z: NDArray[np.float64], y: NDArray[np.str_], groups: NDArray[np.int64], penalty: float
) -> float:
    folds = GroupKFold(min(_N_FOLDS, len(np.unique(groups))))
    odds = cross_val_predict(_model(penalty), z, y, groups=groups, cv=folds, method="predict_proba")
    place = np.searchsorted(np.unique(y), y)
    found = float(np.log(np.maximum(odds[np.arange(len(y)), place], 1e-6)).mean())
    click.echo(f"penalty {penalty:g}: log-likelihood {found:.4f}", err=True)
    return found


@click.command()
@click.argument("kept", type=click.Path(path_type=Path, exists=True))
@click.option(
    "--to", type=click.Path(path_type=Path), default=ROOT / "edgespec" / "detect" / "kinds.json"
)
def main(kept: Path, to: Path) -> None:
    """Make the weights anew."""
    rows = [row for row in read_rows(kept) if not row["is_held_out"]]
    data = fit(rows)
    lines = [f' "{key}": {json.dumps(value)}' for key, value in data.items() if key != "weights"]
    weights = ",\n  ".join(json.dumps(row) for row in data["weights"])
    text = "{\n" + ",\n".join(lines) + f',\n "weights": [\n  {weights}\n ]\n}}\n'
    to.write_text(text, encoding="utf-8")
    click.echo(f"{len(rows)} observers, {sum(data['n_examples'].values())} examples: {to}")


if __name__ == "__main__":
    main()
