"""Laws of a radio that sweeps: a tone is where and as strong as it is, whatever hop shows it."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import SourceError, UsageError
from edgespec.framing import Framing
from edgespec.records import FrameFlag, IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from edgespec.sources.schemes import SOURCES, parse_source
from edgespec.sources.sweeps.hop_plan import HopPlan
from edgespec.sources.sweeps.hopping import HoppingSource, power_dbfs
from tests.made.rtl_tcp_server import RtlTcpTuner

RATE_HZ = 2.0e6
NS = 1_000_000_000


class Air:
    """A radio that hears tones at absolute frequencies, and an offset of its own in the middle."""

    settle_s = 0.001

    def __init__(self, tones: dict[float, float], offset: float = 0.0, n_most: int = 10**9) -> None:
        self.info = SourceInfo("air:", RATE_HZ, 100e6, SampleFormat.CF32, False)
        self._tones, self._offset, self._n_most = tones, offset, n_most
        self._center_hz, self._n = 100e6, 0
        self.tuned: list[float] = []
        self.n_reconnects = 0
        self.is_closed = False
        self._rng = np.random.default_rng(1)

    def tune(self, center_freq_hz: float, gain_db: float | None = None) -> None:
        self._center_hz = center_freq_hz
        self.tuned.append(center_freq_hz)

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        if self._n >= self._n_most:
            return None
        n = min(len(out), 5000)
        at = np.arange(self._n, self._n + n)
        out[:n] = self._offset + 1e-4 * self._rng.normal(size=n)
        for freq_hz, dbfs in self._tones.items():
            away_hz = freq_hz - self._center_hz
            if abs(away_hz) < RATE_HZ / 2:
                out[:n] += 10 ** (dbfs / 20) * np.exp(2j * np.pi * away_hz / RATE_HZ * at)
        block = IqBlock(out[:n], RATE_HZ, self._center_hz, self._n, round(self._n / RATE_HZ * NS))
        self._n += n
        return block

    def close(self) -> None:
        self.is_closed = True


def plan_of(options: str) -> HopPlan:
    return HopPlan.of(parse_source(f"sweep:sim:lte-dl?{options}"), RATE_HZ)


def sweep_of(radio: Air, plan: HopPlan) -> NDArray[np.float32]:
    radio.tune(plan.centers_hz[0])
    block = HoppingSource(radio, plan, "sweep:air").read(np.empty((1, 0)))
    assert block is not None
    return block.samples[0]


@pytest.mark.parametrize("options", ["crop=0.1", "crop=0.3", "crop=0&step=40e3", "dc_bins=0"])
def test_hops_lie_side_by_side_on_one_grid(options: str) -> None:
    plan = plan_of(f"start=100e6&stop=110e6&{options}")
    freqs_hz = plan.grid(1.0).freqs_hz
    np.testing.assert_allclose(np.diff(freqs_hz), plan.bin_hz)
    assert freqs_hz[0] == 100e6
    assert 110e6 - plan.bin_hz < freqs_hz[-1] <= 110e6 + 1.0
    # Every point is one of those that are kept of some hop.
    places = np.concatenate(
        [
            center_hz + plan.bin_hz * np.arange(-plan.n_kept // 2, plan.n_kept // 2)
            for center_hz in plan.centers_hz
        ]
    )
    np.testing.assert_allclose(places[: plan.n_points], freqs_hz)
    assert plan.n_kept % 2 == 0


def test_a_tone_is_at_its_place_and_level_in_every_hop() -> None:
    plan = plan_of("start=100e6&stop=106e6&dwell_s=0.005")
    grid = plan.grid(1.0)
    points = [7, plan.n_kept + 3, 2 * plan.n_kept - 9, plan.n_points - 5]
    for point in points:
        levels_db = sweep_of(Air({float(grid.freqs_hz[point]): -20.0}), plan)
        assert int(levels_db.argmax()) == point
        assert levels_db[point] == pytest.approx(-20.0, abs=0.1)


def test_levels_are_those_of_the_front_end() -> None:
    rng = np.random.default_rng(2)
    samples = (rng.normal(size=(1280, 2)) @ [1, 1j] / 10).astype(np.complex64)
    framing = Framing(RATE_HZ, 128, 10)
    front_end = FrontEnd(framing, SampleFormat.CF32, max_block_samples=1280, computing="plain")
    frame = front_end.process(IqBlock(samples, RATE_HZ, 0.0, 0, 0))
    assert frame.flags.tolist() == [FrameFlag.VALID]
    mine_db = 10 * np.log10(power_dbfs(samples, 128) / 10)
    np.testing.assert_allclose(mine_db, frame.power_dbfs[0], atol=1e-3)


def test_the_receivers_own_offset_is_left_out() -> None:
    plan = plan_of("start=100e6&stop=104e6&dwell_s=0.005")
    quiet = sweep_of(Air({}, offset=0.1), plan)
    assert quiet.max() < -60.0
    bare = plan_of("start=100e6&stop=104e6&dwell_s=0.005&dc_bins=0")
    assert sweep_of(Air({}, offset=0.1), bare).max() == pytest.approx(-20.0, abs=0.5)


def test_sweeps_are_counted_and_begin_with_their_first_hop() -> None:
    radio = Air({})
    source = HoppingSource(radio, plan_of("start=100e6&stop=104e6&dwell_s=0.002"), "sweep:air")
    blocks = [source.read(np.empty((1, 0))) for _ in range(4)]
    assert [block.sample_start for block in blocks if block] == [0, 1, 2, 3]
    times = [block.utc_ns for block in blocks if block]
    assert times == sorted(times)
    assert len({id(block.grid) for block in blocks if block}) == 1
    n_hops = len(set(radio.tuned))
    assert len(radio.tuned) == 4 * n_hops - 1
    radio.n_reconnects = 1
    block = source.read(np.empty((1, 0)))
    assert block is not None
    assert (block.sample_start, block.n_dropped) == (5, 1)
    source.close()
    assert radio.is_closed


def test_a_span_within_one_hop_is_never_retuned() -> None:
    radio = Air({})
    source = HoppingSource(radio, plan_of("start=99.7e6&stop=100.3e6&dwell_s=0.002"), "sweep:air")
    assert [source.read(np.empty((1, 0))) is not None for _ in range(3)] == [True] * 3
    assert radio.tuned == []


def test_the_end_of_the_radio_is_the_end_and_no_half_a_sweep() -> None:
    source = HoppingSource(
        Air({}, n_most=30_000), plan_of("start=100e6&stop=104e6&dwell_s=0.002"), "sweep:air"
    )
    found = 0
    while source.read(np.empty((1, 0))) is not None:
        found += 1
    assert found == 1 or found == 2


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("sweep:sim:lte-dl", "start=88M"),
        ("sweep:sim:lte-dl?start=90e6&stop=80e6", "start in"),
        ("sweep:sim:lte-dl?start=80e6&stop=90e6&crop=0.5", "crop in"),
        ("sweep:sim:lte-dl?start=80e6&stop=90e6&dwell_s=1e-5", "one FFT"),
        ("sweep:sim:lte-dl?start=80e6&stop=90e6&step=1", "at least 292"),
        ("sweep:sim:lte-dl?start=80e6&stop=90e6&center_freq=85e6", "center_freq"),
        ("sweep:sigmf:x?start=80e6&stop=90e6", "no radio that can be tuned"),
        ("sweep:rtl_power:x?start=80e6&stop=90e6", "no radio that can be tuned"),
        ("sweep:rtlsdr:?start=80e6&stop=90e6&pci=3", "pci"),
    ],
)
def test_what_cannot_be_swept_is_said(uri: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        open_source(uri)


def test_a_dongle_that_cannot_tune_to_an_end_says_so_before_it_begins() -> None:
    with pytest.raises(SourceError, match=r"4\.29 GHz"):
        open_source("sweep:rtl_tcp:localhost:1?start=4.2e9&stop=4.4e9")


def test_the_simulator_is_swept_and_an_interferer_is_where_it_is() -> None:
    options = "start=800e6&stop=806e6&sample_rate=2e6&dwell_s=0.01&seed=3"
    source = open_source(f"sweep:sim:lte-dl?{options}&kind=tone&isr_db=20&freq=804.5e6")
    block = source.read(source.info.empty(1))
    assert block is not None
    assert source.info.grid is not None
    peak_hz = source.info.grid.freqs_hz[int(block.samples[0].argmax())]
    assert peak_hz == pytest.approx(804.5e6, abs=20e3)
    source.close()
    assert SOURCES["sweep"].is_swept


def test_a_dongle_behind_rtl_tcp_is_swept(rng: np.random.Generator) -> None:
    uri = "sweep:rtl_tcp:127.0.0.1:{}?start=100e6&stop=103e6&sample_rate=2.4e6&dwell_s=0.02"
    plan = HopPlan.of(parse_source(uri.format(1)), 2.4e6)
    noise = rng.normal(127.5, 4.0, (65_536, 2))
    tone = np.exp(2j * np.pi * 0.1 * np.arange(65_536))
    loud = noise + 60.0 * np.stack([tone.real, tone.imag], axis=1)
    octets = [np.clip(np.round(one), 0, 255).astype(np.uint8).tobytes() for one in (noise, loud)]
    air = {round(center_hz): octets[number] for number, center_hz in enumerate(plan.centers_hz)}
    assert len(air) == 2
    with RtlTcpTuner(air, rate_hz=2.4e6) as server:
        source = open_source(uri.format(server.port))
        grid, found = source.info.grid, [source.read(source.info.empty(1)) for _ in range(2)]
        source.close()
    assert grid is not None
    for number, block in enumerate(found):
        assert block is not None
        assert block.sample_start == number
        peak = int(block.samples[0].argmax())
        assert grid.freqs_hz[peak] == pytest.approx(plan.centers_hz[1] + 0.24e6, abs=plan.bin_hz)
        # 60 of 127.5 is -6.5 dBFS; between two bins a Hann taper loses up to 1.4 dB.
        assert -8.2 < block.samples[0].max() < -6.4
