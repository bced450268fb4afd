"""Segments of a swept band: what they are, what was before them, and what is said otherwise."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from converter.data.side_inputs import side_rows
from converter.data.splits import split_by_fraction, split_by_time
from converter.data.sweeps.band_sweeps import open_band
from converter.data.sweeps.sweep_dataset import load_sweep_dataset, load_sweep_part
from converter.data.sweeps.sweep_file import load_sweeps, save_sweeps
from converter.data.sweeps.sweep_ingest import build_sweep_dataset, open_tables
from converter.data.sweeps.sweep_windows import SweepWindows
from edgespec.errors import ModelError, SourceError, UsageError
from edgespec.side_input import DAYS, HOURS
from edgespec.sweep_recipe import SweepRecipe
from tests.made import tiny_sweeps
from tests.made.tiny_sweeps import N_CONTEXT, N_HORIZON, N_POINTS, STEP_S

N_SEGMENT = N_CONTEXT + N_HORIZON


def test_the_recipe_is_that_of_the_recording() -> None:
    band = tiny_sweeps.band()
    recipe = SweepRecipe(925e6, 926.8e6, N_POINTS, STEP_S, N_CONTEXT, N_HORIZON, N_HORIZON)
    assert (band.band, band.recipe) == ("uplink", recipe)
    assert band.split_method == {"kind": "time", "band": "uplink"}
    assert recipe.geometry.n_segment == N_SEGMENT


def test_segments_are_within_their_part_and_know_all_before_them() -> None:
    band, sides = tiny_sweeps.band(), (DAYS, HOURS)
    whole = load_sweeps(tiny_sweeps.dataset_folder() / "site.npz")
    for split in ("train", "validation", "calibration", "test"):
        (part,) = band.split(split)
        windows = SweepWindows(band, (split,), sides)
        starts = part.first_sweep + N_HORIZON * np.arange(len(windows))
        assert len(windows) == (part.n_sweeps - N_SEGMENT) // N_HORIZON + 1
        rows = side_rows(whole, sides, starts, N_CONTEXT)
        for number in (0, len(windows) - 1):
            context, target = windows.segment(number)
            first = starts[number]
            levels = whole.levels_db[first : first + N_SEGMENT]
            assert np.array_equal(np.concatenate([context, target]), levels)
            mean, std = context.mean(), context.std()
            sides_given = windows.sides(np.array([number]))
            for own, of_all in zip(sides_given, rows.rows_db, strict=True):
                np.testing.assert_allclose(own[0], (of_all[number] - mean) / std, atol=1e-4)
        if split != "train":
            assert windows.known == {"days": 1.0, "hours": 1.0}


def test_everything_is_standardised_by_its_context() -> None:
    windows = SweepWindows(tiny_sweeps.band(), ("train",))
    numbers = np.array([3, 40])
    contexts, targets = windows.gather(numbers)
    for row, number in enumerate(numbers):
        context, target = windows.segment(number)
        mean, std = context.mean(), context.std()
        for found, level in ((contexts[row], context), (targets[row], target)):
            np.testing.assert_allclose(found, (level - mean) / std, atol=1e-4)


def test_few_are_chosen_by_their_seed() -> None:
    band = tiny_sweeps.band()
    every = SweepWindows(band, ("train",), (HOURS,), hop_frames=1)
    assert len(every) == band.split("train")[0].n_sweeps - N_SEGMENT + 1
    some = SweepWindows(band, ("train",), (HOURS,), hop_frames=1, n_windows=20, seed=3)
    again = SweepWindows(band, ("train",), (HOURS,), hop_frames=1, n_windows=20, seed=3)
    numbers = np.arange(20)
    assert np.array_equal(some.gather(numbers)[0], again.gather(numbers)[0])
    every_context = {context.tobytes() for context in every.gather(np.arange(len(every)))[0]}
    assert {context.tobytes() for context in some.gather(numbers)[0]} <= every_context


def test_holes_are_as_the_device_has_them(tmp_path: Path) -> None:
    table = tiny_sweeps.sweeps(2.0)
    levels = table.levels_db.copy()
    levels[100, 4] = np.nan
    levels[200, :6] = np.nan
    save_sweeps(tmp_path / "holed.npz", replace(table, levels_db=levels))
    tables = open_tables([tmp_path / "holed.npz"])
    build_sweep_dataset(tables, tmp_path / "set", split_by_time((1.0, 0.0, 0.0, 0.0)))
    band = open_band(tmp_path / "set", n_context=N_CONTEXT, n_horizon=N_HORIZON)
    (part,) = band.split("train")
    loaded = band.load(part).levels_db
    assert loaded[100, 4] == levels[99, 4]
    assert np.isnan(loaded[200]).all()
    assert np.isfinite(np.delete(loaded, 200, axis=0)).all()
    n_all = len(SweepWindows(tiny_sweeps.band(), ("train",), hop_frames=1))
    assert n_all > N_SEGMENT
    assert len(SweepWindows(band, ("train",), hop_frames=1)) == 480 - N_SEGMENT + 1 - N_SEGMENT


def test_what_is_too_short_is_said(tmp_path: Path) -> None:
    band = open_band(tiny_sweeps.dataset_folder(), n_context=300, n_horizon=40)
    with pytest.raises(SourceError, match=r"300 \+ 40 sweeps.*for validation.*at least 340 in a"):
        SweepWindows(band, ("validation",))


def test_bands_are_named_by_their_frequencies_and_have_every_split(tmp_path: Path) -> None:
    table = tiny_sweeps.sweeps(0.2)
    for number in range(4):
        for name, offset_hz in (("low", 0.0), ("high", 1e6)):
            moved = replace(table, name=f"{name}{number}", freqs_hz=table.freqs_hz + offset_hz)
            save_sweeps(tmp_path / f"{name}{number}.npz", moved)
    files = sorted(tmp_path.glob("*.npz"))
    tables = open_tables(files)
    assert {one.band for one in tables} == {"925-926.8-mhz-10", "926-927.8-mhz-10"}
    with pytest.raises(UsageError, match="--band names one band, and the files have 926"):
        open_tables(files, "mine")
    with pytest.raises(UsageError, match="two recordings are called 'high0'"):
        open_tables([files[0], files[0]])
    split = split_by_fraction([one.name for one in tables], (0.25,) * 4)
    made = build_sweep_dataset(tables, tmp_path / "set", split)
    assert made == load_sweep_dataset(tmp_path / "set")
    for name, said in ((None, "name it with --band"), ("925-926.8-mhz-1", "did you mean")):
        with pytest.raises(UsageError, match=said):
            open_band(tmp_path / "set", name)


def test_sweeps_of_another_kind_are_not_taken_for_those_of_the_band(tmp_path: Path) -> None:
    band = tiny_sweeps.band()
    (part,) = band.split("train")
    table = load_sweep_part(band.dataset, part)
    assert band.recipe.misfit(table.freqs_hz, STEP_S) == ""
    assert band.recipe.misfit(table.freqs_hz + 9e4, 1.2 * STEP_S) == ""
    for freqs_hz, interval_s in (
        (table.freqs_hz + 1.1e5, STEP_S),
        (table.freqs_hz[:-1], STEP_S),
        (table.freqs_hz, 1.3 * STEP_S),
    ):
        said = band.recipe.misfit(freqs_hz, interval_s)
        assert f"sweeps of {len(freqs_hz)} points" in said
    other = replace(band, recipe=replace(band.recipe, interval_s=2 * STEP_S))
    with pytest.raises(SourceError, match="give it as another band"):
        other.load(part)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"n_points": 0}, "n_points is 0"),
        ({"interval_s": 0.0}, "interval_s is 0"),
        ({"stop_hz": 1e6}, "must rise"),
        ({"n_context": 10**6}, "at most 4194304 cells"),
    ],
)
def test_a_recipe_checks_itself(change: dict[str, float], words: str) -> None:
    with pytest.raises(ModelError, match=words):
        replace(tiny_sweeps.band().recipe, **change)
