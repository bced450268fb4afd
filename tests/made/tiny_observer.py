"""An observer that is simulated in a moment, and stretches of its signal."""

import functools
from dataclasses import replace

from converter.lab.experiment import Detection
from converter.lab.measures.windows.observer_plan import Slot
from converter.lab.measures.windows.stretch_layout import Layout
from converter.lab.measures.windows.stretches import Stretch
from converter.simulate.specs import RecordingSpec
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    ReceiverConfig,
    SceneConfig,
)
from edgespec.simulate.scene import Scene
from edgespec.simulate.wanted import wanted_power
from tests.made import tiny

LAYOUT = Layout.of(tiny.RECIPE)
#: First segment of the stretch: 61 ms behind the beginning, after some frames of the cell.
SEGMENT = 60


def spec(seed: int = 5, snr_db: float = 20.0, **receiver: object) -> RecordingSpec:
    """A busy cell at 1 MS/s, of which the observer hears the middle fifth."""
    scene = SceneConfig(
        sample_rate_hz=tiny.FRAMING.sample_rate_hz,
        cell=CellConfig(load=0.7),
        channel=ChannelConfig(doppler_hz=5.0, snr_db=snr_db),
        receiver=replace(ReceiverConfig(), **receiver),  # type: ignore[arg-type]
    )
    return RecordingSpec("tiny", scene, seed, 1.0, context="walk")


@functools.cache
def stretch(observer: RecordingSpec | None = None, segment: int = SEGMENT) -> Stretch:
    """Return a clean stretch; the scene before it stands at the observer's first sample."""
    observer = observer or spec()
    rate_hz = observer.scene.sample_rate_hz
    start = LAYOUT.sample_of(segment)
    power = wanted_power(
        observer.scene, observer.seed, start / rate_hz, (start + LAYOUT.n_samples) / rate_hz
    )
    before = Scene(observer.scene, observer.seed)
    return Stretch.after(before, observer, LAYOUT, Slot(0, segment, "", False), power)


def detection(**changes: object) -> Detection:
    """A detection part with two kinds and a fault, in a tenth of a second."""
    values: dict[str, object] = {
        "name": "tiny",
        "population": "any",
        "detectors": ("energy", "zscore", "ewma"),
        "kinds": ("tone", "wideband"),
        "faults": ("station-lost",),
        "isrs_db": (0.0, 10.0),
        "warmup_s": 0.06,
        "normal_s": 0.05,
        "n_stretches": 2,
        "persistent_s": 0.0,
    }
    return Detection(**{**values, **changes})  # type: ignore[arg-type]
