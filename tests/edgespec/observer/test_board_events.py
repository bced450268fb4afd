"""A board that is held back, by the files of a Pi, is told as events of the first band."""

from pathlib import Path

import numpy as np
import pytest

from edgespec.board import TROUBLES, Board, BoardWatch
from edgespec.kinds import THROTTLED, UNDERVOLTAGE
from edgespec.observer.board_events import BoardEvents
from edgespec.observer.monitor import Monitor, Radio
from edgespec.records import Event
from tests.made import band
from tests.made.tape import Notebook, Tape, chain_for

FILE = "devices/platform/soc/soc:firmware/get_throttled"


class PiBoard:
    """Files of a Pi, the clock, and what is told by a band that hears 1000 samples a second."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self._path, self.now_s = folder / FILE, 0.0
        self._path.parent.mkdir(parents=True)
        self.set("0")
        watch = BoardWatch(Board(folder), clock=lambda: self.now_s)
        self.events = BoardEvents(watch.troubles, lambda: self.now_s, lambda: 10**18)
        self.chain = chain_for(Tape(band.cf32(band.noise(rng, 0.1))), "lte")

    def set(self, bits: str) -> None:
        self._path.write_text(f"{bits}\n")

    def look(self, at_s: float) -> list[Event]:
        self.now_s = at_s
        return self.events.look(self.chain, round(at_s * 1000))


def told(events: list[Event]) -> list[tuple[str, str]]:
    return [(one.kind, one.event_type.value) for one in events]


@pytest.fixture
def pi(tmp_path: Path, rng: np.random.Generator) -> PiBoard:
    return PiBoard(tmp_path, rng)


def test_undervoltage_begins_goes_on_and_ends(pi: PiBoard) -> None:
    # Since boot, and not now.
    pi.set("10000")
    assert pi.look(0.0) == []
    assert pi.look(20.0) == []
    pi.set("10001")
    (new,) = pi.look(40.0)
    assert (new.kind, new.event_type.value, new.band) == (UNDERVOLTAGE, "new", "lte")
    assert (new.sample_start, new.start_ns, new.detector) == (40_000, 10**18, "undervoltage")
    assert (new.freq_lower_hz, new.freq_upper_hz) == pi.chain.grid.edges_hz(
        0, pi.chain.grid.n_bins - 1
    )
    assert new.score > new.threshold
    assert pi.look(60.0) == []
    # It flickers: that is one event.
    pi.set("10000")
    assert pi.look(80.0) == []
    pi.set("10001")
    (update,) = pi.look(100.0)
    assert told([update]) == [(UNDERVOLTAGE, "update")]
    assert update.event_id == new.event_id
    pi.set("10000")
    assert pi.look(120.0) == []
    (end,) = pi.look(160.0)
    assert told([end]) == [(UNDERVOLTAGE, "end")]
    # Over since it was last seen.
    assert (end.end_ns - end.start_ns) / 1e9 == pytest.approx(60.0)
    assert pi.look(180.0) == []
    pi.set("10001")
    (again,) = pi.look(200.0)
    assert again.event_id != new.event_id


def test_heat_and_voltage_are_two_events_and_both_end_with_the_observer(pi: PiBoard) -> None:
    pi.set("d")
    assert told(pi.look(0.0)) == [(UNDERVOLTAGE, "new"), (THROTTLED, "new")]
    pi.set("0")
    assert told(pi.events.finish(pi.chain, 5)) == [(UNDERVOLTAGE, "end"), (THROTTLED, "end")]
    assert pi.events.finish(pi.chain, 5) == []


@pytest.mark.parametrize("words", TROUBLES)
def test_every_word_of_a_board_is_one_of_two_kinds(words: str, rng: np.random.Generator) -> None:
    events = BoardEvents(lambda: (words,))
    (event,) = events.look(chain_for(Tape(band.cf32(band.noise(rng, 0.1)))), 0)
    assert event.kind == (UNDERVOLTAGE if words == "undervoltage" else THROTTLED)
    assert event.detector == words


def test_one_band_tells_it_and_nobody_counts_it(rng: np.random.Generator) -> None:
    tape, notebook = Tape(band.cf32(band.noise(rng, 0.6))), Notebook()
    radio = Radio("r", tape, [chain_for(tape, "a"), chain_for(tape, "b")])
    board = BoardEvents(lambda: ("throttled",))
    states = Monitor([radio], [notebook], state_s=60.0, board=board).run()
    assert [(one.band, *told([one])[0]) for one in notebook.events] == [
        ("a", THROTTLED, "new"), ("a", THROTTLED, "end"),
    ]  # fmt: skip
    assert [state.n_events for state in states] == [0, 0]
