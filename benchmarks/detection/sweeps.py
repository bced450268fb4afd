"""What the observer finds in real sweeps, and how often it is wrong there, at its default settings.

``python -m benchmarks.detection.sweeps`` plays sweeps of FM stations (299 of a second each) and of
a radio observatory (blocks of a day, a sweep every 15 minutes or so, with one polarisation and
azimuth) through the chain of a swept band. 60 sweeps are learnt from. The sweeps are played
as they are, and once for each of some injections behind the 60: a carrier in a point,
a pulse over 27 points, a carrier that stays to the end, nine points around the strongest that go
silent, and all of them. A carrier's level is that over the usual one of its points. Found is what
an event is told of, at its frequencies, while it is there.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import click
import numpy as np

from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.config import Config, NodeConfig, SourceConfig
from edgespec.observer.band import BandChain
from edgespec.observer.swept.swept import open_swept_chain
from edgespec.records import Event, EventType, FloatArray, SampleFormat, SourceInfo
from edgespec.sources import open_source
from edgespec.sweep_block import SweepBlock, sweep_grid

__all__ = ["KINDS", "Run", "Trial", "injected", "main", "runs_of_fm", "runs_of_observatory"]

N_WARMUP, _LEAST_TEST = 60, 15
LEVELS_DB = (3.0, 6.0, 10.0, 20.0)
#: Sweeps that each lasts; None: to the end.
KINDS: dict[str, int | None] = {
    "burst of 1": 1,
    "burst of 3": 3,
    "burst of 10": 10,
    "pulse over 27 points": 1,
    "carrier that stays": None,
    "9 points go silent": None,
    "all go silent": None,
}
_LOST = ("9 points go silent", "all go silent")
_SEED, _DAY_S = 20261201, 86_400.0
#: Sweeps behind the end of an injection that are played: an event of it may be told late.
_BEHIND = 5


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Sweeps of one setting, float32 ``(n_sweeps, n_points)``, one every ``interval_s``."""

    name: str
    band: str
    freqs_hz: "np.ndarray[tuple[int], np.dtype[np.float64]]"
    levels_db: FloatArray
    interval_s: float


@dataclass(frozen=True, slots=True)
class Trial:
    """An injection of which an event was told, or not; of ``kind`` none, how many were told."""

    band: str
    run: str
    kind: str
    level_db: float
    n_sweeps: int
    n_events: int
    is_found: bool
    hours: float


def runs_of_fm(folder: Path) -> Iterator[Run]:
    """Yield the sweeps of each FM file."""
    for path in sorted(folder.glob("fmpsd_*.csv")):
        source = open_source(f"rtl_power:{path}?zone=UTC")
        rows = []
        while (block := source.read(source.info.empty(1))) is not None:
            rows.append(block.samples[0])
        source.close()
        if source.info.grid is not None:
            yield Run(path.stem, "FM", source.info.grid.freqs_hz, np.array(rows), 1.0)


def runs_of_observatory(path: Path) -> Iterator[Run]:
    """Yield the blocks of a day of each band, where one is long enough."""
    with np.load(path) as arrays:
        for band in range(3):
            part = {key: arrays[f"band{band}_{key}"] for key in
                    ("edges_hz", "time_s", "polarisation", "azimuth_deg", "power_dbm")}  # fmt: skip
            times_s, levels_db = part["time_s"], part["power_dbm"].astype(np.float32)
            freqs_hz = np.linspace(*part["edges_hz"], levels_db.shape[1])
            is_new = (part["polarisation"][1:] != part["polarisation"][:-1]) | (
                part["azimuth_deg"][1:] != part["azimuth_deg"][:-1]
            )
            bounds = [0, *(np.flatnonzero(is_new) + 1).tolist(), len(times_s)]
            for number, (start, stop) in enumerate(pairwise(bounds)):
                if stop - start < N_WARMUP + _LEAST_TEST:
                    continue
                interval_s = float(np.median(np.diff(times_s[start:stop])))
                name = f"band {band}, block {number}"
                rows = levels_db[start:stop]
                yield Run(name, f"observatory, band {band}", freqs_hz, rows, interval_s)


def injected(
    run: Run, kind: str, level_db: float, on: int, point: int
) -> tuple[FloatArray, int, tuple[int, int]]:
    """Return the sweeps with an injection from ``on`` on, where it ends, and its points."""
    levels_db = run.levels_db.copy()
    n_sweeps, n_points = levels_db.shape
    usual_db = np.median(levels_db[:N_WARMUP], axis=0)
    off = n_sweeps if KINDS[kind] is None else min(on + (KINDS[kind] or 0), n_sweeps)
    half = {"pulse over 27 points": 13, "9 points go silent": 4}.get(kind, 0)
    if kind == "9 points go silent":
        point = int(usual_db.argmax())
    lower, stop = max(point - half, 0), min(point + half + 1, n_points)
    if kind == "all go silent":
        lower, stop = 0, n_points
    part = levels_db[on:off, lower:stop]
    if kind in _LOST:
        part -= np.float32(level_db)
    else:
        added = 10.0 ** ((usual_db[lower:stop] + level_db) / 10.0)
        part[:] = 10.0 * np.log10(10.0 ** (part / 10.0) + added)
    return levels_db, off, (lower, stop - 1)


class Listening:
    """Plays a run through the chain of a swept band, from its begin on."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self._grid = sweep_grid(run.freqs_hz, run.interval_s)

    def hear(self, levels_db: FloatArray, stop: int) -> list[Event]:
        """Return what is told of sweeps up to one of them."""
        source = SourceInfo(
            "test:", 1.0 / self.run.interval_s, 0.0, SampleFormat.CF32, False, grid=self._grid
        )
        config = Config(node=NodeConfig(id="b"), source=(SourceConfig(uri="rtl_power:-"),))
        chain = open_swept_chain(config, source)
        told: list[Event] = []
        for number in range(min(stop, len(levels_db))):
            told += self._told(chain, number, levels_db)
        return told

    def _told(self, chain: BandChain, number: int, levels_db: FloatArray) -> list[Event]:
        utc_ns = round(number * self.run.interval_s * 1e9)
        rows = levels_db[number : number + 1]
        block = SweepBlock(rows, 1.0 / self.run.interval_s, 0.0, number, utc_ns, grid=self._grid)
        return list(chain.process(block))


def _trials(run: Run, n_places: int) -> Iterator[Trial]:
    heard = Listening(run)
    n_sweeps, n_points = run.levels_db.shape
    n_tested = n_sweeps - N_WARMUP - 1
    told = heard.hear(run.levels_db, n_sweeps)
    n_false = sum(event.event_type is EventType.NEW for event in told)
    hours = n_tested * run.interval_s / 3600.0
    yield Trial(run.band, run.name, "none", 0.0, n_tested, n_false, False, hours)
    rng = np.random.default_rng((_SEED, n_sweeps, n_points))
    for kind, lasts in KINDS.items():
        for level_db in LEVELS_DB:
            for _ in range(n_places):
                latest = n_sweeps - max(lasts or 0, _LEAST_TEST - _BEHIND)
                on = int(rng.integers(N_WARMUP + 2, max(latest, N_WARMUP + 3)))
                point = int(rng.integers(0, n_points))
                levels_db, off, points = injected(run, kind, level_db, on, point)
                events = heard.hear(levels_db, off + _BEHIND)
                is_found = any(_is_of(event, run, on, off, points) for event in events)
                yield Trial(run.band, run.name, kind, level_db, off - on, len(events), is_found, 0)


def _is_of(event: Event, run: Run, on: int, off: int, points: tuple[int, int]) -> bool:
    if event.event_type is not EventType.NEW or not on <= event.sample_start < off:
        return False
    step_hz = float(np.median(np.diff(run.freqs_hz)))
    lower_hz, upper_hz = (float(run.freqs_hz[point]) for point in points)
    is_below = event.freq_upper_hz < lower_hz - 2 * step_hz
    return not is_below and event.freq_lower_hz <= upper_hz + 2 * step_hz


def _table(found: list[Trial]) -> str:
    text = ""
    for band in dict.fromkeys(one.band for one in found):
        own = [one for one in found if one.band == band]
        quiet = [one for one in own if one.kind == "none"]
        n_false, hours = sum(one.n_events for one in quiet), sum(one.hours for one in quiet)
        rows = [
            (kind, *(_share([one for one in own if one.kind == kind and one.level_db == level_db])
                     for level_db in LEVELS_DB))
            for kind in KINDS
        ]  # fmt: skip
        header = ("found", *(f"{level_db:g} dB" for level_db in LEVELS_DB))
        n_sweeps = sum(one.n_sweeps for one in quiet)
        text += (
            f"**{band}**: {len(quiet)} runs, {n_sweeps} sweeps behind warm-ups ({hours:.3g} h), "
            f"{n_false} events where nothing was injected, {n_false * 24 / hours:.3g} a day, "
            f"{n_false / n_sweeps:.2%} of the sweeps.\n\n{markdown_table(header, rows)}\n\n"
        )
    return text


def _share(trials: list[Trial]) -> str:
    return f"{sum(one.is_found for one in trials)} of {len(trials)}"


@click.command()
@click.option("--places", default=2, show_default=True, help="Injections of a kind and level.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(places: int, save: bool) -> None:
    """Count what is found in real sweeps, and what is told where nothing is."""
    runs = [*runs_of_fm(DATA), *runs_of_observatory(DATA / "sweeps_bras_deau.npz")]
    found: list[Trial] = []
    for run in runs:
        found += _trials(run, places)
        click.echo(f"{run.name}: {found[-1].run}", err=True)
    rows = [asdict(one) for one in found]
    title = "Real sweeps, and what was injected into them"
    click.echo(save_rows("sweeps", title, facts(), rows, _table(found), save=save))


if __name__ == "__main__":
    main()
