"""The chain on a plane without samples: sweeps of 1.8 s over 25 to 1700 MHz, with a hole."""

import numpy as np
import pytest

from edgespec.detect.events import EventTracker
from edgespec.detect.rules import EventRules
from edgespec.errors import ModelError
from edgespec.grid import Grid, Span
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.scoring.yardstick import Terms
from edgespec.records import BandInfo, Event, FloatArray, Geometry, Spectrogram

#: Two antennas: nothing is heard from 500 to 600 MHz, and bins are wider above.
BELOW_HZ, ABOVE_HZ = np.linspace(25e6, 500e6, 200), np.linspace(600e6, 1700e6, 261)
#: The clock of a sweep counts milliseconds.
GRID = Grid(np.concatenate([BELOW_HZ, ABOVE_HZ]), 2e6, frame_ticks=1800, tick_hz=1000.0)
GEOMETRY = Geometry(461, 1.8, n_context=12, n_horizon=4, hop_frames=4)
DETECTORS = ("energy", "zscore", "ewma")
N_WARMUP = 80
START_NS = 1_700_000_000_000_000_000
FRAME_NS = 1_800_000_000
HOLD_OFF_S = 20.0
#: Behind the warm-up, and not where a horizon begins.
ON, OFF, N_FRAMES = 442, 482, 560


class Sweeps:
    """Gives one sweep of an array a call."""

    def __init__(self, power_dbfs: FloatArray, grid: Grid = GRID) -> None:
        self._power_dbfs = power_dbfs
        self.grid = grid

    def process(self, number: int) -> Spectrogram:
        start = number * self.grid.frame_ticks
        return Spectrogram(
            self._power_dbfs[number : number + 1],
            np.zeros(1, np.uint8),
            np.array([start]),
            self.grid,
            Span(start, self.grid.frame_ticks, START_NS + number * FRAME_NS, received_ns=1),
        )


def chain_on(sweeps: Sweeps) -> BandChain:
    return BandChain(
        sweeps,
        GEOMETRY,
        Scorer(None, DETECTORS, GEOMETRY, N_WARMUP),
        Terms.without_promise(dict.fromkeys(DETECTORS, 6.0)),
        EventTracker(
            BandInfo("all", GRID),
            EventRules(k=1, n=1, hold_off_s=HOLD_OFF_S, update_s=1e9),
            {},
            clock_ns=lambda: 1,
        ),
    )


def played(power_dbfs: FloatArray) -> list[Event]:
    chain = chain_on(Sweeps(power_dbfs))
    found = [event for number in range(len(power_dbfs)) for event in chain.process(number)]
    return [*found, *chain.finish()]


def air(rng: np.random.Generator) -> FloatArray:
    """An uneven band, heard with the noise of ten averages."""
    shape = -80.0 + 10.0 * np.sin(np.arange(461) / 9.0)
    return (shape + rng.normal(0.0, 1.4, (N_FRAMES, 461))).astype(np.float32)


@pytest.mark.parametrize(
    ("bins", "edges_hz"),
    [
        ((40, 44), (BELOW_HZ[40], BELOW_HZ[44])),
        ((300, 306), (ABOVE_HZ[100], ABOVE_HZ[106])),
        # The last bin below the hole, and the first above it.
        ((199, 199), (500e6, 500e6)),
        ((200, 200), (600e6, 600e6)),
    ],
)
def test_an_interferer_is_one_event_with_its_frequencies_and_times(
    rng: np.random.Generator, bins: tuple[int, int], edges_hz: tuple[float, float]
) -> None:
    power_dbfs = air(rng)
    power_dbfs[ON:OFF, bins[0] : bins[1] + 1] += 25.0
    events = played(power_dbfs)
    assert [event.event_type for event in events] == ["new", "update", "end"]
    half_hz = (BELOW_HZ if bins[0] < 200 else ABOVE_HZ)[:2] @ [-0.5, 0.5]
    for event in events:
        assert event.band == "all"
        lower_hz, upper_hz = event.freq_lower_hz, event.freq_upper_hz
        assert (lower_hz, upper_hz) == pytest.approx((edges_hz[0] - half_hz, edges_hz[1] + half_hz))
        assert edges_hz[0] <= event.peak_freq_hz <= edges_hz[1]
        assert event.sample_start == ON * 1800
        assert event.start_ns == START_NS + ON * FRAME_NS
        assert event.end_ns == event.start_ns + round(event.n_samples / 1000.0 * 1e9)
    # ewma remembers the interferer for some segments; it is not forgotten before it was over.
    assert events[-1].sample_start + events[-1].n_samples >= OFF * 1800


def test_quiet_air_is_no_event(rng: np.random.Generator) -> None:
    assert played(air(rng)) == []


def test_frames_that_the_segments_are_not_made_of_are_refused(rng: np.random.Generator) -> None:
    faster = Grid(GRID.freqs_hz, GRID.rbw_hz, frame_ticks=1700, tick_hz=1000.0)
    with pytest.raises(ModelError, match=r"461 bins and last 1\.7 s.* 461 bins and 1\.8 s"):
        chain_on(Sweeps(air(rng), faster))
