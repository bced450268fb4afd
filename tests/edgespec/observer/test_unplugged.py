"""A radio that is pulled out while an event is open: what is said of the time that nobody heard."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.kinds import DROPPED
from edgespec.observer.band import BandChain
from edgespec.records import Event, EventType
from tests.made import band
from tests.made.tape import Tape, chain_for

AWAY_S, NS = 20.0, 1_000_000_000
HEARD_S, TONE_S, AFTER_S = 0.6, 0.4, 0.5


def heard(chain: BandChain, tape: Tape, at: int, n_dropped: int) -> list[Event]:
    """Return what is said of a tape whose first sample has this number, behind a loss."""
    said: list[Event] = []
    out = np.empty(chain.hop_samples, np.complex64)
    while (block := tape.read(out)) is not None:
        start = at + block.sample_start
        utc_ns = round(start / band.RATE_HZ * NS)
        moved = replace(block, sample_start=start, utc_ns=utc_ns, n_dropped=n_dropped)
        said += chain.process(moved)
        n_dropped = 0
    return said


@pytest.mark.parametrize("is_still_there", [False, True])
def test_an_event_that_was_open_ends_when_it_was_last_heard_or_goes_on(
    rng: np.random.Generator, is_still_there: bool
) -> None:
    """Of the 20 s in between nothing is claimed: what is there again was heard for .7 s, not 20."""
    before = band.with_tone(band.noise(rng, HEARD_S), TONE_S, HEARD_S)
    after = band.noise(rng, AFTER_S)
    if is_still_there:
        after = band.with_tone(after, 0.0, AFTER_S)
    tape = Tape(band.cf32(before))
    chain = chain_for(tape)
    (begin, *_) = heard(chain, tape, 0, 0)
    n_lost = round(AWAY_S * band.RATE_HZ)
    said = heard(chain, Tape(band.cf32(after)), len(before) + n_lost, n_lost)
    said += chain.finish()
    (end,) = [one for one in said if one.event_type is EventType.END and one.kind != DROPPED]
    assert end.event_id == begin.event_id
    heard_s = HEARD_S - TONE_S + (AFTER_S if is_still_there else 0.0)
    assert end.heard_s == pytest.approx(heard_s, abs=0.03)
    assert end.unheard_s == pytest.approx(AWAY_S if is_still_there else 0.0, abs=0.01)
    # The loss itself was there all along.
    (lost,) = [one for one in said if one.event_type is EventType.END and one.kind == DROPPED]
    assert lost.heard_s == pytest.approx(AWAY_S, abs=0.1)


def test_one_that_never_comes_back_ends_with_the_observer(rng: np.random.Generator) -> None:
    samples = band.with_tone(band.noise(rng, HEARD_S), TONE_S, HEARD_S)
    tape = Tape(band.cf32(samples))
    chain = chain_for(tape)
    heard(chain, tape, 0, 0)
    (end,) = chain.finish()
    assert (end.event_type, end.heard_s) == (
        EventType.END, pytest.approx(HEARD_S - TONE_S, abs=0.03),
    )  # fmt: skip
