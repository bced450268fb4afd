"""What ``edgespec adapt`` gains at sites that the bundle never heard, and what is found afterwards.

``python -m benchmarks.detection.adapting --kept adapting.jsonl`` plays simulated observers of cells
of their own, still, walking and driving, of seeds that neither the shipped bundle nor any setting
of the fit has seen. The product's own :class:`~edgespec.ops.adapt.adaptation.Adaptation` hears the
first 10 s of each, and again the first five minutes, and makes its bundles. Behind both the old
bundle and the new ones hear the same normal signal and the same interferers: errors in dB on what
was held back beside simple forecasts of the same signal, false events and finds of the model alone
and of the device's default detectors. One recording of an independent LTE stack, 1.5 s, is heard as
well: it is the only one at the bundle's rate. Every observer that is through is a line of
``adapting.jsonl``; run again, the script goes on where it was.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.detection.adapting_bars import Bars
from benchmarks.detection.adapting_tables import ALONE, DEFAULT, OLD, markdown, said_s
from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.detection.real_cases import read_recording
from benchmarks.detection.real_recordings import SYNTH
from benchmarks.detection.transfer import Learner
from benchmarks.record import DATA, facts, save_rows
from converter.lab.experiment import Episodes
from converter.lab.measures.episodes import Episode, device_detection, schedule
from converter.lab.measures.hop_chain import open_hop_chain
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.config import DetectConfig
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.dsp.transform import apply, standardise
from edgespec.errors import SourceError
from edgespec.framing import Recipe
from edgespec.inference.backend import Backend
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.inference.rehead import Reheaded, head_of, pack_reheaded
from edgespec.observer.band import BandChain
from edgespec.observer.scoring.basis import Basis
from edgespec.ops.adapt.adaptation import Adaptation
from edgespec.records import EventType, FloatArray, IqBlock, Segment, SourceInfo
from edgespec.simulate.scene import Scene

__all__ = ["main", "observe", "recorded"]

#: Nothing was trained, fitted or tuned on these observers.
SEED = 8_260_000
AMOUNTS_S = (10.0, 300.0)
KINDS = ("tone", "barrage", "pulse", "chirp")
_GAP_S = 1.0
#: What the bundles hear behind the gap: a warm-up, then normal signal, then each kind at each ISR.
_WARMUP_S, _NORMAL_S, _ON_S, _OFF_S = 4.0, 26.0, 0.3, 0.4
#: Every second segment is tested: neighbours share four fifths of their frames.
_TEST_EVERY = 2
#: Of the recording: where what is learnt from ends, and where the test begins, as shares.
_LEARNT_SHARE, _TEST_SHARE = 0.6, 0.7
#: Segments of it follow each other so closely that there are enough of them.
_HOP_FRAMES = 5


@dataclass(slots=True)
class _Ear:
    """A chain, the last samples of hops in which an event opened, and its model's scores."""

    chain: BandChain
    opened: list[int] = field(default_factory=list)
    scores: list[tuple[int, float]] = field(default_factory=list)

    def hear(self, block: IqBlock) -> None:
        """Take a hop."""
        n_before, stop = self.chain.n_segments, block.sample_start + len(block.samples)
        for event in self.chain.process(block):
            if event.event_type == EventType.NEW:
                self.opened.append(stop)
        last = self.chain.last
        if last is None or self.chain.n_segments == n_before or not self.chain.scorer.is_warm:
            return
        self.scores += [(stop, s.value) for s in last.scores if s.detector == "forecast"]


@dataclass(frozen=True, slots=True)
class _Spans:
    """Samples: how long an interferer may be told of, its onset, and where it is quiet.

    It is quiet from ``after`` to ``before``; an onset lasts until the context is full of it.
    """

    memory: int
    onset: int
    after: int
    before: int


def observe(spec: RecordingSpec, bundle: Bundle, amounts_s: Sequence[float]) -> dict[str, Any]:
    """Return errors, false events and finds of the bundle and of those adapted at an observer."""
    recipe = bundle.manifest.recipe
    rate_hz, hop = recipe.sample_rate_hz, recipe.hop_samples
    from_s = max(amounts_s) + _GAP_S
    episodes = Episodes("adapting", "", "", kinds=KINDS, warmup_s=from_s + _WARMUP_S,
                        normal_s=_NORMAL_S, on_s=_ON_S, off_s=_OFF_S)  # fmt: skip
    played = schedule(spec, recipe, episodes)
    scene = replace(spec.scene, interferers=tuple(one.interferer for one in played))
    sample_format = scene.receiver.sample_format
    info = SourceInfo("simulated", rate_hz, spec.center_freq_hz, sample_format, is_live=False)
    front_end = FrontEnd.for_source(recipe.framing, info, max_block_samples=hop)
    segmenter = Segmenter(recipe.geometry)
    source, buffer = Scene(scene, spec.seed), sample_format.empty(hop)
    backend = open_backend(bundle, "numba")
    learning = {said_s(amount): Adaptation(bundle, backend, amount) for amount in amounts_s}
    # They learn from what the fit learns from.
    bars = {name: Bars(recipe.geometry, one.plan.fit_stop_s) for name, one in learning.items()}
    test: _Test | None = None
    ears: dict[str, dict[str, _Ear]] = {}
    new: dict[str, Reheaded] = {}
    end = played[-1].off + round(_OFF_S * rate_hz)
    for start in range(0, end - hop + 1, hop):
        source.read_into(buffer)
        block = IqBlock(buffer, rate_hz, spec.center_freq_hz, start, round(start / rate_hz * 1e9))
        if start / rate_hz >= from_s and test is None:
            new = {name: one.new or one.solve() for name, one in learning.items()}
            test = _Test(bundle, backend, new, bars)
            ears = _open_ears(bundle, backend, new, info, episodes)
        for of_model in ears.values():
            for ear in of_model.values():
                ear.hear(block)
        if start >= played[0].on:
            continue
        segmenter.push(front_end.process(block))
        for segment in segmenter.segments():
            at_s = float(segment.tick_start[0]) / rate_hz
            if test is not None and at_s >= from_s:
                test.add(segment)
                continue
            for name, one in learning.items():
                if at_s + one.plan.segment_s < one.plan.duration_s:
                    one.add(segment, at_s)
                if at_s + one.plan.segment_s < one.plan.fit_stop_s:
                    _teach(bars[name], segment, at_s, backend)
    if test is None:
        raise SourceError("the signal ended before anything was tested")
    spans = _Spans(
        recipe.samples_in(recipe.geometry.n_segment + DetectConfig().n * recipe.hop_frames),
        recipe.samples_in(recipe.geometry.n_context),
        round((from_s + _WARMUP_S) * rate_hz),
        played[0].on,
    )
    return {
        "observer": spec.name,
        "context": spec.context,
        "amounts_s": list(amounts_s),
        "trials": {
            name: {"better": one.trial().is_better, "difference_db": one.trial().difference.mean}
            for name, one in learning.items()
        },
        "n_segments": test.n,
        "errors_db": test.errors_db(),
        "heard": {
            model: {by: _found(ear, played, spans, rate_hz) for by, ear in of_model.items()}
            for model, of_model in ears.items()
        },
    }


def recorded(bundle: Bundle, data: Path) -> dict[str, Any]:
    """Return the errors at the recording at the bundle's rate; nothing is found in it.

    Raises:
        SourceError: it is not here.
    """
    recording = read_recording(data / f"{SYNTH}.sigmf-meta")
    samples, info = recording.samples, recording.info
    given = bundle.manifest.recipe
    recipe: Recipe = replace(given, hop_frames=_HOP_FRAMES)
    front_end = FrontEnd.for_source(recipe.framing, info, max_block_samples=len(samples))
    segmenter = Segmenter(recipe.geometry)
    segmenter.push(front_end.process(IqBlock(samples, info.sample_rate_hz, 0.0, 0, 0)))
    backend, geometry = open_backend(bundle, "numba"), recipe.geometry
    duration_s = len(samples) / info.sample_rate_hz
    learnt_s = _LEARNT_SHARE * duration_s
    name = said_s(learnt_s)
    learner = Learner("", head_of(bundle), (learnt_s,), (geometry.n_horizon, geometry.n_bins))
    bar = Bars(geometry, learnt_s)
    test: _Test | None = None
    segment_s = geometry.n_segment * geometry.frame_s
    for segment in segmenter.segments():
        at_s = float(segment.tick_start[0]) / info.sample_rate_hz
        if at_s + segment_s < learnt_s:
            output, target, scale_db = _seen(segment, backend)
            learner.add(at_s, at_s + segment_s, output, target.reshape(-1), scale_db)
            bar.add(segment, at_s, output, target, scale_db)
        elif at_s >= _TEST_SHARE * duration_s:
            if test is None:
                learner.settle()
                slopes, offset = next(by for way, by in learner.found.items() if "refit" in way)
                head = learner.space.changed(slopes, offset)
                new = {name: Reheaded.of(bundle, learner.space, head)}
                test = _Test(bundle, backend, new, {name: bar})
            test.add(segment)
    if test is None:
        raise SourceError(f"{recording.name} is too short to test anything on")
    return {
        "observer": recording.name,
        "context": "recording",
        "amounts_s": [learnt_s],
        "n_segments": test.n,
        "errors_db": test.errors_db(),
    }


class _Test:
    """Errors of each way to expect a horizon, on segments that nothing was learnt from."""

    def __init__(
        self, bundle: Bundle, backend: Backend, new: dict[str, Reheaded], bars: dict[str, Bars]
    ) -> None:
        self._backend, self._new, self._bars = backend, new, bars
        self._sums: dict[str, float] = {}
        self._asked = 0
        self.n = 0
        for bar in bars.values():
            bar.settle()

    def add(self, segment: Segment) -> None:
        """Take a segment."""
        self._asked += 1
        if self._asked % _TEST_EVERY:
            return
        self.n += 1
        output, target, scale_db = _seen(segment, self._backend)
        self._note(OLD, scale_db * _rms(target.reshape(-1) - output))
        self._note("mean of the context", _rms(segment.target - segment.context.mean(axis=0)))
        for name, new in self._new.items():
            left = target.reshape(-1) - new.outputs(output)
            self._note(f"adapted, {name}", scale_db * _rms(left))
        for name, bar in self._bars.items():
            self._note(f"slope and offset of each bin, {name}", scale_db * _rms(
                target - bar.affine(output)))  # fmt: skip
            self._note(f"linear AR, {name}", _rms(segment.target - bar.linear(segment.context)))

    def errors_db(self) -> dict[str, float]:
        """Return the mean error of each way."""
        return {way: total / self.n for way, total in self._sums.items()}

    def _note(self, way: str, error_db: float) -> None:
        self._sums[way] = self._sums.get(way, 0.0) + error_db


def _seen(segment: Segment, backend: Backend) -> tuple[FloatArray, FloatArray, float]:
    """Return what the old model expects ``(n_outputs,)``, the target standardised, and dB in 1."""
    context = np.empty_like(segment.context)
    target = np.empty_like(segment.target)
    scaling = standardise(segment.context, context)
    apply(segment.target, scaling, target)
    return backend.predict(context).reshape(-1), target, scaling.scale_db


def _teach(bar: Bars, segment: Segment, at_s: float, backend: Backend) -> None:
    if bar.wants(at_s):
        bar.add(segment, at_s, *_seen(segment, backend))


def _open_ears(
    bundle: Bundle, backend: Backend, new: dict[str, Reheaded], info: SourceInfo, episodes: Episodes
) -> dict[str, dict[str, _Ear]]:
    """Return the chains of the old bundle and of each new one, by its model alone and by all."""
    detect = replace(device_detection(episodes), warmup_s=_WARMUP_S)
    bundles = {OLD: (bundle, backend)}
    for name, one in new.items():
        training = {"adapted": {"utc": bundle.manifest.created_utc}}
        made, _ = pack_reheaded(Path(f"{name}.edgespec"), bundle, backend, one, training)
        bundles[f"adapted, {name}"] = made, open_backend(made, "numba")
    names = {ALONE: ("model",), DEFAULT: detect.detectors}
    return {
        name: {
            by: _Ear(open_hop_chain(Basis.of_bundle(*pair, one), info, one))
            for by, one in ((by, replace(detect, detectors=which)) for by, which in names.items())
        }
        for name, pair in bundles.items()
    }


def _found(ear: _Ear, played: Sequence[Episode], spans: _Spans, rate_hz: float) -> dict[str, Any]:
    """Return false events, finds, and the area under the onset's ROC for each interferer."""
    normal = np.sort([value for stop, value in ear.scores if spans.after < stop <= spans.before])
    rows = []
    for one in played:
        fresh = [value for stop, value in ear.scores if one.on < stop <= one.on + spans.onset]
        areas = np.searchsorted(normal, fresh) / max(len(normal), 1)
        rows.append(
            {
                "kind": one.interferer.kind,
                "isr_db": one.interferer.isr_db,
                "found": any(one.on < at <= one.off + spans.memory for at in ear.opened),
                "auc": float(areas.mean()) if len(areas) else None,
            }
        )
    reached = [(one.on, one.off + spans.memory) for one in played]
    false = [
        at
        for at in ear.opened
        if at > spans.after and not any(on < at <= off for on, off in reached)
    ]
    return {
        "normal_s": (spans.before - spans.after) / rate_hz,
        "false_before": sum(at <= spans.before for at in false),
        "false_between": sum(at > spans.before for at in false),
        "episodes": rows,
    }


def _rms(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(values, dtype=np.float64))))


def _through(specs: Sequence[RecordingSpec], bundle: Bundle, amounts_s: Sequence[float],
             data: Path, done: set[str]) -> Iterator[dict[str, Any]]:  # fmt: skip
    if SYNTH not in done:
        try:
            yield recorded(bundle, data)
        except SourceError as error:
            click.echo(f"without {SYNTH}: {error}", err=True)
    for spec in specs:
        if spec.name not in done:
            yield observe(spec, bundle, amounts_s)


@click.command(help=__doc__)
@click.option("--kept", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--observers", default=3, show_default=True)
@click.option("--amount", "amounts_s", multiple=True, type=float, default=AMOUNTS_S)
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recording.")
@click.option("--save", is_flag=True, help="Write benchmarks/results/adapting.json and .md.")
def main(kept: Path, observers: int, amounts_s: tuple[float, ...], data: Path, save: bool) -> None:
    """Adapt the shipped bundle to simulated observers, and hear on."""
    bundle = load_bundle(shipped_bundle_path())
    recipe = bundle.manifest.recipe
    specs = Population().specs(observers, max(amounts_s), recipe.sample_rate_hz, SEED)
    done = {row["observer"] for row in read_rows(kept)}
    for row in _through(specs, bundle, amounts_s, data, done):
        keep_row(kept, row)
        errors = ", ".join(f"{way} {error:.3f}" for way, error in row["errors_db"].items())
        click.echo(f"{row['observer']}: {errors}", err=True)
    wanted = [SYNTH, *(spec.name for spec in specs)]
    rows = [row for row in read_rows(kept) if row["observer"] in wanted]
    title = "A bundle adapted to sites that it never heard, and what is found afterwards"
    text = markdown(rows, recipe.n_averages)
    click.echo(save_rows("adapting", title, facts(), rows, text, save=save))


if __name__ == "__main__":
    main()
