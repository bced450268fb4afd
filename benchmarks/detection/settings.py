"""Settings beside what they were fitted to: ``python -m benchmarks.detection.settings``.

Prediction errors without any model (last frame, mean of the context), how the levels swing, and the
bursts of populations with a setting; beside the errors that Li et al. 2019 print, and beside the
same statistics of two real FDD carriers of 20 MHz, of which seven slices of 5 MHz are heard. The
captures lie in ``../shared/data`` and are no part of this project. The observers are none of those
that the settings were fitted with.
"""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import click
import numpy as np

from benchmarks.detection.simulator import ComplexArray, bursts, frames_of, recorded
from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from converter.simulate.frames import simulate_frames
from converter.simulate.population import Population
from edgespec.framing import Recipe
from edgespec.records import FloatArray

__all__ = ["Statistics", "main", "measure", "slices"]

#: No seed that a setting was fitted with.
SEED = 2718
RATE_HZ = 5e6
N_OBSERVERS, SECONDS = 9, 1.0
N_CONTEXT, N_HORIZON = 100, 25
CARRIERS = {
    "real, 1815.3 MHz": "lte_fdd_f1815.3_s19.2_bw20_0.08s_hackrf-2",
    "real, 1867.5 MHz": "lte_fdd_f1867.5_s19.2_bw20_0.08s_hackrf_home",
}
CAPTURE_HZ = 19.2e6
OFFSETS_HZ = (-6.5e6, -4.5e6, -2.5e6, 0.0, 2.5e6, 4.5e6, 6.5e6)
#: Frames from one horizon to the next: a capture has 310 of them and no more.
_HOP = {"real": 5, "simulated": 25}
_PAPER = (
    ("Li et al. 2019, standing, its LSTM", "2.43 (0.23)"),
    ("Li et al. 2019, walking, its LSTM", "2.56 (0.18)"),
    ("Li et al. 2019, driving, its LSTM", "2.57 (0.23)"),
)
_TITLES = {
    "name": "signal",
    "n": "heard",
    "last_db": "last frame, dB",
    "mean_db": "context mean, dB",
    "spread_db": "spread of it, dB",
    "std_db": "temporal std per bin, dB",
    "step_db": "frame to frame, dB",
    "envelope_db": "std of the band's level, dB",
    "busy_share": "busy share",
    "burst_ms": "mean burst, ms",
}


@dataclass(frozen=True, slots=True)
class Statistics:
    """Statistics of some signals that are alike, means over them; errors are RMS of a horizon.

    ``spread_db`` is the standard deviation of the context mean's errors over all horizons of all
    of them. A burst is a stretch above the middle of the band's levels.
    """

    name: str
    n: int
    last_db: float
    mean_db: float
    spread_db: float
    std_db: float
    step_db: float
    envelope_db: float
    busy_share: float
    burst_ms: float


def measure(name: str, signals: list[FloatArray], hop_frames: int) -> Statistics:
    """Return the statistics of spectrograms ``(n_frames, 128)`` of 5 MHz, dB."""
    used = np.abs((np.arange(128) - 64) * RATE_HZ / 128) < 2.2e6
    rows, errors = [], []
    for levels in signals:
        inner = levels[:, used].astype(np.float64)
        last, mean = _errors_db(inner, hop_frames)
        runs, busy = bursts(inner.mean(axis=1))
        errors.append(mean)
        rows.append(
            (
                last.mean(),
                mean.mean(),
                inner.std(axis=0).mean(),
                np.diff(inner, axis=0).std() / np.sqrt(2),
                inner.mean(axis=1).std(),
                busy,
                runs.mean() * Recipe(RATE_HZ).framing.frame_s * 1e3,
            )
        )
    last_db, mean_db, *others = (float(value) for value in np.mean(rows, axis=0))
    spread_db = float(np.concatenate(errors).std())
    return Statistics(name, len(signals), last_db, mean_db, spread_db, *others)


def _errors_db(levels: FloatArray, hop_frames: int) -> tuple[FloatArray, FloatArray]:
    """Return the errors of the last frame and of the context's mean in every horizon."""
    n = N_CONTEXT + N_HORIZON
    starts = range(0, len(levels) - n + 1, hop_frames)
    windows = np.stack([levels[start : start + n] for start in starts])
    context, target = windows[:, :N_CONTEXT], windows[:, N_CONTEXT:]

    def error_db(forecast: FloatArray) -> FloatArray:
        found: FloatArray = np.sqrt(np.mean((target - forecast) ** 2, axis=(1, 2)))
        return found

    return error_db(context[:, -1:]), error_db(context.mean(axis=1, keepdims=True))


def slices(x: ComplexArray) -> list[FloatArray]:
    """Return spectrograms of seven slices of 5 MHz out of a capture, cut out of its spectrum."""
    spectrum, n = np.fft.fft(x), len(x)
    half = round(n * RATE_HZ / CAPTURE_HZ) // 2
    out = []
    for offset_hz in OFFSETS_HZ:
        moved = np.roll(spectrum, -round(offset_hz / CAPTURE_HZ * n))
        piece = np.fft.ifft(np.concatenate([moved[:half], moved[-half:]])) * (2 * half / n)
        out.append(frames_of(piece.astype(np.complex64), RATE_HZ))
    return out


def _heard(population: Population) -> Iterator[tuple[Any, FloatArray]]:
    for spec in population.specs(N_OBSERVERS, SECONDS, RATE_HZ, SEED):
        pieces = [item.power_dbfs.copy() for item in simulate_frames(spec, Recipe(RATE_HZ))]
        yield spec, np.concatenate(pieces)


def _simulated() -> Iterator[Statistics]:
    hop = _HOP["simulated"]
    for context, said in (("static", "standing"), ("walk", "walking"), ("drive", "driving")):
        for setting in ("", "li2019"):
            alike = Population(setting=setting, cells=("A",), contexts=(context,))
            signals = [levels for _, levels in _heard(alike)]
            yield measure(f"{setting or 'usual'}, {said}", signals, hop)
    carriers = list(_heard(Population(setting="fdd", contexts=("static",))))
    for name, is_busy in (("fdd, busy", True), ("fdd, idle", False)):
        signals = [levels for spec, levels in carriers if (spec.scene.cell.load > 0.1) == is_busy]
        yield measure(name, signals, hop)


def _table(rows: list[Statistics]) -> str:
    cells = [[name, "-", "-", figure, *["-"] * (len(_TITLES) - 4)] for name, figure in _PAPER]
    for row in rows:
        values = [getattr(row, key) for key in _TITLES]
        cells.append([f"{v:.2f}" if isinstance(v, float) else str(v) for v in values])
    return markdown_table(list(_TITLES.values()), cells, right_from=1)


_TEXT = """
Errors are root mean squares over a horizon of 25 frames after a context of 100, means over who was
heard; no forecast is below 1.41 dB. The paper's are of its trained network, at 880 MHz, with their
spread over segments (table 1c). The usual setting and `li2019` are heard in one cell, by observers
of seeds that nothing was fitted with; `fdd` is one of two cells by chance.
"""


@click.command(help=__doc__)
@click.option("--save", is_flag=True, help="Write the page to benchmarks/results.")
def main(save: bool) -> None:
    """Print the table."""
    if not DATA.is_dir():
        raise click.ClickException(f"the recordings are not here: no folder {DATA}")
    rows = [
        measure(name, slices(recorded(file, np.int8, CAPTURE_HZ, CAPTURE_HZ)), _HOP["real"])
        for name, file in CARRIERS.items()
    ]
    rows += _simulated()
    title = "Settings beside what they were fitted to"
    text = f"{_table(rows)}\n{_TEXT}"
    known = facts(("numpy", "numba"))
    click.echo(save_rows("settings", title, known, map(asdict, rows), text, save=save))


if __name__ == "__main__":
    main()
