"""A jump of the timing is told by its samples; a neighbour a few of them off is none."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.prefix.jump import PrefixEdges
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from tests.made.ofdm import OfdmCell, white

PLAN = PrefixPlan(1.92e6)
HOP = 12_800


def learnt(rng: np.random.Generator) -> PrefixEdges:
    edges = PrefixEdges(PLAN)
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


def behind() -> SlotClock:
    clock = SlotClock(0.0, PLAN.slot_samples)
    clock.skip_to(HOP)
    return clock


@pytest.mark.parametrize("late", [-6, -4, -3, 3, 5])
def test_a_jump_is_told_by_its_samples(rng: np.random.Generator, late: int) -> None:
    edges = learnt(rng)
    found = [edges.jump(heard(rng, float(late)), 0, behind(), 0.0)]
    assert found == [late]


@pytest.mark.parametrize("beside", [-4.2, -3.0, 3.0, 5.0])
@pytest.mark.parametrize("beside_db", [-3.0, 0.0, 2.0])
def test_a_neighbour_as_strong_as_the_cell_is_none(
    rng: np.random.Generator, beside: float, beside_db: float
) -> None:
    for _ in range(3):
        edges = learnt(rng)
        assert edges.jump(heard(rng, 0.0, beside, beside_db), 0, behind(), 0.0) == 0
