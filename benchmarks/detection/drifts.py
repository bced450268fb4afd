"""What is told of slow changes: of none, for nothing, and of ramps, how early.

``python -m benchmarks.detection.drifts`` plays hours of simulated observers that stand, walk and
drive to what watches a site's levels, as they are and with a ramp from the fifth minute on in four
bins. Looks are made without samples (:mod:`benchmarks.detection.slow_sites`), and no detector is
there that would look away: what is told here, they have not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from statistics import median

import click
import numpy as np

from benchmarks.detection.slow_sites import LOOKS_PER_S, N_BINS, looks_of
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from converter.simulate.population import Population
from converter.simulate.specs import CONTEXTS
from edgespec.detect.slow.watch import SiteWatch, SlowRules
from edgespec.grid import Grid
from edgespec.kinds import DRIFT
from edgespec.records import BandInfo, Decision, EventType, FloatArray, Geometry
from edgespec.simulate.numerology import SUBCARRIER_HZ

__all__ = ["Told", "main", "played"]

#: Nothing was tuned on these observers.
SEED = 8_150_000
RATES_DB = (0.1, 0.3, 1.0, 3.0, -1.0)
_RAMP_BINS, _RAMP_FROM_MIN, _MOST_DB = slice(20, 24), 5.0, 12.0
_TICK_HZ, _NS = 1000.0, 1_000_000_000
_LOOK_TICKS = round(_TICK_HZ / LOOKS_PER_S)
_RATE_HZ = N_BINS * SUBCARRIER_HZ


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of an observer; a ramp of 0 dB a minute is none.

    ``minutes`` after a ramp began its drift was told, which had come to ``ramp_db`` by then; NaN
    where it was not. ``n_other`` is how much else was told.
    """

    observer: str
    context: str
    rate_db: float
    minutes: float
    ramp_db: float
    n_other: int


def played(looks: FloatArray, rate_db: float) -> tuple[float, float, int]:
    """Return when a ramp in some looks, ``(n_looks, N_BINS)``, was told, and how much else was."""
    grid = Grid(SUBCARRIER_HZ * np.arange(N_BINS), SUBCARRIER_HZ, _LOOK_TICKS, _TICK_HZ)
    geometry = Geometry(N_BINS, grid.frame_s, n_context=1, n_horizon=1, hop_frames=1)
    watch = SiteWatch(BandInfo("band", grid), geometry, SlowRules(), lambda: 0)
    lower_hz, upper_hz = grid.edges_hz(_RAMP_BINS.start, _RAMP_BINS.stop - 1)
    told, n_other = (float("nan"), float("nan")), 0
    for number, row in enumerate(looks):
        minute = number / LOOKS_PER_S / 60.0 - _RAMP_FROM_MIN
        ramp_db = float(np.clip(rate_db * max(minute, 0.0), -_MOST_DB, _MOST_DB))
        target = row[None].copy()
        target[0, _RAMP_BINS] += np.float32(ramp_db)
        at_ns = round(number / LOOKS_PER_S * _NS)
        decision = Decision((), (), number * _LOOK_TICKS, _LOOK_TICKS, at_ns, 0)
        for event in watch.look(decision, target, is_alarm=False):
            if event.event_type is not EventType.NEW:
                continue
            is_there = event.freq_lower_hz < upper_hz and event.freq_upper_hz > lower_hz
            if rate_db and event.kind == DRIFT and is_there and np.isnan(told[0]):
                told = minute, ramp_db
            else:
                n_other += 1
    return *told, n_other


def _found(n_observers: int, minutes: float, n_ramped: int) -> Iterator[Told]:
    specs = Population().specs(n_observers, 60.0 * minutes, _RATE_HZ, SEED)
    for number, spec in enumerate(specs):
        looks = np.concatenate(list(looks_of(spec, spec.duration_s)))
        for rate_db in (0.0, *(RATES_DB if number < n_ramped else ())):
            yield Told(spec.name, spec.context, rate_db, *played(looks, rate_db))


def _table(found: Sequence[Told], minutes: float) -> str:
    rows = []
    for context in CONTEXTS:
        those = [one for one in found if one.context == context]
        plain = [one for one in those if not one.rate_db]
        row: list[object] = [
            context, f"{len(plain) * minutes / 60.0:.1f} h", sum(one.n_other for one in plain)
        ]  # fmt: skip
        for rate_db in RATES_DB:
            ramps = [one for one in those if one.rate_db == rate_db]
            told = [one for one in ramps if one.minutes == one.minutes]
            said = f"{len(told)} of {len(ramps)}"
            if told:
                after, at_db = median(x.minutes for x in told), median(x.ramp_db for x in told)
                said += f", after {after:.0f} min at {at_db:+.1f} dB"
            row.append(said)
        rows.append(row)
    names = ("observers", "normal", "told for nothing", *(f"{x:+g} dB/min" for x in RATES_DB))
    return markdown_table(names, rows) + "\n"


@click.command()
@click.option("--observers", "n_observers", default=12, show_default=True, help="In all.")
@click.option("--minutes", default=40.0, show_default=True, help="Of each.")
@click.option("--ramped", "n_ramped", default=6, show_default=True, help="That hear ramps, too.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_observers: int, minutes: float, n_ramped: int, save: bool) -> None:
    """Count drifts that are none, and say how early ramps are told."""
    found = list(_found(n_observers, minutes, n_ramped))
    rows = [asdict(one) for one in found]
    title, text = "Slow changes", _table(found, minutes)
    click.echo(save_rows("drifts", title, facts(), rows, text, save=save))


if __name__ == "__main__":
    main()
