"""On real recordings our own kernels raise the alarms that LiteRT raises."""

from dataclasses import fields, replace
from pathlib import Path

import pytest

from benchmarks.detection.real_cases import Case, Recording, read_recording
from edgespec.config import BandConfig, DetectConfig
from edgespec.errors import SourceError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path, write_bundle
from edgespec.records import Event, IqBlock
from edgespec.simulate.config import InterfererConfig
from tests.made.chain import chain_of

pytestmark = pytest.mark.slow_without_jit

#: Short, so that a recording of 80 ms has something left, and eager: every alarm is an event.
N_WARMUP = 8
N_HOPS = 120
#: What follows from scores, which differ by rounding, is nearly the same; all else is the same.
NEARLY = {"score", "sureness", "severity_db", "peak_dbfs", "excess_db", "threshold"}
NEVER = {"event_id", "latency_s"}


def at_rate(bundle: Bundle, rate_hz: float, path: Path) -> Bundle:
    """Return the bundle for another sample rate: it hears frames, not seconds."""
    manifest = bundle.manifest
    recipe = replace(manifest.recipe, sample_rate_hz=rate_hz)
    return write_bundle(
        path,
        replace(manifest, made_with=recipe),
        bundle.model,
        bundle.golden_inputs,
        bundle.golden_outputs,
        bundle.weights,
    )


def events_of(bundle: Bundle, backend: str, recording: Recording, case: Case) -> list[Event]:
    recipe, info = bundle.manifest.recipe, recording.info
    detect = DetectConfig(
        detectors=("model",),
        warmup_s=N_WARMUP * recipe.geometry.hop_s,
        false_alarm_rate=0.01,
        k=1,
        n=1,
        hold_off_s=0.0,
    )
    n_samples = recipe.hop_samples
    chain = chain_of(
        bundle,
        open_backend(bundle, backend),
        info,
        BandConfig(),
        detect,
        max_block_samples=n_samples,
        computing="compiled",
    )
    samples = recording.mixed(case, len(recording.samples) / 2 / info.sample_rate_hz)
    events: list[Event] = []
    for start in range(0, len(samples) - n_samples + 1, n_samples):
        block = samples[start : start + n_samples]
        events += chain.process(
            IqBlock(block, info.sample_rate_hz, info.center_freq_hz, start, utc_ns=0)
        )
    return [*events, *chain.finish()]


def shortened(recording: Recording, hop_samples: int) -> Recording:
    return replace(recording, samples=recording.samples[: N_HOPS * hop_samples])


def test_every_recording_gives_the_same_events(shared_data: Path, tmp_path: Path) -> None:
    shipped = load_bundle(shipped_bundle_path())
    hop_samples = shipped.manifest.recipe.hop_samples
    n_events, n_recordings = {"untouched": 0, "wideband": 0}, 0
    for path in sorted(shared_data.glob("*.sigmf-meta")):
        try:
            recording = shortened(read_recording(path), hop_samples)
        except SourceError:
            continue
        rate_hz = recording.info.sample_rate_hz
        interferer = InterfererConfig(
            "wideband", offset_hz=0.1 * rate_hz, bandwidth_hz=0.2 * rate_hz
        )
        bundle = at_rate(shipped, rate_hz, tmp_path / f"{rate_hz:.0f}.edgespec")
        n_recordings += 1
        for case in (Case("untouched"), Case("wideband", interferer, isr_db=10.0)):
            theirs = events_of(bundle, "litert", recording, case)
            ours = events_of(bundle, "numba", recording, case)
            n_events[case.name] += len(ours)
            assert len(ours) == len(theirs), (recording.name, case.name)
            for event, other in zip(ours, theirs, strict=True):
                for field in (field.name for field in fields(Event) if field.name not in NEVER):
                    value, expected = getattr(event, field), getattr(other, field)
                    if field in NEARLY:
                        expected = pytest.approx(expected, abs=1e-2)
                    assert value == expected, (recording.name, case.name, field)
    if n_recordings == 0:
        pytest.skip("there is no recording in ../shared/data")
    # Otherwise nothing was compared.
    assert n_events["wideband"] > n_events["untouched"] > 0
