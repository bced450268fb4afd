"""Populations of simulated observers: who stands where, and with what."""

from dataclasses import replace

import numpy as np
import pytest

from converter.data.ingest import prepare_recording
from converter.data.npzmap import map_npz
from converter.data.splits import split_by_time
from converter.simulate.dataset import simulate_dataset
from converter.simulate.frames import prepare_simulated, simulate_frames
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec, training_specs
from edgespec.errors import ModelError, UsageError
from edgespec.framing import Recipe
from edgespec.records import SampleFormat
from edgespec.simulate.bands import BANDS
from edgespec.simulate.cells import CELLS, DAY_CURVE
from edgespec.simulate.config import ReceiverConfig
from edgespec.simulate.scene import Scene

RATE_HZ = 1.92e6
POPULATIONS = {
    "b5": Population(),
    "b7": Population(band="b7"),
    "any band": Population(band=""),
    "uplink": Population(direction="ul"),
    "cells": Population(cells=("B", "C")),
    "place": Population(place=4, contexts=("static",)),
    "night": Population(hours=(2, 5)),
    "steady": Population(traffic="steady"),
}


def specs_of(population: Population, n: int = 60, seed: int = 1) -> list[RecordingSpec]:
    return population.specs(n, 0.5, RATE_HZ, seed)


@pytest.mark.parametrize("name", POPULATIONS)
def test_equal_seeds_give_equal_observers_and_more_begin_with_the_same(name):
    population = POPULATIONS[name]
    specs = specs_of(population, 7)
    assert specs == specs_of(population, 7)
    assert specs == specs_of(population, 20)[:7]
    assert [a.seed for a in specs] != [b.seed for b in specs_of(population, 7, seed=2)]
    assert len({spec.seed for spec in specs}) == len({spec.name for spec in specs}) == 7


def test_observers_are_named_by_context_and_number():
    specs = specs_of(Population(contexts=("walk", "static")), 3)
    assert [spec.name for spec in specs] == ["walk-000", "static-001", "walk-002"]
    assert [spec.context for spec in specs] == ["walk", "static", "walk"]


def test_every_observer_has_a_place_of_its_own():
    specs = specs_of(Population())
    assert len({spec.scene.channel.snr_db for spec in specs}) == 60
    assert len({spec.scene.receiver.level_dbfs for spec in specs}) == 60
    assert len({spec.scene.receiver.adc_bits for spec in specs}) == 3
    assert 5 < sum(bool(spec.scene.neighbours) for spec in specs) < 31
    assert 15 < sum(spec.scene.receiver.dc != 0 for spec in specs) < 45
    shadowed = [spec for spec in specs if spec.scene.channel.shadow_db]
    assert 15 < len(shadowed) < 40
    assert {spec.context for spec in shadowed} == {"walk", "drive"}


def test_a_place_fixes_all_but_the_signal():
    here, there = (Population(place=place, contexts=("walk",)) for place in (1, 2))
    first, *others = specs_of(here, 9)
    assert all(spec.scene == first.scene for spec in others)
    assert len({spec.seed for spec in (first, *others)}) == 9
    assert specs_of(here, 1, seed=77)[0].scene == first.scene
    assert specs_of(there, 1)[0].scene != first.scene


def test_the_same_place_has_another_time():
    one = Population(place=1, contexts=("static",), hours=(8, 20))
    clocks = {spec.scene.cell.clock_s for spec in specs_of(one, 9)}
    assert len(clocks) == 9
    plain = {replace(spec.scene.cell, clock_s=0.0) for spec in specs_of(one, 9)}
    assert len(plain) == 1


def test_every_context_meets_every_cell():
    population = Population(cells=("A", "B", "C"), contexts=("static", "walk", "drive"))
    names = {CELLS[name].pci: name for name in population.cells}
    met = {(spec.context, names[spec.scene.cell.pci]) for spec in specs_of(population, 9)}
    assert len(met) == 9


@pytest.mark.parametrize("band", BANDS)
def test_a_band_sets_carrier_and_doppler(band):
    for spec in specs_of(Population(band=band, contexts=("drive",)), 4):
        assert spec.center_freq_hz == BANDS[band].carrier_hz
        assert spec.scene.channel.doppler_hz == BANDS[band].doppler_hz(11.2)
        assert spec.scene.cell.n_ports == BANDS[band].n_ports


@pytest.mark.parametrize("hours", [(0, 24), (18.5, 20), (22, 26)])
def test_hours_are_where_the_clock_is_drawn_from(hours):
    for spec in specs_of(Population(hours=hours)):
        assert hours[0] <= spec.scene.cell.clock_s / 3600 <= hours[1]
        assert spec.scene.cell.load_curve == DAY_CURVE
    assert not any(spec.scene.cell.load_curve for spec in specs_of(Population()))


def test_an_uplink_is_quiet_at_night():
    def loads(hours):
        specs = specs_of(Population(direction="ul", hours=hours))
        return np.array([spec.scene.uplink.load for spec in specs])

    # Hours of a factor below 0.3 and above 1.2; what is above a full load is cut.
    assert (loads((2, 5)) < 0.3 / 1.2 * loads((18, 20)) + 0.06).all()


@pytest.mark.parametrize(("traffic", "share"), [("bursty", 0.0), ("steady", 1.0), ("varied", 0.5)])
@pytest.mark.parametrize("cells", [(), ("A", "B")])
def test_traffic_is_the_share_of_users_that_keep_their_place(traffic, share, cells):
    specs = specs_of(Population(traffic=traffic, cells=cells), 200)
    steady = np.mean([spec.scene.cell.user_groups > 0 for spec in specs])
    # Standard deviation of a half of 200: 0.035.
    assert abs(steady - share) < (0.12 if traffic == "varied" else 1e-9)


@pytest.mark.parametrize("share", [0.01, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("duration_s", [0.3, 4.0])
def test_contamination_is_the_share_of_the_time_with_one_interferer(share, duration_s):
    population = Population(contamination=share, contamination_isr_db=-5.0)
    specs = population.specs(30, duration_s, RATE_HZ, 3)
    poisoned = population.contaminated(specs, 9)
    assert poisoned == population.contaminated(specs, 9)
    isr_db, kinds = [], set()
    for plain, spec in zip(specs, poisoned, strict=True):
        assert replace(spec, scene=replace(spec.scene, interferers=())) == plain
        isr_db += [item.isr_db for item in spec.scene.interferers]
        kinds |= {item.kind for item in spec.scene.interferers}
    assert np.mean(isr_db) == pytest.approx(-5.0, abs=1.0)
    assert 2.0 < np.std(isr_db) < 4.0
    assert len(kinds) > 4
    spec = poisoned[0]
    on = np.zeros(spec.n_samples, int)
    for note in Scene(spec.scene, spec.seed).annotations(spec.n_samples):
        on[note.sample_start : note.sample_start + note.sample_count] += 1
    # Each edge is rounded to a sample.
    assert on.mean() == pytest.approx(share, abs=1e-4)
    assert (on > 1).mean() < 1e-4


def test_without_contamination_nothing_changes():
    specs = specs_of(Population(), 3)
    assert Population().contaminated(specs, 5) == specs


@pytest.mark.parametrize("name", POPULATIONS)
def test_observers_of_every_population_can_be_heard(name):
    population = replace(POPULATIONS[name], contamination=0.3)
    specs = population.contaminated(population.specs(1, 0.06, RATE_HZ, 3), 4)
    recipe = Recipe(RATE_HZ)
    n_frames = 0
    for spectrogram in simulate_frames(specs[0], recipe):
        assert np.isfinite(spectrogram.power_dbfs).all()
        assert not spectrogram.flags.any()
        n_frames += len(spectrogram.power_dbfs)
    assert n_frames == recipe.frames_in(specs[0].n_samples)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"direction": "up"}, "direction is 'up'; known are dl, ul"),
        ({"band": "b99"}, "band is 'b99'; known are b12"),
        ({"cells": ("A", "Z")}, "cell is 'Z'; known are A, B"),
        ({"contexts": ("fly",)}, "context is 'fly'; known are static"),
        ({"contexts": ()}, "needs a context"),
        ({"traffic": "jam"}, "traffic is 'jam'; known are bursty"),
        ({"direction": "ul", "traffic": "steady"}, "leave it at 'varied'"),
        ({"place": 2}, "takes one context"),
        ({"place": -1, "contexts": ("static",)}, "a number from 0"),
        ({"hours": (20, 18)}, "they must grow"),
        ({"hours": (-1, 18)}, "they must grow"),
        ({"contamination": 1.2}, "contamination is 1.2"),
        ({"contamination": -0.1}, "contamination is -0.1"),
    ],
)
def test_populations_that_cannot_be(values, message):
    with pytest.raises(UsageError, match=message):
        Population(**values)


def test_nobody_hears_nothing():
    for n, duration_s in ((0, 1.0), (1, 0.0), (1, float("nan"))):
        with pytest.raises(UsageError, match="record nothing"):
            Population().specs(n, duration_s, RATE_HZ, 1)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_frames_are_those_of_the_recording(tmp_path, sample_format):
    pytest.importorskip("sigmf")
    from converter.simulate.sigmf_files import write_recording

    bits = {SampleFormat.CF32: 0, SampleFormat.CI16: 12}.get(sample_format, 8)
    receiver = ReceiverConfig(sample_format, bits)
    (spec,) = training_specs(1, 0.3, RATE_HZ, 5, receiver)
    recipe = Recipe(RATE_HZ)
    direct = prepare_simulated(spec, tmp_path / "direct", recipe)
    write_recording(tmp_path, spec)
    through = prepare_recording(f"sigmf:{tmp_path / spec.name}", tmp_path / "through", recipe)
    assert direct.n_frames == through.n_frames == recipe.frames_in(spec.n_samples)
    ours, theirs = (
        map_npz(tmp_path / folder / f"{spec.name}.npz") for folder in ("direct", "through")
    )
    for name in ("power_dbfs", "flags", "sample_start"):
        np.testing.assert_array_equal(ours[name], theirs[name])


def test_a_rate_that_is_not_the_geometrys(tmp_path):
    (spec,) = specs_of(Population(), 1)
    with pytest.raises(ModelError, match="come at 1920000 S/s"):
        prepare_simulated(spec, tmp_path, Recipe(5e6))


def test_two_observers_of_one_name(tmp_path):
    (spec,) = specs_of(Population(), 1)
    split = split_by_time((0.5, 0.5, 0, 0))
    with pytest.raises(UsageError, match="named 'static-000'"):
        simulate_dataset([spec, spec], tmp_path, Recipe(RATE_HZ), split)


@pytest.mark.slow_without_jit
def test_a_simulated_data_set_may_be_cut_in_time(tmp_path):
    specs = specs_of(Population(), 2)
    done = []
    recipe = Recipe(RATE_HZ)
    split = split_by_time((0.5, 0.0, 0.0, 0.5))
    dataset = simulate_dataset(specs, tmp_path, recipe, split, progress=done.append)
    assert [recording.name for recording in done] == [spec.name for spec in specs]
    assert dataset.split_method["gap_frames"] == recipe.geometry.n_segment
    assert [part.split for part in dataset.parts] == ["train", "test"] * 2
