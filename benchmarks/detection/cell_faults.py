"""What happens to a cell itself: power steps and carriers that are down, found by its references.

``python -m benchmarks.detection.cell_faults`` lets observers that stand, walk (5 Hz) and drive
(70 Hz), with and without a neighbour, hear the faults of a simulated cell (Li et al. 2019, table 3)
by the plane of reference signals and its watch, and writes ``benchmarks/results/cell_faults.md``.
Every fault begins at a random place of the 6.4 ms in which the watch is asked. Limits come from
other observers of the same context: what 1% of their windows exceed. Beside them stand the
sightings at the watch's own limit.
"""

from collections.abc import Iterator, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import click
import numpy as np

from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from converter.simulate.specs import draw_scene
from edgespec.detect.cell.sighting import CellScore
from edgespec.detect.cell.watch import CellWatch
from edgespec.dsp.prefix.cell import Cell
from edgespec.dsp.prefix.reference import ReferencePlane
from edgespec.records import IqBlock
from edgespec.simulate.config import (
    CellConfig,
    FaultConfig,
    NeighbourConfig,
    ReceiverConfig,
    SceneConfig,
)
from edgespec.simulate.faults import Fault
from edgespec.simulate.scene import Scene

__all__ = ["main", "markdown"]

_RATE_HZ = 5e6
_WINDOW_SAMPLES = 32_000
_DOPPLER_HZ = {"static": 0.0, "walk": 5.0, "drive": 70.0}
#: Windows of warm-up (the watch learns 0.4 s of them), between faults, and behind one's begin.
_N_WARM, _N_BETWEEN, _N_AFTER = 66, 12, 12
#: The simulator is up to two frames ahead, and a step of the scene takes four windows to come.
_AHEAD_S = 0.025
_IN_TIME_S = 0.02
_LIMIT_SHARE = 0.99
_FAULTS: tuple[tuple[str, float], ...] = (
    *(("power-step", db) for db in (-3.0, 3.0, -5.0, 5.0, -10.0, 10.0)),
    *(("frequencies-down", share) for share in (0.33, 0.66, 1.0)),
)


class Observer:
    """A scene, the plane of its cell and the watch on it."""

    def __init__(self, config: SceneConfig, seed: int) -> None:
        self._scene = Scene(config, seed)
        cell = Cell(
            "lte", config.cell.pci, "fdd", "normal", _RATE_HZ, 0.0, config.channel.cfo_hz, 0.0,
            config.channel.snr_db, 1.0, 2.0,
        )  # fmt: skip
        sample_format = config.receiver.sample_format
        self._plane = ReferencePlane(
            cell, sample_format, center_freq_hz=0.0, max_block_samples=_WINDOW_SAMPLES
        )
        self.watch = CellWatch()
        self._samples = sample_format.empty(_WINDOW_SAMPLES)
        self.n_samples = 0

    def window(self) -> CellScore | None:
        """Return what the watch says of the next 6.4 ms."""
        self._scene.read_into(self._samples)
        block = IqBlock(self._samples, _RATE_HZ, 0.0, self.n_samples, 0)
        self.n_samples += _WINDOW_SAMPLES
        return self.watch.update(self._plane.process(block))

    def branch(self, fault: Fault) -> "Observer":
        """Return an observer that goes on from here by itself and meets a fault."""
        other = deepcopy(self)
        other._scene = self._scene.branch(fault)
        return other


def draw(context: str, has_neighbour: bool, seed: int) -> tuple[SceneConfig, np.random.Generator]:
    """Return what an observer hears: cell, SNR of 5 to 30 dB, profile and direct path drawn."""
    rng = np.random.default_rng((seed, list(_DOPPLER_HZ).index(context), has_neighbour))
    scene = draw_scene(context, _RATE_HZ, ReceiverConfig(), rng)
    channel = replace(scene.channel, doppler_hz=_DOPPLER_HZ[context])
    neighbours = ()
    if has_neighbour:
        neighbours = (
            NeighbourConfig(
                CellConfig(pci=int(rng.integers(504)), load=float(rng.uniform(0.1, 0.9))),
                level_db=float(rng.uniform(-15.0, -3.0)),
                delay_s=float(rng.uniform(0.0, 0.0099)),
                channel=channel,
            ),
        )
    return replace(scene, channel=channel, neighbours=neighbours), rng


def observe(context: str, has_neighbour: bool, seed: int) -> Iterator[dict[str, Any]]:
    """Yield one row for the normal windows of an observer, and one for each fault it meets."""
    config, rng = draw(context, has_neighbour, seed)
    observer = Observer(config, int(rng.integers(2**31)))
    about = {"context": context, "neighbour": has_neighbour, "seed": seed}
    about["snr_db"] = config.channel.snr_db
    for _ in range(_N_WARM):
        observer.window()
    normal: list[float] = []
    n_false = 0
    for kind, amount in _FAULTS:
        for _ in range(_N_BETWEEN):
            score = observer.window()
            if score is not None:
                normal.append(score.value)
                n_false += len(score.sightings)
        begin_s = observer.n_samples / _RATE_HZ + _AHEAD_S + float(rng.uniform(0.0, 0.0064))
        is_step = kind == "power-step"
        fault = Fault(
            FaultConfig(kind, begin_s, None, amount, 1.0)
            if is_step
            else FaultConfig(kind, begin_s, None, 0.0, amount),
            int(rng.integers(2**31)),
        )
        yield about | {"kind": kind, "amount": amount} | meet(observer.branch(fault), fault)
    yield about | {"kind": "", "values": normal, "n_false": n_false}


def meet(observer: Observer, fault: Fault) -> dict[str, Any]:
    """Return the largest score in time, and what was sighted how much later."""
    begin = fault.start_s * _RATE_HZ
    value, seen = 0.0, []
    for _ in range(_N_AFTER):
        score = observer.window()
        if score is None or observer.n_samples <= begin:
            continue
        if observer.n_samples <= begin + _IN_TIME_S * _RATE_HZ:
            value = max(value, score.value)
        delay_ms = (observer.n_samples - begin) / _RATE_HZ * 1e3
        seen += [(one, delay_ms) for one in score.sightings]
    if not seen:
        return {"value": value, "sighted": "", "delay_ms": None, "size_db": None, "iou": None}
    first, delay_ms = seen[0]
    low_hz, high_hz = fault.edges_hz
    both = min(high_hz, first.freq_upper_hz) - max(low_hz, first.freq_lower_hz)
    all_hz = max(high_hz, first.freq_upper_hz) - min(low_hz, first.freq_lower_hz)
    iou = max(both, 0.0) / all_hz
    return {
        "value": value, "sighted": first.kind, "delay_ms": delay_ms, "size_db": first.size_db,
        "iou": iou,
    }  # fmt: skip


def limits(rows: Sequence[dict[str, Any]], n_calibration: int, first_seed: int) -> dict[str, float]:
    """Return the score that 1% of the windows of the calibrating observers exceed, by context."""
    found = {}
    for context in _DOPPLER_HZ:
        values = [
            value
            for row in rows
            if not row["kind"] and row["context"] == context
            if row["seed"] < first_seed + n_calibration
            for value in row["values"]
        ]
        found[context] = float(np.quantile(values, _LIMIT_SHARE))
    return found


def markdown(rows: Sequence[dict[str, Any]], limit: dict[str, float], first_test: int) -> str:
    """Return the share found in 20 ms, by context, neighbour and fault, and false sightings."""
    tested = [row for row in rows if row["seed"] >= first_test]
    found, false = [], []
    groups = [(context, near) for context in _DOPPLER_HZ for near in (False, True)]
    for context, near in groups:
        here = [r for r in tested if (r["context"], r["neighbour"]) == (context, near)]
        cells = []
        for kind, amount in _FAULTS:
            hits = [r for r in here if (r["kind"], r.get("amount")) == (kind, amount)]
            in_time = np.mean([r["value"] > limit[context] for r in hits])
            sighted = np.mean([bool(r["sighted"]) for r in hits])
            cells.append(f"{in_time:.2f}, {sighted:.2f}")
        name = f"{context}{', neighbour' if near else ''}"
        found.append([name, len(hits), *cells])
        normal = [r for r in here if not r["kind"]]
        values = np.concatenate([r["values"] for r in normal])
        seconds = len(values) * _WINDOW_SAMPLES / _RATE_HZ
        false.append(
            [name, f"{limit[context]:.2f}", f"{np.mean(values > limit[context]):.2%}",
             f"{seconds:.0f}", sum(r["n_false"] for r in normal)]
        )  # fmt: skip
    heads = ["observer", "each", *(f"{amount:+g} dB" for kind, amount in _FAULTS[:6])]
    heads += [f"{amount:.0%} down" for kind, amount in _FAULTS[6:]]
    seen = [row for row in tested if row.get("sighted")]
    return (
        "Share found: score above the limit of 1% of the windows within 20 ms, then sighted at the "
        f"watch's own limit within 77 ms at most.\n\n{markdown_table(heads, found)}\n\n"
        f"{_kinds(seen)}\n\nNormal signal of the same observers:\n\n"
        + markdown_table(
            ["observer", "limit", "windows above it", "seconds", "false sightings"], false
        )
        + "\n"
    )


def _kinds(seen: Sequence[dict[str, Any]]) -> str:
    steps = [row for row in seen if row["kind"] == "power-step"]
    down = [row for row in seen if row["kind"] == "frequencies-down"]
    lines = []
    for name, here, right in (
        ("Power steps", steps, "power step"),
        ("Carriers down", down, "carriers down"),
    ):
        share = np.mean([row["sighted"] == right for row in here])
        gain = np.mean([row["sighted"] == "gain step" for row in here])
        delays = [row["delay_ms"] for row in here]
        iou = np.mean([row["iou"] for row in here])
        lines.append(
            f"{name} sighted: called so {share:.0%}, a gain step {gain:.0%}; median delay "
            f"{np.median(delays):.0f} ms; mean IoU of the frequencies {iou:.2f}."
        )
    still = [row for row in steps if row["context"] == "static"]
    errors = [abs(row["size_db"] - row["amount"]) for row in still]
    lines.append(f"Size of a step at still sites: off by {np.median(errors):.2f} dB (median).")
    return " ".join(lines)


@click.command()
@click.option("--calibrating", default=6, show_default=True, help="Observers that set limits.")
@click.option("--testing", default=10, show_default=True, help="Observers of each kind tested.")
@click.option("--seed", default=4100, show_default=True, help="Of the first observer.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(calibrating: int, testing: int, seed: int, save: bool) -> None:
    """Find power steps and carriers down on simulated cells."""
    rows: list[dict[str, Any]] = []
    for number in range(seed, seed + calibrating + testing):
        for context in _DOPPLER_HZ:
            for near in (False, True):
                rows += observe(context, near, number)
        click.echo(f"observers {number} done", err=True)
    limit = limits(rows, calibrating, seed)
    text = markdown(rows, limit, seed + calibrating)
    kept = [{k: v for k, v in row.items() if k != "values"} for row in rows]
    title = "Faults of the cell itself, by its reference signals"
    click.echo(save_rows("cell_faults", title, facts(), kept, text, save=save))


if __name__ == "__main__":
    main()
