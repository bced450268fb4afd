"""What events are called, and where they say they are: what is drawn, heard and written down.

``python -m benchmarks.detection.kinds --kept kinds.jsonl`` plays observers of simulated LTE cells
with interferers of every kind through the device's default chain, without a bundle, and adds the
same to real captures. Observers of training hear the outer thirds of the ranges of periods and
widths, those of the test and the captures the middle one. Every observer that is through is a line
of ``kinds.jsonl``; run again, the script goes on where it was.
:mod:`benchmarks.detection.kinds_training` makes the weights of these lines, and run once more this
script says what they are worth.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.detection.kinds_drawn import THROUGH, draw
from benchmarks.detection.kinds_heard import Played, Quiet, add_through, open_ear
from benchmarks.detection.kinds_tables import judged, markdown
from benchmarks.detection.real_cases import read_recording
from benchmarks.detection.real_recordings import CAPTURES
from benchmarks.record import DATA, facts, save_rows
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.config import DetectConfig
from edgespec.errors import SourceError
from edgespec.simulate.config import ChannelConfig
from edgespec.simulate.inject import inject, mean_power
from edgespec.simulate.scene import Scene

__all__ = ["SEEDS", "hear_capture", "main", "observe", "schedule"]

#: Of the observers of training and of the test.
SEEDS = (8_310_000, 8_330_000)
ISRS_DB = (-10.0, -5.0, 0.0, 5.0, 10.0, 20.0)
_WARMUP_S, _QUIET_S, _ON_S, _OFF_S, _HOLD_OFF_S = 3.0, 0.6, 0.35, 0.3, 0.12
#: A capture lasts a second: what is learnt of it, and where the interferer begins.
_CAPTURE_WARMUP_S, _CAPTURE_ON_S = 0.4, 0.55


def schedule(spec: RecordingSpec, n_episodes: int, *, is_held_out: bool) -> list[Played]:
    """Return what an observer hears, one after the other, behind its warm-up."""
    rng = np.random.default_rng([spec.seed, 77])
    rate_hz = spec.scene.sample_rate_hz
    played = []
    for number in range(n_episodes):
        start_s = _WARMUP_S + _QUIET_S + number * (_ON_S + _OFF_S) + 0.03 * float(rng.random())
        on, off = round(start_s * rate_hz), round((start_s + _ON_S) * rate_hz)
        drawn = draw(rate_hz, spec.scene.channel, rng, is_held_out=is_held_out)
        played.append(Played(drawn, float(rng.choice(ISRS_DB)), on, off))
    return played


def observe(spec: RecordingSpec, n_episodes: int, *, is_held_out: bool) -> dict[str, Any]:
    """Return what an observer heard of each interferer, and of none."""
    rate_hz = spec.scene.sample_rate_hz
    played = schedule(spec, n_episodes, is_held_out=is_held_out)
    sample_format = spec.scene.receiver.sample_format
    detect = replace(DetectConfig(), warmup_s=_WARMUP_S, hold_off_s=_HOLD_OFF_S)
    ear = open_ear(rate_hz, spec.center_freq_hz, sample_format, detect)
    quiet = Quiet(ear.chain, np.random.default_rng([spec.seed, 78]))
    in_scene = tuple(
        replace(
            one.drawn.config, isr_db=one.isr_db, start_s=one.on / rate_hz, stop_s=one.off / rate_hz
        )
        for one in played
        if one.drawn.name != THROUGH
    )
    through = [one for one in played if one.drawn.name == THROUGH]
    source = Scene(replace(spec.scene, interferers=in_scene), spec.seed)
    hop = ear.recipe.hop_samples
    buffer = sample_format.empty(hop)
    total, power = played[-1].off + round(_OFF_S * rate_hz), 0.0
    for start in range(0, total - hop + 1, hop):
        source.read_into(buffer)
        is_before = start + hop < played[0].on
        if is_before:
            power += (mean_power(sample_format.to_complex(buffer)) - power) / (start // hop + 1)
        for one in through:
            add_through(buffer, sample_format, one, rate_hz, start, power)
        ear.hear(buffer, start)
        if is_before and ear.chain.scorer.is_warm:
            quiet.take()
    ear.finish(total)
    return {
        "observer": spec.name,
        "context": spec.context,
        "rate_hz": rate_hz,
        "is_held_out": is_held_out,
        "seconds": total / rate_hz,
        "episodes": [ear.row(one) for one in played],
        "false": ear.false_events(),
        "quiet": quiet.found,
    }


def hear_capture(name: str, n_episodes: int, data: Path) -> dict[str, Any]:
    """Return what an observer hears who gets a real capture with each interferer in turn."""
    recording = read_recording(data / f"{name}.sigmf-meta")
    info, rng = recording.info, np.random.default_rng([SEEDS[1], CAPTURES.index(name)])
    rate_hz, samples = info.sample_rate_hz, recording.samples
    detect = replace(DetectConfig(), warmup_s=_CAPTURE_WARMUP_S, hold_off_s=_HOLD_OFF_S)
    on = round(_CAPTURE_ON_S * rate_hz)
    rows: list[dict[str, Any]] = []
    false: list[dict[str, Any]] = []
    while len(rows) < n_episodes:
        drawn = draw(rate_hz, ChannelConfig(), rng, is_held_out=True)
        if drawn.name == THROUGH:
            continue
        isr_db = float(rng.choice(ISRS_DB))
        seed = int(rng.integers(2**31))
        n_on = min(round(_ON_S * rate_hz), len(samples) - on)
        mixed = inject(samples, rate_hz, drawn.config, isr_db, on, n_on, seed=seed)
        ear = open_ear(rate_hz, info.center_freq_hz, info.sample_format, detect)
        hop = ear.recipe.hop_samples
        for start in range(0, len(mixed) - hop + 1, hop):
            ear.hear(mixed[start : start + hop], start)
        ear.finish(len(mixed))
        rows.append(ear.row(Played(drawn, isr_db, on, on + n_on)))
        false += ear.false_events()
    return {
        "observer": name,
        "context": "capture",
        "rate_hz": rate_hz,
        "is_held_out": True,
        "seconds": n_episodes * len(samples) / rate_hz,
        "episodes": rows,
        "false": false,
        "quiet": [],
    }


def _heard(
    numbers: Sequence[int], n_episodes: int, rates_hz: Sequence[float], n_of_captures: int,
    data: Path, done: set[tuple[str, float, bool]], *, only_test: bool,
) -> Iterator[dict[str, Any]]:  # fmt: skip
    """Yield what is not done yet."""
    for number in numbers:
        for is_held_out in (True,) if only_test else (False, True):
            for rate_hz in rates_hz:
                spec = Population().specs(number + 1, 1.0, rate_hz, SEEDS[is_held_out])[number]
                if (spec.name, rate_hz, is_held_out) not in done:
                    yield observe(spec, n_episodes, is_held_out=is_held_out)
    for name in CAPTURES if n_of_captures else ():
        if not any(name == observer for observer, _, _ in done):
            try:
                yield hear_capture(name, n_of_captures, data)
            except SourceError as error:
                click.echo(f"without {name}: {error}", err=True)


@click.command()
@click.option("--observers", "n_observers", default=24, help="Of training, and of the test.")
@click.option("--first", default=0, help="Number of the first of them.")
@click.option("--only-test", is_flag=True, help="None of training.")
@click.option("--episodes", "n_episodes", default=16, help="Interferers that each hears.")
@click.option("--rate", "rates_hz", type=float, multiple=True, default=(1.92e6, 5e6), help="S/s.")
@click.option("--captures", "n_of_captures", default=40, help="Interferers in each capture.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The captures.")
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    n_observers: int, first: int, only_test: bool, n_episodes: int, rates_hz: Sequence[float],
    n_of_captures: int, data: Path, kept: Path, save: bool,
) -> None:  # fmt: skip
    """Hear interferers of every kind, and write down what events say of them."""
    done = {(row["observer"], row["rate_hz"], row["is_held_out"]) for row in read_rows(kept)}
    numbers = range(first, first + n_observers)
    asked = numbers, n_episodes, rates_hz, n_of_captures, data, done
    for row in _heard(*asked, only_test=only_test):
        keep_row(kept, row)
        n_found = sum(bool(one["n_events"]) for one in row["episodes"])
        found = f"{n_found} of {len(row['episodes'])}"
        click.echo(f"{row['observer']} at {row['rate_hz']:g}: {found}", err=True)
    rows = judged(read_rows(kept))
    title = "What events are called, and where they say they are"
    click.echo(save_rows("kinds", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
