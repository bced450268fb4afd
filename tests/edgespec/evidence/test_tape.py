"""What is cut out of the last seconds: these samples, and no others."""

from dataclasses import dataclass, replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from edgespec.evidence.tape import Cut, Tape
from edgespec.records import EventType, IqBlock, SampleFormat, SourceInfo
from tests.made.event import event_of

RATE_HZ = 1000.0
INFO = SourceInfo("test:", RATE_HZ, 1e8, SampleFormat.CI16, True)
N = 4000
#: Every sample says where it is.
SIGNAL = np.stack([np.arange(N), -np.arange(N)], axis=1).astype(np.int16)


def block(start: int, stop: int, *, n_dropped: int = 0, center_hz: float = 1e8) -> IqBlock:
    utc_ns = 10**18 + start * 1_000_000
    return IqBlock(SIGNAL[start:stop], RATE_HZ, center_hz, start, utc_ns, n_dropped)


def made(before_s: float = 0.5, after_s: float = 0.3, max_bytes: int = 10**6):
    cuts: list[Cut] = []
    return Tape(INFO, before_s, after_s, max_bytes, cuts.append), cuts


def event(start: int, name: str = "a", kind: EventType = EventType.NEW):
    return event_of(event_id=name, event_type=kind, sample_start=start, n_samples=20)


def check(cut: Cut, start: int, stop: int) -> None:
    assert (cut.sample_start, len(cut.samples)) == (start, stop - start)
    np.testing.assert_array_equal(cut.samples, SIGNAL[start:stop])
    assert cut.utc_ns == 10**18 + start * 1_000_000


@given(st.lists(st.integers(1, 300), min_size=1, max_size=60), st.integers(0, N - 400))
def test_any_division_gives_the_samples_around_an_event(lengths: list[int], begin: int) -> None:
    tape, cuts = made()
    at = number = 0
    is_told = False
    while at < N:
        stop = min(at + lengths[number % len(lengths)], N)
        tape.add(block(at, stop))
        at, number = stop, number + 1
        if not is_told and at > begin + 20:
            tape.want(event(begin))
            is_told = True
    tape.finish()
    (cut,) = cuts
    assert len(cut.samples) >= 300
    check(cut, cut.sample_start, begin + 300)
    # The ring holds 1.3 s; a long block takes some of what was before.
    assert max(begin - 500, 0) <= cut.sample_start <= begin


def test_events_at_once_are_one_recording_with_their_last_word() -> None:
    tape, cuts = made()
    tape.add(block(0, 1000))
    tape.want(event(900))
    tape.add(block(1000, 1100))
    tape.want(event(1050, "b"))
    tape.want(replace(event(900, "a", EventType.UPDATE), score=99.0))
    tape.add(block(1100, 1200))
    (cut,) = cuts
    check(cut, 400, 1200)
    assert [(one.event_id, one.score) for one in cut.events] == [
        ("a", 99.0),
        ("b", event_of().score),
    ]
    tape.add(block(1200, 2000))
    assert len(cuts) == 1


def test_what_alarms_once_it_has_a_name_is_kept_once_as_long_as_its_begin_is_there() -> None:
    tape, cuts = made()
    for start in range(0, 3000, 100):
        tape.add(block(start, start + 100))
        if start >= 1000:
            tape.want(event(950, "named", EventType.UPDATE))
            tape.want(event(start - 2000, "too late", EventType.UPDATE))
    (cut,) = cuts
    check(cut, 450, 1250)
    assert [one.event_id for one in cut.events] == ["named"]


def test_nothing_reaches_over_a_gap_or_a_retune() -> None:
    for broken in (
        block(1200, 1300, n_dropped=100),
        block(1100, 1200, center_hz=2e8),
        block(1050, 1150),
    ):
        tape, cuts = made()
        tape.add(block(0, 1100))
        tape.want(event(1000))
        tape.add(broken)
        check(cuts[0], 500, 1100)
        tape.want(event(broken.sample_start + 10, "b"))
        tape.add(
            block(
                broken.sample_start + 100,
                broken.sample_start + 600,
                center_hz=broken.center_freq_hz,
            )
        )
        check(cuts[1], broken.sample_start, broken.sample_start + 310)
        assert cuts[1].center_freq_hz == broken.center_freq_hz


def test_with_little_memory_less_is_kept_and_it_is_the_newest() -> None:
    tape, cuts = made(max_bytes=400)
    tape.add(block(0, 1000))
    tape.want(event(980))
    tape.add(block(1000, 1280))
    check(cuts[0], 1180, 1280)


def test_of_nothing_nothing_is_cut() -> None:
    tape, cuts = made()
    tape.add(block(0, 1000))
    tape.finish()
    tape.want(event(5000))
    tape.finish()
    assert not cuts


@dataclass(frozen=True)
class Known:
    at_sample: int
    hop_samples: int

    def as_bytes(self, sample_start: int) -> bytes:
        return str(sample_start).encode()


@given(st.integers(0, 2000), st.integers(1, 200), st.integers(0, 3500))
def test_what_is_kept_begins_where_a_segment_does(at: int, hop: int, first: int) -> None:
    cuts: list[Cut] = []
    known = Known(at, hop)
    tape = Tape(INFO, 0.5, 0.3, 10**6, cuts.append, lambda: known)
    for start in range(first, N, 100):
        tape.add(block(start, min(start + 100, N)))
        if start <= 3600 < start + 100:
            tape.want(event(3600))
    tape.finish()
    (cut,) = cuts
    assert (cut.sample_start - at) % hop == 0
    assert first <= cut.sample_start
    assert 3100 - hop < cut.sample_start or cut.sample_start < first + hop
    assert cut.sample_start <= max(3100, first + hop)
    assert cut.normal is known
    check(cut, cut.sample_start, 3900)
