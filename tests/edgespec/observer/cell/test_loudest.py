"""What is ten times as loud as a band has been lately, at once, is nobody who is known."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from edgespec.detect.scan.site import MOST_RISE, Site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.observer.cell.loudest import Loudest

N_SUBBANDS, N_SLOTS = 5, 13
HOP_S = N_SLOTS * 0.5e-3
_PLACES = np.full((20, N_SUBBANDS), 1e-3)
#: Loud slots have a power of 1, all subbands together.
SITE = Site(
    _PLACES, _PLACES, _PLACES, np.full(N_SUBBANDS, MOST_RISE / N_SUBBANDS), 1.0,
    np.full(N_SUBBANDS, 0.3 / N_SUBBANDS), 0.02,
)  # fmt: skip


def hop(level_db: float, n_slots: int = N_SLOTS) -> PrefixSlots:
    """Return slots of so many dB over the loud ones of the site."""
    power = np.full((n_slots, N_SUBBANDS), 10.0 ** (level_db / 10.0) / N_SUBBANDS, np.float32)
    return cast(Any, SimpleNamespace(power=power, n_slots=n_slots))


def begun() -> Loudest:
    loudest = Loudest()
    loudest.begin(SITE)
    return loudest


def play(loudest: Loudest, levels_db: np.ndarray, *, is_frozen: bool = False) -> list[bool]:
    """Return of each hop whether it was far louder than all before."""
    said = []
    for level_db in levels_db:
        slots = hop(float(level_db))
        loudest.take(slots, is_frozen=is_frozen)
        said.append(loudest.is_far_below(slots))
    return said


def hops_in(seconds: float) -> int:
    return round(seconds / HOP_S)


def test_where_nothing_is_known_nothing_is_far_louder() -> None:
    loudest = Loudest()
    assert not any(play(loudest, np.array([0.0, 60.0])))
    loudest.begin(SITE)
    assert play(loudest, np.array([20.0])) == [True]
    loudest.forget()
    assert play(loudest, np.array([20.0])) == [False]
    assert not begun().is_far_below(hop(60.0, 0))


@pytest.mark.parametrize("level_db", [12.0, 20.0, 40.0])
def test_a_stranger_is_far_louder_until_his_alarm_is_on_and_as_long_as_it_takes_to_know_him(
    level_db: float,
) -> None:
    loudest = begun()
    assert all(play(loudest, np.full(4, level_db)))
    # By half a dB a second: 30 s are 15 dB.
    n_most = hops_in((level_db - 10.5) / 0.5)
    said = play(loudest, np.full(hops_in(70.0), level_db), is_frozen=True)
    assert all(said[: n_most - hops_in(1.0)])
    assert not said[-1]


def test_who_walks_to_a_cell_or_comes_out_of_a_fade_meets_nothing_that_is_far_louder() -> None:
    walk_db = np.linspace(-10.0, 40.0, hops_in(6.0))
    assert not any(play(begun(), walk_db))
    fades_db = 9.0 - 40.0 * (np.arange(hops_in(10.0)) % 100 > 40)
    assert not any(play(begun(), fades_db))
    # Half a minute of little traffic, and a burst.
    assert not any(play(begun(), np.append(np.full(hops_in(30.0), -9.0), 6.0)))


def test_a_band_that_has_been_quiet_for_minutes_is_measured_by_that() -> None:
    loudest = begun()
    play(loudest, np.full(hops_in(180.0), -30.0))
    assert play(loudest, np.array([-5.0])) == [True]


def test_a_step_of_the_gain_is_followed() -> None:
    loudest = begun()
    loudest.follow(15.0)
    assert play(loudest, np.array([20.0])) == [False]
    assert play(loudest, np.array([27.0])) == [True]


def test_no_splice_makes_a_cell_four_times_as_loud() -> None:
    loudest = begun()
    assert not loudest.is_below_any_splice(hop(5.5))
    assert loudest.is_below_any_splice(hop(6.5))
