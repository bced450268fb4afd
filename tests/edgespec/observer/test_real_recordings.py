"""Trained on real LTE captures, the observer is quiet on another one and finds what was added.

The full set of rotations, with its table, is :mod:`benchmarks.detection.real_recordings`.
"""

from pathlib import Path

import pytest

pytest.importorskip("tensorflow", reason="needs the extra converter")

from benchmarks.detection.real_cases import Outcome, read_recording
from benchmarks.detection.real_recordings import (
    CAPTURE_DETECT,
    CAPTURES,
    CASES,
    Training,
    g20_dataset,
    monitor_cases,
    train_bundle,
)
from tests.made.tiny_training import KERAS_WARNINGS

pytestmark = [pytest.mark.converter, pytest.mark.filterwarnings(KERAS_WARNINGS)]

MONITORED = CAPTURES[0]
#: Less than the benchmark gives it, so that the suite stays quick.
TRAINING = Training(epochs=6, hop_frames=2)


@pytest.fixture(scope="module")
def outcomes(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcome]:
    folder = tmp_path_factory.mktemp("real")
    dataset = g20_dataset(shared_data, MONITORED, folder / "dataset")
    assert MONITORED not in {part.name for part in dataset.parts}
    bundle = train_bundle(dataset, folder, CAPTURE_DETECT.warmup_s, TRAINING, lambda text: None)
    recording = read_recording(shared_data / f"{MONITORED}.sigmf-meta")
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
