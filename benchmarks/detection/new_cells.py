"""A second cell comes on the air: in which time it is found beside the one that is watched.

``python -m benchmarks.detection.new_cells`` finds the cell of a simulated observer, learns who
else is heard in 0.4 s, then adds a cell 5, 10 and 15 dB below at a random time of the frame, and
searches 0.1, 0.2 and 0.32 s once for whoever is new. Standing, walking and driving observers take
turns. The same comes to the whole chain at its default settings, which has had its warm-up and ten
seconds: what it says is an event, without the identity.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click
import numpy as np

from benchmarks.detection.gain_steps import WITHOUT_MODEL
from benchmarks.record import facts, save_rows
from converter.lab.measures.hop_chain import open_hop_chain
from converter.report.markdown_table import markdown_table
from edgespec.config import DetectConfig
from edgespec.detect.cell.newcomers import NewCells
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.search import find_cell, find_others
from edgespec.framing import Recipe
from edgespec.grid import Grid
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.basis import Basis
from edgespec.records import EventType, IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.config import CellConfig, ChannelConfig, NeighbourConfig, SceneConfig
from edgespec.simulate.scene import Scene

__all__ = ["main", "markdown"]

_RATE_HZ = 1.92e6
_LEARN_S = 0.4
_LEVELS_DB = (-5.0, -10.0, -15.0)
_LOOKS_S = (0.1, 0.2, 0.32)
#: What the chain hears of each: without the new cell, and with it.
_NORMAL_S, _HEARD_S, _SOON_S = 14.0, 1.0, 0.1
_DOPPLER_HZ = (0.0, 5.0, 70.0)
_GRID = Grid(90e3 * np.arange(10.0), 90e3, 960, _RATE_HZ)


def draw(seed: int, level_db: float) -> tuple[SceneConfig, SceneConfig]:
    """Return a scene, and the same with a second cell."""
    rng = np.random.default_rng((seed, round(-level_db)))
    own, other = (int(one) for one in rng.choice(504, 2, replace=False))
    channel = ChannelConfig(
        profile=str(rng.choice(["epa", "eva"])),
        doppler_hz=_DOPPLER_HZ[seed % len(_DOPPLER_HZ)],
        rician_k_db=float(rng.uniform(0.0, 10.0)),
        snr_db=float(rng.uniform(10.0, 30.0)),
        cfo_hz=float(rng.uniform(-500.0, 500.0)),
    )
    cell = CellConfig(pci=own, load=float(rng.uniform(0.1, 0.9)))
    scene = SceneConfig(sample_rate_hz=_RATE_HZ, cell=cell, channel=channel)
    neighbour = NeighbourConfig(
        CellConfig(pci=other, load=float(rng.uniform(0.1, 0.9))),
        level_db=level_db,
        delay_s=float(rng.uniform(0.0, 0.0099)),
        channel=channel,
    )
    return scene, replace(scene, neighbours=(neighbour,))


def rows_of(seed: int, level_db: float) -> Iterator[dict[str, Any]]:
    """Yield what is new in each length of signal, with the second cell and without it."""
    alone, both = draw(seed, level_db)
    n_learn = round(_LEARN_S * _RATE_HZ)
    n_most = n_learn + round(max(_LOOKS_S) * _RATE_HZ)
    quiet = Scene(alone, seed).read(n_most)
    cell = find_cell(quiet[:n_learn], _RATE_HZ)
    other = both.neighbours[0].cell.pci
    about: dict[str, Any] = {"seed": seed, "level_db": level_db, "same_sector": False}
    about["same_sector"] = alone.cell.pci % 3 == other % 3
    if cell is None or cell.identity != alone.cell.pci:
        yield about | {"look_s": None, "found": None, "n_false": None}
        return
    learnt = find_others(quiet[:n_learn], _RATE_HZ, cell)
    waves = Scene(both, seed).read(n_most)
    for look_s in _LOOKS_S:
        n_look = round(look_s * _RATE_HZ)
        seen, false = (
            new_identities(cell, learnt, part[n_learn : n_learn + n_look], n_learn)
            for part in (waves, quiet)
        )
        n_false = len(false) + len([one for one in seen if one != other])
        yield about | {"look_s": look_s, "found": other in seen, "n_false": n_false}


def new_identities(
    cell: Cell, learnt: Sequence[Cell], waves: np.ndarray[Any, Any], first: int
) -> list[int]:
    """Return the identities that one search beside ``cell`` finds new."""
    watch = NewCells()
    watch.learn(learnt, cell)
    frame = _RATE_HZ / 100 * (1.0 + cell.ppm * 1e-6)
    n_frames = round((first - cell.frame_start) / frame)
    now = replace(cell, frame_start=cell.frame_start + n_frames * frame)
    found = find_others(waves, _RATE_HZ, now, sample_start=first)
    return [one.identity for one in watch.update(found, now, first + len(waves), _GRID)]


def told_after_s(seed: int, level_db: float) -> tuple[float | None, int]:
    """Return after how long the chain tells of a new cell, None if never, and false events before.

    The delay is from the first sample of the new cell to the last one of the hop that tells.
    """
    detect = DetectConfig(detectors=WITHOUT_MODEL)
    bundle = load_bundle(shipped_bundle_path())
    basis = Basis.without_bundle(Recipe.for_rate(_RATE_HZ), detect, bundle)
    hop = basis.recipe.hop_samples
    source = SourceInfo("sim:", _RATE_HZ, 0.0, SampleFormat.CF32, False)
    chain = open_hop_chain(basis, source, detect)
    alone, both = (Scene(scene, seed) for scene in draw(seed, level_db))
    n_normal, n_heard = (round(length * _RATE_HZ / hop) for length in (_NORMAL_S, _HEARD_S))
    n_false = 0
    for number in range(n_normal + n_heard):
        parts = alone.read(hop), both.read(hop)
        is_here = number >= n_normal
        block = IqBlock(parts[is_here], _RATE_HZ, 0.0, number * hop, utc_ns=0)
        n_new = sum(event.event_type is EventType.NEW for event in chain.process(block))
        if n_new and is_here:
            return (number + 1 - n_normal) * hop / _RATE_HZ, n_false
        n_false += n_new
    return None, n_false


def markdown(rows: Sequence[dict[str, Any]], told: Sequence[dict[str, Any]]) -> str:
    """Return the share found by searches, and told of by the chain, by level."""
    table = []
    for level_db in _LEVELS_DB:
        cells = []
        for look_s in _LOOKS_S:
            here = [r for r in rows if (r["level_db"], r["look_s"]) == (level_db, look_s)]
            apart = [r["found"] for r in here if not r["same_sector"]]
            cells.append(
                f"{sum(r['found'] for r in here)} of {len(here)} ({sum(apart)} of {len(apart)})"
            )
        table.append([f"{level_db:g}", *cells])
    n_false = sum(row["n_false"] or 0 for row in rows)
    n_lost = sum(row["look_s"] is None for row in rows)
    heads = ["level, dB", *(f"{look_s * 1e3:.0f} ms" for look_s in _LOOKS_S)]
    return (
        "New cells found in one search of so much signal; in brackets those whose primary "
        "synchronisation signal is another than the known cell's.\n\n"
        f"{markdown_table(heads, table)}\n\nOthers that are not there: {n_false}. "
        f"Observers whose own cell was not found: {n_lost}.\n\n{_markdown_told(told)}"
    )


def _markdown_told(told: Sequence[dict[str, Any]]) -> str:
    table = []
    for level_db in _LEVELS_DB:
        here = [row for row in told if row["level_db"] == level_db]
        delays_s = [row["after_s"] for row in here if row["after_s"] is not None]
        n_soon = sum(delay_s <= _SOON_S for delay_s in delays_s)
        middle = f"{1e3 * float(np.median(delays_s)):.0f}" if delays_s else "-"
        table.append(
            (f"{level_db:g}", f"{n_soon} of {len(here)}", f"{len(delays_s)} of {len(here)}", middle)
        )
    heads = ("level, dB", f"within {_SOON_S * 1e3:.0f} ms", f"within {_HEARD_S:g} s", "median, ms")
    n_false = sum(row["n_false"] for row in told)
    before = f"False events before, in {len(told) * _NORMAL_S / 60.0:.0f} minutes: {n_false}."
    return (
        "Told of by the chain at its default settings, without the identity.\n\n"
        f"{markdown_table(heads, table)}\n\n{before}\n"
    )


@click.command()
@click.option("--observers", default=20, show_default=True, help="For each level.")
@click.option("--seed", default=6200, show_default=True, help="Of the first observer.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(observers: int, seed: int, save: bool) -> None:
    """Find new cells beside a known one."""
    rows: list[dict[str, Any]] = []
    told: list[dict[str, Any]] = []
    for level_db in _LEVELS_DB:
        for number in range(seed, seed + observers):
            rows += rows_of(number, level_db)
            after_s, n_false = told_after_s(number, level_db)
            about = {"seed": number, "level_db": level_db}
            told.append(about | {"after_s": after_s, "n_false": n_false})
        click.echo(f"{level_db:g} dB done", err=True)
    title = "New cells beside a known one"
    click.echo(save_rows("new_cells", title, facts(), rows + told, markdown(rows, told), save=save))


if __name__ == "__main__":
    main()
