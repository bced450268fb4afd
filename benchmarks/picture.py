"""The picture in README: an interferer that power does not show, and what is left of the cell.

``python -m benchmarks.picture`` simulates a busy LTE cell with an interferer 10 dB below it, writes
it as SigMF, plays the file through the observer, and draws two planes of the same signal: power,
and what is left when the cell is cancelled, with the box that the observer reported.
"""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import click
import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from matplotlib.ticker import MultipleLocator
from numpy.typing import NDArray

from converter.simulate.sigmf_files import write_recordings
from converter.simulate.specs import RecordingSpec
from edgespec.config import Config, override
from edgespec.detect.scan.site import learn_site, mixed_power
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.observer.opening.band_model import named_bundle
from edgespec.observer.opening.opening import open_chain
from edgespec.observer.radio_opening import open_band_source, open_basis
from edgespec.records import Event, EventType, FloatArray, IqBlock
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    InterfererConfig,
    ReceiverConfig,
    SceneConfig,
)
from edgespec.sources.source import Source

__all__ = ["main"]

_RATE_HZ = 5e6
_LOWER_HZ, _UPPER_HZ, _ISR_DB = 250e3, 1850e3, -10.0
#: It comes on while the picture runs, and stays.
_WARMUP_S, _START_S, _DURATION_S = 2.0, 3.0, 3.5
_SHOWN_S = (2.85, 3.3)
_SHOWN_DBFS, _SHOWN_DB = (-55.0, -28.0), (0.0, 20.0)
_MARK = "tab:red"


@dataclass(frozen=True, slots=True)
class Plane:
    """Levels in dB, ``(n_frames, n_bins)``: a frame begins each ``frame_s``, at ``start_s``."""

    level_db: FloatArray
    start_s: float
    frame_s: float
    lower_hz: float
    upper_hz: float


def record(folder: Path) -> Path:
    """Write the recording and return its path."""
    scene = SceneConfig(
        sample_rate_hz=_RATE_HZ,
        cell=CellConfig(load=1.0, user_groups=3),
        channel=ChannelConfig(profile="epa", doppler_hz=5.0, snr_db=20.0),
        receiver=ReceiverConfig(),
        interferers=(
            InterfererConfig(
                "wideband",
                isr_db=_ISR_DB,
                offset_hz=(_LOWER_HZ + _UPPER_HZ) / 2,
                bandwidth_hz=_UPPER_HZ - _LOWER_HZ,
                start_s=_START_S,
            ),
        ),
    )
    (path,) = write_recordings(
        folder, [RecordingSpec("interferer", scene, seed=3, duration_s=_DURATION_S)]
    )
    return path


def observe(recording: Path) -> tuple[Plane, Plane, list[Event]]:
    """Play the recording; return the power in dBFS, what is left of the cell, and the events."""
    config = override(Config(), source=f"sigmf:{recording}")
    detect = replace(config.detect, warmup_s=_WARMUP_S, hold_off_s=0.1)
    config = replace(config, detect=detect)
    bundle = named_bundle(config)
    source = open_band_source(config, [bundle])
    chain = open_chain(config, source.info, open_basis(config, source.info, bundle))
    geometry = chain.geometry
    horizons, events = [], []
    for block in _blocks(source, chain.hop_samples):
        before = chain.n_segments
        events.extend(chain.process(block))
        if chain.n_segments > before and chain.last is not None:
            horizons.append(chain.last.segment.target.copy())
    events.extend(chain.finish())
    source.close()
    if chain.cancelled is None or chain.cancelled.cell is None:
        raise click.ClickException("no cell was found in the recording")
    power = Plane(
        np.concatenate(horizons),
        geometry.n_context * geometry.frame_s,
        geometry.frame_s,
        -_RATE_HZ / 2,
        _RATE_HZ / 2,
    )
    return power, left_of(open_band_source(config, [None]), chain.cancelled.cell), events


def left_of(source: Source, cell: Cell) -> Plane:
    """Return what is left of a cell, in dB over what the warm-up made expect."""
    n_most = round(_RATE_HZ / 100)
    plane = ResidualPlane(
        source.info.sample_rate_hz, source.info.sample_format, cell, max_block_samples=n_most
    )
    parts = []
    for block in _blocks(source, n_most):
        slots = plane.process(block)
        parts.append([slots.residual.copy(), slots.power.copy(), slots.slot.copy()])
        if len(parts) == 1:
            start_s = float(slots.tick_start[0]) / _RATE_HZ
    source.close()
    residual, power, place = (np.concatenate(part) for part in zip(*parts, strict=True))
    n_learnt = round(_WARMUP_S / plane.grid.frame_s)
    site = learn_site(residual[:n_learnt], power[:n_learnt], place[:n_learnt])
    expected = site.noise[place] + site.leak[place] * mixed_power(power)
    level_db = (10.0 * np.log10(residual / expected)).astype(np.float32)
    # The first subband lies on half of the sample rate, and so on both edges.
    level_db = np.concatenate([level_db, level_db[:, :1]], axis=1)
    grid = plane.grid
    lower_hz, upper_hz = grid.freqs_hz[0] - 0.5 * grid.rbw_hz, grid.freqs_hz[-1] + 1.5 * grid.rbw_hz
    return Plane(level_db, start_s, grid.frame_s, float(lower_hz), float(upper_hz))


def _blocks(source: Source, n_most: int) -> Iterator[IqBlock]:
    buffer: NDArray[np.generic] = source.info.sample_format.empty(n_most)
    while (block := source.read(buffer)) is not None:
        yield block


def draw(power: Plane, left: Plane, events: list[Event], path: Path) -> None:
    """Write the picture: power above, what is left of the cell below, the alarm's box on it."""
    pyplot.rcParams.update({"font.size": 12, "axes.titlesize": 13, "axes.titleweight": "bold"})
    figure, (above, below) = pyplot.subplots(
        2, 1, sharex=True, sharey=True, figsize=(8.8, 7.4), layout="constrained"
    )
    above.set_title("Power: the interferer does not show", loc="left", pad=24)
    below.set_title("The same signal, the cell cancelled", loc="left", pad=24)
    _show(above, power, _SHOWN_DBFS, "viridis", "dBFS per bin")
    _show(below, left, _SHOWN_DB, "inferno", "dB over what is expected")
    words = "an interferer comes on"
    for axes, text in ((above, f"{words}, {-_ISR_DB:.0f} dB below the cell"), (below, words)):
        # Beside the plane, not on it: whoever looks decides what shows.
        axes.plot(0.0, 2.66, marker="v", markersize=11, color=_MARK, clip_on=False)
        axes.text(9.0, 2.58, text, color=_MARK)
        axes.set_ylabel("MHz off the centre")
    for event in events:
        _mark(below, event)
    below.set_xlabel("ms after the interferer came on")
    below.set_xlim(*(1e3 * (time_s - _START_S) for time_s in _SHOWN_S))
    below.set_ylim(-2.5, 2.5)
    figure.savefig(path, dpi=100)
    pyplot.close(figure)


def _show(
    axes: Axes, plane: Plane, limits_db: tuple[float, float], colours: str, label: str
) -> None:
    """Draw a plane: frequency up, time to the right."""
    first, last = (round((time_s - plane.start_s) / plane.frame_s) for time_s in _SHOWN_S)
    left_ms = 1e3 * (plane.start_s + first * plane.frame_s - _START_S)
    right_ms = 1e3 * (plane.start_s + last * plane.frame_s - _START_S)
    image = axes.imshow(
        plane.level_db[first:last].T,
        origin="lower",
        aspect="auto",
        cmap=colours,
        vmin=limits_db[0],
        vmax=limits_db[1],
        extent=(left_ms, right_ms, plane.lower_hz / 1e6, plane.upper_hz / 1e6),
        interpolation="nearest",
    )
    axes.figure.colorbar(image, ax=axes, label=label, pad=0.02, ticks=MultipleLocator(5))


def _mark(axes: Axes, event: Event) -> None:
    """Draw the box of an event's last message, or the moment of its first one."""
    start_ms = 1e3 * (event.sample_start / _RATE_HZ - _START_S)
    width_ms = 1e3 * event.n_samples / _RATE_HZ
    low_mhz, high_mhz = event.freq_lower_hz / 1e6, event.freq_upper_hz / 1e6
    if event.event_type is EventType.NEW:
        message_ms = round(start_ms + width_ms + 1e3 * event.latency_s)
        axes.annotate(
            f"alarm: first message after {message_ms} ms",
            (message_ms, low_mhz),
            xytext=(message_ms + 20, low_mhz - 1.0),
            color="white",
            fontweight="bold",
            arrowprops={"arrowstyle": "->", "color": "white", "linewidth": 2.0},
        )
    elif event.event_type is EventType.END:
        box = Rectangle((start_ms, low_mhz), width_ms, high_mhz - low_mhz, fill=False)
        box.set(edgecolor="white", linewidth=2.0)
        axes.add_patch(box)


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
        power, left, events = observe(record(Path(folder)))
    draw(power, left, events, out)
    for event in events:
        click.echo(
            f"{event.event_type}: {event.sample_start / _RATE_HZ:.4f} s, {event.n_samples} samples,"
            f" {event.freq_lower_hz:.0f} to {event.freq_upper_hz:.0f} Hz, {event.detector}, "
            f"score {event.score:.2f}, {1e3 * event.latency_s:.1f} ms late"
        )
    click.echo(f"wrote {out}")


if __name__ == "__main__":
    main()
