"""Simulated recordings written as SigMF, and read back."""

import json

import numpy as np
import pytest

pytest.importorskip("sigmf")

from converter.simulate.recordings import RecordingSpec, training_specs, write_recordings
from edgespec.errors import UsageError
from edgespec.records import SampleFormat
from edgespec.simulate.config import InterfererConfig, ReceiverConfig, SceneConfig
from edgespec.simulate.scene import Scene
from edgespec.sources import open_source

BITS = {SampleFormat.CF32: 0, SampleFormat.CU8: 8, SampleFormat.CI8: 8, SampleFormat.CI16: 12}


@pytest.mark.parametrize("sample_format", list(SampleFormat))
def test_a_recording_reads_back_as_the_scene(tmp_path, sample_format):
    interferer = InterfererConfig("wideband", 3.0, -2e5, 5e5, start_s=0.005, stop_s=0.015)
    receiver = ReceiverConfig(sample_format, BITS[sample_format])
    scene = SceneConfig(1.92e6, receiver=receiver, interferers=(interferer,))
    spec = RecordingSpec("one", scene, seed=7, duration_s=0.025, center_freq_hz=8e8)
    written = []
    (path,) = write_recordings(tmp_path, [spec], written.append)
    assert sum(written) == spec.n_samples == 48_000
    source = open_source(f"sigmf:{path}?verify=1")
    assert (source.info.center_freq_hz, source.info.n_samples) == (8e8, 48_000)
    got = source.read(sample_format.empty(48_000)).samples
    source.close()
    expected = sample_format.empty(48_000)
    Scene(scene, 7).read_into(expected)
    np.testing.assert_array_equal(got, expected)
    metadata = json.loads(path.read_text())
    (note,) = metadata["annotations"]
    assert (note["core:sample_start"], note["core:sample_count"]) == (9600, 19_200)
    assert note["core:freq_lower_edge"] == 8e8 - 4.5e5
    assert note["core:freq_upper_edge"] == 8e8 + 5e4
    assert note["core:label"] == "wideband"
    assert metadata["global"]["core:description"].startswith("SIMULATED")


def test_writing_twice_gives_the_same_files(tmp_path):
    specs = training_specs(2, 0.01, 1.92e6, seed=3)
    contents = [
        [p.read_bytes() for p in sorted(write_recordings(tmp_path / folder, specs))]
        for folder in ("a", "b")
    ]
    assert contents[0] == contents[1]
    assert contents[0][0] != contents[0][1]


def test_observers_are_a_mixture_and_reproducible():
    specs = training_specs(12, 1.0, 5e6, seed=1)
    assert specs == training_specs(12, 1.0, 5e6, seed=1)
    assert specs != training_specs(12, 1.0, 5e6, seed=2)
    contexts = [spec.context for spec in specs]
    assert {context: contexts.count(context) for context in contexts} == {
        "static": 4,
        "walk": 4,
        "drive": 4,
    }
    assert len({spec.name for spec in specs}) == len({spec.seed for spec in specs}) == 12
    for spec in specs:
        assert not spec.scene.interferers
        assert 5.0 <= spec.scene.channel.snr_db <= 30.0
        assert (spec.scene.channel.doppler_hz == 0.0) == (spec.context == "static")


def test_what_cannot_be_recorded(tmp_path):
    with pytest.raises(UsageError, match="record nothing"):
        training_specs(0, 1.0, 5e6, seed=1)
    spec = training_specs(1, 0.01, 1.92e6, seed=1)[0]
    with pytest.raises(UsageError, match="two recordings are named"):
        write_recordings(tmp_path, [spec, spec])
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot write recordings"):
        write_recordings(tmp_path / "file", [spec])
