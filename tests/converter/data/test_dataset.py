"""A data set holds what was recorded, and no window of one split is in another."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from converter.data.dataset import SPLITS, Dataset, load_dataset, load_part
from converter.data.ingest import (
    build_dataset,
    first_sample_rate,
    prepare_recording,
    recording_name,
    recording_uri,
    save_frames,
)
from converter.data.npzmap import map_npz
from converter.data.splits import split_by_fraction, split_by_name, split_by_time
from converter.data.views import WindowSet, segment_starts
from edgespec.dsp.segments import Segmenter
from edgespec.errors import SourceError, UsageError
from edgespec.grid import Span
from edgespec.records import FrameFlag, Spectrogram
from tests.made import tiny, tiny_training
from tests.made.mutations import check_door, mutated

RECIPE, FRAMING = tiny.RECIPE, tiny.FRAMING
GEOMETRY = tiny.GEOMETRY


def write_sigmf(folder: Path, name: str, samples: np.ndarray, rate_hz: float = 1e6) -> str:
    """Write complex samples as a SigMF pair and return its path without an ending."""
    meta = {
        "global": {
            "core:datatype": "cf32_le",
            "core:sample_rate": rate_hz,
            "core:version": "1.2.5",
        },
        "captures": [{"core:sample_start": 0, "core:frequency": 1e9}],
        "annotations": [],
    }
    (folder / f"{name}.sigmf-meta").write_text(json.dumps(meta))
    samples.astype("<c8").tofile(folder / f"{name}.sigmf-data")
    return str(folder / name)


def noise(rng: np.random.Generator, n_samples: int) -> np.ndarray:
    return 0.1 * (rng.standard_normal(n_samples) + 1j * rng.standard_normal(n_samples))


def tone_in_noise(rng: np.random.Generator, n_samples: int, bin_number: int) -> np.ndarray:
    """0.5 at a bin of the fft-shifted spectrum, in noise 40 dB below."""
    cycles = (bin_number - GEOMETRY.n_bins // 2) / GEOMETRY.n_bins
    tone = 0.5 * np.exp(2j * np.pi * cycles * np.arange(n_samples))
    return tone + noise(rng, n_samples) / 10


def test_a_recording_becomes_its_frames(tmp_path: Path, rng: np.random.Generator) -> None:
    n_samples = 100 * FRAMING.frame_samples + 17
    path = write_sigmf(tmp_path, "tone", tone_in_noise(rng, n_samples, 40))
    done = prepare_recording(f"sigmf:{path}", tmp_path / "set", RECIPE)
    arrays = map_npz(tmp_path / "set" / "tone.npz")
    assert done.n_frames == 100
    assert done.name == "tone"
    assert len(done.source_sha256) == 64
    assert arrays["power_dbfs"].shape == (100, 64)
    assert arrays["power_dbfs"].dtype == np.float32
    assert np.all(arrays["flags"] == 0)
    assert np.array_equal(arrays["sample_start"], np.arange(100) * FRAMING.frame_samples)
    # 20 log10(0.5) = -6.02 dBFS in the bin of the tone.
    assert np.all(arrays["power_dbfs"].argmax(axis=1) == 40)
    assert arrays["power_dbfs"][:, 40] == pytest.approx(-6.02, abs=0.3)


def test_a_recording_of_another_rate_or_too_short_is_refused(
    tmp_path: Path, rng: np.random.Generator
) -> None:
    path = write_sigmf(tmp_path, "fast", noise(rng, 10_000), rate_hz=2e6)
    with pytest.raises(SourceError, match="one data set has one sample rate"):
        prepare_recording(f"sigmf:{path}", tmp_path, RECIPE)
    assert first_sample_rate([f"sigmf:{path}"]) == 2e6
    path = write_sigmf(tmp_path, "short", noise(rng, FRAMING.frame_samples - 1))
    with pytest.raises(SourceError, match="not one frame"):
        prepare_recording(f"sigmf:{path}", tmp_path, RECIPE)


def test_build_splits_by_recording(tmp_path: Path, rng: np.random.Generator) -> None:
    names = ["a1", "a2", "b", "c", "d"]
    uris = [
        f"sigmf:{write_sigmf(tmp_path, n, noise(rng, 30 * FRAMING.frame_samples))}" for n in names
    ]
    patterns = {"train": ["a*"], "validation": ["b"], "calibration": ["c"], "test": ["d"]}
    seen = []
    dataset = build_dataset(
        uris, tmp_path / "set", RECIPE, split_by_name(names, patterns), lambda r: seen.append(r)
    )
    assert [r.name for r in seen] == names
    assert dataset == load_dataset(tmp_path / "set")
    assert {s: [p.name for p in dataset.split(s)] for s in SPLITS} == {
        "train": ["a1", "a2"],
        "validation": ["b"],
        "calibration": ["c"],
        "test": ["d"],
    }
    again = build_dataset(uris, tmp_path / "again", RECIPE, split_by_name(names, patterns))
    assert again.sha256 == dataset.sha256
    with pytest.raises(UsageError, match="two recordings are called 'b'"):
        build_dataset([uris[2]] * 2, tmp_path, RECIPE, split_by_name(["b"], {"train": ["b"]}))


@pytest.mark.parametrize(
    ("text", "uri", "name"),
    [
        ("x/lte_s1.92_g0_1s", "sigmf:x/lte_s1.92_g0_1s", "lte_s1.92_g0_1s"),
        ("x/a.sigmf-meta", "sigmf:x/a.sigmf-meta", "a"),
        ("x/HDSDR_6140kHz_RF.wav", "wav:x/HDSDR_6140kHz_RF.wav", "HDSDR_6140kHz_RF"),
        ("sigmf:/x/a.sigmf-data?loop=0", "sigmf:/x/a.sigmf-data?loop=0", "a"),
        ("raw:/x/a b.cu8?datatype=cu8", "raw:/x/a b.cu8?datatype=cu8", "a_b"),
    ],
)
def test_names_come_from_files(text: str, uri: str, name: str) -> None:
    assert recording_uri(text) == uri
    assert recording_name(uri) == name


def test_a_recording_without_a_name_is_refused() -> None:
    with pytest.raises(UsageError, match="has no name"):
        recording_name("rtlsdr:")


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        ({"train": ["a*"]}, "'b' belongs to no split"),
        ({"train": ["a*", "b"], "test": ["a1"]}, "'a1' belongs to test and train"),
        ({"train": ["*"], "test": ["z"]}, "--test 'z' matches no recording"),
    ],
)
def test_patterns_must_place_every_recording_once(
    patterns: dict[str, list[str]], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        split_by_name(["a1", "a2", "b"], patterns)


@pytest.mark.parametrize("n_recordings", [4, 5, 9, 40])
def test_shares_place_every_recording_once(n_recordings: int) -> None:
    names = [f"r{i}" for i in range(n_recordings)]
    split = split_by_fraction(names, (0.5, 0.1, 0.1, 0.3), seed=5)
    assert sorted(split.of_recording) == sorted(names)
    counts = [list(split.of_recording.values()).count(s) for s in SPLITS]
    assert min(counts) >= 1
    # Rounding moves one recording at most, the guaranteed one in each split another.
    expected = np.array([0.5, 0.1, 0.1, 0.3]) * n_recordings
    assert np.all(np.abs(counts - expected) < 2)
    assert split == split_by_fraction(names[::-1], (0.5, 0.1, 0.1, 0.3), seed=5)
    others = [split_by_fraction(names, (0.5, 0.1, 0.1, 0.3), seed=s) for s in range(6)]
    assert any(other.of_recording != split.of_recording for other in others)


def test_a_share_of_zero_gets_nothing() -> None:
    split = split_by_fraction(["a", "b", "c"], (0.6, 0.2, 0.2, 0.0))
    assert "test" not in split.of_recording.values()


@pytest.mark.parametrize("fractions", [(0.5, 0.5), (0.5, 0.2, 0.2, 0.2), (1.2, -0.2, 0, 0)])
def test_wrong_shares_are_refused(fractions: tuple[float, ...]) -> None:
    for split in (lambda f: split_by_fraction(["a"] * 9, f), split_by_time):
        with pytest.raises(UsageError, match="add up to 1"):
            split(fractions)


def test_too_few_recordings_point_to_the_split_in_time() -> None:
    with pytest.raises(UsageError, match="--split-time"):
        split_by_fraction(["a", "b", "c"])


def test_stretches_in_time_keep_a_segment_apart(tmp_path: Path, rng: np.random.Generator) -> None:
    uri = f"sigmf:{write_sigmf(tmp_path, 'only', noise(rng, 500 * FRAMING.frame_samples))}"
    dataset = build_dataset([uri], tmp_path / "set", RECIPE, split_by_time((0.4, 0.2, 0.2, 0.2)))
    assert [part.split for part in dataset.parts] == list(SPLITS)
    assert dataset.split_method["kind"] == "time"
    assert dataset.split_method["gap_frames"] == GEOMETRY.n_segment
    ends = [part.first_frame + part.n_frames for part in dataset.parts]
    begins = [part.first_frame for part in dataset.parts]
    assert [b - e for b, e in zip(begins[1:], ends[:-1], strict=True)] == [GEOMETRY.n_segment] * 3
    assert ends[-1] == 500
    frames = map_npz(tmp_path / "set" / "only.npz")["power_dbfs"]
    part = dataset.parts[2]
    assert np.array_equal(
        load_part(dataset, part).power_dbfs,
        frames[part.first_frame : part.first_frame + part.n_frames],
    )


@pytest.mark.parametrize("n_frames", [0, 5, 12, 13, 200])
@pytest.mark.parametrize("hop_frames", [1, 4, 30])
def test_segments_are_those_of_the_device(
    n_frames: int, hop_frames: int, rng: np.random.Generator
) -> None:
    geometry = replace(GEOMETRY, hop_frames=hop_frames)
    for chance in (0.0, 0.02, 0.1):
        flags = rng.choice([int(flag) for flag in FrameFlag], n_frames).astype(np.uint8)
        flags[rng.random(n_frames) >= chance] = 0
        lost = np.cumsum((rng.random(n_frames) < chance) * 1000)
        frames = Spectrogram(
            np.zeros((n_frames, 64), np.float32),
            flags,
            np.arange(n_frames, dtype=np.int64) * FRAMING.frame_samples + lost,
            FRAMING.grid(),
        )
        segmenter = Segmenter(geometry)
        segmenter.push(frames)
        wanted = [segment.tick_start.tolist() for segment in segmenter.segments()]
        starts = segment_starts(frames, geometry)
        found = [frames.tick_start[s : s + geometry.n_segment].tolist() for s in starts]
        assert found == wanted


def test_windows_are_standardised_by_their_context(rng: np.random.Generator) -> None:
    windows = WindowSet(tiny_training.dataset(), ("train", "validation"))
    numbers = rng.permutation(len(windows))[:20]
    contexts, targets = windows.gather(numbers)
    assert contexts.dtype == targets.dtype == np.float32
    for row, number in enumerate(numbers):
        context, target = (part.astype(np.float64) for part in windows.segment(number))
        mean, std = context.mean(), context.std()
        # float32 keeps 7 digits of values up to 200 dB on a scale of some dB.
        np.testing.assert_allclose(contexts[row], (context - mean) / std, atol=1e-4)
        np.testing.assert_allclose(targets[row], (target - mean) / std, atol=1e-4)
    assert np.array_equal(windows.model_inputs("forecast", numbers), contexts)
    assert np.array_equal(windows.model_inputs("reconstruction", numbers), targets)


def test_windows_of_two_splits_share_no_frame() -> None:
    dataset = tiny_training.dataset()
    files = {s: {part.file for part in dataset.split(s)} for s in SPLITS}
    assert all(files[a].isdisjoint(files[b]) for a in SPLITS for b in SPLITS if a != b)
    n_segments = (500 - GEOMETRY.n_segment) // GEOMETRY.hop_frames + 1
    assert len(WindowSet(dataset, ("train",))) == 2 * n_segments


def noise_frames(rng: np.random.Generator, n_frames: int) -> Spectrogram:
    """Mean of exponential power over ``n_averages``: what the front end makes of white noise."""
    power = rng.standard_gamma(FRAMING.n_averages, (n_frames, GEOMETRY.n_bins))
    return Spectrogram(
        (10 * np.log10(power) - 90).astype(np.float32),
        np.zeros(n_frames, np.uint8),
        np.arange(n_frames, dtype=np.int64) * FRAMING.frame_samples,
        FRAMING.grid(),
    )


def test_noise_is_left_out_of_training_only(tmp_path: Path, rng: np.random.Generator) -> None:
    recordings = {
        "train-noise": noise_frames(rng, 200),
        "train-signal": tiny_training.moving_ridge(rng, 200),
    }
    dataset = tiny_training.make_dataset(tmp_path, recordings)
    everything = WindowSet(dataset, ("train",))
    kept = WindowSet(dataset, ("train",), leave_noise_out=True)
    assert len(everything) == 2 * ((200 - GEOMETRY.n_segment) // GEOMETRY.hop_frames + 1)
    assert len(kept) == kept.n_noise_only == len(everything) // 2
    only = tiny_training.make_dataset(tmp_path / "n", {"train": recordings["train-noise"]})
    with pytest.raises(SourceError, match="nothing but noise"):
        WindowSet(only, ("train",), leave_noise_out=True)


def test_a_retune_is_written_as_a_gap(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = tiny_training.moving_ridge(rng, 50)
    step = FRAMING.frame_samples
    moved = replace(whole.part(slice(20, 50)), grid=FRAMING.grid(9e8), span=Span(20 * step, step))
    saved = save_frames([whole.part(slice(0, 20)), moved], tmp_path / "one.npz", RECIPE, source="x")
    arrays = np.load(tmp_path / "one.npz")
    assert saved.n_frames == 51
    assert np.flatnonzero(arrays["flags"]).tolist() == [20]
    assert arrays["flags"][20] == FrameFlag.DROPPED
    assert arrays["sample_start"][19:23].tolist() == [19 * step, 20 * step, 20 * step, 21 * step]


def test_frames_saved_in_pieces_are_the_same(tmp_path: Path, rng: np.random.Generator) -> None:
    whole = tiny_training.moving_ridge(rng, 50)
    pieces = [whole.part(slice(a, b)) for a, b in ((0, 0), (0, 7), (7, 8), (8, 50))]
    one = save_frames([whole], tmp_path / "one.npz", RECIPE, source="x")
    many = save_frames(pieces, tmp_path / "many.npz", RECIPE, source="x")
    assert one.file_sha256 == many.file_sha256
    assert sorted(item.name for item in tmp_path.iterdir()) == ["many.npz", "one.npz"]


def test_mapped_arrays_are_those_numpy_reads(tmp_path: Path, rng: np.random.Generator) -> None:
    arrays = {"a": rng.random((3, 5), np.float32), "b": np.arange(4), "c": np.empty((0, 2))}
    np.savez(tmp_path / "x.npz", **arrays)
    mapped = map_npz(tmp_path / "x.npz")
    assert mapped.keys() == arrays.keys()
    for name, array in arrays.items():
        assert np.array_equal(mapped[name], array)
        assert mapped[name].dtype == array.dtype


def test_a_damaged_recording_is_refused(tmp_path: Path, rng: np.random.Generator) -> None:
    dataset = tiny_training.make_dataset(tmp_path, {"train": tiny_training.moving_ridge(rng, 50)})
    path = tmp_path / "train.npz"
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(SourceError, match="build the data set again"):
        load_part(dataset, dataset.parts[0])
    np.savez_compressed(path, power_dbfs=np.zeros((50, 64)))
    with pytest.raises(SourceError, match="compressed"):
        load_part(dataset, dataset.parts[0])
    np.savez(path, power_dbfs=np.zeros((49, 64), np.float32), flags=np.zeros(49), sample_start=[0])
    with pytest.raises(SourceError, match="does not hold the 50 frames"):
        load_part(dataset, dataset.parts[0])
    path.unlink()
    with pytest.raises(SourceError, match="cannot be read"):
        load_part(dataset, dataset.parts[0])


def edited(dataset: Dataset, folder: Path, **changes: object) -> Path:
    data = json.loads((dataset.folder / "dataset.json").read_text())
    data.update(changes)
    (folder / "dataset.json").write_text(json.dumps(data))
    return folder


@pytest.mark.parametrize(
    "changes",
    [
        {"schema": "edgespec.dataset/2"},
        {"recordings": 3},
        {"recordings": [{}]},
        {"recordings": None},
        {"split_method": None},
    ],
)
def test_a_damaged_index_is_refused(tmp_path: Path, changes: dict[str, object]) -> None:
    with pytest.raises(SourceError, match="the index of a data set"):
        load_dataset(edited(tiny_training.dataset(), tmp_path, **changes))


def test_an_index_cannot_point_outside(tmp_path: Path) -> None:
    data = json.loads((tiny_training.dataset().folder / "dataset.json").read_text())
    data["recordings"][0]["file"] = "../secret.npz"
    with pytest.raises(SourceError, match="outside of the folder"):
        load_dataset(edited(tiny_training.dataset(), tmp_path, recordings=data["recordings"]))
    with pytest.raises(SourceError, match=r"dataset\.json"):
        load_dataset(tmp_path / "missing")


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_f6_data_sets_of_damaged_bytes(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("dataset")
    rng = np.random.default_rng(1)
    made = tiny_training.make_dataset(folder, {"train": tiny_training.moving_ridge(rng, 50)})
    part = folder / "train.npz"
    part.write_bytes(data.draw(mutated(part.read_bytes())))
    check_door(lambda: load_part(made, made.parts[0]))
    index = folder / "dataset.json"
    index.write_bytes(data.draw(st.binary() | mutated(index.read_bytes())))
    check_door(lambda: load_dataset(folder))


@pytest.mark.parametrize("value", [np.nan, np.inf, 0.0])
def test_a_recording_without_a_valid_frame_is_refused(tmp_path, rng, value) -> None:
    uri = f"sigmf:{write_sigmf(tmp_path, 'a', value * (1.0 + noise(rng, 20_000)))}"
    with pytest.raises(SourceError, match="none is valid"):
        prepare_recording(uri, tmp_path / "d", RECIPE)
    assert not list((tmp_path / "d").glob("*.npz"))
