"""Sizes of the prefix plan, beside those of 3GPP TS 36.211, sec. 6.12."""

import numpy as np
import pytest

from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.errors import ConfigError

RATES_HZ = [1.92e6, 2.4e6, 3.84e6, 5e6, 7.68e6, 19.2e6, 20e6, 30.72e6]


@pytest.mark.parametrize("prefix", ["normal", "extended"])
@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_symbols_and_prefixes_fill_the_slot(rate_hz: float, prefix: str) -> None:
    plan = PrefixPlan(rate_hz, prefix)
    assert plan.prefix_ends[-1] + plan.lag_samples == pytest.approx(plan.slot_samples)
    assert len(plan.prefix_ends) == plan.n_symbols


def test_prefixes_are_those_of_the_table() -> None:
    """At 30.72 MS/s: 160 and 144 samples before 2048, or 512."""
    normal, extended = PrefixPlan(30.72e6), PrefixPlan(30.72e6, "extended")
    np.testing.assert_allclose(normal.prefix_ends[:3], [160, 160 + 2192, 160 + 2 * 2192])
    np.testing.assert_allclose(extended.prefix_ends[:3], [512, 512 + 2560, 512 + 2 * 2560])


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_window_and_guard_leave_room_for_echoes(rate_hz: float) -> None:
    """The part before the window is a third of a short prefix or more: 1.5 us."""
    plan = PrefixPlan(rate_hz)
    assert 5 <= plan.n_subbands <= 16
    assert plan.n_subbands * plan.bins_per_subband == plan.n_window
    before_s = 144 / 30.72e6 - (plan.n_window + plan.n_guard) / rate_hz
    assert before_s > 1.5e-6
    assert plan.n_guard / rate_hz > 0.35e-6


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_the_grid_covers_the_sampled_band(rate_hz: float) -> None:
    grid = PrefixPlan(rate_hz).grid(8e8)
    assert grid.n_bins * grid.rbw_hz == pytest.approx(rate_hz)
    assert grid.frame_s == pytest.approx(5e-4)
    np.testing.assert_allclose(np.diff(grid.freqs_hz), grid.rbw_hz)
    # The middle of all bins is 0 Hz, or half a bin below where one lies on the edge.
    bin_hz = rate_hz / PrefixPlan(rate_hz).n_window
    assert -0.5 * bin_hz - 1.0 <= grid.freqs_hz.mean() - 8e8 <= 1.0


@pytest.mark.parametrize(
    ("rate_hz", "n_window", "n_together"),
    [
        (1.92e6, 5, 1),
        (2.4e6, 6, 1),
        (5e6, 12, 1),
        (3.84e6, 9, 1),
        (7.68e6, 18, 2),
        (19.2e6, 48, 3),
        (20e6, 48, 4),
    ],
)
def test_windows_of_the_usual_rates(rate_hz: float, n_window: int, n_together: int) -> None:
    plan = PrefixPlan(rate_hz)
    assert (plan.n_window, plan.bins_per_subband) == (n_window, n_together)


@pytest.mark.parametrize("rate_hz", [1e6, float("nan"), float("inf"), -5e6])
def test_a_rate_that_shows_no_cell_is_refused(rate_hz: float) -> None:
    with pytest.raises(ConfigError, match=r"1920000 S/s or more: set source\.sample_rate_hz"):
        PrefixPlan(rate_hz)
    PrefixPlan(1.92e6 * (1 - 5e-5))


def test_an_unknown_prefix_is_refused() -> None:
    with pytest.raises(ConfigError, match="'long'; known are normal, extended"):
        PrefixPlan(5e6, "long")


@pytest.mark.parametrize("rate_hz", RATES_HZ[2:])
def test_prefixes_of_30_khz_fill_the_slot(rate_hz: float) -> None:
    """At 30.72 MS/s: 88 and 72 samples before 1024 (TS 38.211, sec. 5.3.1)."""
    plan = PrefixPlan(rate_hz, spacing_hz=30e3)
    assert plan.n_symbols == 14
    assert plan.prefix_ends[-1] + plan.lag_samples == pytest.approx(plan.slot_samples)
    expected = np.array([88, 88 + 1096, 88 + 2 * 1096]) * rate_hz / 30.72e6
    np.testing.assert_allclose(plan.prefix_ends[:3], expected)
    assert 4 <= plan.n_subbands <= 16
    # Before the window a fifth of a prefix is left to echoes.
    assert 72 / 30.72e6 - (plan.n_window + plan.n_guard) / rate_hz > 0.4e-6


def test_15_khz_of_nr_is_the_plan_of_lte() -> None:
    nr, lte = PrefixPlan(5e6, spacing_hz=15e3), PrefixPlan(5e6)
    assert nr == lte


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((1.92e6, "normal", 30e3), "3840000 S/s or more"),
        ((20e6, "extended", 30e3), "known are normal with subcarriers 30000 Hz apart"),
        ((20e6, "normal", 60e3), "60000 Hz apart; known are 15000 and 30000"),
    ],
)
def test_what_no_cell_has_is_refused(arguments: tuple[float, str, float], words: str) -> None:
    with pytest.raises(ConfigError, match=words):
        PrefixPlan(*arguments)
