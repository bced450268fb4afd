"""A still cell and its noise that move alike are a step of the gain, however slowly they do."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.detect.scan.receiver_gain import ReceiverGain
from edgespec.detect.scan.site import Site
from edgespec.records import FloatArray

N_SUBBANDS, N_MEAN, HOP, HOP_S = 5, 7, 13, 13 * 5e-4
NOISE, LEAK = 1e-4, 1e-3
N_HOPS = 500
#: What noise and the cell have more than usual, in dB, in a hop.
Moves = Callable[[int], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Heard:
    residual: FloatArray
    power: FloatArray
    slot: NDArray[np.int64]
    flags: NDArray[np.uint8]


def site() -> Site:
    shape = (20, N_SUBBANDS)
    return Site(
        np.full(shape, NOISE), np.full(shape, LEAK), np.full(shape, N_MEAN**-0.5),
        np.full(N_SUBBANDS, 1.0), NOISE, np.full(N_SUBBANDS, 1e-2), 0.1,
    )  # fmt: skip


def slots(rng: np.random.Generator, n: int, noise_db: float = 0.0, cell_db: float = 0.0) -> Heard:
    """Return slots of an idle cell that stands still: many are quiet, some are loud."""
    traffic_db = np.where(rng.random((n, 1)) < 0.3, 0.0, -3.0) + rng.normal(0.0, 2.2, (n, 1))
    cell = 10.0 ** ((traffic_db + cell_db) / 10.0) * 16.0 * NOISE * np.ones(N_SUBBANDS)
    left = 10.0 ** (noise_db / 10.0) * NOISE + LEAK * cell
    left *= rng.gamma(N_MEAN, 1.0 / N_MEAN, left.shape)
    place = np.arange(n) % 20
    return Heard(left.astype(np.float32), (cell + left).astype(np.float32), place,
                 np.zeros(n, np.uint8))  # fmt: skip


def said(
    rng: np.random.Generator, moves: Moves, learnt: Heard | None = None, n_hops: int = N_HOPS
) -> list[float]:
    """Return the steps that are said of what is followed as the chain follows it."""
    gain, here, found = ReceiverGain(N_SUBBANDS), site(), []
    usual = learnt or slots(rng, 960)
    gain.learn(usual.residual, usual.power, usual.slot, here)
    for hop in range(n_hops):
        heard = slots(rng, HOP, *moves(hop))
        ratio = heard.residual / here.expected(heard.power, heard.slot)
        is_odd = abs(10.0 * np.log10(ratio.mean())) > 1.5
        step_db = gain.take(heard, ratio, here, is_odd=is_odd)
        if step_db:
            found.append(step_db)
            here = here.scaled(10.0 ** (step_db / 10.0))
    return found


@pytest.mark.parametrize("step_db", [1.0, -1.0, 0.5])
@pytest.mark.parametrize("every_s", [0.05, 0.1, 0.25])
def test_a7_a_staircase_of_small_steps_is_followed_to_its_end(
    rng: np.random.Generator, step_db: float, every_s: float
) -> None:
    def moves(hop: int) -> tuple[float, float]:
        gain_db = step_db * min(max(0, round(hop * HOP_S / every_s) - 4), 6)
        return gain_db, gain_db

    # What is left is less than any score would make an event of.
    assert sum(said(rng, moves)) == pytest.approx(6.0 * step_db, abs=1.5)


@pytest.mark.parametrize("step_db", [2.0, -2.0, 3.0])
def test_a7_a_small_step_is_said_once(rng: np.random.Generator, step_db: float) -> None:
    found = said(rng, lambda hop: (step_db, step_db) if hop >= 40 else (0.0, 0.0))
    assert found == pytest.approx([step_db], abs=0.4)


def test_a7_a_step_smaller_than_traffic_is_mostly_said_at_a_still_site() -> None:
    """What traffic moves from slot to slot is more; as many slots as ever tell."""
    found = [
        said(np.random.default_rng(seed), lambda hop: (1.5, 1.5) if hop >= 40 else (0.0, 0.0))
        for seed in range(6)
    ]
    assert sum(len(one) == 1 and abs(one[0] - 1.5) < 0.4 for one in found) >= 4


@pytest.mark.parametrize("noise_db", [1.5, 2.0, 3.0, 6.0, 10.0])
def test_a7_noise_that_rises_alone_is_an_interferer(
    rng: np.random.Generator, noise_db: float
) -> None:
    for _ in range(5):
        assert not said(rng, lambda hop: (noise_db, 0.0) if hop >= 40 else (0.0, 0.0))


@pytest.mark.parametrize("cell_db", [-6.0, -2.0, 2.0, 6.0])
def test_a7_a_cell_that_moves_alone_is_no_step(rng: np.random.Generator, cell_db: float) -> None:
    assert not said(rng, lambda hop: (0.0, cell_db) if hop >= 40 else (0.0, 0.0))


def test_a7_noise_beside_a_cell_that_fades_slowly_is_no_step(rng: np.random.Generator) -> None:
    """Sooner or later the cell is stronger by as much."""
    for phase in np.linspace(0.0, 2.0 * np.pi, 8, endpoint=False):

        def moves(hop: int, phase: float = float(phase)) -> tuple[float, float]:
            return 2.0 * (hop >= 200), 2.0 * float(np.sin(phase + 2.0 * hop * HOP_S))

        assert not said(rng, moves)


def test_a7_noise_that_was_hidden_and_a_cell_that_fades_are_no_step(
    rng: np.random.Generator,
) -> None:
    """Leakage hid how little noise there is: as the cell fades it seems to fall with it."""

    def moves(hop: int) -> tuple[float, float]:
        depth = max(0.0, np.sin((hop - 100) * HOP_S * 3.0))
        return -2.0 * depth, -9.0 * depth

    assert not said(rng, moves)


def test_a7_a_clear_fall_of_noise_and_a_cell_that_moves_are_one(rng: np.random.Generator) -> None:
    (step_db,) = said(rng, lambda hop: (-6.0, -4.5) if hop >= 40 else (0.0, 0.0), n_hops=200)
    assert step_db == pytest.approx(-6.0, abs=0.7)


def test_a7_noise_and_a_cell_that_move_otherwise_are_no_step(rng: np.random.Generator) -> None:
    """A noise that came, and a cell that is louder by twice as much."""
    assert not said(rng, lambda hop: (2.5, 6.0) if hop >= 40 else (0.0, 0.0))


def test_a7_where_noise_moved_by_itself_while_it_was_learnt_it_says_nothing(
    rng: np.random.Generator,
) -> None:
    """A neighbour gets busy and idle: now and then the cell moves with it, by chance."""
    parts = [slots(rng, 96, 4.0 * (number % 2)) for number in range(10)]
    learnt = Heard(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("residual", "power", "slot", "flags")
        )
    )
    assert not said(rng, lambda hop: (3.0, 3.0) if hop >= 40 else (0.0, 0.0), learnt)


def test_a7_noise_that_comes_and_goes_says_nothing_for_a_minute(rng: np.random.Generator) -> None:
    n_minute = round(60.0 / HOP_S)

    def moves(hop: int) -> tuple[float, float]:
        if 40 <= hop < 60 or 80 <= hop < 100:
            return 4.0, 0.0
        gain_db = 3.0 * (hop >= 140) + 3.0 * (hop >= n_minute + 160)
        return gain_db, gain_db

    # The first step was not followed, and nothing was said of it: the second is by as much as both.
    assert said(rng, moves, n_hops=n_minute + 300) == pytest.approx([6.0], abs=0.5)


def test_a7_one_stranger_who_came_and_went_does_not_deafen_it(rng: np.random.Generator) -> None:
    def moves(hop: int) -> tuple[float, float]:
        gain_db = 3.0 * (hop >= 140)
        return gain_db + 10.0 * (40 <= hop < 60), gain_db

    assert said(rng, moves) == pytest.approx([3.0], abs=0.5)
