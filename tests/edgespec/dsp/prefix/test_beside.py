"""Cells beside the tracked one are known by when their prefixes come, and weighed by them."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.prefix.beside import CellsBeside, Folded
from edgespec.dsp.prefix.plan import PrefixPlan
from edgespec.dsp.prefix.slot_clock import SlotClock
from tests.made.ofdm import OfdmCell, white

HOP = 9_600
#: Hops that are learnt from at 1.92 MS/s: 0.85 s.
N_LEARNT = 170
#: Samples of a symbol at 1.92 MS/s.
SYMBOL = 960 / 7


class Air:
    """A cell of power 1 whose frames begin with the stream, and who is beside it."""

    def __init__(self, rate_hz: float = 1.92e6, ppm: float = 0.0) -> None:
        self.plan = PrefixPlan(rate_hz)
        self.cell = OfdmCell(rate_hz, ppm=ppm)
        self._clock = SlotClock(0.0, self.plan.slot_samples * (1.0 + 1e-6 * ppm))
        self.beside = CellsBeside(self.plan)

    def hops(
        self, rng: np.random.Generator, n_hops: int, late: float, level_db: float
    ) -> list[NDArray[np.complex64]]:
        """Return hops in which a neighbour begins its slots so many samples later."""
        n = n_hops * HOP
        heard = self.cell.samples(rng, n) + white(rng, n, 0.01)
        other = OfdmCell(self.cell.rate_hz, start=late, ppm=self.cell.ppm)
        heard += np.float32(10.0 ** (level_db / 20.0)) * other.samples(rng, n)
        return np.split(heard, n_hops)

    def learn(self, hops: list[NDArray[np.complex64]]) -> None:
        self.hear(hops)
        self.beside.note_normal()

    def hear(
        self, hops: list[NDArray[np.complex64]], first: int = 0, *, is_normal: bool = True
    ) -> None:
        for number, hop in enumerate(hops, first):
            self.beside.learn(self.fold(hop, number), is_normal=is_normal)

    def more(self, hops: list[NDArray[np.complex64]]) -> float:
        """Return the mean of what is said of hops on a stream of their own."""
        return float(
            np.mean(
                [
                    self.beside.more_power(self.fold(hop, number))[0]
                    for number, hop in enumerate(hops)
                ]
            )
        )

    def fold(self, hop: NDArray[np.complex64], number: int) -> Folded:
        """Return what is learnt of a hop."""
        return self.beside.fold(hop, number * HOP, self._behind(number), 0.0)

    def _behind(self, number: int) -> SlotClock:
        self._clock.skip_to((number + 1) * HOP - round(self.plan.slot_samples))
        return self._clock


@pytest.mark.parametrize("late", [60.0, 157.0, 480.0, 804.5, 12.0, -13.0])
@pytest.mark.parametrize("ppm", [0.0, 20.0])
def test_a_neighbour_is_found_where_its_slots_begin(
    rng: np.random.Generator, late: float, ppm: float
) -> None:
    air = Air(ppm=ppm)
    air.learn(air.hops(rng, N_LEARNT, late, -10.0))
    assert len(air.beside.places) == 1
    # By a symbol more or less it is the same.
    apart = (air.beside.places[0] - late + 0.5 * SYMBOL) % SYMBOL - 0.5 * SYMBOL
    assert abs(apart) <= 3.0


def test_a_cell_is_a_known_one_where_its_prefixes_come(rng: np.random.Generator) -> None:
    air = Air()
    assert not air.beside.has_known_at(60.0)
    air.learn(air.hops(rng, N_LEARNT, 60.0, -3.0))
    assert air.beside.n_known == 1
    # By whole symbols nobody tells them apart.
    for later in (60.0, 60.0 + SYMBOL, 60.0 + 6 * SYMBOL, 58.5):
        assert air.beside.has_known_at(later)
    for later in (0.0, 45.0, 75.0, 60.0 + SYMBOL / 2):
        assert not air.beside.has_known_at(later)


# Every level at one rate, every rate at one level: neither knows of the other.
@pytest.mark.parametrize(
    ("rate_hz", "level_db"),
    [(1.92e6, -3.0), (1.92e6, 3.0), (1.92e6, 10.0), (3.84e6, 3.0), (7.68e6, 3.0)],
)
def test_what_it_brings_more_than_usual_is_its_power(
    rng: np.random.Generator, rate_hz: float, level_db: float
) -> None:
    air = Air(rate_hz)
    late = 0.25e-3 * rate_hz
    air.learn(air.hops(rng, round(N_LEARNT * rate_hz / 1.92e6), late, -10.0))
    more = 10.0 ** (level_db / 10.0) - 0.1
    assert air.more(air.hops(rng, 20, late, level_db)) == pytest.approx(more, rel=0.2)


def test_nobody_is_found_beside_a_cell_alone_and_one_in_step_is_part_of_it(
    rng: np.random.Generator,
) -> None:
    for level_db, late in ((-100.0, 300.0), (-3.0, 2.0)):
        air = Air()
        air.learn(air.hops(rng, N_LEARNT, late, level_db))
        assert not len(air.beside.places)
        assert air.more(air.hops(rng, 20, late, 10.0)) == 0.0


def test_three_are_told_apart_the_strongest_first(rng: np.random.Generator) -> None:
    air = Air()
    parts = [air.hops(rng, N_LEARNT, late, db) for late, db in ((52, -3), (95, -6), (299, -5))]
    air.learn([sum(hops[1:], hops[0]) for hops in zip(*parts, strict=True)])
    places = air.beside.places % SYMBOL
    assert np.sort(places) == pytest.approx([299 % SYMBOL, 52, 95], abs=3.0)
    assert places[0] == pytest.approx(52, abs=3.0)


@pytest.mark.parametrize("offset_hz", [15e3, 100e3, -401e3, 0.0])
def test_a_tone_or_a_constant_is_none_of_theirs(rng: np.random.Generator, offset_hz: float) -> None:
    """Its lag products have a mean at every timing alike."""
    air = Air()
    tone = np.exp(2j * np.pi * offset_hz / 1.92e6 * np.arange(HOP)).astype(np.complex64)
    air.learn([hop + tone for hop in air.hops(rng, N_LEARNT, 480.0, -100.0)])
    assert not len(air.beside.places)
    known = Air()
    known.learn(known.hops(rng, N_LEARNT, 480.0, -10.0))
    hops = [hop + np.float32(3.0) * tone for hop in known.hops(rng, 20, 480.0, -10.0)]
    assert known.more(hops) < 0.05 * 9.0


@pytest.mark.parametrize("power", [1.0, 10.0])
def test_noise_and_cells_of_another_timing_are_none_of_theirs(
    rng: np.random.Generator, power: float
) -> None:
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -10.0))
    noisy = [hop + white(rng, HOP, power) for hop in air.hops(rng, 20, 480.0, -10.0)]
    assert air.more(noisy) < 0.1 * power
    other_db = 10.0 * float(np.log10(power))
    assert air.more(air.hops(rng, 20, 440.0, other_db)) < 0.1 * power


def test_a_block_too_short_says_nothing(rng: np.random.Generator) -> None:
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -10.0))
    (hop,) = air.hops(rng, 1, 480.0, 10.0)
    assert air.more([hop]) > 5.0
    for n_samples in (0, 1, 100, 960, 2_000):
        part = air.beside.fold(hop[:n_samples], 0, SlotClock(0.0, 960.0), 0.0)
        assert air.beside.more_power(part) == (0.0, 0.0)


def test_who_comes_with_an_alarm_is_known_when_he_has_stayed(rng: np.random.Generator) -> None:
    """All of what he brings is more than was normal."""
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -100.0))
    loud = air.hops(rng, 40, 480.0, 0.0)
    n_half_minute = round(30.0 * 1.92e6 / HOP)
    air.hear(loud, N_LEARNT, is_normal=False)
    assert air.more(loud) == 0.0
    air.hear(loud, N_LEARNT + n_half_minute, is_normal=False)
    assert air.more(loud) == pytest.approx(1.0, rel=0.2)


def test_who_is_found_while_no_alarm_is_on_is_known_soon(rng: np.random.Generator) -> None:
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -100.0))
    loud = air.hops(rng, 40, 480.0, 0.0)
    air.hear(loud, N_LEARNT)
    assert air.more(loud) == pytest.approx(1.0, rel=0.2)


def test_a_stranger_with_prefixes_is_nobody_who_is_known_when_his_alarm_is_over(
    rng: np.random.Generator,
) -> None:
    """He stands out of the first block that is learnt, and would explain himself from then on.

    Nor is he when the alarm is over: he may come again.
    """
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -100.0))
    strong, nobody = air.hops(rng, 8, 480.0, 20.0), air.hops(rng, 40, 480.0, -100.0)
    air.hear(strong[:2], N_LEARNT)
    assert air.more(strong) == 0.0
    air.hear(strong[2:], N_LEARNT + 2, is_normal=False)
    air.hear(nobody, N_LEARNT + 8)
    assert air.more(strong) == 0.0


@pytest.mark.parametrize("part", [slice(0, 400), slice(3_000, 5_000), slice(None)])
def test_a_burst_that_is_learnt_is_nobody(rng: np.random.Generator, part: slice) -> None:
    """It fills a part of a slot or more of one block, and is stronger than all before."""
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -100.0))
    (hop,) = air.hops(rng, 1, 480.0, -100.0)
    hop[part] += white(rng, len(hop[part]), 1000.0)
    air.hear([hop], N_LEARNT)
    assert not len(air.beside.places)
    assert air.more([hop]) == 0.0


def test_the_chance_of_what_is_said_is_how_much_it_scatters(rng: np.random.Generator) -> None:
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -10.0))
    said = []
    for number, hop in enumerate(air.hops(rng, 200, 480.0, 0.0)):
        said.append(air.beside.more_power(air.fold(hop, number)))
    more, chance = np.array(said).T
    assert np.mean(chance) == pytest.approx(np.std(more), rel=0.3)


def test_one_that_is_known_stays_known_for_a_minute_in_which_nothing_of_him_stands_out(
    rng: np.random.Generator,
) -> None:
    """He fades, or another is louder, and comes back."""
    air = Air()
    air.hear(air.hops(rng, N_LEARNT, 480.0, -10.0))
    nobody = air.hops(rng, N_LEARNT, 480.0, -100.0)
    for after_s, n_known in ((15.0, 1), (60.0, 1), (200.0, 0)):
        air.hear(nobody, round(after_s * 1.92e6 / HOP))
        assert len(air.beside.places) == n_known


def test_who_first_stood_out_with_an_alarm_is_known_when_he_is_heard_in_quiet(
    rng: np.random.Generator,
) -> None:
    """A neighbour that fades is there all the while; a stranger goes with his alarm."""
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -100.0))
    air.hear(air.hops(rng, 8, 480.0, 0.0), N_LEARNT, is_normal=False)
    assert air.beside.is_unsure
    air.hear(air.hops(rng, N_LEARNT, 480.0, -8.0), N_LEARNT + 8)
    assert len(air.beside.places) == 1
    assert not air.beside.is_unsure


def test_what_a_neighbour_has_more_in_the_mean_than_was_normal(rng: np.random.Generator) -> None:
    air = Air()
    air.learn(air.hops(rng, N_LEARNT, 480.0, -10.0))
    air.hear(air.hops(rng, N_LEARNT, 480.0, -10.0), N_LEARNT)
    assert air.beside.risen_power == 0.0
    air.hear(air.hops(rng, 2 * N_LEARNT, 480.0, -3.0), 2 * N_LEARNT)
    risen = air.beside.risen_power
    # Half of what was heard, in which there was less power, had none of it.
    assert risen == pytest.approx(0.4 * 0.5, rel=0.3)
    air.beside.follow(6.0)
    assert air.beside.risen_power == pytest.approx(4.0 * risen, rel=0.01)
    louder = [np.float32(10.0**0.3) * hop for hop in air.hops(rng, 10, 480.0, -3.0)]
    air.hear(louder, 4 * N_LEARNT)
    assert air.beside.risen_power == pytest.approx(4.0 * risen, rel=0.1)


def test_loud_blocks_count_more(rng: np.random.Generator) -> None:
    """A neighbour that is heard in a tenth of the blocks is found by these."""
    found = []
    for weight in (1.0, 4.0):
        air = Air()
        quiet, loud = (air.hops(rng, N_LEARNT, 480.0, db) for db in (-100.0, -12.0))
        for number in range(N_LEARNT):
            is_loud = not number % 10
            hop = (loud if is_loud else quiet)[number]
            air.beside.learn(air.fold(hop, number), weight=weight if is_loud else 1.0)
        found.append(len(air.beside.places))
    assert found == [0, 1]
