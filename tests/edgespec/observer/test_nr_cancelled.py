"""A band with a cell of 5G NR: found, cancelled, and an interferer below it scored."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.detect.scan.residual_scan import THRESHOLD
from edgespec.dsp.prefix.cell import Cell
from edgespec.framing import Recipe
from edgespec.heard_cell import CellState
from edgespec.observer.cell.cancelled import CancelledBand
from edgespec.observer.cell.watched_cell import WatchedCell
from edgespec.records import IqBlock, SampleFormat
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.inject import inject
from tests.made.simulated import simulated

RATE_HZ = 3.84e6
RECIPE = Recipe.for_rate(RATE_HZ)
HOP = RECIPE.hop_samples
FORMAT = SampleFormat.CI16


def signal(duration_s: float) -> NDArray[np.int16]:
    uri = f"sim:nr-dl?sample_rate={RATE_HZ:g}&pci=700&snr_db=20&seed=2&load=0.6"
    return simulated(uri, round(duration_s * RATE_HZ))


def scores(band: CancelledBand, samples: NDArray[Any], start: int) -> list[float]:
    found = []
    for first in range(0, len(samples) - HOP + 1, HOP):
        band.process(IqBlock(samples[first : first + HOP], RATE_HZ, 0.0, start + first, utc_ns=0))
        score = band.take(np.inf)
        if score is not None:
            found.append(score.value)
    return found


def watched() -> WatchedCell:
    return WatchedCell(RATE_HZ, FORMAT, 0.4, max_block_samples=HOP, computing=Computing.PLAIN)


@pytest.mark.slow_without_jit
def test_a_cell_of_nr_is_cancelled_and_who_is_below_it_is_heard() -> None:
    watch = watched()
    band = CancelledBand(
        RATE_HZ,
        FORMAT,
        RECIPE.geometry,
        RECIPE.framing.grid().freqs_hz,
        0.8,
        max_block_samples=HOP,
        computing=Computing.PLAIN,
        watched=watch,
    )
    n_quiet = round(1.8 * RATE_HZ) // HOP * HOP
    samples = signal(2.2)
    quiet = scores(band, samples[:n_quiet], 0)
    heard = band.heard
    assert (heard.state, heard.technology, heard.identity) == (CellState.TRACKING, "nr", 700)
    assert heard.duplex == ""
    assert heard.quality > 0.5
    assert max(quiet) < THRESHOLD
    # Nothing of it is always on: its reference signals are not watched.
    assert watch.identity is None
    rest = samples[n_quiet:]
    jammed = inject(rest, RATE_HZ, InterfererConfig("qpsk"), -10.0, 0, len(rest))
    assert max(scores(band, jammed, n_quiet)) > THRESHOLD


def test_a_cell_of_nr_is_not_watched_in_place_of_one_of_lte() -> None:
    watch = watched()
    block = IqBlock(np.zeros((HOP, 2), np.int16), RATE_HZ, 0.0, 0, utc_ns=0)
    lte = Cell("lte", 7, "fdd", "normal", RATE_HZ, 0.0, 0.0, 0.0, 20.0, 0.9, 2.0)
    assert watch.begin(lte, block)
    assert watch.identity == 7
    nr = Cell("nr", 700, "", "normal", RATE_HZ, 0.0, 0.0, 0.0, 20.0, 0.9, 2.0)
    assert not watch.begin(nr, block)
    assert watch.identity is None
