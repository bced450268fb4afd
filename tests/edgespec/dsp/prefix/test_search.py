"""Cells are found, with their time and frequency; what is no cell is refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy import fft

from edgespec.dsp.prefix import primary, rate, secondary
from edgespec.dsp.prefix.identify import refine
from edgespec.dsp.prefix.search import find_cell, find_others
from edgespec.errors import UsageError
from edgespec.simulate.config import CellConfig, ChannelConfig, InterfererConfig, SceneConfig
from edgespec.simulate.scene import Scene
from edgespec.sources import open_source
from tests.made.lte_cell import cell_wave, noise, received

#: Every PSS, first, middle and last groups of SSS.
IDENTITIES = [0, 91, 250, 301, 412, 503]
#: What is sent goes by the identity, where it is sent by these: all of the one, all of the other.
KINDS = [("fdd", "normal"), ("fdd", "extended"), ("tdd", "normal"), ("tdd", "extended")]
CELLS = [(one, *KINDS[number % 4]) for number, one in enumerate(IDENTITIES)]
CELLS += [(301, *kind) for kind in KINDS if (301, *kind) not in CELLS]
#: Identity and duplex of the recordings' cells, by what their files begin with: those of the
#: synthetic ones by their makers, of the others as an independent search found them.
RECORDED = {
    "lte_fdd_f1815.3": (301, "fdd"),
    "lte_fdd_f1867.5": (54, "fdd"),
    "lte_tdd_f1890": (253, "tdd"),
    "lte_tdd_f2360": (30, "tdd"),
    "lte_tdd_f2585": (68, "tdd"),
    "lte_tdd_f2604.9": (354, "tdd"),
    "lte_tdd_f2644.8": (21, "tdd"),
    "lte_tdd_f2645.1": (21, "tdd"),
    "lte_tdd_f2645.3": (21, "tdd"),
    "lte_tdd_f2645_": (21, "tdd"),
    "synth_srsran_lte25prb": (123, "fdd"),
    "synth_srsran_lte6prb": (123, "fdd"),
}
NO_CELL = [
    "adsb",
    "gsm900_941",
    "gsm900_953",
    "ism915",
    "ism_urh_e",
    "ism_urh_p",
    "rx_noise",
    "wifi",
]


def recording(folder: Path, name: str, seconds: float) -> tuple[np.ndarray, float]:
    (path,) = folder.glob(f"{name}*.sigmf-meta")
    source = open_source(f"sigmf:{path}")
    info = source.info
    block = source.read(info.sample_format.empty(round(seconds * info.sample_rate_hz)))
    source.close()
    return info.sample_format.to_complex(block.samples), info.sample_rate_hz


def apart(one, other, n_frame):
    return (one - other + n_frame / 2) % n_frame - n_frame / 2


@pytest.mark.parametrize(("identity", "duplex", "prefix"), CELLS)
def test_a_cell_is_found_where_it_is(rng, identity, duplex, prefix):
    wave = cell_wave(rng, identity, duplex=duplex, prefix=prefix, n_frames=11)
    cfo_hz, start = float(rng.uniform(-20e3, 20e3)), float(rng.uniform(0, 19_200))
    samples = received(rng, wave, 1.92e6, start=start, cfo_hz=cfo_hz, snr_db=20.0)
    cell = find_cell(samples, 1.92e6)
    assert (cell.technology, cell.identity, cell.duplex) == ("lte", identity, duplex)
    assert (cell.prefix, cell.sample_rate_hz) == (prefix, 1.92e6)
    assert 0 <= cell.frame_start < 19_200
    assert apart(cell.frame_start, -start, 19_200) == pytest.approx(0, abs=0.1)
    assert cell.cfo_hz == pytest.approx(cfo_hz, abs=20.0)
    assert cell.ppm == pytest.approx(0.0, abs=0.5)
    assert cell.snr_db == pytest.approx(20.0, abs=3.0)
    assert cell.coherence > 0.9
    assert cell.margin > 1.4


# Every crystal at one rate, and the one that is off most at every rate.
@pytest.mark.parametrize(
    ("rate_hz", "ppm"),
    [(1.92e6, -100.0), (1.92e6, 26.0), (1.92e6, 100.0), (2.4e6, 100.0), (5e6, -100.0),
     (20e6, 100.0)],
)  # fmt: skip
def test_a_crystal_that_is_off_is_measured(rng, rate_hz, ppm):
    wave = cell_wave(rng, 77, duplex="tdd", n_frames=21)
    samples = received(rng, wave, rate_hz, start=1234.5, ppm=ppm, cfo_hz=5e3, snr_db=20.0)
    cell = find_cell(samples, rate_hz)
    assert cell.identity == 77
    assert cell.ppm == pytest.approx(ppm, abs=0.3)
    n_frame = 0.01 * rate_hz * (1 + ppm * 1e-6)
    # In samples of 1.92 MS/s: the search goes by those.
    off = apart(cell.frame_start, -1234.5, n_frame) * 1.92e6 / rate_hz
    assert off == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("cfo_hz", [-418e3, -187e3, 302e3, 418e3])
def test_a_cell_beside_the_centre_is_found(rng, cfo_hz):
    wave = cell_wave(rng, 300, n_frames=6)
    cell = find_cell(received(rng, wave, 2.4e6, cfo_hz=cfo_hz, snr_db=15.0), 2.4e6)
    assert cell.identity == 300
    assert cell.cfo_hz == pytest.approx(cfo_hz, abs=30.0)


def test_the_count_of_the_stream_is_kept(rng):
    samples = received(rng, cell_wave(rng, 8, n_frames=6), 1.92e6, start=700.0, snr_db=20.0)
    there = find_cell(samples, 1.92e6)
    later = find_cell(samples, 1.92e6, sample_start=10**9)
    assert later == replace(there, frame_start=there.frame_start + 10**9)
    # What lies before the stretch changes its count and not the place of the frames.
    rest = find_cell(samples[5000:], 1.92e6, sample_start=5000)
    assert apart(rest.frame_start, there.frame_start, 19_200) == pytest.approx(0.0, abs=0.05)


def test_gain_does_not_matter(rng):
    samples = received(rng, cell_wave(rng, 8, n_frames=6), 1.92e6, snr_db=10.0)
    first = find_cell(samples, 1.92e6)
    for gain in (1e-4, 1e4):
        other = find_cell((gain * samples).astype(np.complex64), 1.92e6)
        assert other.frame_start == pytest.approx(first.frame_start, abs=1e-3)
        assert other.snr_db == pytest.approx(first.snr_db, abs=1e-2)


def test_what_is_not_finite_does_not_hide_a_cell(rng):
    samples = received(rng, cell_wave(rng, 8, n_frames=6), 1.92e6, snr_db=20.0)
    samples[[5, 30_000, 77_000]] = np.nan, np.inf, complex(0, -np.inf)
    assert find_cell(samples, 1.92e6).identity == 8


def test_a_weak_cell_takes_longer(rng):
    wave = cell_wave(rng, 34, n_frames=41)
    samples = received(rng, wave, 1.92e6, start=99.0, cfo_hz=-3e3, snr_db=-6.0)
    assert find_cell(samples[:50_000], 1.92e6) is None
    cell = find_cell(samples, 1.92e6)
    assert cell.identity == 34
    assert apart(cell.frame_start, -99.0, 19_200) == pytest.approx(0.0, abs=2.0)


def test_a_cell_that_comes_later_is_found(rng):
    wave = received(rng, cell_wave(rng, 34, n_frames=11), 1.92e6, snr_db=10.0)
    # The first .64 s hold noise alone.
    samples = np.concatenate([noise(rng, 1_228_800, 0.3), wave])
    cell = find_cell(samples, 1.92e6, span_hz=50e3)
    assert cell.identity == 34
    assert cell.frame_start >= 1_228_800


@pytest.mark.parametrize("prefix", ["normal", "extended"])
def test_a_carrier_that_was_found_wrong_is_mended(rng, prefix):
    wave = cell_wave(rng, 34, prefix=prefix, n_frames=21)
    samples = received(rng, wave, 1.92e6, cfo_hz=5e3, snr_db=0.0)
    cell = find_cell(samples, 1.92e6)
    for wrong_hz in (-1400.0, -800.0, 800.0, 1400.0):
        again = refine(samples, replace(cell, cfo_hz=cell.cfo_hz + wrong_hz))
        assert again.cfo_hz == pytest.approx(5e3, abs=60.0), wrong_hz


# --- what else is on the air ----------------------------------------------------------------


@pytest.fixture(scope="module", params=["fdd", "tdd"])
def two_cells(request: pytest.FixtureRequest) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(20261122)
    first, second = (
        received(rng, cell_wave(rng, identity, duplex=request.param, n_frames=33), 1.92e6,
                 start=start, cfo_hz=cfo_hz, ppm=10.0, snr_db=25.0)
        for identity, start, cfo_hz in ((21, 0.0, 4e3), (88, 7777.0, 4.1e3))
    )  # fmt: skip
    n = min(len(first), len(second))
    return first[:n], second[:n]


@pytest.mark.parametrize("level_db", [0.0, -6.0, -10.0])
def test_of_two_cells_one_is_found_and_the_other_beside_it(two_cells, level_db):
    first, second = two_cells
    samples = first + np.float32(10 ** (level_db / 20)) * second
    cell = find_cell(samples, 1.92e6)
    others = find_others(samples, 1.92e6, cell)
    assert {cell.identity, *(other.identity for other in others)} == {21, 88}
    if level_db < 0:
        assert cell.identity == 21
    assert len(others) == 1
    assert others[0].cfo_hz == pytest.approx(4e3, abs=250.0)
    assert find_others(samples, 1.92e6, cell, known=others) == []


def test_the_same_pss_in_the_same_time_is_found_by_its_sss(rng):
    # As the cells of a network with time division lie: frames together. Their identities differ
    # by a multiple of 3, but not of 6: the reference signals of those fall on each other's.
    first, second = (
        received(rng, cell_wave(rng, identity, duplex="tdd", n_frames=33), 1.92e6, snr_db=25.0)
        for identity in (21, 84)
    )
    samples = first + np.float32(0.6) * second
    cell = find_cell(samples, 1.92e6)
    assert cell.identity == 21
    assert [other.identity for other in find_others(samples, 1.92e6, cell)] == [84]


def test_a_copy_of_the_identity_at_another_time_is_found(rng):
    wave = cell_wave(rng, 21, n_frames=33)
    first = received(rng, wave, 1.92e6, snr_db=25.0)
    copy = received(rng, cell_wave(rng, 21, n_frames=33), 1.92e6, start=4321.0, cfo_hz=5e3)
    n = min(len(first), len(copy))
    samples = first[:n] + np.float32(0.5) * copy[:n]
    cell = find_cell(samples, 1.92e6)
    (other,) = find_others(samples, 1.92e6, cell)
    assert (cell.identity, other.identity) == (21, 21)
    assert apart(other.frame_start, cell.frame_start - 4321.0, 19_200) == pytest.approx(0, abs=1)
    assert other.cfo_hz == pytest.approx(5e3, abs=60.0)


def test_a_strong_cell_alone_has_no_ghosts(rng):
    for duplex in ("fdd", "tdd"):
        wave = cell_wave(rng, 200, duplex=duplex, n_frames=33)
        samples = received(rng, wave, 1.92e6, cfo_hz=1e3, ppm=26.0, snr_db=40.0)
        assert find_others(samples, 1.92e6, find_cell(samples, 1.92e6)) == []


@pytest.mark.parametrize("kind", ["tone", "chirp", "pulse", "random-pulse", "qpsk", "hop"])
def test_an_interferer_10_db_above_the_cell_does_not_hide_it(kind):
    channel = ChannelConfig("epa", 5.0, snr_db=20.0, cfo_hz=-4e3)
    scene = SceneConfig(
        1.92e6,
        CellConfig(pci=289, load=0.5, n_ports=2),
        channel,
        interferers=(InterfererConfig(kind, 10.0),),
    )
    cell = find_cell(Scene(scene, 5).read(768_000), 1.92e6)
    assert cell.identity == 289
    assert cell.cfo_hz == pytest.approx(-4e3, abs=100.0)
    assert abs(apart(cell.frame_start, 0.0, 19_200)) < 1.5


# --- what is no cell ------------------------------------------------------------------------


def not_cells(rng):
    n = 200_000
    t = np.arange(n) / 1.92e6
    yield "noise", noise(rng, n)
    yield "silence", np.zeros(n, np.complex64)
    yield "constant", np.ones(n, np.complex64)
    yield "tone", np.exp(2j * np.pi * 31e3 * t) + noise(rng, n, 1e-3)
    yield "fm", np.exp(2j * np.pi * 60e3 * np.cumsum(np.sin(2 * np.pi * 1e3 * t)) / 1.92e6)
    yield "chirp", np.exp(2j * np.pi * 1e8 * ((t % 5e-3) - 2.5e-3) ** 2) + noise(rng, n, 1e-3)
    yield "5 ms pulses", noise(rng, n) * (t % 5e-3 < 7e-5)
    yield (
        "cell without PSS and SSS",
        received(rng, cell_wave(rng, 5, n_frames=10, sync=False), 1.92e6),
    )
    wave = received(rng, cell_wave(rng, 5, n_frames=10), 1.92e6)
    yield "cell backwards", wave[::-1]


def test_what_is_no_cell_is_refused(rng):
    for name, samples in not_cells(rng):
        samples = samples.astype(np.complex64)
        assert find_cell(samples, 1.92e6, span_hz=100e3) is None, name


@pytest.mark.parametrize("rate_hz", [0.0, 1e6, 1.9e6, float("nan")])
def test_a_rate_that_cannot_hold_the_signals_is_an_error(rate_hz):
    with pytest.raises(UsageError, match=r"from 1\.92 MS/s up"):
        find_cell(np.zeros(1000, np.complex64), rate_hz)


def test_too_short_is_no_cell(rng):
    for n in (0, 1, 500, 20_000):
        assert find_cell(noise(rng, n), 1.92e6) is None


# --- recordings -----------------------------------------------------------------------------


@pytest.mark.parametrize("name", RECORDED)
def test_recorded_cells_are_found(shared_data, name):
    samples, rate_hz = recording(shared_data, name, 0.4)
    identity, duplex = RECORDED[name]
    cell = find_cell(samples, rate_hz)
    assert (cell.identity, cell.duplex, cell.prefix) == (identity, duplex, "normal")
    if "PPM" in str(*shared_data.glob(f"{name}*.sigmf-meta")):
        # As the file's name says; what is in it drifts by 25.4 to 25.9 from second to second.
        assert cell.ppm == pytest.approx(26.2, abs=1.0)


@pytest.mark.parametrize("name", NO_CELL)
def test_recordings_of_something_else_are_refused(shared_data, name):
    samples, rate_hz = recording(shared_data, name, 0.4)
    if rate_hz < 1.92e6:
        # As if it had been recorded twice as fast: another signal, but not a cell either.
        rate_hz = 1.92e6
    assert find_cell(samples, rate_hz) is None


def test_the_neighbour_in_a_recording_is_found_and_nothing_else(shared_data):
    for name in ("lte_tdd_f2644.8", "lte_tdd_f2645_"):
        samples, rate_hz = recording(shared_data, name, 0.4)
        cell = find_cell(samples, rate_hz)
        assert [other.identity for other in find_others(samples, rate_hz, cell)] == [22]


def test_the_cells_of_a_network_share_a_carrier(shared_data):
    # The receiver of this recording repeats six samples every 80 ms.
    samples, rate_hz = recording(shared_data, "lte_tdd_f2604.9", 0.4)
    cell = find_cell(samples, rate_hz)
    (other,) = find_others(samples, rate_hz, cell)
    assert (cell.identity, other.identity) == (354, 355)
    assert other.cfo_hz == pytest.approx(cell.cfo_hz, abs=100.0)


class Steps:
    """Counts the steps of a search, and the points that are transformed in each of them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, n_most: int = 1_000_000) -> None:
        self.n = 0
        self.n_points = [0]
        self._n_most = n_most
        for module in (primary, rate, secondary):
            monkeypatch.setattr(module, "fft", self)

    def __getattr__(self, name: str) -> Callable[..., np.ndarray]:
        def counted(values: np.ndarray, *args: object, **options: object) -> np.ndarray:
            if name in ("fft", "ifft"):
                self.n_points[-1] += values.size
            return getattr(fft, name)(values, *args, **options)

        return counted

    def between(self) -> None:
        if self.n == self._n_most:
            raise KeyboardInterrupt
        self.n += 1
        self.n_points.append(0)


# The long folds, and a second stretch; the way down to the rate of the search.
@pytest.mark.parametrize(
    ("rate_hz", "length_s", "n_least"), [(1.92e6, 0.7, 50e6), (20e6, 0.15, 15e6)]
)
def test_a_search_asks_between_short_steps_whether_it_is_to_go_on(
    rng, monkeypatch: pytest.MonkeyPatch, rate_hz: float, length_s: float, n_least: float
) -> None:
    """A million points are some 30 ms of a slow core; the whole search is that of a minute."""
    samples = noise(rng, round(length_s * rate_hz))
    steps = Steps(monkeypatch)
    assert find_cell(samples, rate_hz, between=steps.between) is None
    assert sum(steps.n_points) > n_least
    # In each stretch before there is anything to ask about, the rows of the longest fold.
    assert max(steps.n_points) < 1.5e6
    for n_most in (0, 3, steps.n - 1):
        stopped = Steps(monkeypatch, n_most)
        with pytest.raises(KeyboardInterrupt):
            find_cell(samples, rate_hz, between=stopped.between)
        assert stopped.n == n_most


def test_a_look_beside_a_cell_can_be_stopped(rng, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = received(rng, cell_wave(rng, 91, n_frames=12), 1.92e6, snr_db=20.0)
    cell = find_cell(samples, 1.92e6)
    steps = Steps(monkeypatch)
    find_others(samples, 1.92e6, cell, between=steps.between)
    assert max(steps.n_points) < 1.5e6
    for n_most in (0, 3, steps.n - 1):
        stopped = Steps(monkeypatch, n_most)
        with pytest.raises(KeyboardInterrupt):
            find_others(samples, 1.92e6, cell, between=stopped.between)
