"""The picture in README: a recording that the project makes itself, with the alarm's box on it.

``python -m benchmarks.picture`` simulates an LTE-like cell with an interferer, writes it as SigMF,
plays the file through the observer and draws what the observer heard and what it reported.
"""

import tempfile
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from matplotlib import pyplot
from matplotlib.patches import Rectangle

from converter.simulate.sigmf_files import write_recordings
from converter.simulate.specs import RecordingSpec
from edgespec.config import Config, override
from edgespec.observer.startup import named_bundle, open_band_source, open_chain
from edgespec.records import Event, FloatArray
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    InterfererConfig,
    ReceiverConfig,
    SceneConfig,
)

__all__ = ["main"]

_START_S, _STOP_S, _DURATION_S = 5.0, 5.12, 5.6
_SHOWN_S = (4.85, 5.35)


def record(folder: Path) -> Path:
    """Write the recording and return its path."""
    scene = SceneConfig(
        sample_rate_hz=5e6,
        cell=CellConfig(load=0.5),
        channel=ChannelConfig(profile="epa", doppler_hz=5.0, snr_db=22.0),
        receiver=ReceiverConfig(),
        interferers=(
            InterfererConfig(
                "wideband",
                isr_db=5.0,
                offset_hz=0.9e6,
                bandwidth_hz=0.6e6,
                start_s=_START_S,
                stop_s=_STOP_S,
            ),
        ),
    )
    (path,) = write_recordings(
        folder, [RecordingSpec("interferer", scene, seed=3, duration_s=_DURATION_S)]
    )
    return path


def observe(recording: Path) -> tuple[FloatArray, float, list[Event]]:
    """Return the spectrogram in dBFS, the length of a frame in seconds, and the events."""
    config = override(Config(), source=f"sigmf:{recording}")
    config = replace(config, detect=replace(config.detect, hold_off_s=0.1))
    source = open_band_source(config, [named_bundle(config.band[0])])
    chain = open_chain(config, source)
    geometry = chain.geometry
    buffer = source.info.sample_format.empty(chain.hop_samples)
    horizons, events = [], []
    while (block := source.read(buffer)) is not None:
        before = chain.n_segments
        events.extend(chain.process(block))
        if chain.n_segments > before and chain.last is not None:
            horizons.append(chain.last.segment.target.copy())
    events.extend(chain.finish())
    source.close()
    context = np.full((geometry.n_context, geometry.n_bins), np.nan, np.float32)
    return np.concatenate([context, *horizons]), geometry.frame_s, events


def draw(power_dbfs: FloatArray, frame_s: float, events: list[Event], path: Path) -> None:
    """Write the picture: frequency up, time to the right, the last message of each event a box."""
    first, last = (round(time_s / frame_s) for time_s in _SHOWN_S)
    shown = power_dbfs[first:last]
    figure, axes = pyplot.subplots(figsize=(9.6, 4.2), layout="constrained")
    low, high = np.nanquantile(shown, (0.02, 0.998))
    image = axes.imshow(
        shown.T,
        origin="lower",
        aspect="auto",
        cmap="viridis",
        vmin=float(low),
        vmax=float(high),
        extent=(1e3 * _SHOWN_S[0], 1e3 * _SHOWN_S[1], -2.5, 2.5),
        interpolation="nearest",
    )
    for event in (event for event in events if event.event_type == "end"):
        start_s = event.sample_start / 5e6
        width_s = event.n_samples / 5e6
        low_mhz, high_mhz = event.freq_lower_hz / 1e6, event.freq_upper_hz / 1e6
        box = Rectangle(
            (1e3 * start_s, low_mhz),
            1e3 * width_s,
            high_mhz - low_mhz,
            fill=False,
            edgecolor="white",
            linewidth=2.0,
        )
        axes.add_patch(box)
        axes.annotate(
            f"alarm by {event.detector}: {low_mhz:+.2f} to {high_mhz:+.2f} MHz, "
            f"{event.excess_db:+.0f} dB, score {event.score:.1f} > {event.threshold:.1f}",
            (1e3 * start_s, high_mhz),
            xytext=(0, 6),
            textcoords="offset points",
            color="white",
            fontsize=10,
            fontweight="bold",
        )
    axes.set_xlabel("time, ms")
    axes.set_ylabel("frequency against the centre, MHz")
    axes.set_title("A simulated 5 MHz LTE-like cell, and a 600 kHz interferer 5 dB above it")
    figure.colorbar(image, label="dBFS per bin")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


@click.command()
@click.option(
    "-o",
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("docs/alarm.png"),
    show_default=True,
)
def main(out: Path) -> None:
    """Draw README's picture."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        power_dbfs, frame_s, events = observe(record(Path(folder)))
    draw(power_dbfs, frame_s, events, out)
    for event in events:
        click.echo(
            f"{event.event_type}: {event.sample_start / 5e6:.4f} s, {event.freq_lower_hz:.0f} to "
            f"{event.freq_upper_hz:.0f} Hz, {event.detector}, score {event.score:.2f}"
        )
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
