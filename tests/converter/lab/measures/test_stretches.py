"""A stretch with something on the air differs from its clean twin by that, and by nothing else."""

from dataclasses import replace

import numpy as np
import pytest

from converter.lab.measures.windows.observer_plan import Slot
from converter.lab.measures.windows.stretch_layout import Layout
from converter.lab.measures.windows.stretches import fault_config, interfere, misconfigure
from converter.lab.measures.windows.variants import Variants
from edgespec.errors import UsageError
from edgespec.framing import Recipe
from edgespec.records import SampleFormat
from edgespec.simulate.config import CellConfig, FaultConfig, NeighbourConfig, UplinkConfig
from edgespec.simulate.faults import Fault
from edgespec.simulate.scene import Scene, noise_power
from edgespec.simulate.wanted import wanted_power, wanted_powers
from tests.made import tiny, tiny_observer
from tests.made.tiny_observer import LAYOUT

KINDS = ("tone", "pulse", "chirp", "wideband-pulse", "hop", "random-pulse", "bpsk")
GEOMETRIES = {
    "paper": Recipe(5e6),
    "tiny": tiny.RECIPE,
    "long horizon": replace(tiny.RECIPE, n_horizon=10),
    "overlapping": replace(tiny.RECIPE, hop_frames=3),
    "far apart": replace(tiny.RECIPE, hop_frames=30),
}
RATE_HZ = tiny.FRAMING.sample_rate_hz


def power(samples: np.ndarray) -> float:
    return float(np.mean(np.abs(samples.astype(np.complex128)) ** 2))


@pytest.mark.parametrize("recipe", GEOMETRIES.values(), ids=GEOMETRIES)
def test_modes_are_what_they_are_called(recipe: Recipe, rng: np.random.Generator) -> None:
    layout = Layout.of(recipe)
    n_frame = recipe.samples_in(1)
    assert layout.n_samples == layout.horizon(layout.n_segments - 1).stop
    for _ in range(50):
        on, off = layout.draw(rng)
        for segment, mode in layout.modes:
            horizon = layout.horizon(segment)
            context = slice(layout.sample_of(segment), horizon.start)
            assert context.stop - context.start == recipe.n_context * n_frame
            if mode == "onset":
                assert horizon.start < on < horizon.stop
                assert off > horizon.stop
            elif mode == "persistent":
                assert on < context.start
                assert off > horizon.stop
            else:
                assert mode == "ended"
                assert on < context.start
                assert horizon.start < off < horizon.stop


def test_a_stretch_of_the_paper_is_300_frames() -> None:
    layout = Layout.of(Recipe(5e6))
    assert (layout.n_segments, layout.n_frames) == (8, 300)
    assert layout.modes == ((0, "onset"), (5, "persistent"), (6, "persistent"), (7, "ended"))


@pytest.mark.parametrize("recipe", GEOMETRIES.values(), ids=GEOMETRIES)
def test_persistent_and_lasting_have_been_there_for_as_long_as_asked(
    recipe: Recipe, rng: np.random.Generator
) -> None:
    asked_s = {"persistent": 0.045, "lasting": 0.2}
    layout = Layout.of(recipe, *asked_s.values())
    for _ in range(20):
        on, off = layout.draw(rng)
        for segment, mode in layout.modes:
            if mode in asked_s:
                horizon = layout.horizon(segment)
                assert (horizon.start - on) / recipe.sample_rate_hz >= asked_s[mode]
                assert layout.share(segment, on, off) == 1.0
    named = [mode for _, mode in layout.modes]
    assert named == ["onset", *2 * ["persistent"], *2 * ["lasting"], "ended"]


def test_places_are_drawn_from_the_whole_horizon(rng: np.random.Generator) -> None:
    layout = Layout.of(Recipe(5e6))
    begin = [(on - layout.horizon(0).start) / 32_000 for on, _ in map(layout.draw, [rng] * 400)]
    # The uniform law's quartiles, within four standard errors.
    assert np.quantile(begin, [0.25, 0.5, 0.75]) == pytest.approx([0.25, 0.5, 0.75], abs=0.1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("sample_format", [SampleFormat.CI16, SampleFormat.CU8])
def test_a_pair_differs_from_on_to_off_only(kind: str, sample_format: SampleFormat) -> None:
    bits = {SampleFormat.CI16: 12, SampleFormat.CU8: 8}[sample_format]
    stretch = tiny_observer.stretch(tiny_observer.spec(sample_format=sample_format, adc_bits=bits))
    clean = stretch.quantised(stretch.samples)
    (variant,) = Variants(stretch, Slot(0, tiny_observer.SEGMENT, kind, False), (10.0,))
    on, off = variant.added.on, variant.added.off
    assert np.array_equal(variant.samples[:on], clean[:on])
    assert np.array_equal(variant.samples[off:], clean[off:])
    assert not np.array_equal(variant.samples[on:off], clean[on:off])


def test_frames_that_are_not_touched_are_the_clean_ones() -> None:
    stretch = tiny_observer.stretch()
    (silent,) = Variants(stretch, Slot(0, tiny_observer.SEGMENT, "tone", False), (-300.0,))
    clean = silent.power_dbfs.copy()
    (variant,) = Variants(stretch, Slot(0, tiny_observer.SEGMENT, "tone", False), (20.0,))
    n_frame = tiny.FRAMING.frame_samples
    first, stop = variant.added.on // n_frame, -(-variant.added.off // n_frame)
    assert np.array_equal(variant.power_dbfs[:first], clean[:first])
    assert np.array_equal(variant.power_dbfs[stop:], clean[stop:])
    assert (variant.power_dbfs[first + 1 : stop - 1].max(axis=1) > clean.max()).all()


def test_the_clean_stretch_is_what_the_scene_gives() -> None:
    stretch = tiny_observer.stretch()
    observer = stretch.spec
    whole = observer.scene.receiver.sample_format.empty(stretch.sample_start + LAYOUT.n_samples)
    Scene(observer.scene, observer.seed).read_into(whole)
    assert np.array_equal(stretch.quantised(stretch.samples), whole[stretch.sample_start :])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("isr_db", [-10.0, 5.0])
def test_the_measured_isr_is_the_one_asked_for(kind: str, isr_db: float) -> None:
    # Against the samples of an observer without noise, not against what the simulator says.
    quiet = tiny_observer.stretch(tiny_observer.spec(snr_db=60.0))
    added, heard = interfere(quiet, kind).at(isr_db)
    alone = heard - quiet.samples[added.on : added.off]
    transmits = np.abs(alone) > 1e-3 * np.abs(alone).max()
    measured_db = 10 * np.log10(power(alone[transmits]) / power(quiet.samples))
    assert measured_db == pytest.approx(isr_db, abs=0.3)
    assert added.duty == pytest.approx(transmits.mean(), abs=0.05)
    assert added.isr_db == isr_db


def test_inr_is_isr_and_the_power_of_the_cell_over_the_noise() -> None:
    stretch = tiny_observer.stretch(tiny_observer.spec(snr_db=20.0))
    quiet = tiny_observer.stretch(tiny_observer.spec(snr_db=60.0))
    noise = power(stretch.samples - quiet.samples)
    added, heard = interfere(stretch, "tone").at(-3.0)
    inr_db = 10 * np.log10(power(heard - stretch.samples[added.on : added.off]) / noise)
    assert added.inr_db == pytest.approx(inr_db, abs=0.3)


def test_isrs_differ_in_amplitude_alone() -> None:
    stretch = tiny_observer.stretch()
    interference = interfere(stretch, "chirp")
    (weak, low), (strong, high) = interference.at(-6.0), interference.at(14.0)
    clean = stretch.samples[weak.on : weak.off]
    np.testing.assert_allclose(high - clean, 10.0 * (low - clean), atol=1e-6)
    assert replace(weak, isr_db=14.0, inr_db=strong.inr_db) == strong
    assert strong.inr_db - weak.inr_db == pytest.approx(20.0)


def test_an_interferer_goes_through_the_steps_of_the_gain_but_brings_no_dc() -> None:
    at_s = (LAYOUT.sample_of(tiny_observer.SEGMENT) + LAYOUT.n_samples // 2) / RATE_HZ
    observer = tiny_observer.spec(gain_times_s=(0.01, at_s), gain_steps_db=(-3.0, 9.0), dc=0.1 + 0j)
    plain = interfere(tiny_observer.stretch(), "wideband")
    stepped = interfere(tiny_observer.stretch(observer), "wideband")
    gain_db = 20 * np.log10(np.abs(stepped.samples) / np.maximum(np.abs(plain.samples), 1e-12))
    middle = LAYOUT.n_samples // 2 - plain.added.on
    np.testing.assert_allclose(gain_db[:middle], -3.0, atol=0.01)
    np.testing.assert_allclose(gain_db[middle:], 6.0, atol=0.01)


def test_kinds_and_stretches_have_draws_of_their_own() -> None:
    stretch = tiny_observer.stretch()
    other = replace(stretch, number=1)
    places = [interfere(s, kind).added.on for s in (stretch, other) for kind in KINDS]
    assert len(set(places)) > len(KINDS)
    again = interfere(replace(stretch), "hop")
    assert np.array_equal(again.samples, interfere(stretch, "hop").samples)


@pytest.mark.parametrize("kind", ["jammer", "ofdm-5m"])
def test_what_does_not_fit_the_band_is_refused(kind: str) -> None:
    with pytest.raises(UsageError, match="interferer"):
        interfere(tiny_observer.stretch(), kind)


@pytest.mark.parametrize(("text", "step_db"), [("power-step:3", 3.0), ("power-step:-5", -5.0)])
def test_a_power_step_changes_the_power_by_that(text: str, step_db: float) -> None:
    stretch = tiny_observer.stretch(tiny_observer.spec(snr_db=50.0))
    added, samples = misconfigure(stretch, text)
    inner = slice(added.on + 200, added.off - 200)
    change_db = 10 * np.log10(power(samples[inner]) / power(stretch.samples[inner]))
    assert change_db == pytest.approx(step_db, abs=0.1)
    assert np.isnan([added.isr_db, added.inr_db]).all()


def test_nothing_but_noise_is_left_of_a_station_that_is_lost() -> None:
    stretch = tiny_observer.stretch()
    scene = stretch.spec.scene
    added, samples = misconfigure(stretch, "station-lost")
    left_db = 10 * np.log10(power(samples[added.on + 200 : added.off - 200]))
    noise_db = 10 * np.log10(noise_power(scene)) + scene.receiver.level_dbfs
    assert left_db == pytest.approx(noise_db, abs=0.2)


@pytest.mark.parametrize("number", range(3))
def test_frequencies_that_are_down_are_silent_and_the_others_are_not(number: int) -> None:
    # Where a fault lies is drawn over 4.5 MHz, of which 1 MHz is heard.
    stretch = replace(tiny_observer.stretch(tiny_observer.spec(snr_db=50.0)), number=number)
    added, samples = misconfigure(stretch, "frequencies-down:0.66")
    assert added.bandwidth_hz > 0.0
    inner = slice(added.on + 200, added.off - 200)
    spectra = [np.fft.fftshift(np.fft.fft(s[inner])) for s in (samples, stretch.samples)]
    bins = [np.abs(s[: len(s) // 50 * 50].reshape(50, -1)) ** 2 for s in spectra]
    change_db = 10 * np.log10(bins[0].sum(axis=1) / bins[1].sum(axis=1))[3:-3]
    is_down = change_db < -15.0
    assert np.all(is_down | (np.abs(change_db) < 1.0) | _next_to(is_down))
    assert is_down.mean() == pytest.approx(added.bandwidth_hz / RATE_HZ, abs=0.08)


def _next_to(flags: np.ndarray) -> np.ndarray:
    return np.convolve(flags, np.ones(3), "same") > 0


@pytest.mark.parametrize("text", ["power-step:3", "frequencies-down:0.66", "station-lost"])
def test_a_fault_leaves_everything_outside_of_it_as_it_was(text: str) -> None:
    stretch = tiny_observer.stretch()
    added, samples = misconfigure(stretch, text)
    horizons = LAYOUT.horizon(0), LAYOUT.horizon(LAYOUT.n_segments - 1)
    for at, horizon in zip((added.on, added.off), horizons, strict=True):
        assert horizon.start < at < horizon.stop
    # The anti-alias filter rings for 100 us to either side.
    ring = round(1e-4 * RATE_HZ)
    scale = np.abs(stretch.samples).max()
    for outside in (slice(0, added.on - ring), slice(added.off + ring, None)):
        np.testing.assert_allclose(samples[outside], stretch.samples[outside], atol=1e-4 * scale)


@pytest.mark.parametrize(
    "changes",
    [{}, {"neighbours": (NeighbourConfig(CellConfig(pci=7)),)}, {"uplink": UplinkConfig()}],
    ids=["cell", "with a neighbour", "uplink"],
)
def test_a_branch_goes_on_as_the_scene_does_and_leaves_it_alone(changes: dict[str, object]) -> None:
    observer = tiny_observer.spec()
    config = replace(observer.scene, **changes)  # type: ignore[arg-type]
    fault = FaultConfig("power-step", 0.055, 0.062, step_db=6.0)
    whole = Scene(config, 3).read(80_000)
    faulty = Scene(replace(config, faults=(fault,)), 3).read(80_000)
    scene = Scene(config, 3)
    scene.read(31_234)
    same, other = scene.branch(), scene.branch(Fault(fault, 3))
    assert np.array_equal(other.read(48_766), faulty[31_234:])
    assert np.array_equal(same.read(48_766), whole[31_234:])
    assert np.array_equal(scene.read(48_766), whole[31_234:])
    assert not np.array_equal(whole, faulty)


def test_powers_of_many_stretches_are_those_of_each() -> None:
    observer = tiny_observer.spec()
    spans_s = [(0.071, 0.083), (0.012, 0.0301), (0.02, 0.08)]
    each = [wanted_power(observer.scene, observer.seed, *span) for span in spans_s]
    assert wanted_powers(observer.scene, observer.seed, spans_s) == pytest.approx(each, rel=1e-6)
    assert wanted_powers(observer.scene, observer.seed, []) == []


def test_faults_are_read_as_they_are_written() -> None:
    assert fault_config("power-step:-5", 1.0, 2.0) == FaultConfig("power-step", 1.0, 2.0, -5.0)
    down = fault_config("frequencies-down:0.33", 1.0, 2.0)
    assert down == FaultConfig("frequencies-down", 1.0, 2.0, share=0.33)
    assert fault_config("station-lost", 1.0, 2.0) == FaultConfig("station-lost", 1.0, 2.0)


@pytest.mark.parametrize(
    "text", ["", "fire", "power-step", "power-step:", "power-step:x", "station-lost:1", "tone:3"]
)
def test_what_is_no_fault_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="power-step:DB"):
        fault_config(text, 0.0, 1.0)
