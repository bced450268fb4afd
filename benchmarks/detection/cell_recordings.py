"""Faults of a cell in recordings: an independent transmitter's, and real ones.

``python -m benchmarks.detection.cell_recordings`` finds the cell of each recording of ``../shared``
at 1.92 and 5 MS/s in its first 0.1 s, learns 0.4 s, and then lets it fall or rise by 3, 5 and
10 dB, or takes a third, two thirds or all of the band away by cutting the spectrum, at random
places. Noise falls with it: what is made so is a step of the gain, and should be called that. What
the untouched recording scores stands beside it.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from scipy import fft

from benchmarks.detection.real_cases import Recording, read_recording
from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.detect.cell.sighting import CellScore
from edgespec.detect.cell.watch import CellWatch
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.reference import ReferencePlane
from edgespec.dsp.prefix.search import find_cell
from edgespec.records import IqBlock, SampleFormat

__all__ = ["main", "markdown"]

_WINDOW_S = 0.0064
_SEARCH_S = 0.1
#: When faults begin, and how long signal is given after that; recordings last 0.8 s or more.
_FIRST_S, _LAST_S, _AFTER_S = 0.55, 0.7, 0.08
_IN_TIME_S = 0.02
_BAND_SHARE = 0.9
_MOST_RATE_HZ = 6e6
_FAULTS: tuple[tuple[str, float], ...] = (
    *(("gain step", db) for db in (-3.0, 3.0, -5.0, 5.0, -10.0)),
    *(("carriers down", share) for share in (0.33, 0.66, 1.0)),
)

Waves = NDArray[np.complex64]


def changed(waves: Waves, rate_hz: float, kind: str, amount: float, at: int, place: float) -> Waves:
    """Return samples with a fault from sample ``at`` on; ``place``, 0 to 1, is that of a hole."""
    out = waves.copy()
    if kind == "gain step":
        out[at:] *= np.float32(10.0 ** (amount / 20.0))
        return out
    spectrum = fft.fft(out[at:])
    freqs_hz = fft.fftfreq(len(spectrum), 1.0 / rate_hz)
    width_hz = amount * _BAND_SHARE * rate_hz
    low_hz = (place * (1.0 - amount) - 0.5) * _BAND_SHARE * rate_hz
    spectrum[(freqs_hz >= low_hz) & (freqs_hz < low_hz + width_hz)] = 0.0
    out[at:] = fft.ifft(spectrum)
    return out


def windows(
    waves: Waves, cell: Cell, limit: float | None = None
) -> Iterator[tuple[int, CellScore]]:
    """Yield what a watch says of each 6.4 ms behind its warm-up, with the sample of its end."""
    rate_hz = cell.sample_rate_hz
    n_window = round(_WINDOW_S * rate_hz)
    plane = ReferencePlane(cell, SampleFormat.CF32, center_freq_hz=0.0, max_block_samples=n_window)
    watch = CellWatch() if limit is None else CellWatch(limit)
    for first in range(0, len(waves) - n_window + 1, n_window):
        block = IqBlock(waves[first : first + n_window], rate_hz, 0.0, first, 0)
        score = watch.update(plane.process(block))
        if score is not None:
            yield first + n_window, score


def rows_of(recording: Recording, n_tries: int) -> Iterator[dict[str, Any]]:
    """Yield the row of the untouched recording, and one for each fault and try."""
    rate_hz = recording.info.sample_rate_hz
    waves = recording.info.sample_format.to_complex(recording.samples)
    cell = find_cell(waves[: round(_SEARCH_S * rate_hz)], rate_hz)
    about: dict[str, Any] = {"recording": recording.name}
    if cell is None:
        yield about | {"kind": "", "identity": None}
        return
    values = [(score.value, len(score.sightings)) for _, score in windows(waves, cell)]
    yield about | {
        "kind": "", "identity": cell.identity, "n_windows": len(values),
        "most": max(value for value, _ in values), "n_false": sum(n for _, n in values),
    }  # fmt: skip
    rng = np.random.default_rng(cell.identity)
    last_s = min(_LAST_S, len(waves) / rate_hz - _AFTER_S)
    for kind, amount in _FAULTS:
        for _ in range(n_tries):
            at = round(float(rng.uniform(_FIRST_S, last_s)) * rate_hz)
            stop = at + round(_AFTER_S * rate_hz)
            other = changed(waves[:stop], rate_hz, kind, amount, at, float(rng.random()))
            value, sighted, size_db = 0.0, "", None
            for end, score in windows(other, cell):
                if at < end <= at + _IN_TIME_S * rate_hz:
                    value = max(value, score.value)
                if end > at and score.sightings and not sighted:
                    sighted, size_db = score.sightings[0].kind, score.sightings[0].size_db
            yield about | {
                "kind": kind, "amount": amount, "value": value, "sighted": sighted,
                "size_db": size_db,
            }  # fmt: skip


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a row for each recording: what it scores untouched, and what was found."""
    limit = CellWatch().limit
    table = []
    for name in dict.fromkeys(row["recording"] for row in rows):
        here = [row for row in rows if row["recording"] == name]
        normal = here[0]
        if normal["identity"] is None:
            table.append([name, "no cell", *[""] * (3 + len(_FAULTS))])
            continue
        cells = []
        for kind, amount in _FAULTS:
            tries = [r for r in here if (r["kind"], r.get("amount")) == (kind, amount)]
            found = [r for r in tries if r["value"] > limit]
            right = sum(r["sighted"] == kind for r in tries)
            cells.append(f"{len(found)}, {right} of {len(tries)}")
        table.append(
            [name, normal["identity"], normal["n_windows"], f"{normal['most']:.1f}",
             normal["n_false"], *cells]
        )  # fmt: skip
    heads = ["recording", "cell", "windows", "largest score", "false sightings"]
    heads += [f"{v:+g} dB" if k == "gain step" else f"{v:.0%} down" for k, v in _FAULTS]
    return (
        f"Found: scores above {limit:g}, the watch's own limit, within 20 ms; then sighted and "
        f"called what it is.\n\n{markdown_table(heads, table)}\n"
    )


@click.command()
@click.option("--tries", default=6, show_default=True, help="Places of each fault.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(tries: int, save: bool) -> None:
    """Find faults of cells in recordings."""
    rows: list[dict[str, Any]] = []
    for path in sorted([*DATA.glob("lte_*.sigmf-meta"), *DATA.glob("synth_*.sigmf-meta")]):
        recording = read_recording(path)
        if recording.info.sample_rate_hz <= _MOST_RATE_HZ:
            rows += rows_of(recording, tries)
            click.echo(recording.name, err=True)
    title = "Faults of the cell in recordings, by its reference signals"
    click.echo(save_rows("cell_recordings", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
