"""Interferers beside a cell: the scan of its residual, and the detectors of power beside it.

``python -m benchmarks.detection.prefix`` adds six kinds of interferers to real LTE captures at
1.92 MS/s, at an ISR of -30 to +40 dB, and asks every detector for its score of every hop. The first
0.4 s of a capture serve search, warm-up and reference alike; behind that an interferer comes at one
of four times, with the beginning of a hop. Its parameters are drawn; no period is a multiple of
1 ms. Nothing is trained, and nothing was chosen on these captures.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.hop_scores import Row, area_and_share, device_scores, residual_scores
from benchmarks.detection.injected import ISRS_DB, KINDS, draw_interferer
from benchmarks.detection.real_cases import Case, Recording, read_recording
from benchmarks.detection.real_recordings import AGC_CAPTURES, CAPTURES
from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.dsp.prefix.search import find_cell
from edgespec.framing import Recipe

__all__ = ["main", "markdown", "rows_of"]

_SEED = 20261128
_WARMUP_S, _STARTS_S = 0.4, (0.5, 0.56, 0.62, 0.68)
#: Whoever is there since 45 ms is persistent.
_PERSISTENT_S = 0.045
_SCAN, _DEVICE = "residual", ("zscore", "energy", "ewma")
_SETS = {
    "four captures of a strong cell, gain fixed": CAPTURES,
    "three captures with automatic gain": AGC_CAPTURES,
}


def rows_of(
    recording: Recording, isrs_db: Sequence[float], seed: int, progress: Callable[[str], None]
) -> Iterator[Row]:
    """Yield the scores of a recording, untouched and with every kind at every ISR."""
    info = recording.info
    rate_hz = info.sample_rate_hz
    recipe = Recipe.for_rate(rate_hz)
    hop_samples = recipe.hop_samples
    n_warmup = round(_WARMUP_S * rate_hz) // hop_samples
    starts = [round(start_s * rate_hz) // hop_samples for start_s in _STARTS_S]
    heard = info.sample_format.to_complex(recording.samples[: n_warmup * hop_samples])
    cell = find_cell(heard, rate_hz)
    if cell is None:
        progress(f"{recording.name}: no cell")
        return
    _, scan = residual_scores(recording.samples, info, cell, hop_samples)
    progress(
        f"{recording.name}: cell {cell.identity}, {cell.ppm:.1f} ppm; {scan.distrust or 'trusted'}"
    )

    def scores_of(samples: NDArray[np.generic]) -> dict[str, NDArray[np.float32]]:
        found, _ = residual_scores(samples, info, cell, hop_samples)
        return {_SCAN: found, **device_scores(samples, info, recipe, _DEVICE, n_warmup)}

    for name, scores in scores_of(recording.samples).items():
        yield Row.of(recording.name, name, "normal", scores)
    persistent = int(np.ceil(_PERSISTENT_S * rate_hz / hop_samples))
    for number, kind in enumerate(KINDS):
        interferer = draw_interferer(kind, rate_hz, np.random.default_rng((seed, number)))
        for isr_db, start in product(isrs_db, starts):
            case = Case(kind, interferer, float(isr_db))
            mixed = recording.mixed(case, start * hop_samples / rate_hz)
            for name, scores in scores_of(mixed).items():
                onset, later = scores[start : start + 1], scores[start + persistent :]
                yield Row.of(recording.name, name, "onset", onset, kind, case.isr_db)
                if start == starts[0]:
                    yield Row.of(recording.name, name, "persistent", later, kind, case.isr_db)


def _cells(rows: Sequence[Row], normal: NDArray[np.float64], mode: str, isr_db: float) -> str:
    """Return mean AUC over the kinds, and the share above the limit that 1% of normal hops are."""
    by_kind: Mapping[str, list[float]] = defaultdict(list)
    for row in rows:
        if row.mode == mode and row.isr_db == isr_db:
            by_kind[row.kind] += row.scores
    found = [area_and_share(normal, scores) for scores in by_kind.values()]
    area, share = np.mean(found, axis=0)
    return f"{area:.3f}, {share:.2f}"


def markdown(rows: Sequence[Row]) -> str:
    """Return mean AUC and the share found at 1% false alarms, a table a set of captures."""
    parts = []
    for title, names in _SETS.items():
        here = [row for row in rows if row.recording in names]
        if not here:
            continue
        isrs_db = sorted({row.isr_db for row in here if row.kind})
        table = []
        for mode in ("onset", "persistent"):
            for detector in (_SCAN, *_DEVICE):
                own = [row for row in here if row.detector == detector]
                normal = np.array([v for row in own if row.mode == "normal" for v in row.scores])
                cells = [_cells(own, normal, mode, isr_db) for isr_db in isrs_db]
                table.append([f"{detector}, {mode}", *cells])
        n_normal = sum(len(r.scores) for r in here if r.mode == "normal" and r.detector == _SCAN)
        head = ["mean AUC, found at 1%, at ISR", *(f"{isr_db:+.0f} dB" for isr_db in isrs_db)]
        scored = {r.recording for r in here if r.detector == _SCAN and r.scores}
        unheard = ", ".join(sorted({r.recording for r in here} - scored)) or "none"
        parts.append(
            f"## {title[0].upper()}{title[1:]}: {n_normal} normal hops\n\n"
            f"{markdown_table(head, table)}\n\n"
            f"Not trusted, and so not scored, by the scan of the residual: {unheard}.\n"
        )
    return "\n".join(parts)


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--isr", "isrs_db", type=float, multiple=True, help="Only these, dB.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(data: Path, isrs_db: tuple[float, ...], save: bool) -> None:
    """Score interferers in real captures by the residual of the cell and by power."""
    rows: list[Row] = []
    for number, name in enumerate((*CAPTURES, *AGC_CAPTURES)):
        recording = read_recording(data / f"{name}.sigmf-meta")
        rows += rows_of(
            recording, isrs_db or ISRS_DB, _SEED + number, lambda text: click.echo(text, err=True)
        )
    title = "Interferers beside a real cell, by what is left of it"
    kept = [row.summed_up() for row in rows if row.scores]
    click.echo(save_rows("prefix", title, facts(), kept, markdown(rows), save=save))


if __name__ == "__main__":
    main()
