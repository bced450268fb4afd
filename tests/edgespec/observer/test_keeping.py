"""What is heard around an alert, from the radio to the recording."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sigmf

from edgespec.config import BandConfig, Config, DetectConfig, EvidenceConfig, NodeConfig
from edgespec.observer.keeping import open_recorder
from edgespec.observer.monitor import Monitor, Radio
from edgespec.observer.opening.parts import warmup_s_of
from edgespec.sources import open_source
from tests.made import band, tiny
from tests.made.tape import Notebook, Tape, chain_for

TONE_S = (0.6, 0.7)


@pytest.fixture
def samples(rng: np.random.Generator) -> np.ndarray:
    return band.cf32(band.with_tone(band.noise(rng, 1.2), *TONE_S))


def config_in(folder: Path, **evidence: object) -> Config:
    return Config(
        node=NodeConfig(id="roof", state_dir=folder),
        band=(BandConfig(id="lte"),),
        evidence=EvidenceConfig(**{"before_s": 0.2, "after_s": 0.3, **evidence}),
    )


def test_a_radio_s_alert_leaves_its_samples(samples: np.ndarray, tmp_path: Path) -> None:
    # Not as a live one, which would lose samples on a busy machine.
    tape, notebook = Tape(samples), Notebook()
    radio = Radio("r", tape, [chain_for(tape, "lte")])
    live = replace(tape.info, is_live=True)
    tape.info = live
    recorder = open_recorder(config_in(tmp_path), [radio])
    tape.info = replace(live, is_live=False)
    assert recorder is not None
    Monitor([radio], [notebook, recorder], state_s=60.0, tapes=recorder.tapes).run()
    event = notebook.events[0]
    (meta,) = (tmp_path / "evidence").glob("*.sigmf-meta")
    kept = sigmf.fromfile(str(meta))
    kept.validate()
    (annotation,) = kept.get_annotations()
    assert annotation["core:uuid"] == event.event_id
    # From where a segment begins, which is a little earlier.
    start = event.sample_start - round(0.2 * band.RATE_HZ)
    stop = start + round(0.5 * band.RATE_HZ)
    start -= start % tiny.RECIPE.hop_samples
    np.testing.assert_array_equal(kept.read_samples(), samples[start:stop])


def test_a_replay_finds_the_event_again_with_nearly_the_same_score(
    samples: np.ndarray, tmp_path: Path
) -> None:
    """What lies before the event is learnt from, and no more: 40% would be half of it."""
    tape, notebook = Tape(samples), Notebook()
    live = replace(tape.info, is_live=True)
    radio = Radio("r", tape, [chain_for(tape, "lte")])
    tape.info = live
    recorder = open_recorder(config_in(tmp_path, before_s=0.55, pictures=False), [radio])
    tape.info = replace(live, is_live=False)
    assert recorder is not None
    Monitor([radio], [notebook, recorder], state_s=60.0, tapes=recorder.tapes).run()
    (meta,) = (tmp_path / "evidence").glob("*.sigmf-meta")
    source = open_source(f"sigmf:{meta}")
    info = source.info
    assert info.quiet_s is not None
    detect = DetectConfig(warmup_s=4.0)
    warmup_s = warmup_s_of(detect, info)
    assert 0.4 < warmup_s < info.quiet_s < 0.6
    again = Notebook()
    replayed = Radio("r", source, [chain_for(source, "lte", warmup_s=warmup_s)])
    Monitor([replayed], [again], state_s=60.0).run()
    first, second = notebook.events[0], again.events[0]
    begin = round(info.quiet_s * band.RATE_HZ)
    assert abs(second.sample_start - begin) <= 2 * tiny.RECIPE.hop_samples
    assert abs(second.freq_lower_hz - first.freq_lower_hz) <= tiny.FRAMING.bin_hz
    assert second.detector == first.detector
    highest = [max(one.score for one in book.events) for book in (notebook, again)]
    assert 0.6 < highest[1] / highest[0] < 1.6


def test_a_recording_leaves_none_and_neither_does_who_wants_none(
    samples: np.ndarray, tmp_path: Path
) -> None:
    tape = Tape(samples)
    radio = Radio("r", tape, [chain_for(tape, "lte")])
    assert open_recorder(config_in(tmp_path), [radio]) is None
    tape.info = replace(tape.info, is_live=True)
    assert open_recorder(config_in(tmp_path, keep="nothing"), [radio]) is None
