"""How long after its last sample an event is told, and when its name is.

``python -m benchmarks.speed.opening``. A tone of the cell's power comes and goes beside a simulated
LTE cell; the default chain without a bundle is given hop after hop. Counted is the processor time
from the begin of the hop in which the event opens to its first message, and to the one with its
name. The very first event of a process is a row of its own.
"""

import time
from collections.abc import Iterator
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks import record
from converter.lab.measures.hop_chain import open_hop_chain
from converter.report.markdown_table import markdown_table
from edgespec.config import DetectConfig
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.basis import Basis
from edgespec.records import EventType, IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.config import CellConfig, ChannelConfig, SceneConfig
from edgespec.simulate.scene import Scene

__all__ = ["main", "openings"]

_RATES_HZ = (1.92e6, 5e6, 19.2e6)
_WARMUP_S, _ON_S, _OFF_S = 1.0, 0.1, 0.7
_OFFSET_SHARE = 0.11


def openings(rate_hz: float, n_tones: int) -> list[tuple[float, float]]:
    """Return seconds to the first message and to the name, of each event that opened."""
    recipe, detect = Recipe.for_rate(rate_hz), DetectConfig(warmup_s=_WARMUP_S)
    info = SourceInfo("simulated", rate_hz, 0.0, SampleFormat.CF32, is_live=False)
    basis = Basis.without_bundle(recipe, detect, load_bundle(shipped_bundle_path()))
    chain = open_hop_chain(basis, info, detect, update_s=1e9)
    duration_s = 2 * _WARMUP_S + n_tones * (_ON_S + _OFF_S)
    times: list[tuple[float, float]] = []
    for block in _hops(rate_hz, recipe.hop_samples, duration_s):
        begun, told_s = time.process_time(), 0.0
        for event in chain.process(block):
            past_s = time.process_time() - begun
            if event.event_type is EventType.NEW:
                told_s = past_s
            elif told_s and event.is_named:
                times.append((told_s, past_s))
                told_s = 0.0
    return times


def _hops(rate_hz: float, n_hop: int, duration_s: float) -> Iterator[IqBlock]:
    config = SceneConfig(rate_hz, CellConfig(pci=101), ChannelConfig("epa", 0.0, 10.0, 20.0))
    scene = Scene(config, 7)
    for start in range(0, round(duration_s * rate_hz), n_hop):
        samples = scene.read(n_hop)
        past_s = start / rate_hz - 2 * _WARMUP_S
        if past_s >= 0.0 and past_s % (_ON_S + _OFF_S) < _ON_S:
            samples = samples + _tone(samples, start)
        yield IqBlock(samples, rate_hz, 0.0, start, 0)


def _tone(samples: NDArray[np.complex64], start: int) -> NDArray[np.complex64]:
    """Return a tone as strong as what is there."""
    level = np.sqrt(np.mean(np.abs(samples) ** 2))
    turns = _OFFSET_SHARE * (start + np.arange(len(samples)))
    return (level * np.exp(2j * np.pi * turns)).astype(np.complex64)


@click.command()
@click.option("--tones", "n_tones", default=20, show_default=True)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_tones: int, save: bool) -> None:
    """Measure when events are told, and when they are named."""
    record.on_one_core()
    rows: list[dict[str, Any]] = []
    for rate_hz in _RATES_HZ:
        first, *later = openings(rate_hz, n_tones)
        parts = (("the first", np.array([first])), ("later, least", np.array(later)))
        for what, seconds in parts:
            told_s, named_s = seconds.min(axis=0).tolist()
            about = {"sample_rate_hz": rate_hz, "event": what, "n": len(seconds)}
            rows.append(about | {"told_s": told_s, "named_s": named_s})
    table = [
        [f"{row['sample_rate_hz'] / 1e6:g}", row["event"], row["n"],
         f"{row['told_s'] * 1e3:.2f}", f"{row['named_s'] * 1e3:.2f}"]
        for row in rows
    ]  # fmt: skip
    text = markdown_table(["MS/s", "event", "of", "told, ms", "named, ms"], table)
    click.echo(text)
    if save:
        title = "When an event is told, and when it has a name"
        click.echo(record.save("opening", title, {"machine": record.facts(), "rows": rows}, text))


if __name__ == "__main__":
    main()
