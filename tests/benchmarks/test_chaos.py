"""How faults are judged; the faults themselves: ``python -m benchmarks.chaos``."""

from collections.abc import Callable
from pathlib import Path

import pytest

from benchmarks.chaos.cuts import cut_at, places
from benchmarks.chaos.events import event_files
from benchmarks.chaos.installs import cut_installs, killed_installs
from benchmarks.chaos.radios import KINDS
from benchmarks.chaos.trial import heard_trial

SAID = ["a", "b", "c"]


def judged(*heard: tuple[str, int, bool]) -> tuple[int, int, bool | None, str]:
    trial = heard_trial("any", 1, SAID, heard, 0.0)
    return trial.n_lost, trial.n_repeated, trial.in_order, trial.failed


def test_what_is_heard_once_and_in_order_is_all_well() -> None:
    assert judged(("a", 1, False), ("b", 2, False), ("c", 3, True)) == (0, 0, True, "")


def test_what_is_lost_repeated_or_out_of_order_is_said() -> None:
    assert judged(("a", 1, False), ("c", 3, False)) == (1, 0, True, "1 of 3 lost")
    assert judged(("b", 2, False), ("a", 1, False), ("c", 3, False)) == (0, 0, False, "")
    again = ("a", 1, False), ("b", 2, False), ("b", 2, True), ("c", 3, False)
    assert judged(*again) == (0, 1, True, "")
    unmarked = ("a", 1, False), ("a", 1, False), ("b", 2, False), ("c", 3, False)
    assert judged(*unmarked) == (0, 1, True, "1 repeated without saying so")
    twice = ("a", 1, False), ("b", 1, False), ("c", 2, False)
    assert judged(*twice) == (0, 0, True, "1 sequence numbers come twice")


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("at", [0, 3, 10])
def test_a_process_dies_at_a_byte(at: int, tmp_path: Path) -> None:
    path = tmp_path / "file"

    def work(say: Callable[[int], None]) -> None:
        with path.open("wb") as file:
            for number in range(1, 6):
                file.write(b"xx")
                file.flush()
                say(number)

    assert cut_at(at, work) == (list(range(1, at // 2 + 1)), at < 10)
    assert path.stat().st_size == at


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_what_is_kept_of_events_outlives_a_power_cut(tmp_path: Path) -> None:
    trials = event_files(tmp_path, 12)
    assert [(trial.fault, trial.failed) for trial in trials if trial.failed or trial.n_lost] == []
    assert all(trial.n_tried > 5 for trial in trials)


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_model_is_there_whenever_an_install_is_killed(tmp_path: Path) -> None:
    killed = killed_installs(tmp_path / "killed", 5)
    assert (killed.n_tried, killed.n_lost, killed.failed) == (5, 0, "")
    for trial in cut_installs(tmp_path / "cut", 5):
        assert (trial.n_lost, trial.failed) == (0, ""), trial.fault
        assert trial.n_tried >= 4


def test_cuts_are_everywhere_or_evenly_spread() -> None:
    assert places(3, 10) == [0, 1, 2, 3]
    spread = places(1000, 11)
    assert (spread[0], spread[-1], len(spread)) == (0, 1000, 11)


def test_eleven_kinds_of_bad_radio() -> None:
    assert len(KINDS) == 11
