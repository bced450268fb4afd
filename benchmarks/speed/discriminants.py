"""Cost of a segment for each discriminant: ``python -m benchmarks.speed.discriminants``.

Beside each stands what one would write in NumPy and SciPy. Planes are those of Li et al. 2019 and
of Peng et al. 2022: 1.4 dB of noise on both, and one with an interferer of 15 dB for what stops
early.
"""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import click
import numpy as np
from scipy.spatial.distance import cdist, directed_hausdorff

from benchmarks import record
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.detect.discriminants.discriminant import open_discriminant
from edgespec.detect.discriminants.warping import Warping
from edgespec.records import FloatArray, Geometry

__all__ = ["PEERS", "main", "make_calls"]

#: Frames and bins of a horizon, and how long a hop of it is.
_PLANES = {"Li et al. 2019": (25, 128, 6.4e-3), "Peng et al. 2022": (40, 80, 72.0)}
_NAMES = ("rmse", "mae", "dtw", "dtw:3", "ramp", "hausdorff", "percentile")
_N_PLANES = 16


def _numpys_warping(expected: FloatArray, seen: FloatArray) -> float:
    cost = cdist(expected, seen, "sqeuclidean")
    path = np.full((len(cost) + 1, len(cost) + 1), np.inf)
    path[0, 0] = 0.0
    for i, row in enumerate(cost):
        ways = np.minimum(path[i, :-1], path[i, 1:])
        for j, here in enumerate(row):
            path[i + 1, j + 1] = here + min(ways[j], path[i + 1, j])
    return float(np.sqrt(path[-1, -1] / expected.size))


def _scipys_hausdorff(expected: FloatArray, seen: FloatArray) -> float:
    there, back = directed_hausdorff(expected, seen)[0], directed_hausdorff(seen, expected)[0]
    return float(max(there, back) / np.sqrt(expected.shape[1]))


#: What gives the same without loops of ours.
PEERS: dict[str, Callable[[FloatArray, FloatArray], float]] = {
    "rmse": lambda a, b: float(np.sqrt(np.mean((b - a) ** 2))),
    "mae": lambda a, b: float(np.mean(np.abs(b - a))),
    "dtw": _numpys_warping,
    "hausdorff": _scipys_hausdorff,
    "percentile": lambda a, b: float(
        np.percentile(np.abs(b - a), 95.0, method="inverted_cdf").item()
    ),
}


def make_calls(n_horizon: int, n_bins: int) -> dict[str, Callable[[int], object]]:
    """Return every discriminant, and what stands beside it, as a call that takes a number."""
    rng = np.random.default_rng(20261129)
    expected, seen = rng.normal(-80.0, 1.4, (2, _N_PLANES, n_horizon, n_bins)).astype(np.float32)
    loud = seen.copy()
    loud[:, :, n_bins // 2 :] += np.float32(15.0)
    geometry = Geometry(n_bins, 1e-3, n_horizon=n_horizon)

    def call(
        distance: Callable[[FloatArray, FloatArray], float], planes: FloatArray
    ) -> Callable[[int], object]:
        return lambda number: distance(expected[number % _N_PLANES], planes[number % _N_PLANES])

    calls = {name: call(open_discriminant(name, geometry), seen) for name in _NAMES}
    calls |= {f"{name}, NumPy and SciPy": call(peer, seen) for name, peer in PEERS.items()}
    calls["dtw, loud"] = call(Warping(n_horizon, n_horizon), loud)
    calls["dtw, loud, until 5 dB"] = call(Warping(n_horizon, n_horizon, 5.0), loud)
    return calls


@click.command()
@click.option("--rounds", "n_rounds", default=20, help="Turns of each.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, save: bool) -> None:
    """Measure the discriminants."""
    record.on_one_core()
    rows: list[dict[str, Any]] = []
    for geometry, (n_horizon, n_bins, hop_s) in _PLANES.items():
        for name, times in take_turns(make_calls(n_horizon, n_bins), n_rounds, 0.02).items():
            share = times.min_s / hop_s
            rows.append({"plane": geometry, "name": name, **asdict(times), "share": share})
    head = ["plane", "discriminant", "min us", "median us", "share of the hop"]
    table = [
        [
            row["plane"],
            row["name"],
            f"{row['min_s'] * 1e6:.1f}",
            f"{row['median_s'] * 1e6:.1f}",
            f"{row['share']:.2%}",
        ]
        for row in rows
    ]
    text = markdown_table(head, table, right_from=2)
    click.echo(text)
    if save:
        title = "A segment by each discriminant"
        click.echo(
            record.save("discriminants", title, {"machine": record.facts(), "rows": rows}, text)
        )


if __name__ == "__main__":
    main()
