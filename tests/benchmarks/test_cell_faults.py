"""Faults of a cell as a benchmark: limits of other observers, and what is found is counted."""

from typing import Any

import numpy as np
import pytest

from benchmarks.detection.cell_faults import draw, limits, markdown
from benchmarks.detection.cell_recordings import changed


def row(seed: int, context: str, **values: Any) -> dict[str, Any]:
    return {"context": context, "neighbour": False, "seed": seed} | values


def test_the_limit_is_that_of_the_calibrating_observers_of_the_same_context() -> None:
    rows = [
        row(seed, context, kind="", values=list(base * np.linspace(0.0, 1.0, 101)))
        for seed, base in ((1, 1.0), (2, 1.0), (3, 100.0))
        for context in ("static", "walk", "drive")
    ]
    for value in limits(rows, 2, 1).values():
        assert value == pytest.approx(0.99, abs=0.01)


def test_two_observers_differ_and_one_is_the_same_again() -> None:
    one, other = draw("walk", True, 7)[0], draw("walk", True, 8)[0]
    assert one != other
    assert one == draw("walk", True, 7)[0]
    assert one.channel.doppler_hz == 5.0
    assert len(one.neighbours) == 1
    assert draw("drive", False, 7)[0].neighbours == ()


def test_what_is_found_is_counted_by_the_limit_of_its_context() -> None:
    faults = [("power-step", v) for v in (-3.0, 3.0, -5.0, 5.0, -10.0, 10.0)]
    faults += [("frequencies-down", v) for v in (0.33, 0.66, 1.0)]
    rows = []
    for context in ("static", "walk", "drive"):
        for near in (False, True):
            base = row(9, context) | {"neighbour": near}
            rows.append(base | {"kind": "", "values": [0.5, 1.5], "n_false": 1})
            for kind, amount in faults:
                found = "power step" if kind == "power-step" else "carriers down"
                rows.append(
                    base
                    | {"kind": kind, "amount": amount, "value": 2.0, "sighted": found}
                    | {"delay_ms": 10.0, "size_db": amount, "iou": 0.8}
                )
    text = markdown(rows, {"static": 1.0, "walk": 3.0, "drive": 1.0}, 9)
    assert "| static | 1 | 1.00, 1.00 |" in text
    assert "| walk | 1 | 0.00, 1.00 |" in text
    assert "50.00%" in text


def test_a_recording_keeps_what_comes_before_its_fault() -> None:
    rng = np.random.default_rng(1)
    waves = (rng.standard_normal(8000) + 1j * rng.standard_normal(8000)).astype(np.complex64)
    louder = changed(waves, 1.92e6, "gain step", 6.0, 3000, 0.0)
    np.testing.assert_array_equal(louder[:3000], waves[:3000])
    np.testing.assert_allclose(louder[3000:], waves[3000:] * 10**0.3, rtol=1e-6)
    hole = changed(waves, 1.92e6, "carriers down", 0.5, 3000, 0.0)
    np.testing.assert_array_equal(hole[:3000], waves[:3000])
    spectrum = np.abs(np.fft.fft(hole[3000:])) ** 2
    freqs_hz = np.fft.fftfreq(5000, 1 / 1.92e6)
    inside = (freqs_hz > -0.45 * 1.92e6 + 1e3) & (freqs_hz < -1e3)
    assert spectrum[inside].sum() < 1e-6 * spectrum.sum()
    assert spectrum[freqs_hz > 1e3].mean() > 0.5 * 5000
