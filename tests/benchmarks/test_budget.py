"""Promises and what comes of them, counted from kept peaks."""

import numpy as np
import pytest

from benchmarks.detection.budget import Judged, judged, markdown, n_events_of
from benchmarks.detection.hours_tables import poisson_interval
from benchmarks.detection.promised_found import found_markdown, sought

USUAL = {"zscore": 6.7, "residual": 12.0}


def row(seed: int, n_blocks: int, *, late: float = 0.0) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    peaks = {name: rng.gumbel(2.0, 0.5, n_blocks).round(2).tolist() for name in USUAL}
    peaks["zscore"] = [one + late * (at > n_blocks // 2) for at, one in enumerate(peaks["zscore"])]
    peaks["residual"][3] = None
    return {
        "observer": f"still-{seed}",
        "round": 1,
        "context": "still",
        "neighbour": False,
        "rate_hz": 1.92e6,
        "sets": {"a": {}, "b": {"block_s": 0.5, "peaks": peaks}},
    }


def test_events_are_runs_in_which_any_detector_is_above() -> None:
    blocks = np.array([[0, 9], [9, 0], [0, 0], [9, 9], [0, 0]], float)
    assert n_events_of(blocks, [5.0, 5.0]) == 2
    assert n_events_of(blocks, [5.0, 50.0]) == 2
    assert n_events_of(blocks, [50.0, 50.0]) == 0


def test_a_signal_that_goes_on_keeps_its_promise_and_one_that_changes_does_not() -> None:
    kept, broken = ([*judged(row(seed, 4800, late=late), 1200.0, USUAL)] for seed, late in
                    ((1, 0.0), (1, 2.0)))  # fmt: skip

    def events(found: list, per_day: float) -> int:
        (one,) = [x for x in found if x.detector == "all" and x.per_day == per_day]
        assert one.heard_s == 1200.0
        assert one.low <= one.expected <= one.high
        return one.n_events

    # A hundred a day are 1.4 in 20 minutes.
    assert events(kept, 100.0) <= 8
    assert events(broken, 100.0) > 20
    assert events(kept, 1.0) <= events(kept, 10.0) <= events(kept, 100.0)
    text = markdown(kept)
    for words in ("| still |", "thresholds of the bundle", "| residual |", "1 a day"):
        assert words in text


def test_where_each_part_sets_thresholds_for_the_other_all_of_the_signal_is_judged() -> None:
    one_way, crossed = (
        [x for x in judged(row(2, 2400), 500.0, USUAL, is_crossed=is_crossed) if x.per_day == 1.0]
        for is_crossed in (False, True)
    )
    assert sum(x.heard_s for x in one_way if x.detector == "all") == 700.0
    assert sum(x.heard_s for x in crossed if x.detector == "all") == 1200.0
    assert crossed[: len(one_way)] == one_way
    assert {x.part for x in one_way} == {"rest"}
    assert {x.part for x in crossed[len(one_way) :]} == {"beginning"}
    # One observer, however often it was judged.
    assert "| all | 1 | 0.33 | 1 a day |" in markdown(crossed)


def test_beginnings_are_told_from_what_follows_observer_by_observer() -> None:
    """Eleven events of one burst are one observer, and two of two are two."""

    def line(counts: list[tuple[int, int]]) -> list[str]:
        found = [
            Judged(f"still-{number}", 1, ("all",), 1.92e6, "all", 100.0, heard_s, n, 100.0, 50.0,
                   200.0, part)
            for number, both in enumerate(counts)
            for n, heard_s, part in zip(both, (2160.0, 4320.0), ("beginning", "rest"), strict=True)
        ]  # fmt: skip
        (one,) = [x for x in markdown(found).splitlines() if x.startswith("| all | 100 a day | ")]
        return [x.strip() for x in one.split("|")[3:-1]]

    # Twice the signal, twice the events: alike.
    assert line([(1, 2)] * 4) == ["4 (40)", "8 (40)", "0", "0", "1"]
    assert line([(11, 0), (0, 1)]) == ["11 (220)", "1 (10)", "1", "1", "1"]
    assert line([(2, 0)] * 8) == ["16 (80)", "0 (0)", "8", "0", "0.0078"]


@pytest.mark.parametrize(
    ("n_events", "verdict"),
    [(0, "cannot tell"), (100, "yes"), (300, "no, more"), (30, "no, fewer")],
)
def test_a_promise_is_said_to_be_kept_where_the_interval_can_tell(
    n_events: int, verdict: str
) -> None:
    days = 0.01 if not n_events else 1.0
    one = Judged(
        "a", 1, ("all",), 1.92e6, "all", 100.0, days * 86_400, n_events, 100.0, 50.0, 200.0
    )
    assert f"| {verdict} |" in markdown([one])


def test_too_short_a_signal_is_left_out() -> None:
    assert not [*judged(row(1, 500), 240.0, USUAL)]


def test_the_interval_of_a_count() -> None:
    assert poisson_interval(0, 1.0) == (0.0, pytest.approx(3.689, abs=1e-3))
    low, high = poisson_interval(10, 2.0)
    assert (low, high) == pytest.approx((2.398, 9.195), abs=1e-3)


def with_interferers(seed: int, strengths: list[float]) -> dict[str, object]:
    episodes = [
        {
            "kind": "tone",
            "isr_db": 0.0,
            "rises": {"zscore": [(10.0, 1.0), (30.0, strength)], "residual": [(20.0, 0.5)]},
        }
        for strength in strengths
    ]
    return row(seed, 2400) | {"episodes": episodes}


def test_found_is_who_is_above_the_thresholds_of_the_promise_at_the_first_such_hop() -> None:
    heard = with_interferers(3, [1.5, USUAL["zscore"] + 0.1, 1000.0])
    found = [*sought(heard, 600.0, USUAL)]
    usual = [one.delay_ms for one in found if one.detector == "all" and not one.per_day]
    assert usual == [None, 30.0, 30.0]
    alone = [one.delay_ms for one in found if one.detector == "residual"]
    assert alone == [None] * 12
    # Fewer false events are higher thresholds, and nobody more is found.
    counts = [
        sum(one.delay_ms is not None for one in found
            if one.detector == "zscore" and one.per_day == per_day)
        for per_day in (100.0, 10.0, 1.0)
    ]  # fmt: skip
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] >= 1
    text = found_markdown(found)
    assert "| all | thresholds of the bundle | 67 [9, 99] of 3, 30 |" in text
    assert "| residual | 1 a day | 0 [0, 71] of 3 |" in text


def test_scores_of_interferers_that_were_not_kept_find_nobody() -> None:
    old = row(4, 2400) | {"episodes": [{"kind": "tone", "isr_db": 0.0, "found": {}}]}
    assert [*sought(old, 600.0, USUAL)] == []
    assert [*sought(with_interferers(4, [9.0]), 6000.0, USUAL)] == []
