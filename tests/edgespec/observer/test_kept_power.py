"""Evidence without content: the power of each bin and horizon, and nothing else of the samples."""

import json
from pathlib import Path

import numpy as np
import pytest

from edgespec.config import EvidenceConfig
from edgespec.evidence.recorder import Recorder
from edgespec.evidence.shelf import Shelf
from edgespec.evidence.tape import Cut
from edgespec.framing import Recipe
from edgespec.observer.kept_power import power_of
from edgespec.records import IqBlock, SampleFormat, SourceInfo
from edgespec.sources import open_source
from edgespec.sweep_block import SweepBlock
from tests.made.event import MONDAY_NS, NS, event_of

RATE_HZ = 256e3
RECIPE = Recipe.for_rate(RATE_HZ)


def tone(n_samples: int, offset_hz: float, amplitude: float) -> np.ndarray:
    phase = 2j * np.pi * offset_hz / RATE_HZ * np.arange(n_samples)
    return (amplitude * np.exp(phase)).astype(np.complex64)


def cut_of(samples: np.ndarray) -> Cut:
    return Cut(samples, 1000, MONDAY_NS, RATE_HZ, 806e6, (event_of(),))


def test_a_row_is_the_mean_of_a_horizon_and_a_tone_is_in_its_bin() -> None:
    """A tone of amplitude 0.5 is -6.02 dBFS; where it is for half of a horizon, 3.01 dB less."""
    hop = RECIPE.hop_samples
    bin_hz = RECIPE.framing.bin_hz
    samples = np.concatenate(
        [
            tone(hop, 10 * bin_hz, 0.5),
            tone(RECIPE.framing.frame_samples * (RECIPE.hop_frames // 2), -4 * bin_hz, 0.5),
            np.full(3 * hop, 1e-9, np.complex64),
        ]
    )[: 3 * hop + 7]
    table = power_of(cut_of(samples), SampleFormat.CF32)
    assert table.levels_db.shape == (3, RECIPE.n_fft)
    assert table.freqs_hz[np.argmax(table.levels_db[0])] == 806e6 + 10 * bin_hz
    assert table.levels_db[0].max() == pytest.approx(-6.02, abs=0.01)
    share = (RECIPE.hop_frames // 2) / RECIPE.hop_frames
    assert table.levels_db[1].max() == pytest.approx(-6.02 + 10 * np.log10(share), abs=0.01)
    assert table.sweep_s == pytest.approx(hop / RATE_HZ)
    np.testing.assert_allclose(np.diff(table.utc_s), table.sweep_s, atol=1e-6)
    assert (table.utc_s[0], table.unit) == (MONDAY_NS / NS, "dBFS")


@pytest.mark.parametrize("n_frames", [0, 1])
def test_less_than_a_horizon_is_what_there_is(n_frames: int) -> None:
    samples = tone(n_frames * RECIPE.framing.frame_samples + 1, 0.0, 0.5)
    assert power_of(cut_of(samples), SampleFormat.CF32).n_sweeps == n_frames


def test_what_is_shorter_than_a_frame_costs_no_other_recording(tmp_path: Path) -> None:
    source = SourceInfo("test:", RATE_HZ, 806e6, SampleFormat.CU8, True)
    recorder = Recorder(
        Shelf(tmp_path, 10**7, 30.0), "roof", {"lte": source}, 0.1, 0.1, 10**7, as_power=power_of
    )
    tape, samples = recorder.tapes["lte"], np.full((25_600, 2), 128, np.uint8)
    for number, (start, n) in enumerate([(0, 10), (1000, 25_600), (90_000, 10)]):
        tape.add(IqBlock(samples[:n], RATE_HZ, 806e6, start, MONDAY_NS))
        recorder.event(event_of(event_id=f"e{number}", sample_start=start, n_samples=5))
    recorder.close()
    (meta,) = tmp_path.glob("*.sweeps.json")
    assert json.loads(meta.read_text())["events"][0]["event_id"] == "e1"


def test_an_alert_leaves_a_table_that_plays_and_no_samples(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    assert EvidenceConfig(keep="power").keep == "power"
    source = SourceInfo("test:", RATE_HZ, 806e6, SampleFormat.CU8, True)
    recorder = Recorder(
        Shelf(tmp_path, 10**7, 30.0), "roof", {"lte": source}, 0.1, 0.1, 10**7, as_power=power_of
    )
    samples = rng.integers(100, 156, (round(0.5 * RATE_HZ), 2), np.uint8)
    for start in range(0, len(samples), 1280):
        part = samples[start : start + 1280]
        utc_ns = MONDAY_NS + round(start / RATE_HZ * NS)
        recorder.tapes["lte"].add(IqBlock(part, RATE_HZ, 806e6, start, utc_ns))
        if start == 51_200:
            recorder.event(event_of(sample_start=start, n_samples=1000))
    recorder.close()
    (meta,) = tmp_path.glob("*.sweeps.json")
    assert {path.suffix for path in tmp_path.iterdir()} == {".json", ".npz"}
    told = json.loads(meta.read_text())
    assert told["events"][0]["event_id"] == "e1"
    assert told["n_sweeps"] == int(0.2 * RATE_HZ) // RECIPE.hop_samples
    played = open_source(f"rtl_power:{meta.with_suffix('.npz')}")
    block = played.read(np.empty((told["n_sweeps"], told["n_points"]), np.float32))
    assert isinstance(block, SweepBlock)
    # Noise of 56 even steps of an 8-bit converter: 10 log10(2 var / 127.5^2), over 128 bins.
    dbfs = 10 * np.log10(2 * (56**2 - 1) / 12 / 127.5**2)
    mean_db = 10 * np.log10(np.mean(10 ** (block.samples.astype(float) / 10)) * 128 / 1.5)
    assert mean_db == pytest.approx(dbfs, abs=0.5)
    played.close()
