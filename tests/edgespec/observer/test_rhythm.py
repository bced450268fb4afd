"""A band without a cell through the whole chain: calibrating, then events by any-band."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.band_rhythm import RhythmState
from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.any_band.detector import ANY_BAND, THRESHOLD
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.heard_cell import CellState
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.band import BandChain
from edgespec.observer.kept.band_file import LevelFile
from edgespec.observer.kept.kept_band import rhythm_file
from edgespec.observer.opening.making import make_chain
from edgespec.observer.recall import recall, reference_of
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import EventType, IqBlock, SampleFormat, SourceInfo
from tests.made.brief_search import search_briefly
from tests.made.simulated import simulated

pytestmark = pytest.mark.slow_without_jit

RATE_HZ = 1e6
RECIPE = Recipe.for_rate(RATE_HZ)
HOP = RECIPE.hop_samples
#: Of signal: what is learnt, with the hops that wait for an alarm in each stage.
RHYTHM_S, N_SETTLED = 1.2, round(1.2 / RECIPE.geometry.hop_s) + 12


def chain_of(
    rate_hz: float, detectors: tuple[str, ...], file: LevelFile | None = None
) -> BandChain:
    recipe, bundle = Recipe.for_rate(rate_hz), load_bundle(shipped_bundle_path())
    detect = DetectConfig(detectors=detectors, warmup_s=0.5)
    info = SourceInfo("test:", rate_hz, 0.0, SampleFormat.CF32, is_live=False)
    front_end = FrontEnd.for_source(recipe.framing, info, max_block_samples=recipe.hop_samples)
    basis = Basis.without_bundle(recipe, detect, bundle)
    return make_chain(
        basis, front_end, BandConfig(), detect, rhythm_s=(RHYTHM_S, RHYTHM_S), rhythm=file
    )


def hops(rng: np.random.Generator, n: int, tone: float = 0.0) -> Iterator[NDArray[np.complex64]]:
    """Yield noise with bursts of two devices, louder than a tone that is there besides."""
    turns = np.exp(2j * np.pi * 0.11 * np.arange(HOP))
    for number in range(n):
        wave = 0.01 * (rng.standard_normal(HOP) + 1j * rng.standard_normal(HOP))
        for device, at in enumerate((-0.3, 0.25)):
            if (number + 3 * device) % 7 < 2:
                wave += 0.1 * np.exp(2j * np.pi * at * np.arange(HOP))
        yield (wave + tone * turns).astype(np.complex64)


def steady(rng: np.random.Generator, n: int, gain: float = 1.0) -> Iterator[NDArray[np.complex64]]:
    """Yield noise with carriers that are always on: a band in which a step of the gain is told."""
    at = np.arange(HOP)
    carriers = sum(0.1 * np.exp(2j * np.pi * turns * at) for turns in (-0.3, -0.1, 0.05, 0.25))
    for _ in range(n):
        wave = 0.01 * (rng.standard_normal(HOP) + 1j * rng.standard_normal(HOP)) + carriers
        yield (gain * wave).astype(np.complex64)


def play(chain: BandChain, waves: Iterator[NDArray[np.complex64]], first: int) -> list[str]:
    """Return the detectors of the events that opened."""
    opened = []
    for number, wave in enumerate(waves, first):
        block = IqBlock(wave, RATE_HZ, 0.0, number * HOP, 0, received_ns=1)
        for event in chain.process(block):
            if event.event_type is EventType.NEW:
                assert event.score > event.threshold == chain.thresholds[event.detector]
                opened.append(event.detector)
    return opened


@pytest.fixture
def file(tmp_path: Path) -> LevelFile:
    range_hz = RECIPE.framing.grid().range_hz
    made = rhythm_file(tmp_path, "band0", "rtlsdr:", 20.0, range_hz)
    assert made is not None
    return made


def test_it_calibrates_says_so_and_then_tells_who_is_new(
    rng: np.random.Generator, file: LevelFile
) -> None:
    chain = chain_of(RATE_HZ, ("energy", ANY_BAND), file)
    n_half = N_SETTLED // 2
    play(chain, hops(rng, n_half), 0)
    snapshot = snapshot_of(chain)
    assert snapshot.rhythm is not None
    assert snapshot.rhythm.state is RhythmState.CALIBRATING
    assert ANY_BAND not in snapshot.scores
    n = 2 * N_SETTLED
    assert play(chain, hops(rng, n - n_half), n_half) == []
    snapshot = snapshot_of(chain)
    assert snapshot.rhythm is not None
    assert snapshot.rhythm.state is RhythmState.WATCHING
    assert snapshot.scores[ANY_BAND] < snapshot.thresholds[ANY_BAND] == THRESHOLD
    # 14 dB below the bursts, so that the band's energy does not mind.
    assert play(chain, hops(rng, 10, tone=0.02), n) == [ANY_BAND]
    list(chain.finish())
    # Behind a restart he is told as soon as the warm-up is over.
    again = chain_of(RATE_HZ, ("energy", ANY_BAND), file)
    assert play(again, hops(rng, 150, tone=0.02), 0)[:1] == [ANY_BAND]


def test_energy_is_heard_where_there_are_no_bursts_and_where_nobody_else_is(
    rng: np.random.Generator,
) -> None:
    """Every burst that the warm-up had not is news to it, as are strangers as wide as the band."""
    n = 2 * N_SETTLED
    for detectors, band, first, later in (
        (("zscore", "energy"), hops, {"zscore"}, {"zscore", ANY_BAND}),
        (("zscore", "energy"), steady, {"zscore", "energy"}, {"zscore", "energy", ANY_BAND}),
        (("energy",), hops, {"energy"}, {ANY_BAND}),
    ):
        chain = chain_of(RATE_HZ, (*detectors, ANY_BAND))
        play(chain, band(rng, N_SETTLED // 2), 0)
        assert set(snapshot_of(chain).scores) == first
        play(chain, band(rng, n - N_SETTLED // 2), N_SETTLED // 2)
        assert set(snapshot_of(chain).scores) == later


def test_a_replay_goes_by_the_rhythm_that_was_known(rng: np.random.Generator) -> None:
    first, again = (chain_of(RATE_HZ, ("energy", ANY_BAND)) for _ in range(2))
    play(first, hops(rng, 2 * N_SETTLED), 0)
    site = reference_of(first)
    assert site is not None
    assert recall(again, site)
    later = list(hops(rng, 12, tone=0.02))
    play(first, iter(later), 2 * N_SETTLED)
    play(again, iter(later), 0)
    mine, its = (snapshot_of(chain).scores[ANY_BAND] for chain in (first, again))
    assert its == pytest.approx(mine, rel=1e-5)


def test_a_step_of_the_gain_is_no_news(rng: np.random.Generator) -> None:
    chain = chain_of(RATE_HZ, ("zscore", "energy", ANY_BAND))
    n = 2 * N_SETTLED
    play(chain, steady(rng, n), 0)
    assert ANY_BAND not in play(chain, steady(rng, 60, gain=1.6), n)
    assert snapshot_of(chain).scores[ANY_BAND] < THRESHOLD


def test_beside_a_cell_it_has_nothing_to_say_nor_while_that_is_lost(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    search_briefly(monkeypatch, 0.1, 0.15)
    rate_hz = 1.92e6
    hop = Recipe.for_rate(rate_hz).hop_samples
    chain = chain_of(rate_hz, ("residual", "zscore", ANY_BAND))
    samples = simulated(f"sim:lte-dl?sample_rate={rate_hz:g}&seed=4&snr_db=20", 3_000_000)
    noise = 0.05 * (rng.standard_normal((3_000_000, 2))).astype(np.float32)
    wave = np.concatenate([SampleFormat.CI16.to_complex(samples), noise.view(np.complex64)[:, 0]])
    for start in range(0, len(wave) - hop + 1, hop):
        list(chain.process(IqBlock(wave[start : start + hop], rate_hz, 0.0, start, 0)))
        snapshot = snapshot_of(chain)
        assert snapshot.rhythm is None
        assert ANY_BAND not in snapshot.scores
    assert chain.cancelled is not None
    assert chain.cancelled.cell is not None
    assert chain.cancelled.state is CellState.NONE


def test_where_no_cell_is_found_it_watches(
    rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    search_briefly(monkeypatch, 0.05, 0.1)
    rate_hz = 1.92e6
    hop = Recipe.for_rate(rate_hz).hop_samples
    chain = chain_of(rate_hz, ("residual", "zscore", ANY_BAND))
    noise = 0.05 * (rng.standard_normal((6_000_000, 2))).astype(np.float32)
    wave = noise.view(np.complex64)[:, 0]
    for start in range(0, len(wave) - hop + 1, hop):
        list(chain.process(IqBlock(wave[start : start + hop], rate_hz, 0.0, start, 0)))
    assert snapshot_of(chain).scores[ANY_BAND] < THRESHOLD


def test_a_stranger_in_the_channel_of_a_carrier_is_an_event_at_its_place(
    rng: np.random.Generator,
) -> None:
    """The carrier's power varies by more than the stranger adds; its envelope is constant."""
    carrier_hz, at = 200e3, np.arange(HOP)

    def carriers(n: int, isr_db: float | None = None) -> Iterator[NDArray[np.complex64]]:
        for _ in range(n):
            turns = np.cumsum(
                carrier_hz / RATE_HZ + 8e-3 * np.repeat(rng.normal(size=HOP // 50), 50)
            )
            wave = 0.01 * (rng.standard_normal(HOP) + 1j * rng.standard_normal(HOP))
            wave += 0.1 * np.exp(2j * np.pi * turns)
            if isr_db is not None:
                rough = np.repeat(
                    rng.standard_normal(HOP // 25) + 1j * rng.standard_normal(HOP // 25), 25
                )
                rough *= np.exp(2j * np.pi * carrier_hz / RATE_HZ * at)
                wave += 0.1 * 10.0 ** (isr_db / 20.0) / np.sqrt(2.0) * rough
            yield wave.astype(np.complex64)

    chain = chain_of(RATE_HZ, ("zscore", ANY_BAND))
    n = 2 * N_SETTLED
    assert play(chain, carriers(n), 0) == []
    events = []
    for number, wave in enumerate(carriers(10, -10.0), n):
        events += chain.process(IqBlock(wave, RATE_HZ, 0.0, number * HOP, 0, received_ns=1))
    new = [event for event in events if event.event_type is EventType.NEW]
    assert [event.detector for event in new] == [ANY_BAND]
    # What its flanks add beside the carrier may say it more finely.
    assert new[0].freq_lower_hz > carrier_hz - 150e3
    assert new[0].freq_upper_hz < carrier_hz + 150e3
