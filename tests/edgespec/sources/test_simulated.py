"""The simulator as a source."""

import time

import numpy as np
import pytest

from edgespec.errors import UsageError
from edgespec.records import SampleFormat
from edgespec.sources import open_source
from edgespec.sources.reader import Reader
from tests.made.broker import PATIENCE_S


def gather(uri: str, block_samples: int, **settings: float) -> np.ndarray:
    source = open_source(uri, **settings)
    out = source.info.sample_format.empty(block_samples)
    pieces, expected_start = [], 0
    while (block := source.read(out)) is not None:
        assert (block.sample_start, block.n_dropped) == (expected_start, 0)
        expected_start += block.n_samples
        pieces.append(block.samples.copy())
    source.close()
    assert expected_start == source.info.n_samples
    return np.concatenate(pieces)


@pytest.mark.parametrize(
    ("bits", "sample_format"),
    [
        (0, SampleFormat.CF32),
        (8, SampleFormat.CU8),
        (12, SampleFormat.CI16),
        (16, SampleFormat.CI16),
    ],
)
def test_any_block_length_gives_the_same_samples(bits, sample_format):
    uri = f"sim:lte-dl?bits={bits}&duration_s=0.03&kind=chirp&start_s=0.011&stop_s=0.02"
    whole = gather(uri, 10**6, sample_rate_hz=1.92e6)
    assert whole.dtype == sample_format.dtype
    assert len(whole) == 57_600
    for block_samples in (777, 19_200, 20_000):
        np.testing.assert_array_equal(whole, gather(uri, block_samples, sample_rate_hz=1.92e6))


def test_seeds_differ_and_repeat():
    first, again, other = (
        gather(f"sim:lte-dl?duration_s=0.01&seed={seed}", 50_000) for seed in (4, 4, 5)
    )
    np.testing.assert_array_equal(first, again)
    assert (first != other).mean() > 0.5


def test_the_uri_goes_before_what_the_user_sets_elsewhere():
    source = open_source("sim:lte-dl?sample_rate=2.4M", sample_rate_hz=1.92e6, center_freq_hz=806e6)
    assert source.info.sample_rate_hz == 2.4e6
    assert source.info.center_freq_hz == 806e6
    assert source.info.n_samples is None
    source.close()


def test_interferer_is_where_the_uri_says():
    uri = "sim:lte-dl?duration_s=0.1&kind=tone&offset_hz=3e5&isr_db=10&start_s=0.04&stop_s=0.08"
    source = open_source(uri)
    (note,) = source.annotations(source.info.n_samples)
    source.close()
    assert (note.sample_start, note.sample_count) == (200_000, 200_000)
    assert note.freq_lower_hz < 3e5 < note.freq_upper_hz
    samples = gather(uri, 50_000).astype(np.float32).view(np.complex64)[:, 0]
    # Power at 300 kHz in pieces of 10 ms, where a bin is 100 Hz.
    pieces = samples.reshape(10, 50_000) * np.exp(-2j * np.pi * 0.06 * np.arange(50_000))
    power = np.abs(pieces.mean(axis=1)) ** 2
    assert power[4:8].min() > 100 * np.delete(power, slice(4, 8)).max()


@pytest.mark.parametrize(
    ("options", "labels"),
    [
        ("kind=qpsk&own_profile=epa&own_doppler_hz=30&start_jitter_s=0.01", ["qpsk"]),
        ("fault=frequencies-down&share=0.33&fault_start_s=0.02", ["frequencies-down"]),
        ("cell=C&user_groups=3&n_users=4&clock_s=3600&neighbour_db=-6&shadow_db=7", []),
        ("kind=sweep&sweep_hz_per_s=1e9&fault=power-step&step_db=5", ["sweep", "power-step"]),
    ],
)
def test_options_make_another_signal(options, labels):
    plain = gather("sim:lte-dl?duration_s=0.03", 50_000)
    uri = f"sim:lte-dl?duration_s=0.03&{options}"
    source = open_source(uri)
    assert sorted(note.label for note in source.annotations(150_000)) == sorted(labels)
    source.close()
    assert (gather(uri, 50_000) != plain).mean() > 0.05


def test_nr_is_another_signal():
    lte = gather("sim:lte-dl?duration_s=0.02", 50_000)
    nr = gather("sim:nr-dl?duration_s=0.02", 50_000)
    wide = gather("sim:nr-dl?duration_s=0.02&spacing=30k", 50_000)
    assert (nr != lte).mean() > 0.1
    assert (nr != wide).any()


def test_the_uplink_is_another_signal():
    down = gather("sim:lte-dl?duration_s=0.02", 50_000)
    up, busy = (
        gather(f"sim:lte-ul?duration_s=0.02&load={load}&n_users=8", 50_000) for load in (0.1, 0.9)
    )
    assert (up != down).mean() > 0.5
    assert (up != busy).any()


def test_real_time_and_a_quick_end():
    source = open_source("sim:lte-dl?realtime=1&sample_rate=1e6")
    assert source.info.is_live
    start_s = time.monotonic()
    with Reader(source, block_samples=10_000, n_blocks=4) as reader:
        for _ in range(6):
            block = reader.rings[0].next_block(PATIENCE_S)
        assert time.monotonic() - start_s >= 0.06
    assert block.sample_start == 50_000
    assert not reader._thread.is_alive()


def test_who_is_slow_loses_nothing_of_a_patient_signal():
    source = open_source("sim:lte-dl?realtime=1&patient=1&sample_rate=1e6&duration_s=0.3")
    assert not source.info.is_live
    begun_s = time.monotonic()
    with Reader(source, block_samples=10_000, n_blocks=2) as reader:
        ring = reader.rings[0]
        time.sleep(0.1)
        starts = []
        while (block := ring.next_block(PATIENCE_S)) is not None:
            starts.append(block.sample_start)
    assert starts == list(range(0, 300_000, 10_000))
    assert (ring.n_dropped, ring.n_overflows) == (0, 0)
    assert time.monotonic() - begun_s >= 0.28


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        ("sim:lte-xl", r"'lte-xl'; known are lte-dl, lte-ul, nr-dl; did you mean 'lte-"),
        ("sim:lte-dl?kind=ton", r"'ton'; known are tone, .*mean 'tone'"),
        ("sim:lte-dl?isr_db=3", "gives isr_db but no interferer"),
        ("sim:lte-dl?own_profile=epa", "gives own_profile but no interferer"),
        ("sim:lte-dl?step_db=3", "gives step_db but no fault"),
        ("sim:lte-dl?fault=fire", "'fire'; known are power-step"),
        ("sim:lte-dl?cell=Z", "'Z'; known are A, B"),
        ("sim:lte-ul?pci=3", "gives pci, which an uplink does not have"),
        ("sim:nr-dl?n_users=3", "gives n_users, which sim:nr-dl does not have"),
        ("sim:nr-dl?spacing=20k", "20000 Hz; 15e3 and 30e3 are simulated"),
        ("sim:nr-dl?pci=1008", "1008; it must be 0 to 1007"),
        ("sim:lte-dl?spacing=30k", "gives spacing, which LTE does not have"),
        ("sim:lte-dl?bits=7", "bits in .* is 7; accepted are 0, 8"),
        ("sim:lte-dl?pci=504", "504; it must be 0 to 503"),
        ("sim:lte-dl?seed=1.5", "whole number"),
        ("sim:lte-dl?load=2", "load is 2"),
        ("sim:lte-dl?duration_s=0", "duration_s"),
        ("sim:lte-dl?profile=etu", "'etu'; known are flat, epa, eva"),
        ("sim:lte-dl?sample_rate=44.1", "cannot be simulated"),
        ("sim:lte-dl?kind=tone&offset_hz=3M", "over the edge of the band"),
        ("sim:lte-dl?kind=tone&start_s=2&stop_s=1", "must come after start_s"),
        ("sim:lte-dl?snr_db=nan", "is not a number"),
    ],
)
def test_values_that_make_no_scene(uri, message):
    with pytest.raises(UsageError, match=message):
        open_source(uri)
