"""Both ways of the arithmetic of a cell's watch, beside plain loops over numbers."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.computing import Computing
from edgespec.detect.cell.arithmetic import open_cell_arithmetic
from edgespec.detect.cell.rows import RowMaker
from edgespec.detect.cell.step_model import fit_step_model
from edgespec.detect.cell.terms import N_HISTORY
from edgespec.detect.cell.watch import CellWatch
from edgespec.lte.reference_slots import ReferenceSlots
from tests import naive
from tests.made.levels import N_BINS, fading, slots_of

WAYS = [Computing.PLAIN, pytest.param(Computing.COMPILED, marks=[pytest.mark.slow_without_jit])]


def odd_slots(rng: np.random.Generator) -> ReferenceSlots:
    """Slots of which some are silent, flagged, of one symbol, or late by some samples."""
    count = rng.integers(0, 3, 60).astype(np.uint8)
    flags = (rng.random(60) < 0.2).astype(np.uint8)
    slots = slots_of(fading(60, rng), rng, noise=0.1, count=count, flags=flags)
    late = np.exp(1j * rng.uniform(-1.5, 1.5, (60, 1))).astype(np.complex64)
    return replace(slots, product=slots.product * late)


@pytest.mark.parametrize("computing", WAYS)
def test_rows_are_those_of_the_plain_loops(rng: np.random.Generator, computing: Computing) -> None:
    make = RowMaker(open_cell_arithmetic(computing))
    n_turned = 0
    for _ in range(5):
        slots = odd_slots(rng)
        rows = make.rows(slots)
        good = [t for t in range(60) if slots.count[t] and not slots.flags[t]]
        np.testing.assert_array_equal(rows.tick, slots.tick_start[good])
        for row, slot in enumerate(good):
            level, noise, coherence, is_turned = naive.level_row(
                slots.product[slot], slots.power[slot], slots.count[slot]
            )
            # Sums in doubles, in another order.
            np.testing.assert_allclose(rows.level[row], level, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(rows.noise[row], noise, rtol=1e-9, atol=1e-12)
            assert rows.coherence[row] == pytest.approx(coherence, rel=1e-9)
            n_turned += is_turned
    assert 20 < n_turned < 200


def test_no_slot_is_no_row(rng: np.random.Generator) -> None:
    slots = slots_of(fading(7, rng), rng, count=np.zeros(7, np.uint8))
    for computing in Computing:
        assert not len(RowMaker(open_cell_arithmetic(computing)).rows(slots).tick)


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("n_rows", [1, N_HISTORY, N_HISTORY + 1, 80])
def test_deviations_are_the_same_both_ways(rng: np.random.Generator, n_rows: int) -> None:
    level = fading(900, rng, 10.0) * (1.0 + 0.02 * rng.standard_normal((900, N_BINS)))
    found = []
    for computing in Computing:
        model = fit_step_model(level[:800], open_cell_arithmetic(computing))
        once = model.deviations(level[800 : 800 + n_rows]).copy()
        model.drift(min(n_rows, 5), 0.1)
        found.append([*once, *model.deviations(level[800 : 800 + n_rows])])
    # Errors are small differences of logarithms of sums in another order.
    np.testing.assert_allclose(found[0], found[1], rtol=1e-8, atol=1e-10)
    assert (np.array(found[0])[:n_rows][:N_HISTORY] == 0.0).all()


@pytest.mark.slow_without_jit
def test_a_watch_sees_the_same_both_ways(rng: np.random.Generator) -> None:
    level = fading(1600, rng, 5.0)
    level[1203:, :9] *= 0.01
    level[1403:] *= 4.0
    slots = slots_of(level, rng, noise=0.02)
    names = ("product", "power", "count", "slot", "flags", "tick_start")
    seen = []
    for computing in Computing:
        watch = CellWatch(computing=computing)
        sightings = []
        for first in range(0, 1600, 50):
            part = {name: getattr(slots, name)[first : first + 50] for name in names}
            score = watch.update(replace(slots, **part))
            sightings += [] if score is None else score.sightings
        seen.append([(one.kind, one.tick, round(one.size_db, 6)) for one in sightings])
    assert seen[0] == seen[1]
    assert "power step" in {kind for kind, *_ in seen[0]}
