"""When two processors count as deciding alike: the same events, edges within a bin."""

from typing import Any

import pytest

from benchmarks.boards.scene import differences


def event(**changes: Any) -> dict[str, Any]:
    return {"event_type": "new", "band": "band0", "kind": "tone",
            "core:freq_lower_edge": 1.18e6, "core:freq_upper_edge": 1.22e6} | changes  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "says"),
    [
        ([event()], ""),
        ([event(**{"core:freq_upper_edge": 1.259e6})], ""),
        ([event(**{"core:freq_upper_edge": 1.3e6})], "core:freq_upper_edge: 1220000.0 here"),
        ([event(kind="pulse")], "kind: tone here, pulse there"),
        ([event(), event()], "1 events here, 2 there"),
        ([], "1 events here, 0 there"),
    ],
)
def test_what_differs_is_said(theirs: list[dict[str, Any]], says: str) -> None:
    found = differences([event()], theirs)
    assert bool(found) is bool(says)
    assert says in "".join(found)
