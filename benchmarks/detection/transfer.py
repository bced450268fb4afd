"""What a model gains at a place from seconds of its signal: the last layer, in closed form.

``python -m benchmarks.detection.transfer --kept transfer.jsonl`` takes the shipped bundle to
simulated observers of cells of their own, still, walking and driving, that neither its training
nor this fit has seen. Each hears normal signal: 10 s, a minute or five of it are learnt from, and
what comes behind is tested on. Pairs: the last layer that the observer before had learnt is taken
to the next one as well, as it is and refitted. Every observer that is through is a line of
``transfer.jsonl``; run again, the script goes on where it was.

Errors are means over segments of their RMS in dB, as the laboratory's; an excess is what is left
when the error that no forecast of noise can avoid is taken off in squares.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.dsp.transform import apply, log_power_floor_db, standardise
from edgespec.inference.backend import Backend
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.inference.headspace import HeadSpace
from edgespec.inference.network import Dense
from edgespec.inference.refit import N_FOLDS, Refit
from edgespec.inference.rehead import head_of
from edgespec.records import FloatArray, IqBlock, Segment, SourceInfo
from edgespec.simulate.scene import Scene

__all__ = ["Learner", "main", "markdown", "observe"]

#: Nothing was tuned on these observers.
SEED = 8_210_000
_GAP_S, _TEST_S = 1.0, 20.0
_BLOCK_SAMPLES = 1 << 16
_AS_IT_IS = "as it is"


@dataclass(slots=True)
class Learner:
    """A last layer at a new place, refitted after each of some amounts of signal.

    ``found`` maps a name, such as ``refit, 10 s``, to slopes and offset of what it adds.
    """

    name: str
    head: Dense
    amounts_s: Sequence[float]
    shape: tuple[int, int]
    space: HeadSpace = field(init=False)
    found: dict[str, tuple[FloatArray, FloatArray]] = field(default_factory=dict)
    last: Dense | None = None
    _open: list[tuple[float, Refit]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.space = HeadSpace(self.head)
        self._open = [(s, Refit(self.space, *self.shape)) for s in sorted(self.amounts_s)]

    def add(self, at_s: float, stop_s: float, output: FloatArray, target: FloatArray,
            scale_db: float) -> None:  # fmt: skip
        """Take a segment from ``at_s`` to ``stop_s``, as the old layer sees it."""
        while self._open and at_s >= self._open[0][0]:
            self.settle()
        left = target - output
        weight = math.sqrt(scale_db / max(_rms(left), 1e-6))
        features = self.space.features(output)
        for amount_s, refit in self._open:
            fold_s = amount_s / N_FOLDS
            fold = int(at_s // fold_s)
            if fold == int(stop_s // fold_s):
                refit.add(fold, features, left.reshape(self.shape), weight)

    def settle(self) -> None:
        """Solve for the amount that is complete."""
        amount_s, refit = self._open.pop(0)
        for way, made in (("affine", refit.affine()), ("refit", refit.solve())):
            self.found[f"{way}, {amount_s:g} s"] = self.space.change_to(made.head)
            self.last = made.head


def _rms(values: FloatArray) -> float:
    flat = values.reshape(-1)
    return math.sqrt(float(np.dot(flat, flat)) / flat.size)


def _segments(spec: RecordingSpec, bundle: Bundle) -> Iterator[tuple[float, Segment]]:
    """Yield the segments of an observer, with their begin in seconds."""
    recipe = bundle.manifest.recipe
    info = SourceInfo(
        "simulated", recipe.sample_rate_hz, 0.0, spec.scene.receiver.sample_format, False
    )
    front_end = FrontEnd.for_source(recipe.framing, info, max_block_samples=_BLOCK_SAMPLES)
    segmenter, scene = Segmenter(recipe.geometry), Scene(spec.scene, spec.seed)
    buffer = info.sample_format.empty(_BLOCK_SAMPLES)
    for start in range(0, spec.n_samples, _BLOCK_SAMPLES):
        scene.read_into(buffer)
        segmenter.push(front_end.process(IqBlock(buffer, recipe.sample_rate_hz, 0.0, start, 0)))
        for segment in segmenter.segments():
            yield float(segment.tick_start[0]) / recipe.sample_rate_hz, segment


def observe(
    spec: RecordingSpec,
    bundle: Bundle,
    backend: Backend,
    amounts_s: Sequence[float],
    others: Mapping[str, Dense],
) -> tuple[dict[str, Any], Dense]:
    """Return the errors of every layer at an observer, and what the bundle's own one came to.

    Args:
        spec: at least the longest amount, the gap and the test long.
        bundle: the model.
        backend: runs it.
        amounts_s: how much signal is learnt from.
        others: last layers that are brought from elsewhere, by name.
    """
    geometry = bundle.manifest.geometry
    shape = geometry.n_horizon, geometry.n_bins
    own = head_of(bundle)
    learners = [Learner("shipped", own, amounts_s, shape)]
    learners += [Learner(name, head, amounts_s, shape) for name, head in others.items()]
    base = learners[0].space
    to_other = [base.change_to(learner.head) for learner in learners]
    context = np.empty((geometry.n_context, geometry.n_bins), np.float32)
    target = np.empty(shape, np.float32)
    errors: dict[str, list[float]] = {}
    test_from_s = max(amounts_s) + _GAP_S
    segment_s = geometry.n_segment * geometry.frame_s
    n_tested = 0
    for at_s, segment in _segments(spec, bundle):
        is_test = at_s >= test_from_s
        n_tested += is_test
        if max(amounts_s) <= at_s < test_from_s or (is_test and n_tested % 2):
            continue
        scaling = standardise(segment.context, context)
        apply(segment.target, scaling, target)
        output = backend.predict(context).reshape(-1)
        features = base.features(output)
        for learner, (slopes, offset) in zip(learners, to_other, strict=True):
            seen = output if learner is learners[0] else output + features @ slopes + offset
            if not is_test:
                learner.add(at_s, at_s + segment_s, seen, target.reshape(-1), scaling.scale_db)
                continue
            if not learner.found or len(learner.found) < 2 * len(amounts_s):
                learner.settle()
            left, its = target.reshape(-1) - seen, learner.space.features(seen)
            ways = {_AS_IT_IS: left} | {
                way: left - its @ by - plus for way, (by, plus) in learner.found.items()
            }
            for way, rest in ways.items():
                error_db = scaling.scale_db * _rms(rest)
                errors.setdefault(f"{learner.name}: {way}", []).append(error_db)
    row = {
        "observer": spec.name,
        "seed": spec.seed,
        "amounts_s": list(amounts_s),
        "n_segments": len(errors[f"shipped: {_AS_IT_IS}"]),
        "errors_db": {name: float(np.mean(values)) for name, values in errors.items()},
    }
    last = learners[0].last
    return row, own if last is None else last


def excess_db(error_db: float, n_averages: int) -> float:
    """Return what is left of an error without that which no forecast of noise can avoid."""
    return math.sqrt(max(error_db**2 - log_power_floor_db(n_averages) ** 2, 0.0))


def markdown(rows: Sequence[Mapping[str, Any]], n_averages: int) -> str:
    """Return the tables: errors by way, and excess less that of the observer's own layer."""
    longest_s = max(rows[0]["amounts_s"])
    own = f"shipped: refit, {longest_s:g} s"
    rng, lines = np.random.default_rng(0), []
    names = list(rows[-1]["errors_db"])
    for name in names:
        having = [row for row in rows if name in row["errors_db"]]
        errors = np.array([row["errors_db"][name] for row in having])
        excess = np.array([excess_db(error, n_averages) for error in errors])
        at_home = np.array([excess_db(row["errors_db"][own], n_averages) for row in having])
        less = excess - at_home
        drawn = less[rng.integers(len(less), size=(4000, len(less)))].mean(axis=1)
        low, high = np.quantile(drawn, (0.025, 0.975))
        lines.append(
            [
                name,
                str(len(having)),
                f"{errors.mean():.3f}",
                f"{excess.mean():.3f}",
                f"{less.mean():+.3f} [{low:+.3f}, {high:+.3f}]",
                f"{less.max():+.3f}",
            ]
        )
    titles = ["layer", "observers", "error, dB", "excess, dB", "excess less own, dB", "worst"]
    table = markdown_table(titles, lines, right_from=1)
    each = markdown_table(
        ["observer", *names],
        [
            [str(row["observer"])]
            + [
                f"{row['errors_db'][name]:.3f}" if name in row["errors_db"] else "-"
                for name in names
            ]
            for row in rows
        ],
        right_from=1,
    )
    return f"{table}\n\n**Error of each observer, dB**\n\n{each}\n"


@click.command(help=__doc__)
@click.option("--kept", type=click.Path(path_type=Path, dir_okay=False), required=True)
@click.option("--observers", default=6, show_default=True)
@click.option("--amount", "amounts_s", multiple=True, type=float, default=(10.0, 60.0, 300.0))
@click.option("--save", is_flag=True, help="Write benchmarks/results/transfer.json and .md.")
def main(kept: Path, observers: int, amounts_s: tuple[float, ...], save: bool) -> None:
    """Take the shipped model to simulated observers."""
    bundle = load_bundle(shipped_bundle_path())
    recipe = bundle.manifest.recipe
    backend = open_backend(bundle, "numba")
    duration_s = max(amounts_s) + _GAP_S + _TEST_S
    specs = Population().specs(observers, duration_s, recipe.sample_rate_hz, SEED)
    rows = {row["observer"]: row for row in read_rows(kept)}
    before: Dense | None = None
    for spec in specs:
        at = kept.with_name(f"{kept.stem}-{spec.name}.npz")
        if spec.name not in rows or not at.exists():
            others = {} if before is None else {"from the one before": before}
            row, learnt = observe(spec, bundle, backend, amounts_s, others)
            np.savez(at, kernel=learnt.kernel, bias=learnt.bias)
            keep_row(kept, row)
            rows[spec.name] = row
            click.echo(f"{spec.name}: {row['errors_db']}", err=True)
        with np.load(at) as layer:
            before = Dense("linear", layer["kernel"], layer["bias"])
    found = [rows[spec.name] for spec in specs]
    text = markdown(found, recipe.n_averages)
    title = "The shipped model at places of its kind, from seconds of their signal"
    click.echo(save_rows("transfer", title, facts(), found, text, save=save))


if __name__ == "__main__":
    main()
