"""How surely cells are found: ``python -m benchmarks.detection.cells``.

Simulated cells of random identity, frequency offset and start, at SNRs, beside interferers of every
kind that fits and beside a second cell; and what has no cell. Nothing was tuned on these seeds.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.search import find_cell, find_others
from edgespec.lte.numerology import FRAME_S
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    InterfererConfig,
    NeighbourConfig,
    SceneConfig,
    TddConfig,
)
from edgespec.simulate.interferers import KINDS
from edgespec.simulate.scene import Scene

__all__ = ["main"]

SEED = 20261128
DURATION_S = 0.4
_SNRS_DB = (20.0, 5.0, 0.0, -3.0, -6.0, -9.0)
_LEVELS_DB = (0.0, -3.0, -6.0, -10.0, -15.0)
_ISRS_DB = (0.0, 10.0)
_COLUMNS = (
    *("what", "tried", "found", "false", "time, samples", "frequency, Hz", "clock, ppm"),
    "CPU, s",
)


@dataclass(frozen=True, slots=True)
class _Case:
    """A scene, and the identity that is looked for; None: there is none."""

    scene: SceneConfig
    identity: int | None
    other: int | None = None


def _base(rng: np.random.Generator, snr_db: float, rate_hz: float = 1.92e6) -> SceneConfig:
    cell = CellConfig(pci=int(rng.integers(504)), load=float(rng.uniform(0.1, 0.9)))
    channel = ChannelConfig("epa", 5.0, 10.0, snr_db, float(rng.uniform(-20e3, 20e3)))
    return SceneConfig(rate_hz, cell, channel)


def _cell_at(snr_db: float, tdd: TddConfig | None, rate_hz: float = 1.92e6) -> Any:
    def make(rng: np.random.Generator) -> _Case:
        scene = replace(_base(rng, snr_db, rate_hz), tdd=tdd)
        return _Case(scene, scene.cell.pci)

    return make


def _beside(kind: str, isr_db: float) -> Any:
    def make(rng: np.random.Generator) -> _Case:
        scene = replace(_base(rng, 20.0), interferers=(InterfererConfig(kind, isr_db),))
        return _Case(scene, scene.cell.pci)

    return make


def _second(level_db: float) -> Any:
    def make(rng: np.random.Generator) -> _Case:
        scene = _base(rng, 25.0)
        # Another PSS or not, as it comes; but not the same place of reference signals.
        other = int((scene.cell.pci + 1 + rng.integers(5) + 6 * rng.integers(84)) % 504)
        neighbour = NeighbourConfig(
            CellConfig(pci=other, load=0.5),
            level_db,
            float(rng.uniform(0.0, 0.0099)),
            ChannelConfig("epa", 2.0, 10.0),
        )
        return _Case(replace(scene, neighbours=(neighbour,)), scene.cell.pci, other)

    return make


def _nothing(snr_db: float, kind: str | None) -> Any:
    def make(rng: np.random.Generator) -> _Case:
        scene = _base(rng, snr_db)
        if kind is not None:
            # 60 dB above a cell that lies as far below the noise.
            scene = replace(scene, interferers=(InterfererConfig(kind, 60.0),))
        return _Case(scene, None)

    return make


def _rows(n: int, n_kind: int) -> Iterator[tuple[str, int, Callable[..., _Case]]]:
    for name, tdd in (("FDD", None), ("TDD", TddConfig())):
        for snr_db in _SNRS_DB:
            yield f"{name}, SNR {snr_db:g} dB", n, _cell_at(snr_db, tdd)
    yield "FDD at 5 MS/s, SNR 20 dB", n, _cell_at(20.0, None, 5e6)
    for kind, properties in sorted(KINDS.items()):
        if properties.bandwidth_hz(1.92e6) <= 1.92e6:
            for isr_db in _ISRS_DB:
                yield f"{kind}, ISR {isr_db:g} dB", n_kind, _beside(kind, isr_db)
    for level_db in _LEVELS_DB:
        yield f"second cell at {level_db:g} dB: both", n, _second(level_db)
    yield "noise", 2 * n, _nothing(-60.0, None)
    for kind in ("tone", "chirp", "qpsk", "ofdm-1m", "wideband-pulse"):
        yield f"{kind} alone", n_kind, _nothing(-60.0, kind)


def _samples(case: _Case, rng: np.random.Generator) -> tuple[NDArray[np.complex64], float]:
    """Return what is heard, and where the next frame of the cell begins in it, in samples."""
    scene = Scene(case.scene, int(rng.integers(1 << 31)))
    rate_hz = case.scene.sample_rate_hz
    n_skip = int(rng.uniform(1.0, 3.0) * FRAME_S * rate_hz)
    scene.read(n_skip)
    return scene.read(round(DURATION_S * rate_hz)), -n_skip % (FRAME_S * rate_hz)


def _measure(name: str, n: int, make: Callable[..., _Case]) -> dict[str, Any]:
    n_found = n_false = 0
    seconds = 0.0
    errors: list[tuple[float, float, float]] = []
    for number in range(n):
        rng = np.random.default_rng((SEED, number, *name.encode()))
        case = make(rng)
        samples, start = _samples(case, rng)
        begin = time.process_time()
        cell = find_cell(samples, case.scene.sample_rate_hz)
        seconds += time.process_time() - begin
        if cell is None:
            continue
        wanted = {case.identity} if case.other is None else {case.identity, case.other}
        heard: list[Cell] = [cell]
        if case.other is not None:
            heard += find_others(samples, case.scene.sample_rate_hz, cell)
        identities = {one.identity for one in heard}
        n_false += len(identities - wanted)
        n_found += wanted <= identities
        if cell.identity == case.identity:
            n_frame = FRAME_S * case.scene.sample_rate_hz
            late = (cell.frame_start - start + n_frame / 2) % n_frame - n_frame / 2
            off_hz = cell.cfo_hz - case.scene.channel.cfo_hz
            errors.append((abs(late), abs(off_hz), abs(cell.ppm)))
    median = np.median(errors, axis=0) if errors else np.full(3, np.nan)
    row = {"what": name, "tried": n, "found": n_found, "false": n_false}
    row |= dict(zip(_COLUMNS[4:7], (float(value) for value in median), strict=True))
    return row | {"CPU, s": seconds / n}


def _text(rows: list[dict[str, Any]]) -> str:
    shown = [
        [f"{row[name]:.2f}" if isinstance(row[name], float) else row[name] for name in _COLUMNS]
        for row in rows
    ]
    return (
        f"{DURATION_S:g} s of 5 MHz cells behind an EPA channel at 5 Hz, at 1.92 MS/s where "
        "nothing else is said; 20 dB SNR beside interferers, 25 dB beside a second cell. Of time, "
        "frequency and clock the median absolute error; the channel's own delay is in the time. "
        "`false` are identities that nobody sent; `deceptive` sends signals of cells of its own, "
        "which are found for what they are. CPU is that of one `find_cell`.\n\n"
        + markdown_table(_COLUMNS, shown, right_from=1)
        + "\n"
    )


@click.command()
@click.option("--n", type=click.IntRange(min=1), default=8, show_default=True)
@click.option("--n-kind", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--save", is_flag=True, help="Write the results beside the others.")
def main(n: int, n_kind: int, save: bool) -> None:
    """Search simulated cells and count what is found."""
    rows = []
    for name, tries, make in _rows(n, n_kind):
        rows.append(_measure(name, tries, make))
        click.echo(str(rows[-1]), err=True)
    click.echo(save_rows("cells", "Cells found", facts(), rows, _text(rows), save=save))


if __name__ == "__main__":
    main()
