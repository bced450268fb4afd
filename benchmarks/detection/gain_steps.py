"""Steps of the receiver's gain, and what must not be taken for one, each through the whole chain.

``python -m benchmarks.detection.gain_steps`` lets simulated observers, still, walking and driving,
of an idle and of a busy cell, learn for four seconds, and then plays to each of them, from the same
moment on, steps of the gain of any size, interferers of all kinds, power steps of the cell, and
nothing at all. ``--captures`` plays the same to real captures, whose samples are scaled.

A step is right if it is said once for each move of the gain, by the right size, and nothing that
was opened behind it is still open at the end. Of all else nothing may be said to be a step.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.gain_steps_report import Outcome, markdown
from benchmarks.detection.real_cases import read_recording
from benchmarks.detection.real_recordings import CAPTURES
from benchmarks.record import DATA, facts, save_rows
from converter.lab.measures.hop_chain import open_hop_chain
from edgespec.config import DetectConfig
from edgespec.errors import UsageError
from edgespec.framing import Recipe
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.kinds import GAIN_STEP
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import Event, EventType, IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.config import (
    CellConfig,
    ChannelConfig,
    FaultConfig,
    InterfererConfig,
    ReceiverConfig,
    SceneConfig,
)
from edgespec.simulate.inject import mean_power
from edgespec.simulate.interferers import Interferer, complete
from edgespec.simulate.receiver import quantise
from edgespec.simulate.scene import Scene

__all__ = [
    "ANTENNA",
    "WITHOUT_MODEL",
    "Air",
    "Case",
    "Listening",
    "cases",
    "main",
    "play_each",
    "simulated_airs",
]

#: What follows the warm-up, and when in it something happens.
PLAYED_S, AT_S = 1.4, 0.3
SIZES_DB = (1.5, 2.0, 3.0, 6.0, 10.0, 20.0, 30.0)
KINDS = (
    "tone", "pulse", "chirp", "wideband", "wideband-pulse", "barrage", "sweep", "hop", "deceptive",
    "random-pulse", "ofdm-1m", "qpsk", "bpsk",
)  # fmt: skip
ISRS_DB = (-20, -15, -10, 0, 10)
POWER_STEPS_DB = (-10.0, -6.0, -3.0, 3.0, 6.0)
_SEED = 20261128
#: The level of the samples is so far below full scale at the higher one of two gains.
_LEVEL_DBFS = -18.0
_N_BITS = 12

#: The detectors of a device that has no bundle for its sample rate.
WITHOUT_MODEL = tuple(name for name in DetectConfig().detectors if name != "model")
#: Receives what is in the air as it is.
ANTENNA = ReceiverConfig(SampleFormat.CF32, adc_bits=0, level_dbfs=0.0)

Samples = NDArray[np.complex64]
Asked = TypeVar("Asked")
Said = TypeVar("Said")
Gains = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Air:
    """What an antenna hears, complex64, its warm-up first; ``other`` with a fault of the cell."""

    name: str
    rate_hz: float
    samples: Samples
    warmup_s: float
    faulty: tuple[tuple[float, Samples], ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """``gains`` are moves in dB, each at a second behind :data:`AT_S`; a fault is one of an air."""

    group: str
    name: str
    gains: Gains = ()
    interferer: InterfererConfig | None = None
    fault: int | None = None


def cases(air: Air) -> Iterator[Case]:
    """Yield all that is played to an observer."""
    for size_db in SIZES_DB:
        for step_db in (size_db, -size_db):
            yield Case("step", f"{step_db:+g} dB", ((0.0, step_db),))
    yield Case("steps 50 ms apart", "+6, -3 dB", ((0.0, 6.0), (0.05, -3.0)))
    yield Case("steps 50 ms apart", "-6, -3 dB", ((0.0, -6.0), (0.05, -3.0)))
    yield Case("steps 50 ms apart", "+6, -6 dB", ((0.0, 6.0), (0.05, -6.0)))
    up = tuple((0.1 * number, 1.0) for number in range(6))
    yield Case("staircase", "6 times +1 dB", up)
    yield Case("staircase", "6 times -1 dB", tuple((at, -step) for at, step in up))
    yield Case("nothing", "")
    for number, (step_db, _) in enumerate(air.faulty):
        yield Case("power step of the cell", f"{step_db:+g} dB", fault=number)
    for place, kind in enumerate(KINDS):
        rng = np.random.default_rng((_SEED, place))
        try:
            usual = complete(InterfererConfig(kind), air.rate_hz)
        except UsageError:
            # It needs a band of more.
            continue
        room_hz = max(0.45 * air.rate_hz - usual.bandwidth_hz / 2, 0.0)
        offset_hz = float(rng.uniform(-room_hz, room_hz))
        for isr_db in ISRS_DB:
            one = InterfererConfig(kind, isr_db=float(isr_db), offset_hz=offset_hz)
            yield Case("interferer", f"{kind} {isr_db:+d} dB", interferer=one)


class Listening:
    """A chain that has had its warm-up, and hears what follows.

    Args:
        air: what is heard.
        sample_format: of the converter.
        detectors: of the chain; with ``model`` the shipped bundle judges, too.
        most_up_db: the gain is so much lower in the warm-up that it may rise later.
    """

    def __init__(
        self,
        air: Air,
        sample_format: SampleFormat,
        detectors: Sequence[str] = DetectConfig().detectors,
        most_up_db: float = 0.0,
    ) -> None:
        self.air, self.sample_format = air, sample_format
        self.bits = 8 if sample_format in (SampleFormat.CU8, SampleFormat.CI8) else _N_BITS
        rms = np.sqrt(mean_power(air.samples))
        self.gain = 10.0 ** ((_LEVEL_DBFS - most_up_db) / 20.0) / rms
        self.chain = _open_chain(air, sample_format, detectors)
        self.hop = self.chain.hop_samples
        n_warm = round(air.warmup_s * air.rate_hz) // self.hop * self.hop
        self.begin = n_warm
        self.warmup_events = self.hear(self.converted(air.samples[:n_warm]), 0)

    def converted(self, samples: Samples) -> NDArray[Any]:
        """Return what the converter makes of samples at the antenna, at the gain of the warm-up."""
        out = self.sample_format.empty(len(samples))
        return quantise(samples * np.float32(self.gain), self.sample_format, self.bits, out)

    def hear(self, samples: NDArray[Any], start: int) -> list[Event]:
        """Return what is said of whole hops."""
        events: list[Event] = []
        for first in range(0, len(samples) - self.hop + 1, self.hop):
            part = samples[first : first + self.hop]
            block = IqBlock(part, self.air.rate_hz, 806e6, start + first, utc_ns=0)
            events += self.chain.process(block)
        return events

    def play(self, case: Case) -> Outcome:
        """Return what is said of a case."""
        air = self.air
        heard = air.samples if case.fault is None else air.faulty[case.fault][1]
        played = heard[self.begin :].copy()
        at = round(AT_S * air.rate_hz)
        if case.interferer is not None:
            n = len(played) - at
            one = Interferer(replace(case.interferer, start_s=0.0), air.rate_hz, _SEED)
            power = mean_power(played[at:]) * 10.0 ** (case.interferer.isr_db / 10.0)
            played[at:] += np.float32(np.sqrt(power)) * one.samples(0, n)
        for after_s, step_db in case.gains:
            played[at + round(after_s * air.rate_hz) :] *= np.float32(10.0 ** (step_db / 20.0))
        events = self.hear(self.converted(played), self.begin)
        return _judged(air.name, case, events, self.begin + at, air.rate_hz)


def _judged(name: str, case: Case, events: list[Event], at: int, rate_hz: float) -> Outcome:
    news = [event for event in events if event.event_type is EventType.NEW]
    ended = {event.event_id for event in events if event.event_type is EventType.END}
    steps = [event for event in news if event.kind == GAIN_STEP]
    others = [event for event in news if event.kind != GAIN_STEP]
    return Outcome(
        observer=name,
        group=case.group,
        case=case.name,
        moves_db=[step_db for _, step_db in case.gains],
        said_db=[event.excess_db for event in steps],
        said_after_ms=[1e3 * (event.sample_start + event.n_samples - at) / rate_hz
                       for event in steps],
        others=[f"{event.kind} by {event.detector} {event.score:.0f}" for event in others],
        n_open=sum(event.event_id not in ended for event in others),
    )  # fmt: skip


def _open_chain(air: Air, sample_format: SampleFormat, detectors: Sequence[str]) -> BandChain:
    bundle, rate_hz = load_bundle(shipped_bundle_path()), air.rate_hz
    has_model = "model" in detectors and rate_hz == bundle.manifest.recipe.sample_rate_hz
    info = SourceInfo("simulated", rate_hz, 806e6, sample_format, False)
    detect = DetectConfig(detectors=tuple(detectors), warmup_s=air.warmup_s - 0.1)
    if has_model:
        basis = Basis.of_bundle(bundle, open_backend(bundle), detect)
    else:
        basis = Basis.without_bundle(Recipe.for_rate(rate_hz), detect, bundle)
    return open_hop_chain(basis, info, detect)


def simulated_airs(rates_hz: Sequence[float], warmup_s: float, who: str) -> Iterator[Air]:
    """Yield what observers hear who stand, walk and drive, of an idle and of a busy cell."""
    moving = {
        "still": ChannelConfig("epa", 0.0, 10.0),
        "walking": ChannelConfig("epa", 8.0, 5.0),
        "driving": ChannelConfig("eva", 60.0, None),
    }
    seconds = warmup_s + PLAYED_S
    for rate_hz in rates_hz:
        for place, (way, channel) in enumerate(moving.items()):
            for load, snr_db in ((0.05, 12.0), (0.05, 25.0), (0.8, 12.0), (0.8, 25.0)):
                words = f"{way}, {'idle' if load < 0.5 else 'busy'}, {snr_db:g} dB"
                name = f"{words}, {rate_hz / 1e6:g} MS/s"
                if who not in name:
                    continue
                scene = SceneConfig(
                    rate_hz,
                    CellConfig(pci=17 + place, load=load),
                    replace(channel, snr_db=snr_db),
                    ANTENNA,
                )
                seed = _SEED + place

                def heard(
                    scene: SceneConfig, seed: int = seed, n: int = round(seconds * rate_hz)
                ) -> Samples:
                    return Scene(scene, seed).read(n)

                faulty = tuple(
                    (step_db, heard(replace(scene, faults=(
                        FaultConfig("power-step", warmup_s + AT_S, step_db=step_db),))))
                    for step_db in POWER_STEPS_DB
                )  # fmt: skip
                yield Air(name, rate_hz, heard(scene), warmup_s, faulty)


def captured_airs(data: Path) -> Iterator[Air]:
    """Yield real captures of 1 s, of which .6 s are the warm-up."""
    for name in CAPTURES:
        recording = read_recording(data / f"{name}.sigmf-meta")
        samples = recording.info.sample_format.to_complex(recording.samples)
        yield Air(name, recording.info.sample_rate_hz, samples, 0.5)


_listening: Listening | None = None


def _play_here(play: Callable[[Listening, Asked], Said], one: Asked) -> Said:
    if _listening is None:
        raise RuntimeError("nobody listens in this process")
    return play(_listening, one)


def play_each(
    listening: Listening, play: Callable[[Listening, Asked], Said], asked: Sequence[Asked]
) -> Iterator[Said]:
    """Yield what is said of each; each plays in a copy of the process that had the warm-up.

    Args:
        listening: who had the warm-up.
        play: plays one to it; a function of a module.
        asked: what is played.
    """
    global _listening
    _listening = listening
    with get_context("fork").Pool(1, maxtasksperchild=1) as pool:
        yield from pool.imap(partial(_play_here, play), asked, chunksize=1)


def outcomes(
    air: Air, sample_format: SampleFormat, detectors: Sequence[str], only: str
) -> Iterator[Outcome]:
    """Yield what is said of every case; steps upwards have a warm-up at a lower gain."""
    asked = [case for case in cases(air) if only in case.group]
    is_up = [sum(step_db for _, step_db in case.gains) > 0 for case in asked]
    for most_up_db in (0.0, 10.0, 30.0):
        chosen = [
            case for case, up in zip(asked, is_up, strict=True)
            if most_up_db == (0.0 if not up else 10.0 if case.gains[0][1] <= 10.0 else 30.0)
        ]  # fmt: skip
        if chosen:
            listening = Listening(air, sample_format, detectors, most_up_db)
            yield from play_each(listening, Listening.play, chosen)


@click.command()
@click.option("--captures", is_flag=True, help="Real captures, in place of simulated observers.")
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--rate", "rates_hz", type=float, multiple=True, default=(1.92e6, 5e6), help="S/s.")
@click.option("--model/--no-model", default=False, help="With the shipped bundle, at its rate.")
@click.option("--bits", type=click.Choice(["8", "12"]), default="12", help="Of the converter.")
@click.option("--only", default="", help="Groups of cases whose name has this in it.")
@click.option("--who", default="", help="Observers whose name has this in it.")
@click.option("--warmup", "warmup_s", default=4.1, help="Of simulated observers, s.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    captures: bool,
    data: Path,
    rates_hz: tuple[float, ...],
    model: bool,
    bits: str,
    only: str,
    who: str,
    warmup_s: float,
    save: bool,
) -> None:
    """Count which steps of the gain are said and followed, and what else is taken for one."""
    sample_format = SampleFormat.CI16 if bits == "12" else SampleFormat.CU8
    detectors = DetectConfig().detectors if model else WITHOUT_MODEL
    airs = captured_airs(data) if captures else simulated_airs(rates_hz, warmup_s, who)
    found: list[Outcome] = []
    for air in airs:
        for outcome in outcomes(air, sample_format, detectors, only):
            found.append(outcome)
            click.echo(outcome.line(), err=True)
    name = "gain_steps_captures" if captures else "gain_steps"
    title = "Steps of the receiver's gain, and what is not one"
    rows = [asdict(row) for row in found]
    click.echo(save_rows(name, title, facts(), rows, markdown(found), save=save))


if __name__ == "__main__":
    main()
