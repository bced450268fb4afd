"""A radio that takes turns: nothing that was taken elsewhere is handed out, and all is counted."""

from dataclasses import replace

import numpy as np
import pytest

from edgespec.errors import SourceError, UsageError
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from edgespec.sources.dwell import DwellSource, Turn
from edgespec.sources.in_flight import InFlight
from edgespec.sources.reader import Reader
from edgespec.sources.reconnecting import Patience
from edgespec.sources.request import Tuning
from edgespec.sources.rtl_tcp import RtlTcp
from edgespec.sources.tuner import TunerSettings
from tests.made.broker import PATIENCE_S
from tests.made.rtl_tcp_server import RtlTcpTuner

RATE_HZ = 1e6
LOW, HIGH, THIRD = 806e6, 1806e6, 2400e6
BLOCK = 1000


class FakeRadio:
    """Samples that say where the radio was tuned to when they were taken, and at which gain.

    Time goes by while it is read; ``queue`` samples wait between the antenna and a read.
    """

    def __init__(self, *, is_live: bool = True, settle_s: float = 0.004, queue: int = 0) -> None:
        self.info = SourceInfo("fake:", RATE_HZ, LOW, SampleFormat.CF32, is_live)
        self.settle_s = settle_s
        self.n_reconnects = 0
        self.queue = queue
        self.now = 0
        self.n_lost: list[int] = []
        self.tuned: list[float] = []
        self._at = 0
        self._is_closed = False
        # From which sample on it is tuned where.
        self._air = [(0, complex(LOW))]

    def clock(self) -> float:
        return self.now / RATE_HZ

    def tune(self, center_freq_hz: float, gain_db: float | None = None) -> None:
        self.tuned.append(center_freq_hz)
        self.info = replace(self.info, center_freq_hz=center_freq_hz)
        # A radio needs all that it says to settle.
        begin = self.now + round(self.settle_s * RATE_HZ)
        self._air.append((begin, complex(center_freq_hz, gain_db or 0.0)))

    def wait(self, n_samples: int) -> None:
        """Let time go by in which nobody reads: what is taken waits."""
        self.now += n_samples

    def read(self, out: np.ndarray) -> IqBlock | None:
        if self._is_closed:
            return None
        n_dropped = self.n_lost.pop(0) if self.n_lost else 0
        self._at += n_dropped
        self.now = max(self.now, self._at + len(out) + self.queue)
        numbers = np.arange(self._at, self._at + len(out))
        out[:] = 0
        for begin, tuned in self._air:
            out[numbers >= begin] = tuned
        block = IqBlock(
            out, RATE_HZ, self.info.center_freq_hz, self._at, 0, n_dropped, received_ns=1
        )
        self._at += len(out)
        return block

    def close(self) -> None:
        self._is_closed = True


def dwelling(radio: FakeRadio, *turns: Turn, settle_s: float | None = None) -> DwellSource:
    return DwellSource(radio, turns or (Turn(LOW, 0.01), Turn(HIGH, 0.02)), settle_s, radio.clock)


def heard(source: DwellSource, n_blocks: int) -> list[IqBlock]:
    """Return blocks, their samples checked to be of the centre that they name."""
    found = []
    for _ in range(n_blocks):
        block = source.read(np.empty(BLOCK, np.complex64))
        assert block is not None
        assert set(block.samples.tolist()) == {np.complex64(block.center_freq_hz)}
        found.append(block)
    return found


def test_each_turn_has_its_gain_and_nothing_of_another_is_handed_out() -> None:
    """Of the first turn, the gain that the radio was opened with is told once it comes again."""
    radio = FakeRadio()
    source = dwelling(radio, Turn(LOW, 0.01, 20.0), Turn(HIGH, 0.02, 40.0))
    n_first = 10
    for _ in range(n_first):
        source.read(np.empty(BLOCK, np.complex64))
    radio.queue = 300
    gains = {LOW: 20.0, HIGH: 40.0}
    for _ in range(100):
        block = source.read(np.empty(BLOCK, np.complex64))
        assert block is not None
        expected = np.complex64(complex(block.center_freq_hz, gains[block.center_freq_hz]))
        assert set(block.samples.tolist()) == {expected}


def assert_counted(blocks: list[IqBlock]) -> None:
    """Check the law of a band's blocks: they follow each other, but for what is said."""
    ends: dict[float, int] = {}
    for block in blocks:
        end = ends.get(block.center_freq_hz)
        if end is not None:
            assert block.sample_start == end + block.n_away + block.n_dropped
        ends[block.center_freq_hz] = block.sample_start + block.n_samples


@pytest.mark.parametrize("queue", [0, 300, 50_000])
def test_nothing_taken_elsewhere_is_handed_out(queue: int) -> None:
    """However many samples wait in buffers when the radio is tuned, for however many turns."""
    radio = FakeRadio()
    source = dwelling(radio)
    blocks = heard(source, 25)
    radio.queue = queue
    blocks += heard(source, 275)
    assert_counted(blocks)
    assert {block.n_dropped for block in blocks} == {0}
    assert radio.tuned[:4] == [HIGH, LOW, HIGH, LOW]


def test_nothing_taken_elsewhere_is_handed_out_where_the_reader_was_held_up() -> None:
    """What piled up meanwhile comes in a burst, faster than any radio: the clock knows better."""
    radio = FakeRadio()
    source = dwelling(radio)
    blocks = []
    for number in range(200):
        blocks += heard(source, 1)
        if number % 7 == 0:
            radio.wait(20_000)
    assert_counted(blocks)
    assert radio.tuned


def test_turns_last_as_long_as_they_are_asked_to() -> None:
    source = dwelling(FakeRadio())
    blocks = heard(source, 90)
    centers = [block.center_freq_hz for block in blocks]
    assert centers == ([LOW] * 10 + [HIGH] * 20) * 3
    # Settling takes its share: 4 ms behind each turn, and a block that was under way.
    assert source.share(LOW) == pytest.approx(10 / 40, abs=0.03)
    assert source.share(HIGH) == pytest.approx(20 / 40, abs=0.05)


def test_a_block_does_not_cross_a_seam() -> None:
    source = dwelling(FakeRadio(), Turn(LOW, 0.0103), Turn(HIGH, 0.01))
    sizes = [block.n_samples for block in heard(source, 11)]
    assert sizes == [BLOCK] * 10 + [300]


def test_what_the_radio_loses_in_a_turn_is_that_turns_loss() -> None:
    radio = FakeRadio()
    source = dwelling(radio)
    blocks = heard(source, 35)
    assert blocks[-1].center_freq_hz == LOW
    radio.n_lost = [500]
    blocks += heard(source, 60)
    assert_counted(blocks)
    # 500 were lost while it listened low, and so far the count of the other was by the clock.
    assert [(block.center_freq_hz, block.n_dropped) for block in blocks if block.n_dropped] == [
        (LOW, 500),
        (HIGH, 1),
    ]


def test_behind_a_reconnection_a_radio_settles_again() -> None:
    """Whoever served it may have been tuned anywhere; that costs the turn, and is its loss."""
    radio = FakeRadio()
    source = dwelling(radio)
    blocks = heard(source, 35)
    radio.n_lost, radio.n_reconnects = [70_000], 1
    blocks += heard(source, 10)
    assert_counted(blocks)
    lost = [block for block in blocks if block.n_dropped]
    assert [block.n_dropped for block in lost[:1]] == [70_000 + 4 * BLOCK]
    assert source.n_reconnects == 1


def test_the_time_to_settle_may_be_given() -> None:
    radio = FakeRadio(settle_s=0.0)
    blocks = heard(dwelling(radio, settle_s=0.05), 40)
    away = [block.n_away for block in blocks if block.n_away]
    assert away
    assert min(away) >= 2 * 0.05 * RATE_HZ


def test_it_ends_with_its_radio() -> None:
    radio = FakeRadio()
    source = dwelling(radio)
    heard(source, 3)
    source.close()
    assert source.read(np.empty(BLOCK, np.complex64)) is None


def test_a_sample_that_waits_is_known_to_have_been_taken() -> None:
    """The buffers fill while nobody reads, and the clock says by how much."""
    flight = InFlight(RATE_HZ)
    assert flight.taken(5.0) == -np.inf
    flight.read(1000, 1.0)
    flight.read(1500, 1.001)
    assert flight.taken(1.1) == pytest.approx(1000 + 0.1 * RATE_HZ, abs=11)
    # A crystal may be slow: ten seconds later a millisecond less is certain.
    assert flight.taken(11.1) == pytest.approx(1000 + 10.1 * RATE_HZ - 1010, abs=2)
    flight.restart()
    assert flight.taken(1.1) == -np.inf


def test_bands_get_the_blocks_of_their_turns_alone() -> None:
    source = dwelling(FakeRadio(is_live=False, settle_s=0.0))
    with Reader(
        source, block_samples=BLOCK, n_blocks=4, n_rings=2, centers_hz=(LOW, HIGH)
    ) as reader:
        low, high = reader.rings
        got = []
        for ring, center_hz, n_blocks in ((low, LOW, 10), (high, HIGH, 20), (low, LOW, 10)):
            for _ in range(n_blocks):
                block = ring.next_block(PATIENCE_S)
                assert block is not None
                assert block.center_freq_hz == center_hz
                got.append(replace(block, samples=block.samples.copy()))
        assert_counted(got)
        low.leave()
        high.leave()


def test_a_block_that_a_slow_band_loses_keeps_the_time_away() -> None:
    """The loss and the time away are told apart behind it."""
    radio = FakeRadio(is_live=True, settle_s=0.0)
    source = dwelling(radio, Turn(LOW, 0.003), Turn(HIGH, 0.002))
    reader = Reader(source, block_samples=BLOCK, n_blocks=2, n_rings=2, centers_hz=(LOW, HIGH))
    low = reader.rings[0]
    slot = reader._filling
    taken = []
    for _ in range(12):
        block = source.read(np.empty(BLOCK, np.complex64))
        assert block is not None
        for ring in reader.rings:
            ring.offer(block, slot)
    while (got := low.next_block(0.0)) is not None:
        taken.append(got)
        if len(taken) == 2:
            # There is room again for what comes next.
            blocks = [source.read(np.empty(BLOCK, np.complex64)) for _ in range(4)]
            for block in blocks:
                assert block is not None
                low.offer(block, slot)
    assert_counted(taken)
    assert taken[-1].n_dropped > 0
    assert taken[-1].n_away > 0


def values_of(tuner: RtlTcpTuner, *turns: Turn, n_blocks: int, **patience: float) -> list[IqBlock]:
    """Return copies of what a dongle hears in its turns."""
    settings = TunerSettings(LOW, RATE_HZ)
    radio = RtlTcp("test:", ("127.0.0.1", tuner.port), settings, Patience(**patience))
    source = DwellSource(radio, turns)
    blocks = []
    try:
        for _ in range(n_blocks):
            block = source.read(np.empty((50_000, 2), np.uint8))
            assert block is not None
            blocks.append(replace(block, samples=block.samples.copy()))
    finally:
        source.close()
    return blocks


def on_air() -> dict[int, bytes]:
    return {round(LOW): bytes([10]) * 8192, round(HIGH): bytes([200]) * 8192}


@pytest.mark.parametrize("late_bytes", [0, 200_000, 500_000])
def test_a_dongle_is_tuned_by_command_and_heard_once_it_is_there(late_bytes: int) -> None:
    """Through a server whose buffers hold up to a quarter of a second of what was before."""
    value = {LOW: 10, HIGH: 200}
    with RtlTcpTuner(on_air(), late_bytes=late_bytes, rate_hz=RATE_HZ) as tuner:
        blocks = values_of(tuner, Turn(LOW, 0.2), Turn(HIGH, 0.2), n_blocks=16)
        tuned = [hz for code, hz in tuner.commands if code == 1]
    for block in blocks:
        assert set(block.samples.ravel().tolist()) == {value[block.center_freq_hz]}
    assert_counted(blocks)
    assert tuned[:4] == [round(hz) for hz in (LOW, HIGH, LOW, HIGH)]
    assert sum(block.n_dropped for block in blocks) == 0


def test_a_dongle_that_is_lost_in_a_turn_is_back_in_that_turn() -> None:
    """It is told where to tune to on the new connection, and what it missed is counted."""
    value = {LOW: 10, HIGH: 200}
    sent = (2_100_000, None)
    with RtlTcpTuner(on_air(), rate_hz=RATE_HZ, n_bytes=sent) as tuner:
        blocks = values_of(tuner, Turn(LOW, 0.3), Turn(HIGH, 0.3), n_blocks=24)
        assert tuner.n_clients == 2
    for block in blocks:
        assert set(block.samples.ravel().tolist()) == {value[block.center_freq_hz]}
    assert_counted(blocks)
    lost = [block for block in blocks if block.n_dropped]
    assert lost[0].n_dropped > 0.3 * RATE_HZ
    assert {block.center_freq_hz for block in blocks} == {LOW, HIGH}


def test_a_dongle_is_told_the_gain_of_each_turn_before_its_frequency_and_so_is_the_next_one() -> (
    None
):
    """A connection that breaks in the second turn begins anew with that one's gain."""
    n_bytes = (2_100_000, None)
    turns = Turn(LOW, 0.3, 20.0), Turn(HIGH, 0.3, 36.4)
    with RtlTcpTuner(on_air(), rate_hz=RATE_HZ, n_bytes=n_bytes) as tuner:
        values_of(tuner, *turns, n_blocks=24)
        said = [one for one in tuner.commands if one[0] in (1, 4)]
    gain_of = {round(turn.center_freq_hz): round(10 * (turn.gain_db or 0.0)) for turn in turns}
    begins = [at for at, one in enumerate(tuner.commands) if one[0] == 2]
    assert len(begins) == tuner.n_clients == 2
    # What a connection begins with, then pairs.
    opened = [dict(tuner.commands[at : at + 6]) for at in begins]
    assert opened[1][4] == gain_of[opened[1][1]]
    pairs = [(said[k][1], said[k + 1][1]) for k in range(len(said) - 1)
             if (said[k][0], said[k + 1][0]) == (4, 1)]  # fmt: skip
    assert {(gain, center) for gain, center in pairs} >= {
        (gain, center) for center, gain in gain_of.items()
    }
    told = [one for one in pairs if one[1] in gain_of]
    assert all(gain_of[center] == gain for gain, center in told)


def test_where_a_tuner_does_not_reach_is_said_before_and_what_is_doubtful_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with RtlTcpTuner(on_air()) as tuner:
        uri = f"rtl_tcp:127.0.0.1:{tuner.port}"
        with pytest.raises(SourceError, match=r"5e\+09 Hz cannot be tuned"):
            open_source(uri, center_freq_hz=LOW, sample_rate_hz=1.92e6, later=(Tuning(5e9),))
        source = open_source(uri, center_freq_hz=LOW, sample_rate_hz=1.92e6, later=(Tuning(HIGH),))
        assert isinstance(source, RtlTcp)
        for center_hz in (HIGH, LOW, HIGH):
            source.tune(center_hz)
        source.close()
    assert caplog.text.count("its tuner is an R820T, made for 24 MHz to 1.766 GHz") == 1


def test_a_simulation_is_another_scene_elsewhere_which_goes_on_meanwhile() -> None:
    """Each is what it would be alone: the same samples at the same number."""
    uri = "sim:lte-dl?seed=5"
    options = {"center_freq_hz": LOW, "sample_rate_hz": 1.92e6}
    alone, both = open_source(uri, **options), open_source(uri, **options)
    n = 20_000
    expected = [alone.info.sample_format.empty(n) for _ in range(3)]
    for out in expected:
        alone.read(out)
    out = both.info.sample_format.empty(n)
    assert both.read(out) is not None
    both.tune(HIGH)
    block = both.read(out)
    assert block is not None
    assert (block.center_freq_hz, block.sample_start) == (HIGH, n)
    assert not np.array_equal(out, expected[1])
    both.tune(LOW)
    assert both.read(out) is not None
    np.testing.assert_array_equal(out, expected[2])


def test_a_simulated_interferer_may_have_a_place_of_its_own() -> None:
    uri = f"sim:lte-dl?kind=tone&isr_db=0&freq={HIGH + 217.5e3:.0f}"
    source = open_source(uri, center_freq_hz=LOW, sample_rate_hz=1.92e6)
    assert source.annotations(10_000) == []
    source.tune(HIGH)
    (tone,) = source.annotations(10_000)
    assert tone.freq_lower_hz < 217.5e3 < tone.freq_upper_hz
    with pytest.raises(UsageError, match="both freq and offset_hz"):
        open_source(f"{uri}&offset_hz=1e5", center_freq_hz=LOW, sample_rate_hz=1.92e6)
    with pytest.raises(UsageError, match="gives freq but no interferer"):
        open_source("sim:lte-dl?freq=1e9", center_freq_hz=LOW, sample_rate_hz=1.92e6)
