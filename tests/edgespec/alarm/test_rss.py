"""Received power: from frames to levels, from levels to the wire and back."""

import json
import math
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edgespec.alarm.console import JsonLinesSink
from edgespec.alarm.mqtt import MqttSink
from edgespec.alarm.outbox.spool import Spool
from edgespec.computing import Computing
from edgespec.config import BandConfig, Config, DetectConfig, MqttConfig, load_config
from edgespec.dsp.levels import ADDERS, RssPlan, SubbandLevels
from edgespec.errors import ConfigError
from edgespec.framing import Recipe
from edgespec.grid import Span
from edgespec.inference.backends import open_backend
from edgespec.observer.monitor import Monitor, Radio
from edgespec.records import (
    FrameFlag,
    IqBlock,
    RssReport,
    SampleFormat,
    SourceInfo,
    Spectrogram,
)
from edgespec.wire.rss import MAX_RSS_BYTES, RssPayloadError, encode_rss, parse_rss, rss_payload
from tests.edgespec.observer.test_allocations import (
    MAX_BYTES,
    CannedFrontEnd,
    Flat,
    blocks,
    bundle_of,
    highest_rise,
)
from tests.edgespec.observer.test_allocations import RECIPE as WIDE
from tests.edgespec.observer.test_monitor import Notebook, Tape
from tests.made import band, tiny, tiny_network
from tests.made.broker import PATIENCE_S, Broker, Listener, Proxy, wait_for
from tests.made.chain import chain_of

NS = 1_000_000_000
START_NS = 1_700_000_000 * NS
RECIPE = Recipe(1e6, n_fft=64, n_averages=25, hop_frames=25)
FRAMING, GEOMETRY = RECIPE.framing, RECIPE.geometry
#: Blocks of 40 ms, 25 to a second.
BLOCK = RECIPE.hop_samples
GRID = FRAMING.grid(800e6)
PLAN = RssPlan("pi-1", "hall-1", "lte", 4)

REPORT = RssReport(
    "pi-1", "hall-1", "lte", START_NS + 123_456_000, 1.0, (1e9, 1.5e9, 2e9), (-71.25, -80.0),
    "dBm", 0.25, 3906, 7,
)  # fmt: skip


def frames(power_dbfs: np.ndarray, flags: dict[int, int] | None = None) -> Spectrogram:
    flagged = np.zeros(len(power_dbfs), np.uint8)
    for index, flag in (flags or {}).items():
        flagged[index] = flag
    return Spectrogram(power_dbfs.astype(np.float32), flagged, np.arange(len(power_dbfs)), GRID)


def heard_at(spectrogram: Spectrogram, start_ns: int) -> Spectrogram:
    """Return the frames as those of a block that began then."""
    return replace(spectrogram, span=Span(0, BLOCK, start_ns))


def second_of(levels: SubbandLevels, spectrogram: Spectrogram, start_ns: int) -> RssReport | None:
    """Add a second of the same frames block by block, and one block of the next second."""
    for k in range(26):
        levels.add(heard_at(spectrogram, start_ns + k * 40_000_000))
    return levels.take()


@pytest.fixture(params=["plain", pytest.param("compiled", marks=pytest.mark.slow_without_jit)])
def computing(request: pytest.FixtureRequest) -> Computing:
    return Computing(request.param)


def test_levels_are_the_mean_power_of_each_subband(
    rng: np.random.Generator, computing: Computing
) -> None:
    power_dbfs = rng.normal(-60.0, 6.0, (25, 64))
    levels = SubbandLevels(GRID, PLAN, 30, computing)
    report = second_of(levels, frames(power_dbfs), START_NS)
    assert report is not None
    mean = (10.0 ** (power_dbfs.astype(np.float32) / 10.0)).mean(axis=0) / 1.5
    naive = [10.0 * math.log10(mean[k * 16 : (k + 1) * 16].sum()) for k in range(4)]
    assert report.levels_db == pytest.approx(naive, abs=1e-3)  # what is left of three digits
    assert report.edges_hz == (799.5e6, 799.75e6, 800e6, 800.25e6, 800.5e6)
    assert (report.node, report.site, report.band) == ("pi-1", "hall-1", "lte")
    assert (report.level_unit, report.clipped_share, report.sequence) == ("dBFS", 0.0, 1)
    assert (report.n_frames, report.duration_s, report.utc_ns) == (625, 1.0, START_NS + NS)


def test_a_tone_is_as_strong_as_it_is(computing: Computing) -> None:
    """Through the front end: a tone of -20 dBFS in the third subband of four."""
    chain = chain_of(
        tiny_network.bundle(),
        open_backend(tiny_network.bundle()),
        SourceInfo("test:", band.RATE_HZ, band.CENTER_HZ, SampleFormat.CF32, False),
        BandConfig(),
        DetectConfig(warmup_s=10.0, detectors=("zscore",)),
        max_block_samples=1 << 20,
        computing=computing,
        rss=replace(PLAN, full_scale_dbm=-30.0),
    )
    size = tiny.FRAMING.frame_samples * tiny.GEOMETRY.hop_frames
    n_blocks = math.ceil(1.05 * band.RATE_HZ / size)
    hz = 0.1 * band.RATE_HZ
    for k in range(n_blocks):
        at = np.arange(k * size, (k + 1) * size)
        tone = 0.1 * np.exp(2j * np.pi * hz / band.RATE_HZ * at).astype(np.complex64)
        start_ns = START_NS + round(k * size / band.RATE_HZ * NS)
        list(chain.process(IqBlock(tone, band.RATE_HZ, band.CENTER_HZ, k * size, start_ns)))
    assert chain.levels is not None
    report = chain.levels.take()
    assert report is not None
    assert report.level_unit == "dBm"
    assert report.levels_db[2] == pytest.approx(-50.0, abs=0.05)
    assert max(report.levels_db[0], report.levels_db[3]) < -100.0
    assert chain.levels.take() is None


def test_frames_that_say_nothing_are_left_out_and_clipped_ones_counted(
    computing: Computing,
) -> None:
    power_dbfs = np.full((25, 64), -40.0)
    power_dbfs[:3] = 50.0
    both = FrameFlag.CONSTANT | FrameFlag.CLIPPED
    clipped = FrameFlag.CLIPPED
    flags = dict(enumerate([FrameFlag.DROPPED, FrameFlag.NONFINITE, both, clipped, clipped]))
    levels = SubbandLevels(GRID, PLAN, 30, computing)
    report = second_of(levels, frames(power_dbfs, flags), START_NS)
    assert report is not None
    assert report.n_frames == 22 * 25
    assert report.clipped_share == pytest.approx(2 / 22, abs=1e-6)
    assert report.levels_db[0] == pytest.approx(-40.0 + 10 * math.log10(16 / 1.5), abs=2e-3)


def test_intervals_are_the_seconds_of_utc() -> None:
    levels = SubbandLevels(GRID, PLAN, 30)
    spectrogram = frames(np.full((25, 64), -40.0))
    ends = []
    for k in range(100):
        levels.add(heard_at(spectrogram, START_NS + 730_000_000 + k * 40_000_000))
        report = levels.take()
        if report is not None:
            ends.append(report.utc_ns)
    # A quarter of a second at the start is too little to say anything.
    assert len(ends) == 3
    assert all(abs(end_ns - START_NS - k * NS) <= 20_000_000 for k, end_ns in enumerate(ends, 2))


def test_a_clock_that_jumps_only_cuts_an_interval() -> None:
    levels = SubbandLevels(GRID, PLAN, 30)
    spectrogram = frames(np.full((25, 64), -40.0))
    for k in range(20):
        levels.add(heard_at(spectrogram, START_NS + k * 40_000_000))
    levels.add(heard_at(spectrogram, START_NS - 3600 * NS))
    report = levels.take()
    assert report is not None
    assert report.duration_s == pytest.approx(0.8)


def test_a_retune_cuts_an_interval() -> None:
    levels = SubbandLevels(GRID, PLAN, 30)
    for k in range(20):
        levels.add(heard_at(frames(np.full((25, 64), -40.0)), START_NS + k * 40_000_000))
    moved = replace(frames(np.zeros((25, 64))), grid=FRAMING.grid(900e6))
    levels.add(heard_at(moved, START_NS + 800_000_000))
    before = levels.take()
    assert before is not None
    assert (before.edges_hz[0], before.n_frames) == (799.5e6, 500)
    assert before.levels_db == pytest.approx([-40.0 + 10 * math.log10(16 / 1.5)] * 4, abs=2e-3)
    after = second_of(levels, moved, START_NS + NS)
    assert after is not None
    assert after.edges_hz[0] == 899.5e6
    assert after.levels_db == pytest.approx([10 * math.log10(16 / 1.5)] * 4, abs=2e-3)


@pytest.mark.parametrize("n_subbands", [0, 65])
def test_subbands_need_bins(n_subbands: int) -> None:
    with pytest.raises(ConfigError, match=f"subbands is {n_subbands}; .* from 1 to 64"):
        SubbandLevels(GRID, replace(PLAN, n_subbands=n_subbands), 30)


def test_subbands_need_not_divide_the_bins() -> None:
    levels = SubbandLevels(GRID, replace(PLAN, n_subbands=5), 30)
    report = second_of(levels, frames(np.zeros((25, 64))), START_NS)
    assert report is not None
    n_bins = [10.0 ** (level / 10.0) * 1.5 for level in report.levels_db]
    assert n_bins == pytest.approx([13, 13, 13, 13, 12], abs=0.01)


@pytest.mark.parametrize("adder", ADDERS)
@pytest.mark.slow_without_jit
def test_received_power_allocates_no_array(
    adder: Computing, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = SourceInfo("test:", WIDE.sample_rate_hz, 0.0, SampleFormat.CU8, False)
    hop = WIDE.hop_samples
    chain = chain_of(
        bundle_of(WIDE), Flat(), source, BandConfig(),
        DetectConfig(warmup_s=0.0, detectors=("energy",)), max_block_samples=hop,
        computing=adder, rss=PLAN,
    )  # fmt: skip
    chain.front_end = CannedFrontEnd(rng)  # type: ignore[assignment]
    stream = blocks(rng)
    monkeypatch.setattr(chain.levels, "_add", ADDERS[adder]())

    def one_hop() -> None:
        for _event in chain.process(next(stream)):
            raise AssertionError("noise is no event")

    for _ in range(40):
        one_hop()
    assert highest_rise(one_hop, 20) < MAX_BYTES


def test_what_is_written_is_read() -> None:
    assert parse_rss(encode_rss(REPORT)) == REPORT
    payload = rss_payload(REPORT)
    assert payload["schema"] == "edgespec.rss/1"
    assert parse_rss(encode_rss(replace(REPORT, hold_s=30.0))).hold_s == 30.0
    assert (payload["core:freq_lower_edge"], payload["core:freq_upper_edge"]) == (1e9, 2e9)


def test_levels_that_are_not_finite_travel() -> None:
    levels = (float("nan"), float("-inf"))
    read = parse_rss(encode_rss(replace(REPORT, levels_db=levels))).levels_db
    assert math.isnan(read[0])
    assert read[1] == -math.inf


def changed(**changes: object) -> bytes:
    return json.dumps({**rss_payload(REPORT), **changes}).encode()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "json"),
        (b"\xff\xfe", "json"),
        (b"{", "json"),
        (b"[" * 5000, "json"),
        (b'{"levels": NaN}', "json"),
        (b"[]", "schema"),
        (b"{}", "schema"),
        (b"null", "schema"),
        (changed(schema="edgespec.rss/2"), "schema"),
        (b"x" * (MAX_RSS_BYTES + 1), "too_long"),
        (changed(node=""), "field"),
        (changed(node=3), "field"),
        (changed(time="yesterday"), "field"),
        (changed(time=5), "field"),
        (changed(levels=[]), "field"),
        (changed(levels=[-70.0]), "field"),
        (changed(levels=["-70", -80.0]), "field"),
        (changed(levels=[True, -80.0]), "field"),
        (changed(levels={"0": 1, "1": 2}), "field"),
        (changed(subband_edges_hz=[1, 2]), "field"),
        (changed(subband_edges_hz=None), "field"),
        (changed(levels=[10**400, 1]), "field"),
        (changed(level_unit="dBuV"), "field"),
        (changed(level_unit=["dBm"]), "field"),
        (changed(clipped_share=1.5), "field"),
        (changed(clipped_share=None), "field"),
        (changed(duration_s=0), "field"),
        (changed(n_frames=-1), "field"),
        (changed(sequence=1.5), "field"),
        (changed(hold_s=-1), "field"),
        (changed(hold_s=1e9), "field"),
        (changed(hold_s="long"), "field"),
        (changed(hold_s=True), "field"),
        (changed(not_finite=3), "json"),
    ],
)
def test_whatever_else_comes_is_refused_by_reason(data: bytes, reason: str) -> None:
    with pytest.raises(RssPayloadError) as caught:
        parse_rss(data)
    assert caught.value.reason == reason


@pytest.mark.parametrize("key", [k for k in rss_payload(REPORT) if not k.startswith("core:")])
def test_no_field_may_be_missing(key: str) -> None:
    payload = rss_payload(REPORT)
    del payload[key]
    if key == "event_type":
        assert parse_rss(json.dumps(payload).encode()) == REPORT
        return
    with pytest.raises(RssPayloadError, match="schema" if key == "schema" else key):
        parse_rss(json.dumps(payload).encode())


@pytest.fixture
def make_sink(tmp_path: Path, stack: ExitStack) -> Callable[..., MqttSink]:
    def make(url: str, rss_format: str = "json") -> MqttSink:
        settings = MqttConfig(url=url, keepalive_s=1.0, reconnect_max_s=0.3, rss_format=rss_format)
        sink = MqttSink(settings, "pi-1", ["r"], ["lte"], {}, Spool(tmp_path / "spool", 0))
        stack.callback(sink.close)
        return sink

    return make


def test_reports_reach_the_site_and_do_not_wait_for_a_broker(
    broker: Broker, proxy: Proxy, listener: Listener, make_sink: Callable[..., MqttSink]
) -> None:
    sink = make_sink(proxy.url)
    assert sink.wait_connected(PATIENCE_S)
    sink.rss(REPORT)
    wait_for(lambda: len(listener.on("pi-1/rss/hall-1")) == 1, "the report")
    assert parse_rss(listener.on("/rss/hall-1")[0]) == REPORT
    proxy.cut()
    wait_for(lambda: not sink.connected, "the link breaks")
    for sequence in range(8, 30):
        sink.rss(replace(REPORT, sequence=sequence))
    proxy.heal()
    assert sink.wait_connected(PATIENCE_S)
    wait_for(lambda: sink.connected, "the sink is back")
    sink.rss(replace(REPORT, sequence=30))
    wait_for(lambda: len(listener.on("/rss/hall-1")) >= 2, "the next report")
    heard = [parse_rss(data).sequence for data in listener.on("/rss/hall-1")]
    assert heard[0] == 7
    assert heard[-1] == 30
    assert len(heard) <= 2 + 1


def test_they_travel_in_few_bytes_where_that_is_wished(
    broker: Broker, listener: Listener, make_sink: Callable[..., MqttSink]
) -> None:
    sink = make_sink(broker.url, "binary")
    assert sink.wait_connected(PATIENCE_S)
    sink.rss(REPORT)
    wait_for(lambda: len(listener.on("pi-1/rss/hall-1")) == 1, "the report")
    (data,) = listener.on("/rss/hall-1")
    assert len(data) == 53
    assert parse_rss(data, "pi-1", "hall-1") == REPORT


def test_json_lines_have_it(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    JsonLinesSink(sys.stdout).rss(REPORT)
    assert parse_rss(capsys.readouterr().out.strip().encode()) == REPORT


def test_a_site_is_an_option(tmp_path: Path) -> None:
    assert Config().node.site is None
    path = tmp_path / "c.toml"
    path.write_text('[node]\nsite = "hall-1"\n[[band]]\nsubbands = 12\nfull_scale_dbm = -28.5\n')
    config = load_config(path)
    assert (config.node.site, config.band[0].subbands) == ("hall-1", 12)
    assert config.band[0].full_scale_dbm == -28.5
    path.write_text('[node]\nsite = "hall/1"\n')
    with pytest.raises(ConfigError, match=r"node\.site is 'hall/1'"):
        load_config(path)


class Keeper(Notebook):
    """A sink that keeps reports, too."""

    def __init__(self) -> None:
        super().__init__()
        self.reports: list[RssReport] = []

    def rss(self, report: RssReport) -> None:
        self.reports.append(report)


class DatedTape(Tape):
    """A tape that says when its samples were."""

    def read(self, out: np.ndarray) -> IqBlock | None:
        block = super().read(out)
        if block is None:
            return None
        age_ns = round(block.sample_start / block.sample_rate_hz * NS)
        return replace(block, utc_ns=START_NS + 900_000_000 + age_ns)


@pytest.mark.parametrize("plan", [PLAN, None])
def test_the_monitor_tells_its_sinks(rng: np.random.Generator, plan: RssPlan | None) -> None:
    tape, keeper = DatedTape(band.cf32(band.noise(rng, 2.2))), Keeper()
    geometry = tiny.GEOMETRY
    chain = chain_of(
        tiny_network.bundle(),
        open_backend(tiny_network.bundle()),
        tape.info,
        BandConfig(),
        DetectConfig(warmup_s=10.0, detectors=("zscore",)),
        max_block_samples=tiny.RECIPE.hop_samples,
        computing="plain",
        rss=plan,
    )
    Monitor([Radio("r0", tape, [chain])], [keeper], state_s=60.0).run()
    if plan is None:
        assert keeper.reports == []
        return
    # A tenth of a second that is too little, two whole ones, and another tenth.
    assert [one.sequence for one in keeper.reports] == [1, 2]
    ends_s = [(one.utc_ns - START_NS) / NS for one in keeper.reports]
    assert ends_s == pytest.approx([2.0, 3.0], abs=geometry.hop_s)
    assert [one.duration_s for one in keeper.reports] == pytest.approx([1, 1], abs=geometry.hop_s)
