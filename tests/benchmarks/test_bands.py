"""The benchmark of several bands sees the interferers where they are; not how fast."""

from pathlib import Path

import pytest

from benchmarks.speed.bands import Times, measure

#: As long as it takes to hear each interferer come and go, and what each band says of it.
EVENTS = {
    "two bands, a source each": (Times(2.1, 0.5), {"a": 1, "b": 1}),
    "two halves of one source of 10 MS/s": (Times(1.4, 0.5), {"a": 1, "b": 0}),
}


@pytest.mark.slow_without_jit
@pytest.mark.parametrize("case", EVENTS)
def test_every_case_finds_what_is_there(case: str, tmp_path: Path) -> None:
    times, events = EVENTS[case]
    run = measure(case, times, 1, tmp_path)
    assert run.events == events
    assert run.cores > 0
