"""Interferers in bands without a cell: the detectors of the device, and the scan of power.

``python -m benchmarks.detection.other_bands`` takes the recordings of GSM, ADS-B, ISM and noise
that have at least 24 horizons: the first half is the warm-up, the second is normal, or has one of
six kinds of interferers at an ISR to burst power, that which a twentieth of the frames exceeds.
There are few and short recordings, so a share found of .03 more or less says nothing.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.hop_scores import (
    Row,
    any_band_scores,
    area_and_share,
    device_scores,
    power_scan_scores,
)
from benchmarks.detection.injected import KINDS, draw_interferer
from benchmarks.detection.real_cases import Case, Recording, read_recording
from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.framing import Recipe

__all__ = ["BURST_QUANTILE", "NAMES", "burst_db", "main", "markdown", "rows_of"]

NAMES = (
    "adsb1090_modes1",
    "gsm900_953.6MHz_128",
    "ism_urh_elektromaten",
    "ism_urh_pwm",
    "rx_noise_1.92M",
)
ISRS_DB = (-20.0, -10.0, 0.0, 10.0)
_SEED = 20261201
_DEVICE = ("zscore", "energy", "ewma")
_ANY_BAND = "any-band, zscore or energy"
_DETECTORS = ("scan", *_DEVICE, "any-band", _ANY_BAND)
#: Hops of the second half before the interferer, and those of it that are no longer the onset.
_BEFORE, _ONSET = 4, 4
BURST_QUANTILE = 0.95
#: ``log(200)`` mean excesses over a tail that a fifth is in, and as rare a deviation.
_RARE_EXCESSES, _RARE_DEVIATIONS = 5.3, 6.0


def rows_of(recording: Recording, seed: int) -> Iterator[Row]:
    """Yield the scores of a recording, untouched and with every kind at every ISR."""
    info, recipe = recording.info, Recipe.for_rate(recording.info.sample_rate_hz)
    n_hops = len(recording.samples) // recipe.hop_samples
    whole = replace(recording, samples=recording.samples[: n_hops * recipe.hop_samples])
    n_warmup = n_hops // 2
    start = n_warmup + _BEFORE

    def scores_of(samples: NDArray[np.generic]) -> dict[str, NDArray[np.float32]]:
        found = device_scores(samples, info, recipe, _DEVICE, n_warmup)
        any_band = any_band_scores(samples, info, recipe, n_warmup)
        # Each less what one in 1000 hops is above.
        own = any_band - _RARE_EXCESSES
        others = np.maximum(found["zscore"], found["energy"]) - _RARE_DEVIATIONS
        return {
            "scan": power_scan_scores(samples, info, recipe, n_warmup),
            **found,
            "any-band": any_band,
            _ANY_BAND: np.fmax(own, others),
        }

    for name, scores in scores_of(whole.samples).items():
        yield Row.of(recording.name, name, "normal", scores)
    loudest_db = burst_db(whole, recipe.framing.frame_s, start * recipe.hop_samples)
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng((seed, number))
        interferer = draw_interferer(kind, info.sample_rate_hz, rng)
        for isr_db in ISRS_DB:
            case = Case(kind, interferer, isr_db + loudest_db)
            mixed = whole.mixed(case, start * recipe.hop_samples / info.sample_rate_hz)
            for name, scores in scores_of(mixed).items():
                onset, later = scores[start : start + 1], scores[start + _ONSET :]
                yield Row.of(recording.name, name, "onset", onset, kind, isr_db)
                yield Row.of(recording.name, name, "persistent", later, kind, isr_db)


def burst_db(recording: Recording, frame_s: float, first: int) -> float:
    """Return the power of a burst over the mean power from a sample on, in dB."""
    power = np.abs(recording.info.sample_format.to_complex(recording.samples)) ** 2
    size = round(frame_s * recording.info.sample_rate_hz)
    frames = power[: len(power) // size * size].reshape(-1, size).mean(axis=1)
    return float(10.0 * np.log10(np.quantile(frames, BURST_QUANTILE) / power[first:].mean()))


def markdown(rows: Sequence[Row]) -> str:
    """Return AUC and the share found at 1% false alarms; all hops of a mode count alike."""
    table = []
    isrs_db = sorted({row.isr_db for row in rows if row.kind})
    heard = {row.detector for row in rows}
    for mode in ("onset", "persistent"):
        for detector in (name for name in _DETECTORS if name in heard):
            own = [row for row in rows if row.detector == detector]
            normal = np.array([v for row in own if row.mode == "normal" for v in row.scores])
            by_isr: dict[float, list[float]] = defaultdict(list)
            for row in own:
                if row.mode == mode:
                    by_isr[row.isr_db] += row.scores
            cells = []
            for isr_db in isrs_db:
                area, share = area_and_share(normal, by_isr[isr_db])
                cells.append(f"{area:.3f}, {share:.2f}")
            table.append([f"{detector}, {mode}", *cells])
    n_normal = sum(len(r.scores) for r in rows if r.mode == "normal" and r.detector == "scan")
    head = ["AUC, found at 1%, at ISR", *(f"{isr_db:+.0f} dB" for isr_db in isrs_db)]
    return f"{n_normal} normal hops.\n\n{markdown_table(head, table)}\n"


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(data: Path, save: bool) -> None:
    """Score interferers in bands without a cell."""
    progress: Callable[[str], None] = lambda text: click.echo(text, err=True)  # noqa: E731
    rows: list[Row] = []
    for number, name in enumerate(NAMES):
        progress(name)
        rows += rows_of(read_recording(data / f"{name}.sigmf-meta"), _SEED + number)
    kept = [row.summed_up() for row in rows if row.scores]
    title = "Interferers in bands without a cell"
    click.echo(save_rows("other_bands", title, facts(), kept, markdown(rows), save=save))


if __name__ == "__main__":
    main()
