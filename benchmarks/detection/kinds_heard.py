"""What a chain says of one interferer after another, and what it knows of them: as rows."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.kinds_drawn import THROUGH, Drawn, through_window
from converter.lab.measures.episodes import frequency_iou, resolved_edges_hz
from converter.lab.measures.hop_chain import open_hop_chain
from edgespec.config import DetectConfig
from edgespec.detect.description import Description, features_of
from edgespec.detect.naming import Namer, Naming
from edgespec.detect.regions import Region
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import Event, FloatArray, IqBlock, SampleFormat, SourceInfo
from edgespec.simulate.interferers import complete
from edgespec.simulate.receiver import quantise

__all__ = ["Ear", "Notes", "Played", "Quiet", "add_through", "open_ear"]

#: An event that begins less than a horizon before an interferer still is of it.
_EARLY_S = 7e-3
_DIGITS = 4
#: Horizons of a quiet band whose samples are looked at, as those of an event are.
_LOOKED_AT = (0, 3, 5, 9)


class Notes(Namer):
    """Keeps what events are like in place of naming them; the hint says where it is kept."""

    def __init__(self) -> None:
        self.kept: list[dict[str, Any]] = []

    def name(
        self, features: FloatArray, *, is_looked_at: bool = True, was_a_signal: bool = False
    ) -> Naming:
        """Keep what is known."""
        self.kept.append(
            {
                "features": [round(float(value), _DIGITS) for value in features],
                "is_looked_at": is_looked_at,
                "was_a_signal": was_a_signal,
            }
        )
        return Naming("", 1.0, str(len(self.kept) - 1))


@dataclass(frozen=True, slots=True)
class Played:
    """An interferer from one sample to another."""

    drawn: Drawn
    isr_db: float
    on: int
    off: int


@dataclass(slots=True)
class _Life:
    """The messages of an event, and the last sample that each of them needed."""

    messages: list[Event] = field(default_factory=list)
    at: list[int] = field(default_factory=list)

    @property
    def start(self) -> int:
        """Its first sample."""
        return self.messages[0].sample_start

    @property
    def stop(self) -> int:
        """The sample behind its last one."""
        return self.messages[-1].sample_start + self.messages[-1].n_samples


class Ear:
    """A default chain without a bundle, which keeps what events are like; fed hop by hop."""

    def __init__(self, recipe: Recipe, chain: BandChain, notes: Notes, center_hz: float) -> None:
        self.recipe, self.chain, self._notes = recipe, chain, notes
        self._center_hz = center_hz
        self._lives: dict[str, _Life] = {}
        self._taken: set[str] = set()

    def hear(self, samples: NDArray[Any], start: int) -> None:
        """Take the samples of a hop."""
        rate_hz = self.recipe.sample_rate_hz
        block = IqBlock(samples, rate_hz, self._center_hz, start, round(start / rate_hz * 1e9))
        for event in self.chain.process(block):
            self._note(event, start + len(samples))

    def finish(self, stop: int) -> None:
        """The signal is over."""
        for event in self.chain.finish():
            self._note(event, stop)

    def _note(self, event: Event, at: int) -> None:
        life = self._lives.setdefault(event.event_id, _Life())
        life.messages.append(event)
        life.at.append(at)

    def false_events(self) -> list[dict[str, Any]]:
        """Return what was said of nothing: by the events that no interferer was given."""
        return [
            self._said(life, 0) for name, life in self._lives.items() if name not in self._taken
        ]

    def row(self, one: Played) -> dict[str, Any]:
        """Return what was said of an interferer: by its longest event, first and last.

        ``iou_around`` is that of the range around all its events: a hopper is several.
        """
        recipe, drawn = self.recipe, one.drawn
        rate_hz, memory = recipe.sample_rate_hz, recipe.samples_in(recipe.geometry.n_segment)
        early = round(_EARLY_S * rate_hz)
        found = {
            name: life
            for name, life in self._lives.items()
            if life.start >= one.on - early and one.on < life.at[0] <= one.off + memory
        }
        self._taken.update(found)
        truth_hz = resolved_edges_hz(complete(drawn.config, rate_hz), recipe)
        if drawn.name == THROUGH:
            truth_hz = (-0.48 * rate_hz, 0.48 * rate_hz)
        row: dict[str, Any] = {
            "truth": drawn.kind,
            "name": drawn.name,
            "isr_db": one.isr_db,
            "truth_hz": list(truth_hz),
            "period_s": drawn.config.period_s,
            "goes_on": any(
                life.start < one.on - early and life.stop > one.on + early
                for life in self._lives.values()
            ),
            "n_events": len(found),
        }
        if not found:
            return row
        row["delay_ms"] = (min(life.at[0] for life in found.values()) - one.on) / rate_hz * 1e3
        described = [life for life in found.values() if life.messages[-1].kind_hint]
        if not described:
            return row | {"others": [life.messages[-1].kind for life in found.values()]}
        longest = max(described, key=lambda life: life.stop - life.start)
        ends = [life.messages[-1] for life in found.values()]
        around_hz = (
            min(event.freq_lower_hz for event in ends) - self._center_hz,
            max(event.freq_upper_hz for event in ends) - self._center_hz,
        )
        row["iou_around"] = frequency_iou(around_hz, truth_hz)
        # The very first message does not wait for a name.
        first = next(n for n, event in enumerate(longest.messages) if event.kind_hint)
        numbers = {"first": first, "last": len(longest.messages) - 1}
        if len(longest.messages) > 2 + first:
            numbers["middle"] = len(longest.messages) // 2
        for key, number in numbers.items():
            said = self._said(longest, number)
            edges_hz = (said["lower_hz"], said["upper_hz"])
            said["iou"] = frequency_iou(edges_hz, truth_hz)
            said["centre_error_hz"] = abs(sum(edges_hz) - sum(truth_hz)) / 2.0
            row[key] = said
        return row

    def _said(self, life: _Life, number: int) -> dict[str, Any]:
        """Return what one message of an event said."""
        event = life.messages[number]
        known = self._notes.kept[int(event.kind_hint)] if event.kind_hint else {}
        return {
            "kind": event.kind,
            "detector": event.detector,
            "lower_hz": event.freq_lower_hz - self._center_hz,
            "upper_hz": event.freq_upper_hz - self._center_hz,
            **known,
        }


def open_ear(
    rate_hz: float, center_hz: float, sample_format: SampleFormat, detect: DetectConfig
) -> Ear:
    """Return what hears samples at a rate."""
    recipe = Recipe.for_rate(rate_hz)
    info = SourceInfo("simulated", rate_hz, center_hz, sample_format, is_live=False)
    basis = Basis.without_bundle(recipe, detect, load_bundle(shipped_bundle_path()))
    chain = open_hop_chain(basis, info, detect, update_s=0.1)
    notes = Notes()
    chain.tracker.describer.namer = notes
    return Ear(recipe, chain, notes, center_hz)


class Quiet:
    """Describes what is not there: places of a quiet band that happen to have more than normal."""

    def __init__(self, chain: BandChain, rng: np.random.Generator) -> None:
        self._chain, self._rng = chain, rng
        self._frames: list[FloatArray] = []
        self._description = Description.empty()
        self._region = Region(0, 0, 0, 1, 0.0)
        self.found: list[dict[str, Any]] = []

    def take(self) -> None:
        """Take the newest horizon; a few of them together are an event that is none."""
        chain = self._chain
        normal, last, front_end = chain.tracker.lookout.normal, chain.last, chain.front_end
        if normal is None or last is None or not isinstance(front_end, FrontEnd):
            return
        look = front_end.look(last.tick_start, last.n_ticks)
        front_end.keep(last.tick_start + last.n_ticks, last.n_ticks)
        if look is None:
            return
        power = 10.0 ** (last.segment.target / 10.0)
        if not self._frames:
            peak = int((power.mean(axis=0) / normal).argmax())
            n_bins = len(normal)
            half = int(np.exp(self._rng.uniform(0.0, np.log(n_bins)))) // 2
            lower, upper = max(peak - half, 0), min(peak + half, n_bins - 1)
            self._region = Region(lower, upper, peak, 1, 0.0)
            self._n_hops = int(self._rng.integers(2, 12))
        if len(self._frames) in _LOOKED_AT:
            self._description.add(look, normal, self._region)
        self._frames.append(power)
        if len(self._frames) < self._n_hops:
            return
        frames = np.concatenate(self._frames)
        features = features_of(
            self._description, frames, frames.mean(axis=0), normal, self._region,
            is_broad=False, roams=False,
        )  # fmt: skip
        kept = [round(float(value), _DIGITS) for value in features]
        self.found.append({"features": kept, "is_looked_at": True, "was_a_signal": False})
        self._frames, self._description = [], Description.empty()


def add_through(
    buffer: NDArray[Any], sample_format: SampleFormat, one: Played, rate_hz: float, start: int,
    power: float,
) -> None:  # fmt: skip
    """Add a sweep through the window to a block of samples that begins at ``start``.

    Args:
        buffer: the block; overwritten.
        sample_format: what it holds.
        one: the sweep.
        rate_hz: of the samples.
        start: number of the first one.
        power: mean power of the wanted signal, which the ISR is against.
    """
    if one.on >= start + len(buffer) or start >= one.off:
        return
    samples = sample_format.to_complex(buffer)
    place = np.arange(start, start + len(samples))
    sweep = through_window(one.drawn, rate_hz, start - one.on, len(samples))
    sweep[(place < one.on) | (place >= one.off)] = 0
    samples += np.float32(np.sqrt(power * 10.0 ** (one.isr_db / 10.0))) * sweep
    bits = {SampleFormat.CF32: 0, SampleFormat.CI16: 16}.get(sample_format, 8)
    quantise(samples, sample_format, bits, buffer)
