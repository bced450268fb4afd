"""Slots in which nothing is cancelled: told by their share, their power and where the cell is."""

from dataclasses import replace

import numpy as np

from edgespec.detect.scan.site import MOST_RISE, Site
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.grid import Span
from edgespec.observer.cell.astray import UsualShare
from edgespec.records import FrameFlag

N_SUBBANDS = 5
#: The cell is in the middle three, 20 dB above noise of 1.
CELL = np.array([0.0, 100.0, 100.0, 100.0, 0.0])
SITE = Site(
    np.ones((20, N_SUBBANDS)),
    np.full((20, N_SUBBANDS), 1e-3),
    np.full((20, N_SUBBANDS), 0.3),
    MOST_RISE * (CELL + 1.0),
    1.0,
    CELL + 1.0,
    0.02,
)
USUAL = UsualShare.of(SITE)


def slots(left: object, power: object, flag: FrameFlag = FrameFlag.VALID) -> PrefixSlots:
    """Return ten slots that are alike."""
    rows = np.ones((10, N_SUBBANDS), np.float32)
    residual = (rows * np.asarray(left)).astype(np.float32)
    return PrefixSlots(
        residual,
        (rows * np.asarray(power)).astype(np.float32),
        np.arange(10),
        np.full(10, flag, np.uint8),
        np.arange(10) * 960,
        float(residual.sum()),
        PrefixPlan(1.92e6).grid(0.0),
        Span(0, 9600, 0, 0),
    )


def test_the_cell_is_where_most_is_cancelled() -> None:
    assert (USUAL.cancelled > 0.9).tolist() == [False, True, True, True, False]


def test_a_cell_that_is_cancelled_is_not_missing() -> None:
    assert not USUAL.is_missing(slots(1.0, CELL + 1.0))


def test_one_that_is_left_is() -> None:
    assert USUAL.is_missing(slots(0.9 * CELL + 1.0, CELL + 1.0))


def test_one_that_fades_or_goes_leaves_no_more_than_noise() -> None:
    assert not USUAL.is_missing(slots(1.0, 1.0))


def test_an_interferer_beside_it_in_one_subband_is_none() -> None:
    there = np.array([0.0, 300.0, 0.0, 0.0, 0.0])
    assert not USUAL.is_missing(slots(there + 1.0, CELL + there + 1.0))


def test_an_interferer_everywhere_is_heard_in_the_power() -> None:
    assert not USUAL.is_missing(slots(301.0, CELL + 301.0))


def test_what_cannot_be_heard_says_nothing() -> None:
    assert not USUAL.is_missing(slots(CELL + 1.0, CELL + 1.0, FrameFlag.CONSTANT))
    assert not USUAL.is_missing(slots(0.0, 0.0))


def test_where_no_cell_is_none_is_missing() -> None:
    nothing = replace(SITE, most_power=MOST_RISE * np.ones(N_SUBBANDS))
    assert not UsualShare.of(nothing).is_missing(slots(1.0, 1.0))


def test_one_that_gives_way_to_another_is() -> None:
    assert USUAL.is_missing(slots(60.0, 60.0))
