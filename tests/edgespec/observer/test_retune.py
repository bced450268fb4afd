"""A source that is tuned elsewhere is said once, where a user sees it (A6)."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.records import IqBlock
from tests.made import band
from tests.made.tape import WARMUP_S, Notebook, Tape, monitor_for

ELSEWHERE_HZ = 900e6


class TunedTape(Tape):
    """A tape that is tuned elsewhere from a sample on."""

    def __init__(self, samples: NDArray[np.complex64], tuned_at: int, from_hz: float) -> None:
        super().__init__(samples)
        self.info = replace(self.info, center_freq_hz=from_hz)
        self._tuned_at = tuned_at

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        block = super().read(out)
        if block is None:
            return None
        is_tuned = block.sample_start >= self._tuned_at
        return replace(block, center_freq_hz=ELSEWHERE_HZ if is_tuned else self.info.center_freq_hz)


def retuned(rng: np.random.Generator, tuned_s: float, from_hz: float = band.CENTER_HZ) -> Notebook:
    notebook = Notebook()
    samples = band.cf32(band.noise(rng, 0.9))
    monitor_for(TunedTape(samples, round(tuned_s * band.RATE_HZ), from_hz), notebook).run()
    assert notebook.events == []
    return notebook


def test_a6_a_retune_is_a_state_and_a_line(rng, caplog: pytest.LogCaptureFixture) -> None:
    notebook = retuned(rng, 0.4)
    at_once, last = notebook.states
    assert at_once.center_freq_hz == last.center_freq_hz == pytest.approx(ELSEWHERE_HZ, abs=1.0)
    assert at_once.warmup_left_s == pytest.approx(WARMUP_S, abs=0.01)
    assert at_once.scores == {}
    assert last.warmup_left_s == 0.0
    assert caplog.text.count("tuned from 806 MHz to 900 MHz") == 1


def test_a6_what_is_unknown_stays_unknown(rng, caplog: pytest.LogCaptureFixture) -> None:
    retuned(rng, 0.4, from_hz=0.0)
    assert caplog.text.count("tuned from an unknown centre to 900 MHz") == 1


def test_a6_what_was_not_learnt_is_not_forgotten(rng, caplog: pytest.LogCaptureFixture) -> None:
    """A source that hops faster than the warm-up does not fill the log."""
    notebook = retuned(rng, 0.1)
    (last,) = notebook.states
    assert last.center_freq_hz == pytest.approx(ELSEWHERE_HZ, abs=1.0)
    assert "tuned" not in caplog.text


def test_a6_a_band_that_stays_says_where_it_is(rng, caplog: pytest.LogCaptureFixture) -> None:
    notebook = retuned(rng, 1.0)
    (last,) = notebook.states
    assert last.center_freq_hz == pytest.approx(band.CENTER_HZ, abs=1.0)
    assert "tuned" not in caplog.text
