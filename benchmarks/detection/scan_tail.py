"""How high the scan of a residual rises on normal traffic.

``python -m benchmarks.detection.scan_tail`` makes the observers and says it.

Observers of simulated LTE cells, still, walking and driving, some with a neighbour cell, without
any interferer. They are there to set the threshold and are tested nowhere else. Search, warm-up and
reference take the first 0.4 s of each. Beside the deviation as it is, that at the site is looked
at: less its mean, over its spread, of the first half, as every detector of the chain is. The tail
above the largest hundredth of the second half is taken as exponential to say how often a threshold
is passed in a day.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import click
import numpy as np

from benchmarks.detection.hop_scores import residual_scores
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.detect.scan.residual_scan import THRESHOLD
from edgespec.dsp.prefix.search import find_cell
from edgespec.framing import Recipe
from edgespec.observer.cell.residual_scale import SITE_STD
from edgespec.records import SourceInfo
from edgespec.simulate.scene import Scene

__all__ = ["Tail", "main", "markdown", "per_day", "tail_of"]

_SEED = 20261129
_WARMUP_S = 0.4
_TOP = 0.01
_DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Tail:
    """Deviations of one observer's hops in the second half: how many, and the largest hundredth.

    ``has_cell`` tells whether the search found one; ``distrust`` is what the scan says of itself;
    ``n_lost`` counts hops in which the timing was lost. ``raw`` and ``site`` hold the largest
    hundredth as it is, and at the site.
    """

    observer: str
    has_neighbour: bool
    has_cell: bool
    hop_s: float
    distrust: str = ""
    n_hops: int = 0
    n_lost: int = 0
    median: float = math.nan
    raw: tuple[float, ...] = ()
    site: tuple[float, ...] = ()
    n_above: tuple[int, int] = (0, 0)


def tail_of(spec: RecordingSpec) -> Tail:
    """Return the tail of one observer without interferer."""
    receiver, rate_hz = spec.scene.receiver, spec.scene.sample_rate_hz
    hop_samples = Recipe.for_rate(rate_hz).hop_samples
    samples = receiver.sample_format.empty(spec.n_samples)
    Scene(spec.scene, spec.seed).read_into(samples)
    info = SourceInfo("simulated", rate_hz, 0.0, receiver.sample_format, False)
    heard = receiver.sample_format.to_complex(samples[: round(_WARMUP_S * rate_hz)])
    cell = find_cell(heard, rate_hz)
    has_neighbour = bool(spec.scene.neighbours)
    hop_s = hop_samples / rate_hz
    if cell is None:
        return Tail(spec.name, has_neighbour, False, hop_s)
    scores, scan = residual_scores(samples, info, cell, hop_samples)
    first, second = np.array_split(scores[math.ceil(_WARMUP_S / hop_s) :], 2)
    known, values = (np.sort(part[np.isfinite(part)]) for part in (first, second))
    n_lost = len(second) - len(values)
    if scan.distrust or not len(known) or not len(values):
        return Tail(spec.name, has_neighbour, True, hop_s, scan.distrust, 0, n_lost)
    site = (values - known.mean()) / max(float(known.std()), SITE_STD)
    n_top = max(round(_TOP * len(values)), 1)
    return Tail(
        spec.name,
        has_neighbour,
        True,
        hop_s,
        "",
        len(values),
        n_lost,
        float(np.median(values)),
        tuple(float(v) for v in values[-n_top:]),
        tuple(float(v) for v in site[-n_top:]),
        (int((values > THRESHOLD).sum()), int((site > THRESHOLD).sum())),
    )


def per_day(top: Sequence[float], hop_s: float, threshold: float) -> float:
    """Return how many hops a day pass a threshold, by an exponential tail of the largest 1%."""
    values = np.asarray(top)
    least = float(values.min())
    scale = max(float(values.mean()) - least, 1e-3)
    return _DAY_S / hop_s * _TOP * math.exp(-(threshold - least) / scale)


def markdown(tails: Sequence[Tail]) -> str:
    """Return a row for each group of observers, then those that were not scored."""
    heard = [tail for tail in tails if tail.n_hops]
    groups = {
        "without a neighbour": [t for t in heard if not t.has_neighbour],
        "with a neighbour": [t for t in heard if t.has_neighbour],
    }
    rows = []
    for name, group in groups.items():
        for number, unit in enumerate(("as it is", "at the site")):
            if not group:
                continue
            top = [v for t in group for v in (t.raw, t.site)[number]]
            rows.append(
                [
                    name,
                    len(group),
                    f"{sum(t.n_hops * t.hop_s for t in group):.0f}",
                    unit,
                    f"{max(top):.1f}",
                    sum(t.n_above[number] for t in group),
                    sum(t.n_above[number] > 0 for t in group),
                    f"{per_day(top, group[0].hop_s, THRESHOLD):.2g}",
                ]
            )
    head = [
        "observers",
        "number",
        "seconds",
        "deviation",
        "largest",
        f"hops above {THRESHOLD:g}",
        "in observers",
        "a day by the tail",
    ]
    missed = sum(not tail.has_cell for tail in tails)
    said = sum(bool(tail.distrust) for tail in tails)
    lost = sum(tail.has_cell and not tail.distrust and tail.n_lost > 0 for tail in tails)
    return (
        f"{markdown_table(head, rows)}\n\nOf {len(tails)} observers the search found no cell in "
        f"{missed}, the scan trusted itself not in {said}, and timing was lost for a while in "
        f"{lost}.\n"
    )


@click.command()
@click.option("--observers", "n_observers", default=18, help="How many.")
@click.option("--seconds", default=20.0, help="Of each.")
@click.option("--rate", "rate_hz", default=1.92e6, help="Sample rate, S/s.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_observers: int, seconds: float, rate_hz: float, save: bool) -> None:
    """Measure the scan on normal simulated traffic."""
    tails = []
    for spec in Population().specs(n_observers, seconds, rate_hz, _SEED):
        tails.append(tail_of(spec))
        tail = tails[-1]
        largest = f"{max(tail.raw):.1f}, at the site {max(tail.site):.1f}" if tail.raw else "none"
        click.echo(f"{tail.observer}: {largest} {tail.n_lost} {tail.distrust}", err=True)
    title = "The scan of the residual on normal traffic"
    rows = [asdict(tail) for tail in tails]
    click.echo(save_rows("scan_tail", title, facts(), rows, markdown(tails), save=save))


if __name__ == "__main__":
    main()
