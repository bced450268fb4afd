"""Laws of the chain from blocks of samples to events."""

import tracemalloc
from collections.abc import Iterable, Iterator
from dataclasses import replace
from math import ceil

import numpy as np
import pytest
from numpy.typing import NDArray

from converter.bundles.calibrate import score_recording
from converter.bundles.calibration_run import CalibrationRun
from edgespec.computing import Computing
from edgespec.config import BandConfig, DetectConfig
from edgespec.detect.detectors import DETECTORS
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.dsp.transforms import open_transform
from edgespec.errors import ConfigError, ModelError, SourceError
from edgespec.inference.backends import open_backend
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.forecaster import Forecaster
from edgespec.observer.scoring.scorer import Scorer
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import (
    Event,
    EventType,
    IqBlock,
    SampleFormat,
    Scaling,
    Segment,
    SourceInfo,
)
from tests.made import band, tiny, tiny_network
from tests.made.chain import chain_of

RECIPE = tiny.RECIPE
FRAMING = tiny.FRAMING
GEOMETRY = tiny.GEOMETRY
HOP = RECIPE.hop_samples
DETECT = DetectConfig(warmup_s=0.3, hold_off_s=0.05, detectors=("model", "zscore"))
START_NS = 1_700_000_000_000_000_000
MAX_BLOCK = 8 * HOP
NS = 1_000_000_000


def chain_for(
    sample_format: SampleFormat = SampleFormat.CF32, computing: str = "plain", **detect: object
) -> BandChain:
    """The readable front end by default: it is quick without the compiler, too."""
    bundle = tiny_network.bundle()
    source = SourceInfo("test:", band.RATE_HZ, band.CENTER_HZ, sample_format, False)
    return chain_of(
        bundle,
        open_backend(bundle),
        source,
        BandConfig(id="cell"),
        replace(DETECT, **detect),  # type: ignore[arg-type]
        max_block_samples=MAX_BLOCK,
        update_s=0.1,
        computing=computing,
    )


def blocks(samples: NDArray[np.generic], sizes: Iterable[int]) -> Iterator[IqBlock]:
    """Yield the samples in blocks of these sizes, the last one cut."""
    first = 0
    for size in sizes:
        if first >= len(samples):
            return
        part = samples[first : first + size]
        yield block_at(part, first)
        first += len(part)


def block_at(samples: NDArray[np.generic], first: int, n_dropped: int = 0) -> IqBlock:
    utc_ns = START_NS + round(first / band.RATE_HZ * NS)
    return IqBlock(samples, band.RATE_HZ, band.CENTER_HZ, first, utc_ns, n_dropped, received_ns=1)


def hops(n: int = 1_000_000) -> Iterator[int]:
    return iter([HOP] * n)


def events_of(chain: BandChain, stream: Iterable[IqBlock]) -> list[Event]:
    """Return every event, without what differs from run to run."""
    found = [event for block in stream for event in chain.process(block)]
    found += chain.finish()
    return [replace(event, event_id="", latency_s=0.0) for event in found]


def scores_of(chain: BandChain, stream: Iterable[IqBlock]) -> list[tuple[float, ...]]:
    return [
        tuple(score.value for score in scored.scores)
        for block in stream
        for scored in chain.scored(block)
        if chain.scorer.is_warm
    ]


@pytest.fixture
def with_tone(rng: np.random.Generator) -> NDArray[np.complex64]:
    """1.2 s, a tone from 0.6 to 0.9 s."""
    return band.cf32(band.with_tone(band.noise(rng, 1.2), 0.6, 0.9))


@pytest.mark.parametrize(
    "computing", ["plain", pytest.param("compiled", marks=[pytest.mark.slow_without_jit])]
)
@pytest.mark.parametrize("sample_format", [SampleFormat.CF32, SampleFormat.CU8])
def test_a_tone_is_one_event_with_its_edges_and_times(
    rng: np.random.Generator, sample_format: SampleFormat, computing: str
) -> None:
    signal = band.with_tone(band.noise(rng, 1.2), 0.6, 0.9)
    samples = band.cf32(signal) if sample_format is SampleFormat.CF32 else band.cu8(signal)
    events = events_of(chain_for(sample_format, computing), blocks(samples, hops()))
    assert [event.event_type for event in events] == [
        EventType.NEW, *3 * [EventType.UPDATE], EventType.END
    ]  # fmt: skip
    end = events[-1]
    # The main lobe of a Hann window reaches over one bin to either side of the tone's own.
    assert end.peak_freq_hz == band.CENTER_HZ + band.TONE_HZ
    assert abs(end.freq_lower_hz - (band.CENTER_HZ + band.TONE_HZ)) <= 2 * FRAMING.bin_hz
    assert abs(end.freq_upper_hz - (band.CENTER_HZ + band.TONE_HZ)) <= 2 * FRAMING.bin_hz
    # The start to a frame. The end is that of the last alarming segment, and a forecast is wrong
    # for as long as the tone is in its context.
    assert abs(end.sample_start - 0.6 * band.RATE_HZ) <= FRAMING.frame_samples
    after = end.sample_start + end.n_samples - 0.9 * band.RATE_HZ
    assert -HOP <= after <= GEOMETRY.n_segment * FRAMING.frame_samples
    for event in events:
        assert event.band == "cell"
        assert event.score > event.threshold
        assert event.start_ns == START_NS + round(event.sample_start / band.RATE_HZ * NS)
        stop = event.sample_start + event.n_samples
        assert event.end_ns == START_NS + round(stop / band.RATE_HZ * NS)


def test_any_chunking_gives_the_same_events_and_scores(
    rng: np.random.Generator, with_tone: NDArray[np.complex64]
) -> None:
    expected_events = events_of(chain_for(), blocks(with_tone, hops()))
    expected_scores = scores_of(chain_for(), blocks(with_tone, hops()))
    assert len(expected_events) == 5
    for largest in (GEOMETRY.n_bins, HOP + 1, MAX_BLOCK):
        sizes = rng.integers(1, largest + 1, 100_000)
        assert events_of(chain_for(), blocks(with_tone, sizes)) == expected_events
        assert scores_of(chain_for(), blocks(with_tone, sizes)) == expected_scores


def test_scores_on_the_device_are_those_of_the_data_set(with_tone: NDArray[np.complex64]) -> None:
    chain = chain_for()
    on_device = scores_of(chain, blocks(with_tone, hops()))
    front_end = FrontEnd(
        FRAMING, SampleFormat.CF32, max_block_samples=len(with_tone), computing="plain"
    )
    made = front_end.process(block_at(with_tone, 0))
    frames = made.copy()
    bundle = tiny_network.bundle()
    names = ("forecast", "zscore")
    scorer = Scorer(
        Forecaster(bundle, open_backend(bundle)),
        names,
        GEOMETRY,
        ceil(DETECT.warmup_s / GEOMETRY.hop_s),
    )
    run = CalibrationRun.empty(names, GEOMETRY.n_bins)
    score_recording(frames, GEOMETRY, scorer, run)
    assert len(on_device) > 800
    ((_, forecast),), ((_, zscore),) = run.sites["forecast"], run.sites["zscore"]
    assert on_device == list(zip(forecast, zscore, strict=True))


def test_the_same_samples_score_the_same_after_a_reset(with_tone: NDArray[np.complex64]) -> None:
    chain = chain_for()
    first = scores_of(chain, blocks(with_tone, hops()))
    # A retune forgets the site, and keeps the second playing from running into the first.
    again = (
        replace(
            block,
            sample_start=block.sample_start + 10 * len(with_tone),
            center_freq_hz=block.center_freq_hz + 1e6,
        )
        for block in blocks(with_tone, hops())
    )
    assert scores_of(chain, again) == first


def test_segments_follow_each_other_by_a_hop(with_tone: NDArray[np.complex64]) -> None:
    chain = chain_for()
    for number, block in enumerate(blocks(with_tone, hops())):
        block = replace(block, received_ns=1000 + number)
        for scored in chain.scored(block):
            assert scored.received_ns == 1000 + number
            first = GEOMETRY.n_context * FRAMING.frame_samples + (chain.n_segments - 1) * HOP
            assert scored.tick_start == first
            assert abs(scored.utc_ns - START_NS - first / band.RATE_HZ * NS) <= 1
            assert np.shares_memory(scored.segment.target, chain.last.segment.target)
    n_frames = len(with_tone) // FRAMING.frame_samples
    assert chain.n_segments == (n_frames - GEOMETRY.n_segment) // GEOMETRY.hop_frames + 1


def test_latency_counts_from_the_last_sample(
    with_tone: NDArray[np.complex64], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgespec.observer.opening.making.time.monotonic_ns", lambda: 5_000_000_001)
    chain = chain_for()
    found = [event for block in blocks(with_tone, hops()) for event in chain.process(block)]
    assert [event.latency_s for event in found] == [5.0] * len(found)
    assert found


def test_nothing_alarms_while_it_warms_up(rng: np.random.Generator) -> None:
    """A tone comes and goes in the second half, when the z-score already has its reference."""
    signal = band.with_tone(band.noise(rng, 0.6), 0.2, 0.25, power=0.2)
    n_warmup = ceil(DETECT.warmup_s / GEOMETRY.hop_s)
    chain = chain_for()
    highest = 0.0
    left_s = chain.warmup_left_s
    assert left_s == pytest.approx(DETECT.warmup_s, abs=GEOMETRY.hop_s)
    for block in blocks(band.cf32(signal), hops()):
        events = list(chain.process(block))
        assert chain.warmup_left_s <= left_s
        left_s = chain.warmup_left_s
        assert chain.scorer.is_warm == (chain.n_segments > n_warmup)
        assert (left_s == 0.0) == (chain.n_segments >= n_warmup)
        if not chain.scorer.is_warm:
            scores = chain.last.scores if chain.last else ()
            highest = max(highest, *(score.value for score in scores), 0.0)
            assert not events
            assert not chain.tracker.is_open
    assert highest > max(chain.thresholds.values())


def test_samples_lost_are_skipped_and_no_event(rng: np.random.Generator) -> None:
    """The phase of the band jumps at every gap, and a gap falls anywhere in a frame."""
    clean = band.cf32(band.noise(rng, 2.0))
    chain = chain_for()
    events, at = [], 0
    for number, block in enumerate(blocks(clean, hops())):
        n_lost = int(rng.integers(1, 5000)) if number > 400 and number % 50 == 0 else 0
        at += n_lost
        events += list(chain.process(block_at(block.samples, block.sample_start + at, n_lost)))
    assert not events
    n_gaps = sum(1 for number in range(401, ceil(len(clean) / HOP)) if number % 50 == 0)
    # A gap costs the targets that it cuts short, and never those whose context it lies in.
    n_overlapping = ceil(GEOMETRY.n_horizon / GEOMETRY.hop_frames)
    assert chain.segmenter.skipped["dropped"] <= n_gaps * n_overlapping
    assert chain.n_segments >= len(clean) / HOP - GEOMETRY.n_segment - n_gaps * n_overlapping


@pytest.mark.parametrize("reason", ["nonfinite", "constant", "zeros"])
def test_broken_samples_are_counted_said_and_never_scored(
    rng: np.random.Generator, reason: str
) -> None:
    samples = band.cf32(band.noise(rng, 1.0))
    stretch = slice(500_000, 540_000)
    if reason == "nonfinite":
        samples[stretch][::100] = np.nan
    else:
        samples[stretch] = 0.25 - 0.5j if reason == "constant" else 0.0
    chain = chain_for()
    events = events_of(chain, blocks(samples, hops()))
    assert [event.event_type for event in events] == [EventType.NEW, EventType.END]
    assert {(event.kind, event.detector) for event in events} == {("receiver", reason)}
    assert abs(events[0].sample_start - 500_000) <= FRAMING.frame_samples
    skipped = dict(chain.segmenter.skipped)
    n_bad, n_target = 40_000 / HOP, GEOMETRY.n_horizon / GEOMETRY.hop_frames + 1
    assert (
        abs(skipped.pop("nonfinite" if reason == "nonfinite" else "constant") - n_bad) <= n_target
    )
    assert not any(skipped.values())
    assert np.isfinite(chain.levels_dbfs()).all()


def test_a1_a_jammer_that_clips_is_an_overload_beside_the_detectors_event(
    rng: np.random.Generator,
) -> None:
    """As strong as a receiver cannot show it: the level is at least what is said."""
    signal = band.with_tone(band.noise(rng, 1.0), 0.5, 0.8, power=30.0)
    chain = chain_for(SampleFormat.CU8)
    said: dict[str, list[Event]] = {}
    heard_s = {}
    for block in blocks(band.cu8(signal), hops()):
        for event in chain.process(block):
            said.setdefault(event.kind, []).append(event)
            heard_s.setdefault(event.event_id, (block.sample_start + HOP) / band.RATE_HZ)
        if chain.troubles:
            assert snapshot_of(chain).alarm
    overload, *_ = said.pop("overload")
    assert heard_s[overload.event_id] <= 0.6
    assert overload.share > 0.3
    assert overload.excess_db > 15.0
    assert not chain.troubles
    # A tone that is cut to a square has images: it may be seen in several places, one at once.
    seen = [event.sample_start for events in said.values() for event in events]
    assert abs(min(seen) - 500_000) <= 2 * HOP
    assert not any(chain.segmenter.skipped.values())


def test_a1_one_clipped_frame_in_every_segment_does_not_hide_a_tone(
    rng: np.random.Generator,
) -> None:
    samples = band.cu8(band.with_tone(band.noise(rng, 1.0), 0.6, 0.8, power=0.02))
    every = GEOMETRY.n_segment * FRAMING.frame_samples
    for start in range(0, len(samples), every):
        # A fifth of one frame in every segment, and never the same of its frames.
        samples[start : start + FRAMING.frame_samples // 5] = 255
    chain = chain_for(SampleFormat.CU8)
    events = events_of(chain, blocks(samples, hops()))
    tone_hz = band.CENTER_HZ + band.TONE_HZ
    assert any(
        event.freq_lower_hz < tone_hz < event.freq_upper_hz
        and abs(event.sample_start - 600_000) < 2 * HOP
        for event in events
    )
    assert not any(chain.segmenter.skipped.values())


def test_a1_a_receiver_that_is_stuck_from_its_first_sample_is_said_in_the_warm_up() -> None:
    for value, reason in ((0.0, "zeros"), (0.5, "constant"), (np.nan, "nonfinite")):
        chain = chain_for()
        samples = np.full(200_000, value, np.complex64)
        new, *_ = events_of(chain, blocks(samples, hops()))
        assert (new.kind, new.detector, new.sample_start) == ("receiver", reason, 0)
        assert new.n_samples / band.RATE_HZ <= 0.1
        state = snapshot_of(chain)
        assert state.warmup_left_s > 0
        assert state.unscored.share == 1.0
        assert state.unscored.reason == ("constant" if reason == "zeros" else reason)
        assert state.unscored.duration_s == pytest.approx(0.2, abs=0.03)


@pytest.mark.parametrize("side", ["real", "imag"])
@pytest.mark.parametrize("value", [0.0, 0.25])
def test_a1_one_channel_that_is_dead_is_said(
    rng: np.random.Generator, side: str, value: float
) -> None:
    """What the other one has is mirrored, but goes on to be scored."""
    samples = band.cf32(band.noise(rng, 1.0))
    getattr(samples, side)[500_000:600_000] = value
    chain = chain_for()
    events = [
        event for event in events_of(chain, blocks(samples, hops())) if event.kind == "receiver"
    ]
    new, *_, end = events
    assert [new.event_type, end.event_type] == [EventType.NEW, EventType.END]
    assert {(event.event_id, event.detector) for event in events} == {(new.event_id, "half")}
    assert abs(new.sample_start - 500_000) <= FRAMING.frame_samples
    assert new.n_samples / band.RATE_HZ <= 0.1
    assert abs(end.n_samples - 100_000) <= 3 * FRAMING.frame_samples
    assert not any(chain.segmenter.skipped.values())


def test_a_recording_of_real_samples_is_no_dead_channel(rng: np.random.Generator) -> None:
    samples = band.cf32(band.noise(rng, 0.5))
    samples.imag[:] = 0.0
    assert not events_of(chain_for(), blocks(samples, hops()))


def test_an_event_that_goes_on_at_the_end_is_ended(rng: np.random.Generator) -> None:
    signal = band.cf32(band.with_tone(band.noise(rng, 0.8), 0.6, 0.8))
    events = events_of(chain_for(), blocks(signal, hops()))
    assert [event.event_type for event in events[:1] + events[-1:]] == [
        EventType.NEW, EventType.END
    ]  # fmt: skip
    assert not list(chain_for().finish())


def test_a_rarer_false_alarm_never_alarms_more(rng: np.random.Generator) -> None:
    """Tones of 10 ms that get weaker by 2 dB: some of them cross only the lower threshold."""
    signal = band.noise(rng, 2.5)
    for number, start_s in enumerate(np.arange(0.6, 2.4, 0.1)):
        power = 0.2 * 10 ** (-0.2 * number)
        signal = band.with_tone(signal, start_s, start_s + 0.01, power)
    n_alarms = []
    for rate in (0.01, 0.001):
        chain = chain_for(false_alarm_rate=rate)
        limits = list(chain.thresholds.values())
        scores = scores_of(chain, blocks(band.cf32(signal), hops()))
        n_alarms.append(
            sum(any(s > t for s, t in zip(pair, limits, strict=True)) for pair in scores)
        )
    assert n_alarms[0] > n_alarms[1] > 0


def test_levels_are_those_of_the_samples(rng: np.random.Generator) -> None:
    chain = chain_for()
    assert chain.levels_dbfs() == (-200.0, -200.0)
    signal = band.cf32(band.noise(rng, 0.3))
    for block in blocks(signal, hops()):
        list(chain.scored(block))
    level_dbfs, floor_dbfs = chain.levels_dbfs()
    last = signal[chain.last.tick_start :][: GEOMETRY.n_horizon * FRAMING.frame_samples]
    # Parseval; the taper weighs the 1024 samples unevenly: 4 % is two standard deviations.
    assert level_dbfs == pytest.approx(10 * np.log10(np.mean(np.abs(last) ** 2)), abs=0.4)
    assert floor_dbfs < level_dbfs - 20


def test_levels_follow_what_cannot_be_scored(rng: np.random.Generator) -> None:
    signal = band.cf32(band.noise(rng, 0.4))[: 300 * HOP]
    chain = chain_for()
    for block in blocks(signal, hops()):
        list(chain.scored(block))
    assert snapshot_of(chain).unscored.share == 0.0
    rest = np.full(40 * HOP, 0.5, np.complex64)
    for block in blocks(rest, hops()):
        list(chain.scored(replace(block, sample_start=block.sample_start + len(signal))))
    assert chain.segmenter.skipped["constant"] > 10
    assert chain.levels_dbfs()[0] == pytest.approx(20 * np.log10(0.5), abs=0.1)
    state = snapshot_of(chain)
    assert (state.unscored.reason, state.scores) == ("constant", {})
    assert state.unscored.duration_s == pytest.approx(
        40 * HOP / band.RATE_HZ, abs=2 * GEOMETRY.hop_s
    )


def test_nothing_piles_up(rng: np.random.Generator) -> None:
    signal = band.cf32(band.noise(rng, 0.8))
    chain = chain_for()
    stream = blocks(signal, hops())
    for _ in range(450):
        list(chain.process(next(stream)))
    tracemalloc.start()
    first, _ = tracemalloc.get_traced_memory()
    n_before = chain.n_segments
    for block in stream:
        list(chain.process(block))
    last, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert chain.n_segments - n_before > 300
    # One kept target is 1 kB, so 300 of them would be 300 kB.
    assert last - first < 20_000


def test_a_retune_ends_the_event_and_begins_anew(rng: np.random.Generator) -> None:
    """A tone, tuned away from while it is there, and a tone at the new centre after a warm-up."""
    at = ceil(0.9 * band.RATE_HZ / HOP) * HOP
    signal = band.with_tone(band.noise(rng, 2.0), 0.6, at / band.RATE_HZ)
    signal = band.with_tone(signal, 1.6, 1.8)
    moved_hz = 100e6
    chain = chain_for()
    events = events_of(
        chain,
        (
            replace(
                block, center_freq_hz=block.center_freq_hz + moved_hz * (block.sample_start >= at)
            )
            for block in blocks(band.cf32(signal), hops())
        ),
    )
    peaks_hz = {"new": [], "end": []}
    for event in events:
        if event.event_type != "update":
            peaks_hz[event.event_type].append(event.peak_freq_hz)
    tone_hz = band.CENTER_HZ + band.TONE_HZ
    assert peaks_hz == {"new": [tone_hz, tone_hz + moved_hz], "end": [tone_hz, tone_hz + moved_hz]}
    first = next(event for event in events if event.event_type == "end")
    assert first.sample_start + first.n_samples <= at
    skipped = chain.segmenter.skipped
    assert skipped["retuned"] == GEOMETRY.n_segment // GEOMETRY.hop_frames - 1
    assert not skipped["dropped"]


def test_another_sample_rate_is_refused() -> None:
    bundle = tiny_network.bundle()
    source = SourceInfo("test:", 1.92e6, 0.0, SampleFormat.CU8, False)
    with pytest.raises(SourceError, match=r"1920000 samples/s.*made for 1000000"):
        chain_of(bundle, open_backend(bundle), source, BandConfig(), DETECT, max_block_samples=HOP)


def test_what_was_not_calibrated_is_refused() -> None:
    with pytest.raises(
        ModelError, match=r"0\.002 was not calibrated; the bundle has 0\.001, 0\.01"
    ):
        chain_for(false_alarm_rate=0.002)
    with pytest.raises(ConfigError, match="did you mean 'zscore'"):
        chain_for(detectors=("zscores",))


# The scan looks at sweeps, and refuses samples: test_swept.py.
@pytest.mark.parametrize("name", sorted(DETECTORS.keys() - {"reconstruction", "scan"}))
def test_every_detector_alone_sees_the_tone(name: str, rng: np.random.Generator) -> None:
    """One segment is enough: a forecast soon has the tone in its context."""
    signal = band.with_tone(band.noise(rng, 0.8), 0.6, 0.7, power=0.2)
    chain = chain_for(detectors=(name,), k=1, n=1)
    first = events_of(chain, blocks(band.cf32(signal), hops()))[0]
    assert first.detector == name
    # One that averages over segments takes some of them.
    assert -HOP <= first.sample_start - 0.6 * band.RATE_HZ <= 5 * HOP


class Streaming:
    """A backend that would rather have the window as it is."""

    name = "streaming"

    def __init__(self) -> None:
        self.seen: list[tuple[NDArray[np.float32], Scaling]] = []

    def predict(self, window: NDArray[np.float32]) -> NDArray[np.float32]:
        raise AssertionError("not while there is predict_raw")

    def predict_raw(self, window_db: NDArray[np.float32], scaling: Scaling) -> NDArray[np.float32]:
        self.seen.append((window_db.copy(), scaling))
        return np.full((GEOMETRY.n_horizon, GEOMETRY.n_bins), 2.0, np.float32)


@pytest.mark.parametrize("computing", Computing)
def test_a_streaming_backend_gets_the_context_and_its_scaling(
    computing: Computing, rng: np.random.Generator
) -> None:
    backend = Streaming()
    forecaster = Forecaster(tiny_network.bundle(), backend, open_transform(computing))
    power = rng.normal(-70.0, 4.0, (GEOMETRY.n_segment, GEOMETRY.n_bins)).astype(np.float32)
    context, target = power[: GEOMETRY.n_context], power[GEOMETRY.n_context :]
    forecast = forecaster.forecast(Segment(context, target, np.arange(GEOMETRY.n_segment)))
    ((seen, scaling),) = backend.seen
    np.testing.assert_array_equal(seen, context)
    assert scaling == forecast.scaling
    assert scaling.mean_db == pytest.approx(context.mean(dtype=np.float64), rel=1e-6)
    assert scaling.scale_db == pytest.approx(context.std(dtype=np.float64), rel=1e-5)
    expected = scaling.mean_db + 2.0 * scaling.scale_db
    np.testing.assert_allclose(forecast.power_dbfs, expected, rtol=1e-6)


@pytest.mark.parametrize("start_s", [0.1, 0.15, 0.2])
def test_a5_an_interferer_that_comes_in_the_warm_up_is_not_learnt_in_silence(
    rng: np.random.Generator, start_s: float, caplog: pytest.LogCaptureFixture
) -> None:
    chain = chain_for()
    signal = band.with_tone(band.noise(rng, 0.6), start_s, 0.6)
    events_of(chain, blocks(band.cf32(signal), hops()))
    assert "the band changed by +" in snapshot_of(chain).distrust
    assert "not trusted" in caplog.text
    clean = chain_for()
    events_of(clean, blocks(band.cf32(band.noise(rng, 0.6)), hops()))
    assert snapshot_of(clean).distrust == ""


def test_a5_a_receiver_that_is_stuck_in_the_warm_up_does_not_make_it_longer(
    rng: np.random.Generator,
) -> None:
    """Of 0.3 s, 0.06 s hold nothing; a tone right behind the warm-up is found."""
    samples = band.cf32(band.with_tone(band.noise(rng, 0.8), 0.4, 0.6))
    samples[50_000:80_000] = 0.0
    samples[200_000:230_000] = np.nan
    chain = chain_for()
    events = []
    for block in blocks(samples, hops()):
        events += list(chain.process(block))
        if (block.sample_start + HOP) / band.RATE_HZ > DETECT.warmup_s + 2 * GEOMETRY.hop_s:
            n_context_s = GEOMETRY.n_context * GEOMETRY.frame_s
            heard_s = (block.sample_start + HOP) / band.RATE_HZ - n_context_s
            assert (chain.warmup_left_s == 0.0) or heard_s < DETECT.warmup_s + 2 * GEOMETRY.hop_s
    assert any(
        event.kind not in ("receiver",) and abs(event.sample_start - 400_000) <= 2 * HOP
        for event in events
    )
