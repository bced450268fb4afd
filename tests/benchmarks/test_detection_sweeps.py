"""Laws of what is injected into real sweeps."""

import numpy as np
import pytest

from benchmarks.detection.sweeps import KINDS, N_WARMUP, Run, injected
from tests.made import sweeps

TABLE = sweeps.levels(120, 60)
RUN = Run("made", "made", 88e6 + 1e5 * np.arange(60), TABLE, 1.0)


@pytest.mark.parametrize("kind", KINDS)
def test_an_injection_is_where_and_when_it_is_said_to_be(kind: str) -> None:
    levels_db, off, (lower, upper) = injected(RUN, kind, 10.0, 80, 30)
    lasts = KINDS[kind]
    assert off == (120 if lasts is None else 80 + lasts)
    changed = levels_db != TABLE
    assert changed[80:off, lower : upper + 1].all()
    changed[80:off, lower : upper + 1] = False
    assert not changed.any()
    # What was there is untouched.
    assert TABLE[:N_WARMUP].mean() == pytest.approx(sweeps.levels(120, 60)[:N_WARMUP].mean())


def test_a_carrier_adds_power_over_the_usual_level_and_a_loss_takes_it_away() -> None:
    usual_db = np.median(TABLE[:N_WARMUP], axis=0)
    levels_db, off, _ = injected(RUN, "burst of 10", 20.0, 80, 30)
    assert levels_db[80:off, 30] == pytest.approx(usual_db[30] + 20.0, abs=0.5)
    levels_db, _, (lower, upper) = injected(RUN, "9 points go silent", 6.0, 80, 3)
    assert (lower + upper) // 2 == int(usual_db.argmax())
    np.testing.assert_allclose(levels_db[80:, lower], TABLE[80:, lower] - 6.0, atol=1e-4)
