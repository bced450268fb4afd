"""A cell that faded away is told from one that was switched off by what was there before."""

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.scan.site import Site, learn_site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.framing import Recipe
from edgespec.grid import Grid
from edgespec.heard_cell import CellState
from edgespec.observer.cell.cancelled import CancelledBand
from edgespec.observer.cell.fading_away import FadingAway
from edgespec.records import IqBlock, SampleFormat
from tests.made.brief_search import search_briefly
from tests.made.simulated import simulated

N_SUBBANDS, N_SLOTS, SLOTS_A_S = 5, 25, 2000
ALL = slice(None)
RATE_HZ = 1.92e6
RECIPE = Recipe.for_rate(RATE_HZ)
HOP = RECIPE.hop_samples


def slots_of(cell: float, at: int | None = None) -> PrefixSlots:
    """Return slots of a hop: the noise of a receiver, 1, and a cell over all or one subband."""
    power = np.ones((N_SLOTS, N_SUBBANDS), np.float32)
    power[:, slice(None) if at is None else at] += cell
    grid = Grid(np.arange(N_SUBBANDS, dtype=np.float64), 1.0, 960, RATE_HZ)
    number = np.arange(N_SLOTS, dtype=np.int64)
    flags = np.zeros(N_SLOTS, np.uint8)
    return PrefixSlots(power, power, number % 20, flags, number, float(power.sum()), grid)


def site_of(cell: float) -> Site:
    """Return a site that is used to a cell."""
    rng = np.random.default_rng(4)
    power = 1.0 + cell * rng.gamma(8.0, 1.0 / 8.0, (800, N_SUBBANDS))
    left = rng.gamma(60.0, 1.0 / 60.0, power.shape) * (1.0 + 0.01 * power)
    return learn_site(left.astype(np.float32), power.astype(np.float32), np.arange(800) % 20)


def follow(fading: FadingAway, cell: float, seconds: float, *, is_silent: bool = False) -> None:
    for _ in range(round(seconds * SLOTS_A_S / N_SLOTS)):
        fading.take(slots_of(cell), is_silent=is_silent)


def wait(fading: FadingAway, cell: float, seconds: float, at: int | None = None) -> None:
    for _ in range(round(seconds * SLOTS_A_S / N_SLOTS)):
        fading.wait(slots_of(cell, at))


def test_a_cell_that_was_hardly_above_noise_is_out_of_reach() -> None:
    fading, site = FadingAway(), site_of(100.0)
    follow(fading, 100.0, 2.0)
    follow(fading, 0.5, 1.5)
    wait(fading, 0.0, 0.1)
    assert fading.explains(site, ALL)


def test_a_cell_that_was_there_until_it_was_lost_is_switched_off() -> None:
    """A loss takes half a second to be told, in which the cell is followed, and not heard."""
    fading, site = FadingAway(), site_of(100.0)
    for before in (100.0, 10.0, 3.0):
        follow(fading, before, 2.0)
        follow(fading, 0.0, 0.4)
        follow(fading, 0.0, 60.0, is_silent=True)
        wait(fading, 0.0, 0.1)
        assert not fading.explains(site, ALL)


def test_a_weak_cell_has_little_to_lose_and_may_be_switched_off() -> None:
    fading, site = FadingAway(), site_of(1.0)
    follow(fading, 1.0, 3.0)
    wait(fading, 0.0, 0.1)
    assert not fading.explains(site, ALL)


def test_whoever_comes_while_a_cell_is_out_of_reach_is_not_the_cell() -> None:
    fading, site = FadingAway(), site_of(100.0)
    follow(fading, 0.5, 3.0)
    wait(fading, 0.0, 1.0)
    assert fading.explains(site, ALL)
    # Ten times as much as noise in one subband is a tenth of what is usual there.
    wait(fading, 10.0, 0.1, at=2)
    assert not fading.explains(site, slice(2, 3))
    assert fading.explains(site, slice(0, 2))


def test_a_cell_that_is_away_for_half_a_minute_is_away() -> None:
    fading, site = FadingAway(), site_of(100.0)
    follow(fading, 0.5, 3.0)
    wait(fading, 0.0, 29.0)
    assert fading.explains(site, ALL)
    assert not fading.is_over
    wait(fading, 0.0, 2.0)
    assert not fading.explains(site, ALL)
    assert fading.is_over
    # It came back for a moment.
    follow(fading, 0.5, 0.1)
    wait(fading, 0.0, 1.0)
    assert fading.explains(site, ALL)


def test_a_step_of_the_gain_changes_nothing() -> None:
    fading, site = FadingAway(), site_of(100.0)
    follow(fading, 0.5, 3.0)
    assert not fading.explains(site.scaled(0.01), ALL)
    fading.follow(-20.0)
    assert fading.explains(site.scaled(0.01), ALL)


def test_nothing_is_explained_by_nothing() -> None:
    fading, site = FadingAway(), site_of(100.0)
    assert not fading.explains(site, ALL)
    follow(fading, 0.5, 0.7)
    assert not fading.explains(site, ALL)


def test_nothing_is_left_of_another_number_of_subbands() -> None:
    fading, site = FadingAway(), site_of(100.0)
    follow(fading, 0.5, 3.0)
    wider = np.ones((N_SLOTS, 12), np.float32)
    number = np.arange(N_SLOTS, dtype=np.int64)
    grid = Grid(np.arange(12, dtype=np.float64), 1.0, 960, RATE_HZ)
    flags = np.zeros(N_SLOTS, np.uint8)
    fading.take(PrefixSlots(wider, wider, number, flags, number, 0.0, grid), is_silent=False)
    assert not fading.explains(site, ALL)


@pytest.mark.parametrize(
    ("fall", "is_explained"),
    [
        pytest.param("at once", False, id="switched-off"),
        pytest.param("by 10 dB a second", True, id="faded-away"),
    ],
)
def test_a_band_tells_whether_its_cell_was_switched_off(
    fall: str, is_explained: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the samples of a cell, and for as long as nobody finds it again."""
    search_briefly(monkeypatch, 0.1)
    duration_s = 7.0
    uri = f"sim:lte-dl?sample_rate={RATE_HZ:g}&duration_s={duration_s:g}&seed=4&snr_db=20"
    cell = simulated(uri, round(duration_s * RATE_HZ)).astype(np.float64)
    time_s = np.arange(len(cell)) / RATE_HZ
    behind_s = np.maximum(time_s - 1.5, 0.0)
    gain = behind_s <= 0.0 if fall == "at once" else 10.0 ** (-10.0 * behind_s / 20.0)
    level = np.sqrt(np.mean(cell[: round(RATE_HZ)] ** 2))
    noise = 0.1 * level * np.random.default_rng(3).standard_normal(cell.shape)
    answers = _lost_answers((cell * gain[:, None] + noise).round().astype(np.int16))
    assert len(answers) > 100
    assert set(answers) == {is_explained}


def _lost_answers(samples: NDArray[np.int16]) -> list[bool]:
    """Return what a band says of less power than usual in each hop from the loss of the cell on."""
    band = CancelledBand(
        RATE_HZ, SampleFormat.CI16, RECIPE.geometry, RECIPE.framing.grid().freqs_hz, 0.4,
        max_block_samples=HOP, computing=Computing.COMPILED,
    )  # fmt: skip
    answers: list[bool] = []
    was_lost = False
    for first in range(0, len(samples) - HOP + 1, HOP):
        band.process(IqBlock(samples[first : first + HOP], RATE_HZ, 0.0, first, utc_ns=0))
        was_lost |= band.cell is not None and band.state in (CellState.SEARCHING, CellState.NONE)
        if was_lost:
            answers.append(band.is_cells(None))
    return answers
