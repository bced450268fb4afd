"""Cells beside the tracked one stay known while it is lost, and are learnt of in loud blocks."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.search import find_cell
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.observer.cell.loudest import Loudest
from edgespec.observer.cell.neighbours import Neighbours
from edgespec.records import IqBlock, SampleFormat
from tests.made.ofdm import OfdmCell, white
from tests.made.simulated import simulated

RATE_HZ, HOP = 1.92e6, 9_600
#: 0.6 s that a plane learns from.
N_HOPS = 120


@pytest.fixture(scope="module")
def two_cells() -> NDArray[np.complex64]:
    """Return a simulated cell, and half a slot later prefixes of another, 6 dB below."""
    n, rng = N_HOPS * HOP, np.random.default_rng(5)
    cell = simulated(f"sim:lte-dl?sample_rate={RATE_HZ:g}&seed=4&snr_db=20&duration_s=0.6", n)
    heard = cell.astype(np.float32) @ np.array([1.0, 1j]) / 32768.0
    level = float(np.sqrt(np.mean(np.abs(heard) ** 2)))
    other = OfdmCell(RATE_HZ, start=451.0).samples(rng, n)
    return np.asarray((heard + 0.5 * level * other + white(rng, n, 1e-6)).astype(np.complex64))


def _plane(samples: NDArray[np.complex64]) -> ResidualPlane:
    cell = find_cell(samples[: 40 * HOP], RATE_HZ)
    assert cell is not None
    return ResidualPlane(RATE_HZ, SampleFormat.CF32, cell, max_block_samples=HOP)


def _hear(
    neighbours: Neighbours, plane: ResidualPlane, samples: NDArray[np.complex64], n_hops: int
) -> None:
    for number in range(n_hops):
        part = samples[number * HOP : (number + 1) * HOP]
        block = IqBlock(part, RATE_HZ, 0.0, number * HOP, utc_ns=0)
        slots = plane.process(block)
        neighbours.take(plane, slots, block, is_frozen=False, is_warm=True)
        plane.learn_beside(block, is_normal=True)


def test_they_stay_known_when_the_cell_is_found_again(two_cells: NDArray[np.complex64]) -> None:
    neighbours, first = Neighbours(), _plane(two_cells)
    _hear(neighbours, first, two_cells, N_HOPS)
    assert first.n_beside == 1
    neighbours.forget()
    again = _plane(two_cells)
    assert again.n_beside == 0
    _hear(neighbours, again, two_cells, 1)
    assert again.n_beside == 1


@pytest.mark.parametrize(
    ("value", "is_frozen", "weights"), [(8.0, False, [4.0]), (14.0, False, []), (8.0, True, [])]
)
def test_a_block_in_which_much_is_left_is_learnt_from_unless_it_alarms(
    value: float, is_frozen: bool, weights: list[float]
) -> None:
    taken: list[float] = []

    class Plane:
        tracker = SimpleNamespace(state="searching", is_silent=False)
        is_beside_unsure, risen_beside = False, 0.0

        def more_beside(self, block: object) -> tuple[float, float]:
            return 0.0, 0.0

        def left_by_place(self, block: object) -> NDArray[np.float64]:
            return np.ones(5)

        def learn_beside(self, block: object, *, is_normal: bool, weight: float) -> None:
            assert is_normal
            taken.append(weight)

    slots = SimpleNamespace(
        n_slots=2, power=np.ones((2, 3)), residual=np.ones((2, 3)), slot=np.arange(2)
    )
    site = SimpleNamespace(
        most_power=np.full(3, 9.0), usual_power=np.ones(3),
        expected=lambda power, slot: np.full(power.shape, 0.1),
    )  # fmt: skip
    neighbours = Neighbours()
    neighbours.take(
        cast(Any, Plane()), cast(Any, slots), cast(Any, None), is_frozen=is_frozen, is_warm=True
    )
    found = SimpleNamespace(value=value, lower=0, upper=2, level=1.0)
    scan = SimpleNamespace(site=site, let_go=lambda: None)
    assert not neighbours.leave(cast(Any, scan), cast(Any, found), is_frozen=is_frozen)
    assert taken == weights


class _Plane:
    """A plane beside whose cell somebody is known, who has risen by a power of 0.1."""

    tracker, is_beside_unsure = SimpleNamespace(state="searching", is_silent=False), False

    def __init__(self, risen: float = 0.0, heard: tuple[float, float] = (0.0, 0.0)) -> None:
        self.risen_beside, self._heard = risen, heard

    def more_beside(self, block: object) -> tuple[float, float]:
        return self._heard

    def left_by_place(self, block: object) -> NDArray[np.float64]:
        return np.ones(5)


@pytest.mark.parametrize(
    ("risen", "heard", "is_theirs"),
    [
        (0.1, (0.0, 0.5), True),
        # He had not a tenth of it in the mean,
        (0.05, (0.0, 0.5), False),
        # nor does he have as much now.
        (0.1, (0.0, 0.2), False),
    ],
)
def test_a_neighbour_that_is_nearer_may_bring_ten_times_what_he_has_more_in_the_mean(
    risen: float, heard: tuple[float, float], is_theirs: bool
) -> None:
    """As long as the newest samples, which are few, do not say that it is not his."""
    site = SimpleNamespace(
        most_power=np.full(3, 50.0), usual_power=np.ones(3),
        expected=lambda power, slot: np.full_like(power, 0.1),
    )  # fmt: skip
    forgotten: list[bool] = []
    scan = SimpleNamespace(site=site, let_go=lambda: forgotten.append(True))
    # In three subbands together there is a power of 0.9 more than expected.
    slots = SimpleNamespace(
        n_slots=2, power=np.full((2, 3), 1.0), residual=np.full((2, 3), 0.4), slot=np.arange(2)
    )
    found = SimpleNamespace(value=15.0, lower=0, upper=2, level=0.3)
    neighbours = Neighbours()
    plane = cast(Any, _Plane(risen, heard))
    neighbours.take(plane, cast(Any, slots), cast(Any, None), is_frozen=False, is_warm=True)
    said = neighbours.leave(cast(Any, scan), cast(Any, found), is_frozen=False)
    assert said is is_theirs
    assert forgotten == [True] * is_theirs


def test_nobody_who_is_known_explains_what_is_far_louder_than_ever() -> None:
    """Of a rise that cancels as the cell does, up to ten times all that was heard lately."""
    site = SimpleNamespace(
        most_power=np.full(3, 10.0), usual_power=np.ones(3),
        expected=lambda power, slot: 0.1 * power,
    )  # fmt: skip
    answers = []
    for level in (0.5, 5.0, 9.0, 11.0, 100.0):
        loudest = Loudest()
        loudest.begin(cast(Any, site))
        neighbours = Neighbours(loudest)
        slots = SimpleNamespace(
            n_slots=2, power=np.full((2, 3), level), residual=np.full((2, 3), 0.1 * level),
            slot=np.arange(2),
        )  # fmt: skip
        plane = _Plane()
        neighbours.take(
            cast(Any, plane), cast(Any, slots), cast(Any, None), is_frozen=False, is_warm=True
        )
        answers.append(neighbours.are_heard(cast(Any, site), slice(None)))
    assert answers == [True, True, True, False, False]


@pytest.mark.parametrize("is_known", [True, False])
def test_what_is_left_at_an_end_of_the_windows_is_a_known_neighbour_s(is_known: bool) -> None:
    """Whose prefixes begin or end within the cell's: he fades in and out beside who moves."""

    class AtAnEnd(_Plane):
        tracker = SimpleNamespace(state=TrackState.TRACKING, is_silent=False)
        is_beside_ready = True

        def learn_beside(self, block: object, *, is_normal: bool, weight: float) -> None:
            pass

        def left_by_place(self, block: object) -> NDArray[np.float64]:
            return np.array([0.3, 0.3, 0.3, 0.3, 4.8])

    site = SimpleNamespace(
        most_power=np.full(3, 50.0), usual_power=np.ones(3),
        expected=lambda power, slot: np.full_like(power, 0.1),
    )  # fmt: skip
    slots = SimpleNamespace(
        n_slots=2, power=np.full((2, 3), 1.0), residual=np.full((2, 3), 0.4), slot=np.arange(2)
    )
    scan = SimpleNamespace(site=site, let_go=lambda: None)
    found = SimpleNamespace(value=15.0, lower=0, upper=2, level=0.3)
    neighbours, plane = Neighbours(), AtAnEnd()
    for _ in range(200):
        # Nobody is known by what came while an alarm was on.
        neighbours.take(
            cast(Any, plane), cast(Any, slots), cast(Any, None), is_frozen=not is_known,
            is_warm=False,
        )  # fmt: skip
    assert neighbours.leave(cast(Any, scan), cast(Any, found), is_frozen=False) is is_known
