"""A walk from one cell into another, and back: nothing is told for that, and everything else is."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.config import BandConfig, DetectConfig
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.heard_cell import CellState
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.opening.making import make_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import Event, IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.inject import inject
from tests.made.handover import FIRST, SECOND, crossing

RATE_HZ = 1.92e6
RECIPE = Recipe.for_rate(RATE_HZ)
HOP = RECIPE.hop_samples
DETECT = DetectConfig(detectors=("residual", "zscore", "energy"), warmup_s=2.0)
#: A second each: there, across, there, back, and there.
LEVELS_DB = [*[[0, -8]] * 5, [-6, -4], *[[-14, 0]] * 6, [-4, -6], *[[0, -14]] * 3]
#: By these times the second one is followed, and learnt; then the first one again.
SECOND_S, LEARNT_S, AGAIN_S = 7.0, 10.0, 13.6


@dataclass
class Walk:
    """What a chain said: events as they opened and ended, and since when it followed each cell."""

    last: dict[str, Event] = field(default_factory=dict)
    opened: list[tuple[float, Event]] = field(default_factory=list)
    cells: list[tuple[float, int, CellState]] = field(default_factory=list)

    def opened_in(self, start_s: float, stop_s: float) -> list[str]:
        return [event.detector for at_s, event in self.opened if start_s <= at_s < stop_s]


def walk(samples: NDArray[np.int16]) -> Walk:
    info = SourceInfo("made", RATE_HZ, 806e6, SampleFormat.CI16, is_live=False)
    basis = Basis.without_bundle(RECIPE, DETECT, load_bundle(shipped_bundle_path()))
    front_end = FrontEnd.for_source(RECIPE.framing, info, max_block_samples=HOP, computing="plain")
    chain = make_chain(basis, front_end, BandConfig(), DETECT, update_s=1.0)
    assert chain.cancelled is not None
    heard = Walk()
    for first in range(0, len(samples) - HOP + 1, HOP):
        block = IqBlock(samples[first : first + HOP], RATE_HZ, 806e6, first, utc_ns=0)
        for event in chain.process(block):
            if event.event_id not in heard.last:
                heard.opened.append((first / RATE_HZ, event))
            heard.last[event.event_id] = event
        cell = chain.cancelled.heard
        if cell.identity is not None and cell.identity not in [one[1] for one in heard.cells[-1:]]:
            heard.cells.append((first / RATE_HZ, cell.identity, cell.state))
    for event in chain.finish():
        heard.last[event.event_id] = event
    return heard


def made(levels_db: list[list[float]]) -> NDArray[np.int16]:
    rng = np.random.default_rng(3)
    return crossing(rng, RATE_HZ, len(levels_db) - 1.0, np.array(levels_db, float))


def with_wideband(
    samples: NDArray[np.int16], isr_db: float, start_s: float, length_s: float
) -> NDArray[np.int16]:
    kind = InterfererConfig("wideband", offset_hz=300e3, bandwidth_hz=250e3)
    start, n = round(start_s * RATE_HZ), round(length_s * RATE_HZ)
    return inject(samples, RATE_HZ, kind, isr_db, start, n)


@pytest.fixture(scope="module")
def there_and_back() -> NDArray[np.int16]:
    return made(LEVELS_DB)


def test_a_walk_into_another_cell_and_back_tells_interferers_alone(
    there_and_back: NDArray[np.int16],
) -> None:
    """While the second cell is learnt, what its power does not hide; else as beside the first."""
    samples, asked = there_and_back, ((3.0, 7.0), (-6.0, LEARNT_S + 0.4), (-6.0, 14.2))
    for isr_db, start_s in asked:
        samples = with_wideband(samples, isr_db, start_s, 0.25)
    heard = walk(samples)
    (_, first, _), (at_s, second, state), (again_s, third, known) = heard.cells
    assert (first, second, third) == (FIRST, SECOND, FIRST)
    assert at_s < SECOND_S
    assert state is CellState.LEARNING
    # What was learnt beside the first one still counts.
    assert again_s < AGAIN_S
    assert known is CellState.TRACKING
    found = [heard.opened_in(start_s, start_s + 0.35) for _, start_s in asked]
    assert found[0]
    assert found[1]
    assert found[2]
    assert len(heard.opened) == sum(map(len, found))


def test_an_interferer_is_not_forgotten_for_another_cell(there_and_back: NDArray[np.int16]) -> None:
    """He is there while the levels cross: the other cell may be followed, but he goes on."""
    samples = with_wideband(there_and_back[: round(9.0 * RATE_HZ)], 3.0, 4.7, 4.0)
    heard = walk(samples)
    open_s = [(event.sample_start, event.n_samples) for event in heard.last.values()]
    start, n = max(open_s, key=lambda one: one[1])
    assert start / RATE_HZ < 4.8
    assert (start + n) / RATE_HZ > 8.6


def test_a_base_station_that_appears_is_told() -> None:
    heard = walk(made([*[[0, -90]] * 4, *[[0, 8]] * 3]))
    assert heard.opened_in(3.0, 4.3)
