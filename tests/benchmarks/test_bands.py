"""The benchmark of several bands sees the interferers where they are; not how fast."""

from pathlib import Path

import pytest

from benchmarks.speed.bands import measure

EVENTS = {
    "two bands, a source each": {"a": 1, "b": 1},
    "two halves of one source of 10 MS/s": {"a": 1, "b": 0},
}


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("case", EVENTS)
def test_every_case_finds_what_is_there(case: str, tmp_path: Path) -> None:
    run = measure(case, 3.8, 1, tmp_path)
    assert run.events == EVENTS[case]
    assert run.cores > 0
