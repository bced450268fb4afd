"""Hours are worth something exactly where they say what the context does not."""

import numpy as np
import pytest

from benchmarks.detection.scales_worth import INPUTS, Segments, errors_of, solve


def place(seed: int, share: float) -> Segments:
    """Return a place whose future is ``share`` of the last hour and the rest of the context."""
    rng = np.random.default_rng(seed)
    given = rng.normal(0, 1, (40, 7, 5)).astype(np.float32)
    mean = (1 - share) * given[:, :1] + share * given[:, 3:4]
    wanted = mean + rng.normal(0, 0.1, (40, 6, 5)).astype(np.float32)
    return Segments(given, wanted.astype(np.float32), np.full((40, 1, 1), 2.0, np.float32))


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_hours_are_worth_what_they_say(share: float) -> None:
    train, test = place(1, share), place(2, share)
    found = {
        name: errors_of(test, inputs, solve([train], inputs)) for name, inputs in INPUTS.items()
    }
    alone, hours, both = (found[name] for name in ("context", "and hours", "and hours and days"))
    # The hour's variance is missing where only the context is given; .1 is noise.
    assert alone.mse == pytest.approx(0.01 + share**2, rel=0.2)
    for one in (hours, both):
        assert one.mse == pytest.approx(0.01, rel=0.1)
        assert one.mae_db == pytest.approx(2.0 * 0.1 * np.sqrt(2 / np.pi), rel=0.1)
