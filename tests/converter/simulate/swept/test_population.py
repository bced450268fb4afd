"""Data sets of simulated sweeps: who is in which split, and that files are what they were."""

from pathlib import Path

import numpy as np
import pytest

from converter.data.sweeps.sweep_dataset import load_sweep_dataset, load_sweep_part
from converter.data.sweeps.sweep_file import load_sweeps, save_sweeps
from converter.simulate.swept.population import simulate_sweep_dataset, swept_specs
from edgespec.errors import SourceError, UsageError

BANDS = ("fm", "gsm900-ul")
SHARES = (0.4, 0.2, 0.2, 0.2)
#: About 86 sweeps.
DAYS = 0.0018


def test_a_recording_is_its_own(tmp_path: Path) -> None:
    few, many = swept_specs(["fm"], 2, DAYS, 5), swept_specs(["tv", "fm"], 4, DAYS, 5)
    assert few == [spec for spec in many if spec.band == "fm"][:2]
    assert len({spec.seed for spec in many}) == len({spec.utc_s for spec in many}) == 8
    assert swept_specs(["fm"], 2, DAYS, 6) != few


def test_every_split_has_every_band(tmp_path: Path) -> None:
    specs = swept_specs(BANDS, 5, DAYS, 5)
    told: list[str] = []
    made = simulate_sweep_dataset(
        specs, tmp_path, SHARES, 5, progress=lambda part: told.append(part.name)
    )
    assert told == [spec.name for spec in specs]
    assert made == load_sweep_dataset(tmp_path)
    for split, n in (("train", 2), ("validation", 1), ("calibration", 1), ("test", 1)):
        assert [len(made.split(split, band)) for band in BANDS] == [n, n]
        assert len(made.split(split)) == 2 * n
    part = made.split("test", "fm")[0]
    table = load_sweep_part(made, part)
    spec = next(spec for spec in specs if spec.name == part.name)
    assert table.n_sweeps == part.n_sweeps
    assert table.utc_s[0] == spec.utc_s
    assert table.unit == "dBm"
    assert table.name == part.name
    with np.load(tmp_path / part.file) as arrays:
        assert arrays["signal_mw"].shape == (table.n_sweeps,)
        assert arrays["noise_mw"] > 0


def test_a_file_that_was_changed_is_not_taken(tmp_path: Path) -> None:
    specs = swept_specs(["fm"], 4, DAYS, 5)
    made = simulate_sweep_dataset(specs, tmp_path, (0.25,) * 4, 5)
    part = made.parts[0]
    save_sweeps(tmp_path / part.file, load_sweeps(tmp_path / part.file))
    with pytest.raises(SourceError, match="build the data set again"):
        load_sweep_part(made, part)


def test_what_cannot_be_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="known are gsm900-ul"):
        swept_specs(["wifi"], 2, 1.0, 0)
    for bands, n, days in (([], 1, 1.0), (["fm"], 0, 1.0), (["fm"], 1, 1e-6)):
        with pytest.raises(UsageError, match="it takes"):
            swept_specs(bands, n, days, 0)
    with pytest.raises(UsageError, match="cannot fill"):
        simulate_sweep_dataset(swept_specs(["fm"], 2, DAYS, 0), tmp_path, SHARES, 0)
    with pytest.raises(SourceError, match="simulate-sweeps"):
        load_sweep_dataset(tmp_path)
