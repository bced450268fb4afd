"""A second cell comes on the air: in which time it is found beside the one that is watched.

``python -m benchmarks.detection.new_cells`` finds the cell of a simulated observer, learns who
else is heard in 0.4 s, then adds a cell 5, 10 and 15 dB below at a random time of the frame, and
searches 0.1, 0.2 and 0.32 s once for whoever is new. Standing, walking and driving observers take
turns.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import click
import numpy as np

from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.detect.cell.newcomers import NewCells
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.search import find_cell, find_others
from edgespec.grid import Grid
from edgespec.simulate.config import CellConfig, ChannelConfig, NeighbourConfig, SceneConfig
from edgespec.simulate.scene import Scene

__all__ = ["main", "markdown"]

_RATE_HZ = 1.92e6
_LEARN_S = 0.4
_LEVELS_DB = (-5.0, -10.0, -15.0)
_LOOKS_S = (0.1, 0.2, 0.32)
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


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return the share found, by level and length of signal."""
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
        f"Observers whose own cell was not found: {n_lost}.\n"
    )


@click.command()
@click.option("--observers", default=20, show_default=True, help="For each level.")
@click.option("--seed", default=6200, show_default=True, help="Of the first observer.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(observers: int, seed: int, save: bool) -> None:
    """Find new cells beside a known one."""
    rows: list[dict[str, Any]] = []
    for level_db in _LEVELS_DB:
        for number in range(seed, seed + observers):
            rows += rows_of(number, level_db)
        click.echo(f"{level_db:g} dB done", err=True)
    title = "New cells beside a known one"
    click.echo(save_rows("new_cells", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
