"""Simulated observers straight to frames, as the device would make them: no samples are kept."""

from collections.abc import Iterator
from pathlib import Path

from converter.data.ingest import PreparedRecording, save_frames
from converter.simulate.specs import RecordingSpec
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.records import IqBlock, Spectrogram
from edgespec.simulate.scene import Scene

__all__ = ["prepare_simulated", "simulate_frames"]

_BLOCK_S = 0.25


def simulate_frames(spec: RecordingSpec, recipe: Recipe) -> Iterator[Spectrogram]:
    """Yield the frames of one simulated observer, block after block of its samples.

    The arrays of a spectrogram are written over when the next one is asked for.

    Raises:
        ModelError: the sample rate of the observer is not that of the recipe.
    """
    rate_hz = spec.scene.sample_rate_hz
    scene = Scene(spec.scene, spec.seed)
    sample_format = spec.scene.receiver.sample_format
    n_block = round(_BLOCK_S * rate_hz)
    front_end = FrontEnd(recipe.framing, sample_format, max_block_samples=n_block)
    buffer = sample_format.empty(n_block)
    for start in range(0, spec.n_samples, n_block):
        samples = buffer[: min(n_block, spec.n_samples - start)]
        scene.read_into(samples)
        yield front_end.process(IqBlock(samples, rate_hz, spec.center_freq_hz, start, 0))


def prepare_simulated(spec: RecordingSpec, folder: Path, recipe: Recipe) -> PreparedRecording:
    """Simulate one observer and write its frames to ``folder/NAME.npz``.

    It needs nothing but its arguments, so a loop, a process pool or a cluster can run it.

    Raises:
        ModelError: the sample rate of the observer is not that of the recipe.
        SourceError: the file cannot be written, or there is not one frame.
    """
    return save_frames(
        simulate_frames(spec, recipe),
        folder / f"{spec.name}.npz",
        recipe,
        source=f"simulated with seed {spec.seed}: {spec.scene}",
    )
