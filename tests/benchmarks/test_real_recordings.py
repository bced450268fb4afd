"""Trained on real LTE captures, the observer is quiet on another one and finds what was added.

The full set of rotations, with its table, is :mod:`benchmarks.detection.real_recordings`.
"""

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

if find_spec("tensorflow") is None:  # to import it takes seconds of every process that collects
    pytest.skip("needs the extra converter", allow_module_level=True)

from benchmarks.detection.injected import KINDS, draw_interferer
from benchmarks.detection.real_cases import Outcome, Recording, monitor, read_recording
from benchmarks.detection.real_recordings import (
    CAPTURE_DETECT,
    CAPTURES,
    CASES,
    Training,
    g20_dataset,
    monitor_cases,
    train_bundle,
)
from edgespec.inference.bundle import load_bundle
from tests.made.tiny_training import KERAS_WARNINGS

pytestmark = [pytest.mark.converter, pytest.mark.filterwarnings(KERAS_WARNINGS)]

MONITORED = CAPTURES[0]
CAPTURE_FRAME_S = 1280 / 1.92e6
#: Less than the benchmark gives it, so that the suite stays quick.
TRAINING = Training(epochs=6, hop_frames=2)


@pytest.fixture(scope="module")
def bundle(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("real")
    dataset = g20_dataset(shared_data, MONITORED, folder / "dataset")
    assert MONITORED not in {part.name for part in dataset.parts}
    return train_bundle(dataset, folder, CAPTURE_DETECT.warmup_s, TRAINING, lambda text: None)


@pytest.fixture(scope="module")
def recording(shared_data: Path) -> Recording:
    return read_recording(shared_data / f"{MONITORED}.sigmf-meta")


@pytest.fixture(scope="module")
def outcomes(
    recording: Recording, bundle: Path, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("monitored")
    runs = monitor_cases(recording, bundle, CAPTURE_DETECT, CASES, folder, lambda text: None)
    return {outcome.case: outcome for outcome in runs}


def test_the_untouched_capture_gives_no_event(outcomes: dict[str, Outcome]) -> None:
    quiet = outcomes["untouched"]
    assert quiet.n_events == 0
    assert quiet.n_scored > 30
    assert quiet.skipped == {}


@pytest.mark.parametrize("case", [case.name for case in CASES if case.interferer])
def test_an_interferer_as_strong_as_the_cell_is_found(
    case: str, outcomes: dict[str, Outcome]
) -> None:
    found = outcomes[case]
    assert found.n_events == found.n_found == 1
    assert found.edge_error_bins is not None
    assert found.edge_error_bins <= 2.0
    assert found.start_error_segments is not None
    assert found.start_error_segments <= 1.0
    assert found.stop_s is not None
    assert found.stop_s > 0.95


@pytest.mark.parametrize("isr_db", [0.0, 10.0])
@pytest.mark.parametrize("kind", ["tone", "QPSK", "noise"])
def test_a5_what_comes_in_the_warm_up_is_an_event_behind_it(
    recording: Recording, bundle: Path, kind: str, isr_db: float, tmp_path: Path
) -> None:
    rate_hz = recording.info.sample_rate_hz
    drawn = draw_interferer(kind, rate_hz, np.random.default_rng(list(KINDS).index(kind)))
    case = replace(CASES[1], name=kind, interferer=drawn, isr_db=isr_db)
    n_context_s = load_bundle(bundle).manifest.geometry.n_context * CAPTURE_FRAME_S
    end_s = CAPTURE_DETECT.warmup_s + n_context_s
    uri = recording.write(case, end_s - CAPTURE_DETECT.warmup_s / 2, tmp_path)
    heard = monitor(uri, bundle, CAPTURE_DETECT, tmp_path)
    assert "the band changed by +" in heard.state.distrust
    edges_hz = case.edges_hz()
    assert edges_hz is not None
    center_hz = recording.info.center_freq_hz
    assert any(
        event.sample_start / rate_hz < end_s + 0.1
        and event.freq_lower_hz <= center_hz + edges_hz[1]
        and event.freq_upper_hz >= center_hz + edges_hz[0]
        for event in heard.messages
    )
