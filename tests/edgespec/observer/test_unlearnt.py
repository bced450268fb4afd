"""Advice to who ran an observer that scored nothing."""

from types import SimpleNamespace
from typing import Any

import pytest

from edgespec.observer.unlearnt import Ending, unlearnt_text
from edgespec.records import Geometry

#: A segment lasts 0.125 s.
GEOMETRY = Geometry(64, 1e-3)


def snapshot(n_segments: int, left_s: float, skipped: dict[str, int]) -> Any:
    return SimpleNamespace(n_segments=n_segments, warmup_left_s=left_s, n_skipped=skipped)


def text(n_segments: int, more: Ending = Ending.SOURCE, left_s: float = 0.1, **skipped: int) -> str:
    return unlearnt_text(snapshot(n_segments, left_s, skipped), GEOMETRY, 0.5, more)


def test_a_warmup_of_sweeps_is_not_in_seconds() -> None:
    said = unlearnt_text(snapshot(20, 60.0, {}), None, 200.0, Ending.SOURCE, " in band fm")
    assert said == (
        "nothing was scored in band fm: 200 s were heard, and the warm-up still lacks 60 s of good "
        "signal: give a longer recording"
    )


@pytest.mark.parametrize("reason", ["nonfinite", "constant", "clipped"])
@pytest.mark.parametrize("left_s", [0.0, 0.1])
def test_signal_without_use_is_not_asked_for_more_of(reason: str, left_s: float) -> None:
    said = text(0, left_s=left_s, **{reason: 20}, dropped=0)
    assert f"(segments left out: 20 {reason})" in said
    assert "more of the same does not help" in said
    assert "'edgespec look'" in said
    assert "longer" not in said
    assert "warmup_s" not in said


@pytest.mark.parametrize("reason", ["dropped", "retuned"])
def test_what_gets_lost_may_not_get_lost_in_a_longer_run(reason: str) -> None:
    assert text(0, **{reason: 20}).endswith(": give a longer recording")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (Ending.SOURCE, "give a longer recording"),
        (Ending.DURATION, "give a longer --duration"),
        (Ending.STOPPED, "let it run for longer"),
    ],
)
def test_what_ended_the_run_is_what_is_to_be_longer(more: Ending, says: str) -> None:
    assert text(20, more).endswith(f": {says}, or set detect.warmup_s to 0.25 or less")
    # There is nothing left to learn: a shorter warm-up has no less.
    assert text(20, more, left_s=0.0).endswith(f": {says}")


def test_a_warmup_is_as_long_as_what_was_good() -> None:
    """Of 0.5 s a fifth was good: a warm-up of half of that is none of a segment."""
    said = text(4, nonfinite=16)
    assert "warmup_s" not in said
    assert said.endswith("give a longer recording")
