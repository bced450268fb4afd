"""The next sweep at Bras d'Eau: ``python -m benchmarks.papers.peng2022.bras_deau``.

Of each block, candidates are fitted to the first 42 sweeps and chosen by their error on the next
18, band by band. What was chosen is fitted to all 60 and measured once on the rest of each block;
the bar is the mean of the last six sweeps. Intervals are of blocks and hours that are drawn anew.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import click
import numpy as np
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import HuberRegressor, Ridge
from sklearn.neural_network import MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks import record
from benchmarks.papers.peng2022.sweep_blocks import BANDS, N_FIT, N_TRAIN, load_blocks
from benchmarks.papers.peng2022.sweep_features import N_BEFORE
from benchmarks.papers.peng2022.sweep_forecasters import (
    Averaged,
    Factors,
    Fixed,
    ForEachPoint,
    Learnt,
    SweepForecaster,
    Unbiased,
    decayed,
    last,
    mean_of,
    median_of,
    mixed,
)
from benchmarks.papers.peng2022.sweep_levels import levelled
from converter.report.markdown_table import markdown_table
from edgespec.errors import SourceError
from edgespec.records import FloatArray

__all__ = ["BAR", "CANDIDATES", "errors_of", "gain", "main", "measure"]

BAR = "mean of 6"
_WEIGHTS = (0.05, 0.1, 0.15, 0.2, 0.3)
#: Sweeps of an hour: what is drawn together.
_RUN_SWEEPS = 4
_N_DRAWS = 1000


def _ridge(strength: float) -> Ridge:
    return Ridge(alpha=strength)


def _kinds() -> list[Callable[[FloatArray], FloatArray]]:
    """Return what is mixed for each point: decayed means, medians, and levels that points share."""
    levels = [
        levelled(n, level, shape)
        for n, level, shape in (
            *((0, 0.35, 0.05), (0, 0.35, 0.1), (0, 0.35, 0.2), (0, 0.6, 0.05), (0, 0.6, 0.3)),
            *((25, 0.35, 0.05), (25, 0.35, 0.1), (25, 0.35, 0.2)),
        )
    ]
    return [*map(decayed, _WEIGHTS), *map(median_of, (6, 12, 24)), mean_of(24), *levels]


def _mixture(sharpness: float) -> SweepForecaster:
    return ForEachPoint(_kinds(), 30.0, sharpness)


def _robust() -> Any:
    return make_pipeline(StandardScaler(), HuberRegressor(epsilon=1.1, max_iter=200))


def _trees() -> HistGradientBoostingRegressor:
    return HistGradientBoostingRegressor(
        loss="absolute_error", max_iter=60, min_samples_leaf=200, random_state=3
    )


def _network(n_units: int) -> Any:
    network = MLPRegressor(
        hidden_layer_sizes=(n_units, n_units),
        early_stopping=True,
        max_iter=20,
        batch_size=500,
        random_state=3,
    )
    return make_pipeline(StandardScaler(), network)


#: How every candidate is made.
CANDIDATES: Mapping[str, Callable[[], SweepForecaster]] = {
    "last sweep": lambda: Fixed(last),
    **{f"mean of {n}": partial(Fixed, mean_of(n)) for n in (6, 12, 24)},
    "mean of the block": lambda: Fixed(mean_of(10_000)),
    **{f"median of {n}": partial(Fixed, median_of(n)) for n in (6, 12, 24)},
    **{f"decayed mean, {weight:g}": partial(Fixed, decayed(weight)) for weight in _WEIGHTS},
    **{
        f"mean of 6, {share:g} of the block's": partial(Fixed, mixed(6, share))
        for share in (0.2, 0.5)
    },
    **{
        f"level of {n or 'all'} points, {level:g}, and shape, {shape:g}": partial(
            Fixed, levelled(n, level, shape)
        )
        for n in (0, 25, 101)
        for level in (0.35, 0.6)
        for shape in (0.1, 0.2)
    },
    "decayed mean, 0.2, and its bias": lambda: Unbiased(Fixed(decayed(0.2)), 100.0),
    "weight for each point": lambda: ForEachPoint([decayed(w) for w in _WEIGHTS], 100.0),
    "forecaster for each point": lambda: ForEachPoint(_kinds(), 30.0),
    **{
        f"mixture for each point, {sharpness:g}": partial(_mixture, sharpness)
        for sharpness in (20.0, 50.0, 200.0)
    },
    "mixture for each point, 50, and its bias": lambda: Unbiased(_mixture(50.0), 100.0),
    "mean of two levels, trees and the mixture": lambda: Averaged(
        [
            Fixed(levelled(0, 0.35, 0.2)),
            Fixed(levelled(25, 0.35, 0.2)),
            Learnt(_trees),
            _mixture(50.0),
        ]
    ),
    **{f"factors, {n}": partial(Factors, 0.2, n) for n in (1, 3, 10)},
    **{
        f"residual AR with neighbours, {strength:g}": partial(Learnt, partial(_ridge, strength))
        for strength in (1.0, 1e4)
    },
    "robust residual AR with neighbours": lambda: Learnt(_robust),
    "residual AR with neighbours, and its bias": lambda: Unbiased(
        Learnt(partial(_ridge, 1e4)), 100.0
    ),
    "trees on the residual": lambda: Learnt(_trees),
    "network of 16 on the residual": lambda: Learnt(partial(_network, 16)),
}


def errors_of(
    forecaster: SweepForecaster, blocks: Sequence[FloatArray], first: int, until: int | None
) -> list[FloatArray]:
    """Return the mean error of each sweep from ``first`` on, block by block, in dB.

    The forecaster is fitted to what is before ``first`` in each block, and given what is before
    each sweep.
    """
    forecaster.fit([block[:first] for block in blocks])
    return [
        np.abs(block[:until] - forecaster.expect(block[:until]))[first:].mean(axis=1)
        for block in blocks
    ]


def gain(
    bar: Sequence[FloatArray], errors: Sequence[FloatArray], rng: np.random.Generator
) -> tuple[float, float, float]:
    """Return by what share errors are below the bar's, with its 95% interval.

    Pairs of blocks are drawn, and in each of them runs of an hour; the bar's are the same sweeps.
    """

    def share(pairs: Sequence[tuple[FloatArray, FloatArray]]) -> float:
        before, after = (np.concatenate(side).mean() for side in zip(*pairs, strict=True))
        return float(1.0 - after / before)

    pairs = list(zip(bar, errors, strict=True))
    draws = []
    for _ in range(_N_DRAWS):
        drawn = []
        for number in rng.integers(len(pairs), size=len(pairs)):
            one, other = pairs[number]
            n_runs = -(-len(one) // _RUN_SWEEPS)
            starts = rng.integers(max(len(one) - _RUN_SWEEPS, 0) + 1, size=n_runs)
            rows = (starts[:, None] + np.arange(min(_RUN_SWEEPS, len(one)))).ravel()
            drawn.append((one[rows], other[rows]))
        draws.append(share(drawn))
    low, high = np.percentile(draws, (2.5, 97.5))
    return share(pairs), float(low), float(high)


def around(blocks: Sequence[FloatArray]) -> float:
    """Return what the mean of six sweeps before and six behind each test sweep is off by, in dB.

    No forecaster: it says about how much of the error is noise that nothing can expect.
    """
    errors = []
    for block in blocks:
        for t in range(N_TRAIN, len(block) - 6):
            near = np.concatenate([block[t - 6 : t], block[t + 1 : t + 7]])
            errors.append(np.abs(block[t] - near.mean(axis=0)).mean())
    return float(np.mean(errors))


def measure(blocks: Sequence[FloatArray], names: Sequence[str]) -> dict[str, Any]:
    """Return the errors of candidates on validation sweeps, and of all of them on the test.

    The choice is that of the validation sweeps; what stands beside it was not chosen.
    """
    rows: list[dict[str, Any]] = []
    bar = errors_of(CANDIDATES[BAR](), blocks, N_TRAIN, None)
    for name in names:
        chosen_by = errors_of(CANDIDATES[name](), blocks, N_FIT, N_TRAIN)
        tested = errors_of(CANDIDATES[name](), blocks, N_TRAIN, None)
        found, low, high = gain(bar, tested, np.random.default_rng(20261129))
        rows.append(
            {
                "name": name,
                "validation_db": float(np.concatenate(chosen_by).mean()),
                "test_db": float(np.concatenate(tested).mean()),
                "gain": found,
                "gain_low": low,
                "gain_high": high,
            }
        )
    best = min(rows, key=lambda row: row["validation_db"])
    return {
        "n_blocks": len(blocks),
        "n_test_sweeps": sum(map(len, bar)),
        "bar_db": float(np.concatenate(bar).mean()),
        "around_db": around(blocks),
        "chosen": best["name"],
        "rows": sorted(rows, key=lambda row: float(row["validation_db"])),
    }


def _table(found: Mapping[str, Any]) -> str:
    head = ["forecaster", "validation, dB", "test, dB", "below the bar", "95%"]
    rows = [
        [
            f"**{row['name']}**" if row["name"] == found["chosen"] else row["name"],
            f"{row['validation_db']:.3f}",
            f"{row['test_db']:.3f}",
            f"{row['gain']:.1%}",
            f"{row['gain_low']:.1%} to {row['gain_high']:.1%}",
        ]
        for row in found["rows"]
    ]
    return markdown_table(head, rows, right_from=1)


@click.command(help=__doc__)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(save: bool) -> None:
    """Choose, measure and tell."""
    record.on_one_core()
    path = record.DATA / "sweeps_bras_deau.npz"
    if not path.exists():
        raise SourceError(f"{path} is not there: the sweeps are no part of the project")
    results, parts = {}, []
    for band, span in BANDS.items():
        blocks = load_blocks(path, band)
        found = measure(blocks, list(CANDIDATES))
        results[str(band)] = found
        best = found["rows"][0]
        parts.append(
            f"## Band {band}: {span}\n\n{found['n_blocks']} blocks, {found['n_test_sweeps']} test "
            f"sweeps; the bar, the mean of the last six, is off by {found['bar_db']:.3f} dB. "
            f"Chosen by the validation sweeps: {best['name']}, {best['test_db']:.3f} dB, "
            f"{best['gain']:.1%} [{best['gain_low']:.1%} to {best['gain_high']:.1%}] below it. The "
            "mean of six before and six behind, which no forecaster has, is off by "
            f"{found['around_db']:.3f} dB.\n\n"
            f"{_table(found)}\n"
        )
        click.echo(parts[-1])
    if save:
        title = "The next sweep at Bras d'Eau"
        text = f"{' '.join(str(__doc__).split())}\n\n" + "\n".join(parts)
        rows = {"machine": record.facts(["scikit-learn"]), "n_before": N_BEFORE, "bands": results}
        click.echo(record.save("bras_deau", title, rows, text, "papers.peng2022"))


if __name__ == "__main__":
    main()
