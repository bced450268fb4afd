"""Simulated recordings written as SigMF, and read back."""

import json
from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("sigmf")

from converter.simulate.additions import with_additions
from converter.simulate.mixture import MIXTURES, Mixture, choose_mixture
from converter.simulate.sigmf_files import write_recordings
from converter.simulate.specs import RecordingSpec, training_specs
from edgespec.errors import UsageError
from edgespec.records import SampleFormat
from edgespec.simulate.config import (
    FaultConfig,
    InterfererConfig,
    ReceiverConfig,
    SceneConfig,
    TddConfig,
)
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


# --- mixtures and additions ----------------------------------------------------------------


def test_a_mixture_that_adds_nothing_is_the_plain_one():
    assert choose_mixture("plain") is None
    assert choose_mixture("plain", "dl") is None
    assert choose_mixture("plain", "ul").direction == "ul"
    with pytest.raises(UsageError, match="known are plain, varied, uplink"):
        choose_mixture("wild")
    with pytest.raises(UsageError, match="'Z' is not known; known are A"):
        Mixture(cells=("Z",))


def test_a_varied_mixture_has_its_shares():
    specs = training_specs(300, 1.0, 5e6, seed=2, mixture=MIXTURES["varied"])
    assert specs == training_specs(300, 1.0, 5e6, seed=2, mixture=MIXTURES["varied"])
    scenes = [spec.scene for spec in specs]
    assert np.mean([bool(s.neighbours) for s in scenes]) == pytest.approx(0.3, abs=0.1)
    assert np.mean([s.cell.user_groups > 0 for s in scenes]) == pytest.approx(0.5, abs=0.1)
    assert np.mean([s.receiver.dc != 0 for s in scenes]) == pytest.approx(0.5, abs=0.1)
    assert {s.receiver.adc_bits for s in scenes} == {8, 12, 14}
    assert not any(s.receiver.agc_every_s for s in scenes)
    for spec in specs:
        assert 5.0 <= spec.scene.channel.snr_db <= 30.0
        assert (spec.scene.channel.doppler_hz == 0.0) == (spec.context == "static")
        assert spec.context != "static" or not spec.scene.channel.shadow_db
        assert all(-15.0 <= n.level_db <= -3.0 for n in spec.scene.neighbours)
    plain = training_specs(300, 1.0, 5e6, seed=2)
    assert [s.seed for s in specs] == [s.seed for s in plain]


def test_an_uplink_mixture_is_heard_and_described(tmp_path):
    specs = training_specs(3, 0.02, 5e6, seed=2, mixture=MIXTURES["uplink"])
    assert all(5 <= spec.scene.uplink.n_users <= 40 for spec in specs)
    (path,) = write_recordings(tmp_path, specs[:1])
    assert "LTE-like uplink" in json.loads(path.read_text())["global"]["core:description"]


def test_cells_of_a_mixture_are_the_named_ones():
    specs = training_specs(30, 1.0, 5e6, seed=2, mixture=Mixture(cells=("B", "D")))
    assert {spec.scene.cell.pci for spec in specs} == {17, 451}


def test_what_is_added_is_annotated(tmp_path):
    specs = with_additions(
        training_specs(1, 0.03, 1.92e6, seed=2),
        [InterfererConfig("qpsk", 3.0, start_s=0.005, stop_s=0.01)],
        [FaultConfig("power-step", 0.02, step_db=5.0)],
    )
    (path,) = write_recordings(tmp_path, specs)
    first, second = json.loads(path.read_text())["annotations"]
    assert (first["core:label"], first["edgespec:isr_db"]) == ("qpsk", 3.0)
    assert second["core:label"] == "power-step"
    assert second["core:comment"] == "power step of +5 dB"
    assert "edgespec:isr_db" not in second
    with pytest.raises(UsageError, match="begin earlier"):
        with_additions(specs, [InterfererConfig(start_s=1.0)])


def test_time_division_is_described(tmp_path):
    (spec,) = training_specs(1, 0.02, 1.92e6, seed=2)
    spec = replace(spec, scene=replace(spec.scene, tdd=TddConfig(1, 6)))
    (path,) = write_recordings(tmp_path, [spec])
    description = json.loads(path.read_text())["global"]["core:description"]
    assert "LTE-like time division 1 with special subframe 6 of 5 MHz" in description
