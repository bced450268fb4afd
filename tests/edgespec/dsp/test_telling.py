"""Reports by exception: what is told is never far from what is heard, and little of it."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.dsp.telling import Telling
from edgespec.records import RssReport

NS = 1_000_000_000
SECOND = RssReport("pi", "hall", "lte", 0, 1.0, (0.0, 1.0, 2.0), (-70.0, -80.0), "dBm", 0.0, 100, 0)


def seconds(levels_db: np.ndarray) -> list[RssReport]:
    """Successive seconds with levels ``(n, 2)``."""
    return [
        replace(SECOND, utc_ns=(k + 1) * NS, sequence=k + 1, levels_db=tuple(row))
        for k, row in enumerate(levels_db.tolist())
    ]


def told(reports: list[RssReport], every_s: float = 30.0) -> list[RssReport | None]:
    telling = Telling(every_s, 3.0)
    return [telling.take(report) for report in reports]


def test_by_default_every_second_is_told_and_holds_for_no_longer(rng: np.random.Generator) -> None:
    heard = seconds(rng.normal(-70.0, 1.0, (40, 2)))
    assert told(heard, 1.0) == heard


def test_what_stays_is_told_every_half_minute_as_a_mean() -> None:
    levels_db = np.full((91, 2), -70.0)
    levels_db[1::2] += 0.5
    said = told(seconds(levels_db))
    at = [k for k, one in enumerate(said) if one is not None]
    assert at == [0, 30, 60, 90]
    assert [said[k].sequence for k in at] == [1, 2, 3, 4]
    assert {said[k].hold_s for k in at} == {30.0}
    assert said[60].levels_db == pytest.approx(
        [10 * np.log10((10**-7.0 + 10**-6.95) / 2)] * 2, abs=2e-3
    )
    assert (said[60].duration_s, said[60].n_frames, said[60].utc_ns) == (30.0, 3000, 61 * NS)


def test_a_level_that_moves_is_told_at_once_and_as_it_is() -> None:
    levels_db = np.full((20, 2), -70.0)
    levels_db[7:, 1] = -60.0
    said = told(seconds(levels_db))
    assert [k for k, one in enumerate(said) if one is not None] == [0, 7]
    assert said[7].levels_db == (-70.0, -60.0)
    assert said[7].duration_s == 1.0


def test_a_small_step_is_told_when_its_mean_says_so() -> None:
    levels_db = np.full((30, 2), -70.0)
    levels_db[10:, 0] = -68.5
    at = [k for k, one in enumerate(told(seconds(levels_db))) if one is not None]
    # 1.5 (1 - .8^n) > 1 for n of 5.
    assert at[:2] == [0, 14]


@pytest.mark.parametrize("wander_db", [0.1, 1.0, 4.0])
def test_nothing_is_off_by_a_step_for_a_second(rng: np.random.Generator, wander_db: float) -> None:
    heard = seconds(-70.0 + np.cumsum(rng.normal(0.0, wander_db, (300, 2)), axis=0))
    last = None
    for report, said in zip(heard, told(heard), strict=True):
        if said is not None:
            last = said
        assert last is not None
        is_mean = said is not None and said.n_frames > 100
        apart_db = np.abs(np.subtract(report.levels_db, last.levels_db)).max()
        # A mean that is told now may itself lie a step behind the second that ends it.
        assert apart_db <= 6.0 if is_mean else apart_db <= 3.0
        assert report.utc_ns - last.utc_ns < 30 * NS


def test_clipping_and_a_new_grid_are_told_at_once() -> None:
    quiet, clipped = SECOND, replace(SECOND, clipped_share=0.5)
    other = replace(SECOND, edges_hz=(0.0, 2.0, 4.0))
    said = told(
        [
            replace(one, utc_ns=(k + 1) * NS)
            for k, one in enumerate([quiet, quiet, clipped, clipped, quiet, other, other])
        ]
    )
    assert [one is not None for one in said] == [True, False, True, False, True, True, False]
