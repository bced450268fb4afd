"""Each kind by construction: what a chain calls interferers of known parameters, in noise alone."""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest

from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.describer import Describer
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.band import BandChain
from edgespec.observer.opening.making import make_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import Event, EventType, IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import Interferer

RATE_HZ = 1.92e6
RECIPE = Recipe.for_rate(RATE_HZ)
DETECT = DetectConfig(detectors=("zscore", "energy"), warmup_s=0.4, hold_off_s=0.05)
N_BEFORE, N_ON, N_AFTER = 70, 40, 15

#: Parameters of each, with a period that is no multiple of 1 ms.
MADE = {
    "tone": InterfererConfig("tone", offset_hz=211e3),
    "narrowband": InterfererConfig("qpsk", offset_hz=-300e3, bandwidth_hz=150e3),
    "wideband": InterfererConfig("barrage", offset_hz=100e3, bandwidth_hz=900e3),
    "lte-like": InterfererConfig("deceptive"),
    "pulse": InterfererConfig("pulse", offset_hz=250e3, period_s=2.3e-3, duty=0.3),
    "chirp": InterfererConfig("chirp", offset_hz=-200e3, bandwidth_hz=400e3, period_s=1.37e-3),
    "sweep": InterfererConfig("sweep", bandwidth_hz=1.5e6, period_s=21.3e-3),
    "hop": InterfererConfig("hop", bandwidth_hz=1.2e6, period_s=2.7e-3),
}


@cache
def received(kind: str) -> np.ndarray:
    """Noise, with an interferer 6 dB above all of it in the middle."""
    rng = np.random.default_rng(1)
    hop = RECIPE.hop_samples
    n = (N_BEFORE + N_ON + N_AFTER) * hop
    samples = 0.01 * (rng.standard_normal(n) + 1j * rng.standard_normal(n)).astype(np.complex64)
    if kind:
        on = slice(N_BEFORE * hop + 777, (N_BEFORE + N_ON) * hop)
        one = Interferer(MADE[kind], RATE_HZ, 3)
        samples[on] += np.float32(0.028) * one.samples(0, on.stop - on.start)
    return samples.astype(np.complex64)


def chain(center_hz: float = 0.0, hop: int = RECIPE.hop_samples) -> BandChain:
    source = SourceInfo("made", RATE_HZ, center_hz, SampleFormat.CF32, is_live=False)
    front_end = FrontEnd.for_source(
        RECIPE.framing, source, max_block_samples=hop, computing="plain"
    )
    basis = Basis.without_bundle(RECIPE, DETECT, load_bundle(shipped_bundle_path()))
    return make_chain(basis, front_end, BandConfig(), DETECT)


def events(samples: np.ndarray, block: int = RECIPE.hop_samples) -> list[Event]:
    one = chain(hop=block)
    said: list[Event] = []
    for start in range(0, len(samples) - block + 1, block):
        said += one.process(IqBlock(samples[start : start + block], RATE_HZ, 0.0, start, 0))
    return [*said, *one.finish()]


def kinds_of(said: Sequence[Event]) -> set[str]:
    return {event.kind for event in said if event.event_type is EventType.END}


@pytest.mark.parametrize("kind", MADE)
def test_each_kind_is_called_by_its_name(kind: str) -> None:
    ends = [event for event in events(received(kind)) if event.event_type is EventType.END]
    # A hop begins as an event for each of its first places, of a few pulses each.
    longest = max(ends, key=lambda event: event.n_samples)
    assert longest.kind == kind
    assert longest.kind_probability > 0.5
    assert len(ends) == 1 or kind == "hop"


def test_noise_alone_is_called_nothing() -> None:
    assert events(received("")) == []


@pytest.mark.parametrize("kind", ["tone", "pulse", "chirp"])
def test_neither_a_gain_nor_another_division_into_blocks_changes_a_kind(kind: str) -> None:
    for gain, block in ((0.1, RECIPE.hop_samples), (1.0, RECIPE.hop_samples // 2)):
        assert kinds_of(events(np.float32(gain) * received(kind), block)) == {kind}


@pytest.mark.parametrize("kind", ["tone", "pulse", "chirp"])
def test_a_shift_in_frequency_changes_no_kind(kind: str) -> None:
    turns = np.exp(-2j * np.pi * 150e3 / RATE_HZ * np.arange(len(received(kind))))
    assert kinds_of(events((received(kind) * turns).astype(np.complex64))) == {kind}


def test_a_loss_is_a_lost_signal_for_certain() -> None:
    samples = received("narrowband")[::-1].copy()
    hop = RECIPE.hop_samples
    # What is there from the start is normal here, and then it is gone.
    there = samples[N_AFTER * hop : (N_AFTER + N_ON - 1) * hop]
    said = events(np.concatenate([there, there, samples[: N_AFTER * hop]]))
    # That takes no look.
    assert {(event.kind, event.kind_probability) for event in said} == {("signal-lost", 1.0)}


def test_nobody_looks_before_an_event_is_told() -> None:
    one, counting = chain(), Counting()
    one.tracker.describer = Describer(counting)
    samples, hop, looks = received("tone"), RECIPE.hop_samples, []
    for number in range(len(samples) // hop):
        block = samples[number * hop : (number + 1) * hop]
        looks += [
            (event.event_type, event.kind, event.is_named, counting.n_looks)
            for event in one.process(IqBlock(block, RATE_HZ, 0.0, number * hop, 0))
        ]
    assert looks[0] == (EventType.NEW, "unknown", False, 0)
    assert looks[1] == (EventType.UPDATE, "tone", True, 1)
    assert all(is_named for _, _, is_named, _ in looks[1:])


class Counting:
    """Samples that are never there, and how often they were asked for."""

    def __init__(self) -> None:
        self.kept, self.n_looks, self.let_go_of = 0, 0, 0

    def keep(self, first: int, n_back: int) -> None:
        self.kept += 1

    def let_go(self) -> None:
        self.let_go_of += 1

    def look(self, tick_start: int, n_ticks: int) -> None:
        self.n_looks += 1


def test_samples_are_kept_and_looked_at_only_while_something_is_there() -> None:
    one, counting = chain(), Counting()
    one.tracker.describer = Describer(counting)
    samples, hop = received("tone"), RECIPE.hop_samples
    said: list[Event] = []
    for number in range(len(samples) // hop):
        block = samples[number * hop : (number + 1) * hop]
        said += one.process(IqBlock(block, RATE_HZ, 0.0, number * hop, 0))
        assert number >= N_BEFORE or not counting.kept
    # Nothing came of any look, so every segment with an alarm asked again.
    assert 0 < counting.n_looks <= N_ON + 2
    assert counting.let_go_of == 1
    # Frames alone tell a tone.
    assert kinds_of(said) == {"tone"}


def test_a_sweep_through_a_narrow_window_is_no_train_of_pulses() -> None:
    hop = RECIPE.hop_samples
    samples = received("").copy()
    on = slice(N_BEFORE * hop, (N_BEFORE + N_ON) * hop)
    k = np.arange(on.stop - on.start) % (17.3e-3 * RATE_HZ)
    # 6 MHz in 17.3 ms: in the window of 1.92 MHz for a third of the time.
    slope = 6e6 / (17.3e-3 * RATE_HZ) / RATE_HZ
    turns = slope * (k - 17.3e-3 * RATE_HZ / 2)
    sweep = np.exp(1j * np.pi * turns**2 / slope)
    samples[on] += np.where(np.abs(turns) < 0.48, 0.028 * sweep, 0).astype(np.complex64)
    said = [event for event in events(samples) if event.event_type is EventType.END]
    assert said
    for event in said:
        assert "pulse" not in (event.kind, event.kind_hint)
        assert "sweep" in (event.kind, event.kind_hint)
