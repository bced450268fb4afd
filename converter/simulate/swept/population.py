"""Bands at many places: which recordings a data set of simulated sweeps has, and its making."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import numpy as np

from converter.data.ingest import file_sha256
from converter.data.splits import Split, split_by_fraction
from converter.data.sweeps.sweep_dataset import SweepDataset, SweepPart, save_sweep_dataset
from converter.data.sweeps.sweep_file import save_sweeps
from converter.simulate.dataset import each_in_turn
from converter.simulate.swept.scene import SweptSpec, simulate_sweeps
from converter.simulate.swept.swept_band import SWEEP_S
from converter.simulate.swept.week import DAY_S
from edgespec.errors import UsageError

__all__ = ["simulate_sweep_dataset", "swept_specs"]

#: Recordings begin in the year behind it, so that every day of the week and hour comes first.
_FIRST_S = datetime(2026, 1, 1, tzinfo=UTC).timestamp()
_N_DAYS = 365


def swept_specs(bands: Sequence[str], n_places: int, days: float, seed: int) -> list[SweptSpec]:
    """Return ``n_places`` recordings of each band, at places and from times that are drawn.

    A recording depends on ``seed``, its band and its number alone: more places, or other bands,
    leave it as it is.

    Raises:
        UsageError: a band is unknown, or nothing is asked for.
    """
    n_sweeps = int(days * DAY_S / SWEEP_S)
    if not bands or n_places < 1 or n_sweeps < 1:
        raise UsageError(
            f"{n_places} places, {days:g} days and {len(bands)} bands were asked for; it takes "
            f"one of each, and {SWEEP_S:g} s at least"
        )
    specs = []
    for band in dict.fromkeys(bands):
        for number in range(n_places):
            sequence = np.random.SeedSequence([seed, number, *band.encode()])
            own_seed, start = (int(word) for word in sequence.generate_state(2))
            utc_s = _FIRST_S + start / 2**32 * _N_DAYS * DAY_S
            specs.append(SweptSpec(f"{band}-{number:03d}", band, own_seed, utc_s, n_sweeps))
    return specs


def simulate_sweep_dataset(
    specs: Sequence[SweptSpec],
    folder: Path,
    fractions: Sequence[float],
    seed: int,
    n_workers: int = 1,
    progress: Callable[[SweepPart], None] = lambda _: None,
) -> SweepDataset:
    """Simulate recordings and write the index of the data set.

    Each band's places are split among train, validation, calibration and test by shares, so a place
    is in one split only, and every split has every band. Beside the levels a file has
    ``signal_mw`` and ``noise_mw``, which an ISR needs.

    Raises:
        UsageError: the shares are wrong, or a band has fewer places than there are splits.
        SourceError: the folder cannot be written.
    """
    of_name: dict[str, str] = {}
    for band in dict.fromkeys(spec.band for spec in specs):
        names = [spec.name for spec in specs if spec.band == band]
        split: Split = split_by_fraction(names, fractions, seed)
        of_name |= split.of_recording
    parts: list[SweepPart] = []

    def keep(sha256_and_length: tuple[str, int]) -> None:
        spec = specs[len(parts)]
        sha256, n_sweeps = sha256_and_length
        origin = f"simulated with seed {spec.seed}"
        parts.append(
            SweepPart(
                spec.name, spec.band, of_name[spec.name], _file(spec), sha256, n_sweeps, origin
            )
        )
        progress(parts[-1])

    each_in_turn(partial(_write, folder), specs, n_workers, keep)
    return save_sweep_dataset(folder, parts)


def _file(spec: SweptSpec) -> str:
    return f"{spec.name}.npz"


def _write(folder: Path, spec: SweptSpec) -> tuple[str, int]:
    """Simulate one recording, write it, and return the hash of its file and how many sweeps."""
    recording = simulate_sweeps(spec)
    path = folder / _file(spec)
    beside = {"signal_mw": recording.signal_mw, "noise_mw": np.asarray(recording.noise_mw)}
    save_sweeps(path, recording.table, beside)
    return file_sha256(path), recording.table.n_sweeps
