"""A band without its cell: found, learnt, scanned; lost and found again, or not there at all."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.gain import NoiseSays
from edgespec.detect.scan.residual_scan import THRESHOLD
from edgespec.dsp.prefix.plan import can_cancel
from edgespec.framing import Recipe
from edgespec.heard_cell import CellState
from edgespec.observer.cell import cell_search
from edgespec.observer.cell.cancelled import CancelledBand
from edgespec.observer.cell.learnt_cells import LearntCells
from edgespec.observer.kept.kept_cell import cell_file
from edgespec.observer.kept.kept_cells import files_of_cells
from edgespec.records import IqBlock, SampleFormat, Score
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.inject import inject
from tests.made.brief_search import search_briefly
from tests.made.simulated import simulated

RATE_HZ = 1.92e6
RECIPE = Recipe.for_rate(RATE_HZ)
HOP = RECIPE.hop_samples
FREQS_HZ = RECIPE.framing.grid().freqs_hz
FORMAT = SampleFormat.CI16


def signal(duration_s: float, options: str = "seed=4&snr_db=20") -> NDArray[np.int16]:
    """Return samples of a simulated cell, int16 ``(n, 2)``."""
    uri = f"sim:lte-dl?sample_rate={RATE_HZ:g}&duration_s={duration_s:g}&{options}"
    return simulated(uri, round(duration_s * RATE_HZ))


def noise(rng: np.random.Generator, n: int) -> NDArray[np.int16]:
    """Return noise as strong as the simulator's receiver makes a cell."""
    return (0.09 * 32768 * rng.standard_normal((n, 2))).astype(np.int16)


def blocks(samples: NDArray[Any], start: int = 0, center_hz: float = 0.0) -> Iterator[IqBlock]:
    """Yield hops."""
    for first in range(0, len(samples) - HOP + 1, HOP):
        yield IqBlock(samples[first : first + HOP], RATE_HZ, center_hz, start + first, utc_ns=0)


def band_for(
    computing: Computing = Computing.COMPILED, learnt: LearntCells | None = None
) -> CancelledBand:
    """Return one that learns for 0.4 s."""
    return CancelledBand(
        RATE_HZ, FORMAT, RECIPE.geometry, FREQS_HZ, 0.4, max_block_samples=HOP, computing=computing,
        learnt=learnt,
    )  # fmt: skip


def heard(band: CancelledBand, stream: Iterator[IqBlock], least: float = 8.0) -> list[Score | None]:
    """Return the score of each hop; a map is kept."""
    found: list[Score | None] = []
    for block in stream:
        band.process(block)
        score = band.take(least)
        if score is not None and score.error_map_db is not None:
            score = replace(score, error_map_db=score.error_map_db.copy())
        found.append(score)
    return found


@pytest.fixture(scope="module")
def cell() -> NDArray[np.int16]:
    return signal(1.6)


def with_noise(
    cell: NDArray[np.int16], isr_db: float, first_s: float, length_s: float
) -> NDArray[np.int16]:
    """Return the cell with noise of 250 kHz from 175 to 425 kHz."""
    return inject(
        cell,
        RATE_HZ,
        InterfererConfig("wideband", offset_hz=300e3, bandwidth_hz=250e3),
        isr_db,
        round(first_s * RATE_HZ),
        round(length_s * RATE_HZ),
    )


def test_acquisition_and_reference_take_the_same_stretch(cell: NDArray[np.int16]) -> None:
    band = band_for()
    states = []
    for block in blocks(cell):
        band.process(block)
        states.append(band.state)
    n_searching = states.count(CellState.SEARCHING)
    assert n_searching == int(np.ceil(0.4 * RATE_HZ / HOP)) - 1
    # A slot or two are missing at the ends of what was searched.
    assert states.count(CellState.LEARNING) <= 1
    assert states[-1] is CellState.TRACKING
    assert band.heard.identity == 123
    assert band.heard.quality > 0.8
    assert band.heard.distrust == ""


def test_an_interferer_that_power_hides_is_found_in_its_place(cell: NDArray[np.int16]) -> None:
    clean = [s.value for s in heard(band_for(), blocks(cell)) if s is not None]
    scores = heard(band_for(), blocks(with_noise(cell, -10.0, 1.0, 0.3)))
    first, stop = round(1.0 * RATE_HZ / HOP) + 1, round(1.3 * RATE_HZ / HOP) - 1
    inside = [score for score in scores[first:stop] if score is not None]
    assert len(inside) == stop - first
    assert min(score.value for score in inside) > 2.0 * max(clean)
    loudest = max(inside, key=lambda score: score.value)
    assert loudest.error_map_db is not None
    assert loudest.error_map_db.shape == (RECIPE.n_horizon, RECIPE.n_fft)
    excess_db = loudest.error_map_db.mean(axis=0)
    assert excess_db[np.abs(FREQS_HZ - 300e3).argmin()] > 3.0
    # The other side of the carrier has nothing.
    assert not excess_db[FREQS_HZ < -200e3].any()


def test_a_time_away_costs_neither_the_cell_nor_what_is_normal(cell: NDArray[np.int16]) -> None:
    """Whoever was there before it, and is gone, is not found again behind it."""
    clean = [s.value for s in heard(band_for(), blocks(cell)) if s is not None]
    band, least, scores = band_for(), 1e9, []
    away = slice(round(1.2 * RATE_HZ / HOP), round(1.3 * RATE_HZ / HOP))
    all_blocks = list(blocks(with_noise(cell, 0.0, 1.1, 0.15)))
    before, behind = all_blocks[: away.start], all_blocks[away.stop :]
    behind[0] = replace(behind[0], n_away=(away.stop - away.start) * behind[0].n_samples)
    for block in before:
        band.process(block)
        scores.append(band.take(least))
    assert max(score.value for score in scores if score is not None) > 3.0 * max(clean)
    found, learnt = band.cell, band._known
    states, scores = [], []
    for block in behind:
        band.process(block)
        scores.append(band.take(least))
        states.append(band.state)
    assert band.cell is found
    assert band._known is learnt
    # It is pulled in again within a tenth of a second, and not searched for.
    assert set(states[round(0.1 * RATE_HZ / HOP) :]) == {CellState.TRACKING}
    assert max(score.value for score in scores if score is not None) < 1.5 * max(clean)


def test_below_the_least_score_there_is_no_map(cell: NDArray[np.int16]) -> None:
    scores = [s for s in heard(band_for(), blocks(cell), least=1e9) if s is not None]
    assert scores
    assert all(score.error_map_db is None for score in scores)


def test_the_plain_way_comes_to_the_same(cell: NDArray[np.int16]) -> None:
    part = with_noise(cell, -5.0, 0.6, 0.1)[: round(0.8 * RATE_HZ)]
    fast = heard(band_for(), blocks(part))
    plain = heard(band_for(Computing.PLAIN), blocks(part))
    assert [s is None for s in fast] == [s is None for s in plain]
    values = [(a.value, b.value) for a, b in zip(fast, plain, strict=True) if a and b]
    assert len(values) > 40
    # float32 sums in another order.
    np.testing.assert_allclose(*zip(*values, strict=True), rtol=0.02, atol=0.05)


def test_a_ghost_is_given_up_for_the_cell_that_is_there() -> None:
    """Another cell was louder for a second: the prefixes of this one come next to those it had."""
    start, length = round(2.0 * RATE_HZ) + 562, round(RATE_HZ)
    other = InterfererConfig("deceptive", offset_hz=0.0)
    band, followed = band_for(), []
    for block in blocks(inject(signal(4.5), RATE_HZ, other, 20.0, start, length, seed=5)):
        band.process(block)
        band.freeze(0 <= block.sample_start - start < 1.5 * length)
        if not followed or followed[-1] != (band.heard.identity, bool(band.heard.distrust)):
            followed.append((band.heard.identity, bool(band.heard.distrust)))
    known, ghost = (123, False), (483, True)
    assert [one for one in followed if one in (known, ghost)] == [known, ghost, known]
    assert band.state is CellState.TRACKING


def test_a_cell_that_comes_back_is_known(cell: NDArray[np.int16]) -> None:
    """At another timing: the gap in between is no whole number of frames."""
    rng = np.random.default_rng(1)
    n_on = round(0.9 * RATE_HZ)
    gone = noise(rng, round(1.01234 * RATE_HZ))
    band = band_for()
    heard(band, blocks(np.concatenate([cell[:n_on], gone])))
    assert band.state in (CellState.SEARCHING, CellState.NONE)
    assert band.heard.identity is None
    # As a file goes on: behind the pause of a search that failed, if there was one.
    start, states = n_on + len(gone), []
    again = np.concatenate([cell[:n_on]] * 7)
    for block in blocks(again, start):
        band.process(block)
        states.append(band.state)
    assert states[-1] is CellState.TRACKING
    assert CellState.LEARNING not in states


def test_behind_a_retune_all_is_new(cell: NDArray[np.int16]) -> None:
    band = band_for()
    heard(band, blocks(cell[: round(0.6 * RATE_HZ)], center_hz=0.0))
    assert band.state is CellState.TRACKING
    (first, *_) = blocks(cell, len(cell), center_hz=1e9)
    band.process(first)
    assert band.state is CellState.SEARCHING
    assert band.take(0.0) is None
    assert band.noise_says() is None


def test_a_band_that_is_to_end_waits_for_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    n_steps = 0

    def find(*samples: object, between: Callable[[], None]) -> None:
        nonlocal n_steps
        while True:
            between()
            n_steps += 1
            band.stop()

    monkeypatch.setattr(cell_search, "find_named_cell", find)
    rng = np.random.default_rng(6)
    band = band_for(Computing.PLAIN)
    assert not any(heard(band, blocks(noise(rng, round(0.6 * RATE_HZ)))))
    assert (n_steps, band.state) == (1, CellState.SEARCHING)


def test_noise_holds_no_cell_and_is_not_scored(monkeypatch: pytest.MonkeyPatch) -> None:
    search_briefly(monkeypatch, 0.05, 0.1)
    band = band_for()
    scores = heard(band, blocks(noise(np.random.default_rng(0), round(0.6 * RATE_HZ))))
    assert band.state is CellState.NONE
    assert not any(scores)


def stepped(cell: NDArray[np.int16], first: int, step_db: float) -> NDArray[np.int16]:
    """Return the cell at another gain from a sample on."""
    ratio = 10.0 ** (step_db / 20.0)
    moved = np.clip(np.rint(ratio * cell[first:].astype(float)), -32768, 32767)
    return np.concatenate([cell[:first], moved.astype(np.int16)])


def steps(band: CancelledBand, stream: Iterator[IqBlock]) -> list[float]:
    """Return the steps of the gain that are told."""
    told = []
    for block in stream:
        band.process(block)
        noise = band.noise_says()
        if noise is not None and noise.step_db:
            told.append(noise.step_db)
    return told


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("step_db", [-20.0, -3.0, 2.0, 6.0])
def test_a7_a_step_of_the_gain_is_told_once_and_followed(
    cell: NDArray[np.int16], step_db: float
) -> None:
    quiet = stepped(cell, 0, -10.0) if step_db > 0 else cell
    usual = max(s.value for s in heard(band_for(), blocks(quiet)) if s is not None)
    band = band_for()
    # In the middle of a hop.
    heard_now = stepped(quiet, round(1.0 * RATE_HZ) + 5000, step_db)
    n_first = round(1.2 * RATE_HZ) // HOP * HOP
    assert steps(band, blocks(heard_now[:n_first])) == pytest.approx([step_db], abs=0.5)
    assert band.noise_says() == NoiseSays(0.0, may_be=False)
    followed = heard(band, blocks(heard_now[n_first:], n_first))
    assert max(s.value for s in followed if s is not None) < max(1.5 * usual, THRESHOLD)
    assert band.noise_says() == NoiseSays(0.0, may_be=False)


@pytest.mark.slow_without_jit
def test_a7_two_steps_50_ms_apart_are_both_told(cell: NDArray[np.int16]) -> None:
    first, second = round(0.9 * RATE_HZ), round(0.95 * RATE_HZ)
    heard_now = stepped(stepped(cell, first, -6.0), second, -4.0)
    assert steps(band_for(), blocks(heard_now)) == pytest.approx([-6.0, -4.0], abs=0.5)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("step_db", [-6.0, 3.0])
@pytest.mark.parametrize(
    "options", ["seed=4&snr_db=20", "seed=5&snr_db=12&profile=eva&doppler_hz=30"]
)
def test_a7_a_power_step_of_the_cell_is_no_step_of_the_gain(options: str, step_db: float) -> None:
    """The receiver's noise stays."""
    options += f"&fault=power-step&fault_start_s=0.8&step_db={step_db:g}"
    assert not steps(band_for(), blocks(signal(1.2, options)))


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("options", ["seed=6&snr_db=15&profile=eva&doppler_hz=70",
                                     "seed=8&snr_db=25&doppler_hz=8"])  # fmt: skip
def test_a7_fading_is_no_step_of_the_gain(options: str) -> None:
    assert not steps(band_for(), blocks(signal(2.0, options)))


@pytest.mark.slow_without_jit
@pytest.mark.parametrize(
    ("kind", "isr_db"),
    [
        ("barrage", -15.0),
        ("barrage", -5.0),
        ("barrage", 10.0),
        ("sweep", -5.0),
        ("deceptive", -5.0),
    ],
)
def test_a7_nobody_who_comes_is_a_step_of_the_gain(
    cell: NDArray[np.int16], kind: str, isr_db: float
) -> None:
    """Noise over all of the band moves what is left alike, but not the cell."""
    first = round(1.0 * RATE_HZ)
    one = InterfererConfig(kind)
    assert not steps(
        band_for(), blocks(inject(cell, RATE_HZ, one, isr_db, first, len(cell) - first))
    )


def test_a_rise_is_the_cell_s_where_it_cancels() -> None:
    options = "seed=4&snr_db=20&fault=power-step&fault_start_s=0.8&step_db=6"
    band = band_for()
    assert not band.is_cells(None)
    heard(band, blocks(signal(1.0, options)))
    assert band.is_cells(None)


@pytest.mark.parametrize("isr_db", [6.0, 15.0])
def test_a_rise_is_a_stranger_s_where_it_stays(cell: NDArray[np.int16], isr_db: float) -> None:
    n_stop = round(1.2 * RATE_HZ)
    band = band_for()
    heard(band, blocks(with_noise(cell, isr_db, 1.0, 0.3)[:n_stop]))
    assert not band.is_cells(None)


def test_a_fall_is_the_cell_s_while_it_cancels() -> None:
    options = "seed=4&snr_db=20&fault=power-step&fault_start_s=0.8&step_db=-6"
    band = band_for()
    heard(band, blocks(signal(1.0, options)))
    assert band.is_cells(None)


def test_a_cell_that_is_gone_does_not_explain_that_power_fell() -> None:
    options = "seed=4&snr_db=20&fault=station-lost&fault_start_s=0.8"
    band = band_for()
    heard(band, blocks(signal(1.5, options)))
    assert band.state is CellState.SEARCHING
    assert not band.is_cells(None)


@pytest.mark.parametrize("rate_hz", [0.25e6, 1.0e6, 1.9e6])
def test_below_the_rate_of_six_blocks_no_cell_is_cancelled(rate_hz: float) -> None:
    assert not can_cancel(rate_hz)


@pytest.mark.parametrize("rate_hz", [1.92e6, 1.92e6 * (1 - 5e-5), 2.4e6, 20e6])
def test_above_it_one_is(rate_hz: float) -> None:
    assert can_cancel(rate_hz)


def test_samples_lost_unseen_are_no_interferer(cell: NDArray[np.int16]) -> None:
    """What a wrong timing leaves is the cell: it is searched anew, and not scored meanwhile."""
    n_before, n_lost = round(0.7 * RATE_HZ) // HOP * HOP, 3333
    band = band_for()
    usual = max(s.value for s in heard(band, blocks(cell[:n_before])) if s is not None)
    rest = cell[n_before + n_lost :]
    states, scores = [], []
    for block in blocks(rest, n_before):
        band.process(block)
        states.append(band.state)
        scores.append(band.take(1e9))
    assert CellState.SEARCHING in states[:3]
    n_back = len(states) - states[::-1].index(CellState.SEARCHING)
    # 0.4 s of search, and 0.05 s before it began, more where a hop in between had more power.
    assert 0.44 < n_back * HOP / RATE_HZ < 0.6
    assert CellState.LEARNING not in states
    assert max(s.value for s in scores[n_back:] if s is not None) < 2.0 * usual
    # The hop that it happens in, and one with more power: no two of three.
    hot = [k for k, s in enumerate(scores) if s is not None and s.value >= THRESHOLD]
    assert len(hot) <= 2
    assert np.all(np.diff(hot) >= 3)


@pytest.mark.parametrize("n_more", [-7, -5, -3, -2, 2, 3, 6])
def test_a_few_samples_lost_or_given_twice_are_caught_up_with(
    cell: NDArray[np.int16], n_more: int
) -> None:
    at = round(1.0 * RATE_HZ) + 777
    jumped = np.concatenate([cell[:at], cell[at - n_more :]])
    band = band_for()
    usual = max(s.value for s in heard(band, blocks(cell[:at])) if s is not None)
    band = band_for()
    scores = [None if s is None else s.value for s in heard(band, blocks(jumped))]
    behind = scores[at // HOP :]
    # The hop that it happens in has both timings.
    assert max(value for value in behind[2:] if value is not None) < 2.0 * usual
    assert behind.count(None) <= 2
    assert band.state is CellState.TRACKING


def test_another_cell_as_strong_a_little_later_is_heard(cell: NDArray[np.int16]) -> None:
    """In single hops, in which its traffic is all there is, it looks like a jump."""
    other, at = signal(1.6, "seed=9&pci=77&snr_db=20"), round(1.0 * RATE_HZ)
    both = cell.copy()
    both[at:] = cell[at:] // 2 + other[at - 4 : -4] // 2
    scores = heard(band_for(), blocks(both))[at // HOP + 2 :]
    hot = [score for score in scores if score is not None and score.value > THRESHOLD]
    assert len(hot) > len(scores) / 4


def test_a_far_louder_cell_within_the_prefixes_of_the_cell_does_not_take_its_place(
    cell: NDArray[np.int16],
) -> None:
    """Its prefixes begin as if the timing had jumped, and it would be cancelled from then on."""
    other, at = signal(1.2, "seed=9&pci=77&snr_db=20"), round(1.0 * RATE_HZ)
    both = cell[: len(other)] // 16
    both[at:] += other[at - 6 : -6] // 2
    band, first = band_for(), at // HOP
    heard(band, blocks(both[: first * HOP]))
    answers, scores = [], []
    for block in blocks(both[first * HOP :], first * HOP):
        band.process(block)
        answers.append(band.is_cells(None))
        scores.append(band.take(1e9))
        # As behind its event.
        band.freeze(len(scores) > 3)
    assert not any(answers[1:])
    assert sum(s is not None and s.value > THRESHOLD for s in scores) > 0.7 * len(scores)


def weak_at_first(weak_s: float, length_s: float) -> NDArray[np.int16]:
    """Return a cell of 10 dB SNR that is 15 dB weaker at first."""
    strong = signal(length_s).astype(float)
    level = np.sqrt(np.mean(strong**2))
    strong[: round(weak_s * RATE_HZ)] *= 10.0 ** (-15.0 / 20.0)
    hiss = np.random.default_rng(5).standard_normal(strong.shape) * level * 10.0 ** (-10.0 / 20.0)
    return (strong + hiss).astype(np.int16)


def test_a_cell_that_was_weak_in_the_warm_up_is_learnt_again_when_it_is_not() -> None:
    """What was not trusted is no reason to be deaf until the observer starts anew."""
    samples, at = weak_at_first(1.2, 2.6), round(2.3 * RATE_HZ)
    jammed = np.concatenate([samples[:at], with_noise(samples, 0.0, 2.3, 0.3)[at:]])
    band, states, scores = band_for(), [], []
    for block in blocks(jammed):
        band.process(block)
        states.append(band.state)
        scores.append(band.take(8.0))
    weak_hop, hop_s = round(1.2 * RATE_HZ) // HOP, HOP / RATE_HZ
    assert states[weak_hop - 1] is CellState.LEARNING
    again = states.index(CellState.TRACKING)
    # It is looked at for as long as a warm-up, twice at most, and learnt in another.
    assert 0.4 < (again - weak_hop) * hop_s < 1.25 + 2 * hop_s
    assert band.heard.distrust == ""
    assert max(s.value for s in scores[at // HOP + 1 :] if s is not None) > THRESHOLD
    assert max(s.value for s in scores[: at // HOP] if s is not None) < THRESHOLD


def test_a_cell_that_stays_weak_is_not_learnt_again(caplog: pytest.LogCaptureFixture) -> None:
    band = band_for()
    heard(band, blocks(weak_at_first(2.0, 2.0)))
    assert band.state is CellState.LEARNING
    assert "learnt again" not in caplog.text


def test_nothing_is_learnt_again_in_an_alarm() -> None:
    band = band_for()
    for block in blocks(weak_at_first(1.2, 2.4)):
        band.process(block)
        band.freeze(True)
    assert band.state is CellState.LEARNING
    assert band.heard.distrust


def test_a_rise_is_the_cell_s_where_only_noise_was_learnt() -> None:
    band = band_for()
    heard(band, blocks(weak_at_first(1.2, 1.4)))
    assert band.state is CellState.LEARNING
    assert band.is_cells(None)


def test_a_cell_that_gives_way_to_noise_as_loud_is_not_scored(cell: NDArray[np.int16]) -> None:
    band = band_for()
    heard(band, blocks(cell[: round(0.7 * RATE_HZ)]))
    # Louder than the cell is on average, but not than its loud slots.
    level = np.sqrt(np.mean(cell[: round(0.7 * RATE_HZ)].astype(float) ** 2))
    rng = np.random.default_rng(1)
    gone = (1.2 * level * rng.standard_normal((round(0.3 * RATE_HZ), 2))).astype(np.int16)
    scores = heard(band, blocks(gone, round(0.7 * RATE_HZ)))
    assert all(score is None or score.value < THRESHOLD for score in scores[1:])
    assert band.state is CellState.SEARCHING


def test_a_fade_in_which_it_cancels_no_more_is_the_cell_s_until_it_is_lost(
    cell: NDArray[np.int16],
) -> None:
    """As of a cell that fades below a neighbour: for 50 ms a fall is its own, a rise never."""
    level = np.sqrt(np.mean(cell[: round(0.7 * RATE_HZ)].astype(float) ** 2))
    rng = np.random.default_rng(2)
    for share, is_own in ((0.35, True), (1.2, False)):
        band = band_for()
        heard(band, blocks(cell[: round(0.7 * RATE_HZ)]))
        gone = share * level * rng.standard_normal((round(0.2 * RATE_HZ), 2))
        answers = []
        for block in blocks(gone.astype(np.int16), round(0.7 * RATE_HZ)):
            band.process(block)
            if band.state is CellState.SEARCHING:
                answers.append(band.is_cells(None))
                # It is the cell that moves power, and no gain.
                assert band.noise_says() == NoiseSays(0.0, may_be=False)
        n_astray = int(0.05 * RATE_HZ / HOP)
        assert answers[1 : n_astray - 1] == [is_own] * (n_astray - 2)
        assert not any(answers[n_astray + 1 :])
        assert len(answers) > n_astray + 2


@pytest.mark.parametrize("isr_db", [0.0, 3.0, 6.0])
def test_noise_over_the_whole_band_is_no_wrong_timing(
    cell: NDArray[np.int16], isr_db: float
) -> None:
    jammed = inject(
        cell // 4,
        RATE_HZ,
        InterfererConfig("wideband", offset_hz=0.0, bandwidth_hz=1.8e6),
        isr_db,
        round(1.0 * RATE_HZ),
        round(0.3 * RATE_HZ),
    )
    scores = heard(band_for(), blocks(jammed))
    first, stop = round(1.0 * RATE_HZ / HOP) + 1, round(1.3 * RATE_HZ / HOP) - 1
    inside = [score for score in scores[first:stop] if score is not None]
    # Some hops of an idle cell look like a wrong timing, and are let go by.
    assert len(inside) > 0.7 * (stop - first)
    assert min(score.value for score in inside) > THRESHOLD


@pytest.mark.parametrize("first_s", [0.15, 0.2, 0.3, 0.5])
def test_who_comes_while_the_rest_of_a_cell_is_learnt_does_not_become_normal(
    cell: NDArray[np.int16], first_s: float
) -> None:
    """In the middle of the search, of the reference, and of what deviations are normal."""
    band = CancelledBand(
        RATE_HZ,
        FORMAT,
        RECIPE.geometry,
        FREQS_HZ,
        0.7,
        max_block_samples=HOP,
        computing=Computing.COMPILED,
    )
    scores = heard(band, blocks(with_noise(cell, -10.0, first_s, 1.5 - first_s)))
    assert "changed by +" in band.doubt or "someone came" in band.doubt
    first, stop = round(0.7 * RATE_HZ / HOP) + 1, round(1.5 * RATE_HZ / HOP) - 1
    inside = [score for score in scores[first:stop] if score is not None]
    assert len(inside) > 0.9 * (stop - first)
    assert min(score.value for score in inside) > THRESHOLD


def test_who_leaves_too_little_to_learn_from_is_said_at_least(cell: NDArray[np.int16]) -> None:
    band = band_for()
    heard(band, blocks(with_noise(cell, -10.0, 0.08, 1.4)))
    assert "changed by +" in band.doubt
    assert "only the quieter part" not in band.doubt


@pytest.mark.parametrize("isr_db", [-10.0, 0.0])
def test_who_was_there_all_along_is_said(cell: NDArray[np.int16], isr_db: float) -> None:
    band = band_for()
    heard(band, blocks(with_noise(cell, isr_db, 0.0, 1.5)))
    assert "dB more is left at" in band.doubt
    assert band.heard.distrust == ""


def test_a_site_does_not_stay_deaf_when_who_was_there_has_gone() -> None:
    long = signal(4.0)
    jammed = with_noise(with_noise(long, -10.0, 0.0, 0.5), -10.0, 3.5, 0.4)
    band = band_for()
    scores = heard(band, blocks(jammed))
    first, stop = round(3.5 * RATE_HZ / HOP) + 1, round(3.9 * RATE_HZ / HOP) - 1
    inside = [score.value for score in scores[first:stop] if score is not None]
    assert np.median(inside) > THRESHOLD
    before = [s.value for s in scores[first - 100 : first - 2] if s is not None]
    assert max(before) < THRESHOLD
    assert band.doubt == ""


@pytest.mark.parametrize(
    "options",
    [
        "seed=4&snr_db=20",
        "seed=5&snr_db=10&profile=eva&doppler_hz=30",
        "seed=7&snr_db=25&profile=eva&doppler_hz=70",
    ],
)
def test_normal_traffic_and_fading_raise_no_doubt(options: str) -> None:
    band = band_for()
    heard(band, blocks(signal(1.5, options)))
    assert band.doubt == ""
    assert band.state is CellState.TRACKING


def test_what_is_learnt_is_written_where_nothing_was_kept_before(tmp_path: Path) -> None:
    file = cell_file(tmp_path, "b", "rtlsdr:", 20.0, (806e6, 808e6))
    band = band_for(learnt=LearntCells(file))
    for block in blocks(signal(2.0)):
        band.process(block)
    assert band.state is CellState.TRACKING
    band.finish()
    assert file is not None
    assert [path.name.partition("@")[2] for path in files_of_cells(file.path)] == [
        f"lte-{band.heard.identity}.cell"
    ]
