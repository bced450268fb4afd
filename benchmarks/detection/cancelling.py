"""How far a cell is cancelled, on real recordings and by what a moving observer hears.

``python -m benchmarks.detection.cancelling`` searches each LTE recording for its cell, follows it
with the residual plane, and writes how far residual lies below power; and does the same on a
simulated cell almost without noise, where all that is left is the cell's own: standing, walking,
driving, with a neighbour, off frequency, and with a clock that runs away.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.detection.real_cases import read_recording
from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.residual import ResidualPlane
from edgespec.dsp.prefix.search import find_cell
from edgespec.dsp.prefix.tracker import TrackState
from edgespec.records import IqBlock, SampleFormat
from edgespec.simulate.config import CellConfig, ChannelConfig, NeighbourConfig, SceneConfig
from edgespec.simulate.scene import Scene, noise_power
from edgespec.units import db_from_ratio

__all__ = ["FAST", "SCENES", "main", "recordings", "scenes"]

_HOP_S = 6.4e-3
#: Before this nothing counts: the tracker pulls in what the search was wrong by.
_PULL_IN_S = 0.1
_SEARCH_S = 0.4
_RATES_HZ = (1.92e6, 5e6)
_NEIGHBOUR = NeighbourConfig(CellConfig(pci=77), -10.0, 3.37e-3)

#: A clock as fast as those of the real recordings, found 3 ppm wrong, for a minute: it is 1.6 ms,
#: three slots, off in the end.
FAST = "standing, EPA, clock 26 ppm fast, a minute"
_FAST_PPM, _WRONG_PPM, _FAST_S = 26.0, 3.0, 60.0

#: Channel, and the level of a neighbour where there is one.
SCENES: dict[str, tuple[ChannelConfig, NeighbourConfig | None]] = {
    "standing, one path": (ChannelConfig("flat", 0.0, None), None),
    "standing, EPA": (ChannelConfig("epa", 0.0), None),
    "walking, EPA, 5 Hz": (ChannelConfig("epa", 5.0), None),
    "walking, EVA, 5 Hz": (ChannelConfig("eva", 5.0, None), None),
    "driving, EVA, 70 Hz": (ChannelConfig("eva", 70.0, None), None),
    "driving, EVA, 70 Hz, direct path of 10 dB": (ChannelConfig("eva", 70.0, 10.0), None),
    "standing, EPA, 7.3 kHz off": (ChannelConfig("epa", 0.0, cfo_hz=7300.0), None),
    FAST: (ChannelConfig("epa", 0.0), None),
    "standing, EPA, neighbour at -10 dB": (ChannelConfig("epa", 0.0), _NEIGHBOUR),
    "standing, EPA, neighbour at -3 dB": (
        ChannelConfig("epa", 0.0),
        replace(_NEIGHBOUR, level_db=-3.0),
    ),
}


def follow(
    plane: ResidualPlane, blocks: Iterator[IqBlock], pull_in_s: float = _PULL_IN_S
) -> dict[str, Any]:
    """Return levels and state of a cell, the pulling-in left out."""
    residual, power, states = [], [], []
    for block in blocks:
        slots = plane.process(block)
        residual.append(slots.residual.sum(axis=1, dtype=np.float64))
        power.append(slots.power.sum(axis=1, dtype=np.float64))
        if block.sample_start >= pull_in_s * block.sample_rate_hz:
            states.append(plane.tracker.state)
    first = round(pull_in_s / 5e-4)
    left, there = (np.concatenate(rows)[first:] for rows in (residual, power))
    return {
        "power_dbfs": db_from_ratio(float(there.mean())),
        "residual_dbfs": db_from_ratio(float(left.mean())),
        "cancelled_db": db_from_ratio(float(there.mean() / left.mean())),
        "quality": plane.tracker.quality,
        "ppm": plane.tracker.ppm,
        "tracked_share": float(np.mean([state is TrackState.TRACKING for state in states])),
    }


def recordings(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield a row for every LTE recording; short ones pull in over half of what there is."""
    for path in sorted(folder.glob("*lte*.sigmf-meta")):
        recording = read_recording(path)
        info, samples = recording.info, recording.samples
        n_hop = round(_HOP_S * info.sample_rate_hz)
        blocks = (
            IqBlock(samples[k : k + n_hop], info.sample_rate_hz, info.center_freq_hz, k, 0)
            for k in range(0, len(samples), n_hop)
        )
        name = {"recording": path.stem}
        searched = samples[: round(_SEARCH_S * info.sample_rate_hz)]
        cell = find_cell(info.sample_format.to_complex(searched), info.sample_rate_hz)
        if cell is None:
            yield name | {"identity": None}
            continue
        plane = ResidualPlane(
            info.sample_rate_hz,
            info.sample_format,
            cell,
            max_block_samples=n_hop,
            center_freq_hz=info.center_freq_hz,
        )
        pull_in_s = min(_PULL_IN_S, 0.5 * len(samples) / info.sample_rate_hz)
        yield (
            name
            | {"identity": cell.identity, "duplex": cell.duplex}
            | follow(plane, blocks, pull_in_s)
        )


def scenes(rate_hz: float, duration_s: float, names: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Yield a row for every scene: what is left of the cell, in dB of its power.

    The noise, 50 dB below a loaded subcarrier, is taken away.
    """
    for name in names:
        channel, neighbour = SCENES[name]
        ppm = _FAST_PPM if name == FAST else 0.0
        config = SceneConfig(
            rate_hz,
            channel=replace(channel, snr_db=50.0),
            neighbours=() if neighbour is None else (neighbour,),
        )
        gain = 10.0 ** (config.receiver.level_dbfs / 10.0)
        cell = Cell(
            "lte", config.cell.pci, "fdd", "normal", rate_hz, 0.0, channel.cfo_hz,
            ppm - _WRONG_PPM * bool(ppm), 50.0, 1.0, 3.0,
        )  # fmt: skip
        n_hop = round(_HOP_S * rate_hz)
        plane = ResidualPlane(rate_hz, SampleFormat.CI16, cell, max_block_samples=n_hop)
        length_s = max(duration_s, _FAST_S) if ppm else duration_s
        row = follow(plane, _blocks(Scene(config, 7), rate_hz, n_hop, length_s, ppm))
        noise = gain * noise_power(config)
        left = 10.0 ** (row["residual_dbfs"] / 10.0) - noise
        power = 10.0 ** (row["power_dbfs"] / 10.0) - noise
        yield {
            "scene": name,
            "sample_rate_hz": rate_hz,
            "left_db": db_from_ratio(left / power),
        } | row


def _blocks(
    scene: Scene, rate_hz: float, n_hop: int, duration_s: float, ppm: float = 0.0
) -> Iterator[IqBlock]:
    """Yield a scene in hops, by a clock that is fast: now and then a sample comes twice."""
    fresh, last = np.empty((n_hop, 2), np.int16), np.empty((1, 2), np.int16)
    extra = 1e-6 * ppm / (1.0 + 1e-6 * ppm)
    n_read = 0
    for number in range(round(duration_s * rate_hz) // n_hop):
        at = number * n_hop + np.arange(n_hop)
        at -= np.floor(at * extra).astype(int)
        n_new = int(at[-1]) + 1 - n_read
        scene.read_into(fresh[:n_new])
        samples = np.concatenate([last, fresh[:n_new]])[at - n_read + 1]
        last[0] = samples[-1]
        n_read += n_new
        yield IqBlock(samples, rate_hz, 0.0, number * n_hop, 0)


def _text(real: list[dict[str, Any]], made: list[dict[str, Any]]) -> str:
    found = [
        [
            row["recording"],
            row["identity"],
            row["duplex"],
            *(f"{row[key]:z.1f}" for key in ("power_dbfs", "residual_dbfs", "cancelled_db")),
            f"{row['quality']:.2f}",
            f"{row['ppm']:z.1f}",
            f"{row['tracked_share']:.0%}",
        ]
        for row in real
        if row["identity"] is not None
    ]
    head = ["recording", "identity", "duplex", "power, dBFS", "residual", "cancelled, dB"]
    head += ["quality", "ppm", "tracked"]
    rates = sorted({row["sample_rate_hz"] for row in made})
    by_scene = {(row["scene"], row["sample_rate_hz"]): row for row in made}
    left = [
        [
            name,
            *(
                f"{by_scene[name, rate]['left_db']:.1f} ({by_scene[name, rate]['quality']:.2f})"
                for rate in rates
            ),
        ]
        for name in dict.fromkeys(row["scene"] for row in made)
    ]
    missed = [row["recording"] for row in real if row["identity"] is None]
    return "\n\n".join(
        [
            "Real recordings from 0.1 s on, with the cell that is found in the first 0.4 s:",
            markdown_table(head, found) if found else "The recordings are not here.",
            *([f"No cell found: {', '.join(missed)}."] if missed else []),
            "What is left of a simulated cell of 5 MHz, noise taken away, in dB of its power "
            "(quality):",
            markdown_table(["scene", *(f"{rate / 1e6:g} MS/s" for rate in rates)], left),
            "The simulated receiver's filter is steep, and at 1.92 MS/s in the middle of the cell: "
            "it smears symbols over their prefixes, and most of what is left lies in the outermost "
            "subbands. The fast clock takes a sample twice each 38,460, which spoils the symbol "
            "around it, 0.3% of them at 1.92 MS/s and 0.9% at 5 MS/s.",
        ]
    )


@click.command()
@click.option("--duration", default=2.0, show_default=True, help="Seconds of every scene.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(duration: float, save: bool) -> None:
    """Measure how far a cell is cancelled."""
    real = list(recordings(DATA)) if DATA.is_dir() else []
    made = [row for rate_hz in _RATES_HZ for row in scenes(rate_hz, duration, tuple(SCENES))]
    title = "How far a cell is cancelled"
    text = _text(real, made)
    click.echo(save_rows("cancelling", title, facts(), [*real, *made], text, save=save))


if __name__ == "__main__":
    main()
