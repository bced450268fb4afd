"""How surely cells of 5G NR are found: ``python -m benchmarks.detection.nr_cells``.

Simulated cells of random identity, carrier, load and start, by their block and by their prefixes
alone, at SNRs and beside interferers; and what has no NR cell. Nothing was tuned on these seeds.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import click
import numpy as np
from scipy import signal

from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.folded import find_prefix
from edgespec.dsp.ssb.search import find_nr_cell
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    InterfererConfig,
    NrConfig,
    SceneConfig,
)
from edgespec.simulate.scene import Scene

__all__ = ["main"]

SEED = 20261130
DURATION_S = 0.2
_COLUMNS = ("what", "tried", "found", "false", "time, us", "carrier, Hz", "clock, ppm", "CPU, s")


@dataclass(frozen=True, slots=True)
class _Case:
    """A scene, how it is searched, and the spacing that is looked for; None: there is no cell.

    With ``beside_hz`` a band of half the rate is searched, so far beside the middle.
    """

    scene: SceneConfig
    find: Callable[..., Cell | None]
    spacing_hz: float | None
    beside_hz: float | None = None


def _nr(
    spacing_hz: float,
    rate_hz: float,
    snr_db: float,
    find: Callable[..., Cell | None] = find_nr_cell,
    kind: str | None = None,
) -> Callable[..., _Case]:
    def make(rng: np.random.Generator) -> _Case:
        cell = NrConfig(int(rng.integers(1008)), spacing_hz, float(rng.uniform(0.1, 0.9)))
        channel = ChannelConfig("epa", 5.0, 10.0, snr_db, float(rng.uniform(-20e3, 20e3)))
        scene = SceneConfig(rate_hz, channel=channel, nr=cell)
        if kind is not None:
            scene = replace(scene, interferers=(InterfererConfig(kind, -5.0),))
        return _Case(scene, find, spacing_hz)

    return make


def _nothing(
    snr_db: float, find: Callable[..., Cell | None], kind: str | None = None
) -> Callable[..., _Case]:
    """Return what makes an LTE cell, or one far below the noise with an interferer 60 dB above."""

    def make(rng: np.random.Generator) -> _Case:
        cell = CellConfig(int(rng.integers(504)), float(rng.uniform(0.1, 0.9)))
        scene = SceneConfig(7.68e6, cell, ChannelConfig("epa", 5.0, 10.0, snr_db))
        if kind is not None:
            scene = replace(scene, interferers=(InterfererConfig(kind, 60.0),))
        return _Case(scene, find, None)

    return make


def _beside_lte(rng: np.random.Generator) -> _Case:
    """Return a band of 2.4 MS/s on a part of an LTE cell, as one of several bands of a radio."""
    cell = CellConfig(int(rng.integers(504)), float(rng.uniform(0.1, 0.9)))
    snr_db, cfo_hz = float(rng.uniform(-12.0, 25.0)), float(rng.uniform(-5e3, 5e3))
    scene = SceneConfig(4.8e6, cell, ChannelConfig("epa", 5.0, 10.0, snr_db, cfo_hz))
    beside_hz = float(rng.choice([-1, 1]) * rng.uniform(0.3e6, 1.2e6))
    return _Case(scene, find_nr_cell, None, beside_hz)


def _rows(n: int, n_kind: int) -> Iterator[tuple[str, int, Callable[..., _Case]]]:
    for spacing_hz in (15e3, 30e3):
        name, rate_hz = f"{spacing_hz / 1e3:g} kHz", 256 * spacing_hz
        for snr_db in (10.0, 0.0, -3.0):
            tries = n if snr_db == 0 else n // 10
            yield f"{name}, SNR {snr_db:g} dB", tries, _nr(spacing_hz, rate_hz, snr_db)
        yield (
            f"{name} at {160 * spacing_hz / 1e6:g} MS/s, SNR 0 dB",
            n // 10,
            _nr(spacing_hz, 160 * spacing_hz, 0.0),
        )
        for kind in ("tone", "chirp", "pulse", "qpsk", "hop"):
            yield f"{name}, {kind}, ISR -5 dB", n_kind, _nr(spacing_hz, rate_hz, 10.0, kind=kind)
        by_prefix = f"{name} by prefixes at {128 * spacing_hz / 1e6:g} MS/s"
        for snr_db in (10.0, 0.0):
            yield (
                f"{by_prefix}, SNR {snr_db:g} dB",
                n // 10,
                _nr(spacing_hz, 128 * spacing_hz, snr_db, find_prefix),
            )
    yield "noise", n // 10, _nothing(-60.0, find_nr_cell)
    yield "LTE", n // 10, _nothing(20.0, find_nr_cell)
    yield "LTE, 0.3 to 1.2 MHz beside, 2.4 MS/s", n, _beside_lte
    yield "noise, by prefixes", n // 10, _nothing(-60.0, find_prefix)
    for kind in ("tone", "chirp", "qpsk", "ofdm-1m", "wideband-pulse"):
        yield f"{kind} alone", n_kind, _nothing(-60.0, find_nr_cell, kind)
        yield f"{kind} alone, by prefixes", n_kind, _nothing(-60.0, find_prefix, kind)


def _measure(name: str, n: int, make: Callable[..., _Case]) -> dict[str, Any]:
    n_found = n_false = 0
    seconds = 0.0
    errors: list[tuple[float, float, float]] = []
    for number in range(n):
        rng = np.random.default_rng((SEED, number, *name.encode()))
        case = make(rng)
        scene, rate_hz = Scene(case.scene, int(rng.integers(1 << 31))), case.scene.sample_rate_hz
        n_skip = int(rng.uniform(0.02, 0.04) * rate_hz)
        scene.read(n_skip)
        samples = scene.read(round(DURATION_S * rate_hz))
        if case.beside_hz is not None:
            turns = case.beside_hz / rate_hz * np.arange(len(samples))
            samples = signal.resample_poly(samples * np.exp(-2j * np.pi * turns), 1, 2)
            samples, rate_hz = samples.astype(np.complex64), rate_hz / 2
        begin = time.process_time()
        cell = case.find(samples, rate_hz)
        seconds += time.process_time() - begin
        if cell is None:
            continue
        nr = case.scene.nr
        is_right = nr is not None and cell.spacing_hz == case.spacing_hz
        if cell.is_named:
            is_right = is_right and nr is not None and cell.identity == nr.pci
        n_found += is_right
        n_false += not is_right
        if is_right and case.spacing_hz is not None:
            # By prefixes the slot may be wrong by whole symbols, and the carrier by subcarriers.
            period = (0.01 if cell.is_named else 5e-4 * 15e3 / case.spacing_hz / 7) * rate_hz
            step_hz = 1e9 if cell.is_named else case.spacing_hz
            late = _apart(cell.frame_start + n_skip, period) / rate_hz
            off_hz = _apart(cell.cfo_hz - case.scene.channel.cfo_hz, step_hz)
            errors.append((1e6 * abs(late), abs(off_hz), abs(cell.ppm)))
    median = np.median(errors, axis=0) if errors else np.full(3, np.nan)
    row = {"what": name, "tried": n, "found": n_found, "false": n_false}
    row |= dict(zip(_COLUMNS[4:7], (float(value) for value in median), strict=True))
    return row | {"CPU, s": seconds / n}


def _apart(value: float, period: float) -> float:
    return (value + period / 2) % period - period / 2


def _text(rows: list[dict[str, Any]]) -> str:
    shown = [
        [f"{row[name]:.2f}" if isinstance(row[name], float) else row[name] for name in _COLUMNS]
        for row in rows
    ]
    return (
        f"{DURATION_S:g} s of simulated cells, 4.5 or 7.2 MHz wide, behind an EPA channel at 5 Hz, "
        "at 3.84 MS/s with 15 kHz and 7.68 MS/s with 30 kHz where nothing else is said; 10 dB SNR "
        "beside interferers. Of time, carrier and clock the median absolute error; the channel's "
        "own delay is in the time, and what a cell by its prefixes alone may be wrong by (whole "
        "symbols, whole subcarriers) is left out. No cell of NR on the air was at hand.\n\n"
        + markdown_table(_COLUMNS, shown, right_from=1)
        + "\n"
    )


@click.command()
@click.option("--n", type=click.IntRange(min=10), default=100, show_default=True)
@click.option("--n-kind", type=click.IntRange(min=1), default=10, show_default=True)
@click.option("--save", is_flag=True, help="Write the results beside the others.")
def main(n: int, n_kind: int, save: bool) -> None:
    """Search simulated cells of NR and count what is found."""
    rows = []
    for name, tries, make in _rows(n, n_kind):
        rows.append(_measure(name, tries, make))
        click.echo(str(rows[-1]), err=True)
    click.echo(save_rows("nr_cells", "NR cells found", facts(), rows, _text(rows), save=save))


if __name__ == "__main__":
    main()
