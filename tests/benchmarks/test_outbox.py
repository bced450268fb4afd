"""That both outboxes keep the same, so that their costs may be compared."""

from pathlib import Path

import pytest

from benchmarks.speed.outbox import OUTBOXES, Cost, cost_of, kills, table


@pytest.mark.parametrize("name", OUTBOXES)
def test_what_is_kept_is_there_again_until_it_is_confirmed(name: str, tmp_path: Path) -> None:
    outbox = OUTBOXES[name](tmp_path)
    for sequence in range(1, 6):
        outbox.append(sequence, b"%d" % sequence)
    outbox.ack(2)
    outbox.sync()
    outbox.close()
    again = OUTBOXES[name](tmp_path)
    assert again.pending() == [(1, b"1"), (3, b"3"), (4, b"4"), (5, b"5")]
    again.close()


@pytest.mark.parametrize("name", OUTBOXES)
def test_its_cost_has_every_figure(name: str, tmp_path: Path) -> None:
    cost = cost_of(name, tmp_path, 20)
    assert cost.outbox == name
    assert min(cost.keep_us, cost.force_us, cost.confirm_us, cost.replay_ms) > 0.0
    # A message has 900 bytes, and each is written once at least.
    assert min(cost.written_bytes, cost.forced_bytes) >= 900.0


@pytest.mark.parametrize("name", OUTBOXES)
def test_a_killed_process_has_kept_what_it_said(name: str, tmp_path: Path) -> None:
    n_said, n_lost = kills(name, tmp_path, 1)
    assert n_said >= 1
    assert n_lost == 0


def test_the_table_has_a_row_for_each() -> None:
    costs = [Cost(name, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0) for name in OUTBOXES]
    rows = table(costs, {"journal": (10, 0), "SQLite": (20, 1)}).splitlines()
    assert rows[-2].endswith("| 0 of 10 |")
    assert rows[-1].endswith("| 1 of 20 |")
