"""A jump of the timing is told by its samples; a neighbour a few of them off is none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.dsp.prefix.jump import EDGES, PrefixEdges
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from edgespec.records import SampleFormat
from tests.made.ofdm import OfdmCell, white

PLAN = PrefixPlan(1.92e6)
HOP = 12_800
N_PREFIX = 9


def learnt(rng: np.random.Generator, computing: Computing) -> PrefixEdges:
    edges = PrefixEdges(PLAN, SampleFormat.CF32, computing)
    for _ in range(16):
        edges.learn(heard(rng, 0.0), 0, behind(), 0.0)
    return edges


def heard(
    rng: np.random.Generator, late: float, beside: float = 0.0, beside_db: float = -90.0
) -> NDArray[np.complex64]:
    """Return a hop of a cell that is late, beside another."""
    cell = OfdmCell(start=late).samples(rng, HOP) + white(rng, HOP, 0.03)
    other = OfdmCell(start=beside).samples(rng, HOP)
    return cell + np.float32(10.0 ** (beside_db / 20.0)) * other


def behind(ppm: float = 0.0) -> SlotClock:
    clock = SlotClock(0.0, PLAN.slot_samples * (1.0 + ppm * 1e-6))
    clock.skip_to(HOP)
    return clock


@pytest.mark.parametrize("computing", Computing)
@pytest.mark.parametrize("late", [-6, -4, -3, 3, 5])
def test_a_jump_is_told_by_its_samples(
    rng: np.random.Generator, late: int, computing: Computing
) -> None:
    edges = learnt(rng, computing)
    assert edges.jump(heard(rng, float(late)), 0, behind(), 0.0) == late
    # Nothing more is told until the edges were as usual again.
    assert edges.jump(heard(rng, float(late)), 0, behind(), 0.0) == 0


@pytest.mark.parametrize("computing", Computing)
@pytest.mark.parametrize("late", [-5, 6])
def test_somebody_louder_who_took_its_place_gives_it_back(
    rng: np.random.Generator, late: int, computing: Computing
) -> None:
    edges = learnt(rng, computing)
    assert edges.jump(heard(rng, 0.0, float(late), 12.0), 0, behind(), 0.0) == late
    # The clock has followed: he is where the cell should be, and later the cell is too early.
    assert edges.jump(heard(rng, -float(late), 0.0, 12.0), 0, behind(), 0.0) == 0
    assert edges.jump(heard(rng, -float(late) / 2.0), 0, behind(), 0.0) == 0
    assert edges.is_jump_unsure
    assert edges.jump(heard(rng, -float(late)), 0, behind(), 0.0) == -late
    assert not edges.is_jump_unsure


@pytest.mark.parametrize("beside", [-4.2, -3.0, 3.0, 5.0])
@pytest.mark.parametrize("beside_db", [-3.0, 0.0, 2.0])
def test_a_neighbour_as_strong_as_the_cell_is_none(
    rng: np.random.Generator, beside: float, beside_db: float
) -> None:
    for computing in Computing:
        edges = learnt(rng, computing)
        assert edges.jump(heard(rng, 0.0, beside, beside_db), 0, behind(), 0.0) == 0


@pytest.mark.parametrize("sample_format", SampleFormat)
def test_both_ways_find_the_same_edges(
    rng: np.random.Generator, sample_format: SampleFormat
) -> None:
    compiled, plain = (EDGES[how](PLAN, N_PREFIX, sample_format) for how in Computing)
    components = heard(rng, 2.0).view(np.float32) * np.float32(0.1 * sample_format.full_scale)
    samples = components + np.float32(sample_format.zero)
    if sample_format is not SampleFormat.CF32:
        samples = np.round(samples).reshape(-1, 2)
    # The clock has gone for 10^9 slots, and is not right; the phase of a carrier turned.
    clock, start = behind(ppm=3.0), 10**12
    clock.whole += start
    found = np.zeros((2, 5 * N_PREFIX))
    for one, out in zip((plain, compiled), found, strict=True):
        items = samples.view(np.complex64) if sample_format is SampleFormat.CF32 else samples
        assert one.coherence(items.astype(sample_format.dtype), start, clock, 0.3, out)
    assert found[0].max() > 0.5
    # Products and their powers are float32; the plain means are, too.
    np.testing.assert_allclose(found[1], found[0], atol=3e-6)


def test_both_ways_tell_the_same_jumps(rng: np.random.Generator) -> None:
    compiled, plain = (EDGES[how](PLAN, N_PREFIX, SampleFormat.CF32) for how in Computing)
    told = []
    for late in [0, 1, -2, 4, -N_PREFIX, N_PREFIX] * 20:
        edges = np.where(abs(np.arange(5 * N_PREFIX) - 22 - late) < 5, 0.9, 0.0)
        found = edges * rng.uniform(0.5, 1.0) + rng.normal(0.0, 0.1, len(edges))
        usual = np.where(abs(np.arange(3 * N_PREFIX) - 13) < 5, 0.9, 0.0)
        told.append(plain.jump(found, usual))
        assert compiled.jump(found, usual) == told[-1]
    assert {-N_PREFIX, -2, 0, 4, N_PREFIX} == set(told)


@pytest.mark.parametrize("computing", Computing)
@pytest.mark.parametrize("worst", [0.0, np.nan, np.inf])
def test_no_edges_are_learnt_of_samples_without_any(
    rng: np.random.Generator, computing: Computing, worst: float
) -> None:
    edges = PrefixEdges(PLAN, SampleFormat.CF32, computing)
    # Without Numba's compiler loops warn of what they leave out.
    with np.errstate(invalid="ignore", over="ignore"):
        for _ in range(16):
            edges.learn(np.full(HOP, worst, np.complex64), 0, behind(), 0.0)
        assert not edges.is_ready
        for _ in range(16):
            # A part of a block is enough.
            block = heard(rng, 0.0)
            block[: HOP // 4] = worst
            edges.learn(block, 0, behind(), 0.0)
        assert edges.is_ready
    assert edges.jump(heard(rng, 4.0), 0, behind(), 0.0) == 4


@pytest.mark.parametrize("computing", Computing)
def test_edges_are_learnt_of_a_cell_that_is_there_and_in_its_place(
    rng: np.random.Generator, computing: Computing
) -> None:
    """What is learnt while a cell fades, or before its timing is right, is a jump for ever."""
    edges = PrefixEdges(PLAN, SampleFormat.CF32, computing)

    def faded() -> NDArray[np.complex64]:
        # Little of the cell, and a receiver's own carrier, which is the same in every copy.
        return np.float32(0.03) * heard(rng, 0.0) + white(rng, HOP, 0.03) + np.complex64(0.02)

    for learn in (faded, lambda: heard(rng, -2.0), lambda: heard(rng, 3.0)):
        for _ in range(16):
            edges.learn(learn(), 0, behind(), 0.0)
        assert not edges.is_ready
        assert edges.jump(heard(rng, 0.0), 0, behind(), 0.0) == 0
    for late in (0.4, -0.4):
        other = PrefixEdges(PLAN, SampleFormat.CF32, computing)
        for _ in range(16):
            other.learn(heard(rng, late), 0, behind(), 0.0)
        assert other.is_ready


@pytest.mark.parametrize("computing", Computing)
def test_a_neighbour_that_is_the_louder_one_now_and_then_is_followed_once(
    rng: np.random.Generator, computing: Computing
) -> None:
    """Whenever the cell faded its timing jumped to the neighbour's, and back, for half an hour."""
    edges = learnt(rng, computing)
    told, clock_is = [], 0
    for _ in range(6):
        for beside_db in (12.0, -12.0):
            # The clock follows what is told.
            block = heard(rng, float(-clock_is), float(-4 - clock_is), beside_db)
            jump = edges.jump(block, 0, behind(), 0.0)
            told.append(jump)
            clock_is += jump
            if not jump and beside_db < 0.0:
                edges.learn(block, 0, behind(), 0.0)
    assert told == [-4, 4] + [0] * 10
    # Lost samples still are a jump elsewhere.
    assert edges.jump(heard(rng, 5.0), 0, behind(), 0.0) == 5


@pytest.mark.parametrize("computing", Computing)
def test_a_jump_that_edges_steered_the_clock_back_from_is_none_any_more(
    rng: np.random.Generator, computing: Computing
) -> None:
    """Beside a neighbour 7 samples later timing jumped by 2 every second: half way to it."""
    edges = learnt(rng, computing)

    def jump(late: float, steered: float) -> int:
        told = edges.jump(heard(rng, late), 0, behind(), 0.0, steered)
        edges.learn(heard(rng, 0.0), 0, behind(), 0.0)
        return told

    assert jump(3.0, 5.0) == 3
    # The clock is where it was.
    assert jump(3.0, 2.2) == 0
    assert jump(3.0, 2.2) == 0
    # Lost samples still are a jump elsewhere, once and again, unless edges take that back, too.
    for steered in (2.2, 2.3, 2.1):
        assert jump(-5.0, steered) == -5
    assert jump(-5.0, 7.0) == 0
