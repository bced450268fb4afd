"""Thresholds come from other bands, each counting alike; what was gained is told band by band."""

from typing import Any

import numpy as np
import pytest

from benchmarks.detection.constant_modulus import carrier, limit_of, markdown


def row(band: str, normal: list[list[float]], found: list[list[float]]) -> dict[str, Any]:
    """Return a band in which every interferer has the same scores in four hops."""
    cases = [
        {"place": place, "kind": "tone", "isr_db": isr_db, "hops": found}
        for place in ("anywhere", "on the carrier")
        for isr_db in (-20.0, -15.0, -10.0, 0.0)
    ]
    return {"band": band, "channels": [3, 0], "normal": normal, "cases": cases}


def test_a_limit_is_that_of_the_bands_and_not_of_the_longest() -> None:
    long = row("a", [[0.0, 0.0]] * 1000, [])
    short = row("b", [[5.0, 9.0]] + [[1.0, 1.0]] * 24, [])
    # One of 25 hops is 4% of its band: 2% of both.
    assert limit_of([long, short], 0) == 5.0
    assert limit_of([long, short], 1) == 9.0
    assert limit_of([long], 0) == 0.0


def test_a_band_is_judged_by_the_others_of_its_sort() -> None:
    rows = [
        row("a", [[20.0, 0.0]] * 4, [[2.0, 30.0]] * 4),
        row("b", [[1.0, 1.0]] * 4, [[2.0, 30.0], [0.0, 0.0]]),
        row("simulated gsm 0", [[50.0, 50.0]] * 4, [[2.0, 30.0]]),
        row("simulated fm 0", [[0.0, 0.0]] * 4, [[2.0, 30.0]]),
    ]
    text = markdown(rows)
    assert "| a | anywhere | 3 and 0 | 4 | 100.0% / 0.0% | 1.00 / 1.00, +0.00 [+0.00" in text
    assert "| b | anywhere | 3 and 0 | 4 | 0.0% / 100.0% | 0.00 / 0.50, +0.50 [+0.50" in text
    assert "| simulated fm 0 | on the carrier | 3 and 0 | 4 | 0.0% / 0.0% | 0.00 / 0.00" in text
    # The only one of its sort is judged by all others.
    assert "| simulated fm 0 | anywhere | 3 and 0 | 4 | 0.0%" in markdown([rows[0], rows[3]])


@pytest.mark.parametrize("at", [-0.45, -0.1, 0.0, 0.3])
def test_the_strongest_carrier_is_found(rng: np.random.Generator, at: float) -> None:
    noise = rng.standard_normal((2, 8192))
    wave = 4.0 * np.exp(2j * np.pi * at * np.arange(8192)) + noise[0] + 1j * noise[1]
    assert carrier(wave.astype(np.complex64)) == pytest.approx(at, abs=0.03)
