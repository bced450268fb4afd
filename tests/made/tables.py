"""Tables of an experiment as the laboratory would write them, with effects that are known."""

import atexit
import functools
import json
import shutil
import tempfile
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from converter.lab.experiment import Detection, Experiment
from converter.lab.tables import columns_of, write_table
from tests.made.tiny_experiment import parse_experiment

EXPERIMENT = """
name = "made"
seed = 7

[geometry]
sample_rate_hz = 5e6

[defaults.observers]
test = 6
n_seeds = 2
train_s = 100.0

[populations.home]
cells = ["A"]
[populations.place-1]
cells = ["A"]
contexts = ["static"]
place = 1
[populations.place-2]
cells = ["A"]
contexts = ["static"]
place = 2
[populations.day]
cells = ["A"]
hours = [9, 17]
[populations.night]
cells = ["A"]
hours = [22, 28]
[populations.walk]
cells = ["A"]
contexts = ["walk"]
[populations.static]
cells = ["A"]
contexts = ["static"]
[populations.cell-b]
cells = ["B"]
[populations.band-2]
cells = ["A"]
band = "b2"
[populations.up]
direction = "ul"
[populations.poisoned]
cells = ["A"]
contamination = 0.05
[populations.steady]
cells = ["A"]
traffic = "steady"

[models]
unified = {population = "home"}
bare = {population = "home", transform = false}
auto = {population = "home", architecture = "autoencoder"}
m-place-1 = {population = "place-1"}
m-place-2 = {population = "place-2"}
m-day = {population = "day"}
m-night = {population = "night"}
m-walk = {population = "walk"}
m-static = {population = "static"}
m-poisoned = {population = "poisoned"}
self-b = {population = "cell-b"}
b-10s = {population = "cell-b", teacher = "unified", method = "1L", seconds = 10.0}
b-300s = {population = "cell-b", teacher = "unified", method = "1L", seconds = 300.0}
cf-10s = {population = "cell-b", teacher = "unified", method = "closed-form", seconds = 10.0}
cf-300s = {population = "cell-b", teacher = "unified", method = "closed-form", seconds = 300.0}
self-2 = {population = "band-2"}
band-1l = {population = "band-2", teacher = "unified", method = "1L", seconds = 300.0}
band-2l = {population = "band-2", teacher = "unified", method = "2L", seconds = 300.0}
band-all = {population = "band-2", teacher = "unified", method = "All-L", seconds = 3000.0}
self-up = {population = "up", hyper = {n_layers = 3}}
up-all = {population = "up", teacher = "unified", method = "All-L", seconds = 300.0}

[quantisations]
unified-int8 = {model = "unified", kind = "dynamic_int8"}

[predictions.all]
models = ["unified"]
populations = ["home"]

[detections.main]
population = "home"
models = ["unified", "bare", "auto", "unified-int8"]
baselines = ["one-class-svm", "kalman", "rss-rule", "random"]
kinds = ["tone", "chirp"]
isrs_db = [-10.0, 0.0]
faults = ["power-step:3", "frequencies-down:0.33"]
[detections.at-place-1]
population = "place-1"
models = ["unified", "m-place-1", "m-place-2"]
kinds = ["tone"]
isrs_db = [0.0]
[detections.in-cell-b]
population = "cell-b"
models = ["unified", "self-b", "b-10s", "b-300s"]
kinds = ["tone"]
isrs_db = [0.0]
[detections.on-uplink]
population = "up"
models = ["self-up"]
kinds = ["tone"]
isrs_db = [0.0]

[episodes.device]
population = "home"
model = "unified-int8"
kinds = ["tone"]

[real.captures]
files = ["*.sigmf-meta"]
"""

CONTEXTS = ("static", "walk", "drive")


@dataclass(frozen=True)
class Effects:
    """What is different, and by how much. The defaults are a world in which the paper is right.

    Errors in dB above those of the model that a population has of its own; strengths by which a
    score moves at 0 dB ISR, in standard deviations of its noise.
    """

    unified_db: float = 0.0
    foreign_place_db: float = 1.0
    foreign_time_db: float = 0.1
    bare_db: float = 0.4
    auto_ratio: float = 1.05
    uplink_db: float = 0.5
    poisoned_db: float = 0.0
    zero_shot_db: float = 0.6
    transfer_db: Mapping[str, float] = field(
        default_factory=lambda: {
            **{"b-10s": 0.01, "b-300s": 0.0, "band-1l": 0.4, "band-2l": 0.01},
            **{"cf-10s": 0.01, "cf-300s": 0.0, "band-all": -0.1, "up-all": 0.3},
        }
    )
    strength: Mapping[str, float] = field(
        default_factory=lambda: {
            **{"unified": 4.0, "unified-int8": 4.0, "bare": 2.0, "auto": 3.9},
            **{"one-class-svm": 1.0, "kalman": 1.0, "rss-rule": 0.7, "random": 0.0},
            **{"m-place-1": 4.0, "m-place-2": 1.5, "self-b": 4.0, "b-10s": 4.0, "b-300s": 4.0},
            **{"self-up": 2.0},
        }
    )
    fault_strength: float = 4.0
    #: How much wider the normal scores of test observers are than those of calibration.
    test_spread: float = 1.0
    #: Standard deviation of what an observer adds to all its scores.
    offset: float = 0.3


#: A world in which the paper is right.
RIGHT = Effects()


def experiment() -> Experiment:
    return parse_experiment(EXPERIMENT)


def observers(population: str, exp: Experiment) -> Iterator[tuple[int, str, str]]:
    contexts = exp.populations[population].contexts
    for seed in range(2):
        for i in range(6):
            context = contexts[i % len(contexts)]
            yield seed, f"sim-{context}-{i:03d}", context


def error_db(model: str, population: str, exp: Experiment, effects: Effects) -> float:
    """Return the mean error that a model has on a population."""
    own = {m.population: name for name, m in exp.models.items() if m.teacher is None}
    own["home"] = "unified"
    base = 2.5 + (effects.uplink_db if exp.populations[population].direction == "ul" else 0.0)
    if model == "bare":
        return base + effects.bare_db
    if model == "auto":
        return base * effects.auto_ratio
    if model == "m-poisoned":
        return base + effects.poisoned_db
    if model in effects.transfer_db:
        return base + effects.transfer_db[model]
    if model == own.get(population):
        return base
    if model == "unified":
        elsewhere = population in ("cell-b", "band-2", "up")
        return base + (effects.zero_shot_db if elsewhere else effects.unified_db)
    is_place = model.startswith("m-place")
    return base + (effects.foreign_place_db if is_place else effects.foreign_time_db)


def write_predictions(work: Path, effects: Effects, pairs: Iterable[tuple[str, str]]) -> None:
    exp, rows = experiment(), []
    floor_db = 1.41
    for model, population in pairs:
        for seed, observer, context in observers(population, exp):
            # What an observer adds is the same for all models, so that pairing pays.
            of_observer = noise(f"{population}{seed}{observer}").normal(0, 0.2)
            of_both = noise(f"{model}{population}{seed}{observer}").normal(0, 0.005)
            rmse = error_db(model, population, exp, effects) + of_observer + of_both
            rows.append(
                {
                    "prediction": "all",
                    "model": model,
                    "population": population,
                    "seed": seed,
                    "observer": observer,
                    "context": context,
                    "n_segments": 100,
                    "rmse_db": rmse,
                    "std_db": 0.2,
                    **{
                        f"q{q:02d}_db": rmse + z * 0.2
                        for q, z in ((5, -1.6), (25, -0.7), (50, 0.0), (75, 0.7), (95, 1.6))
                    },
                    "floor_db": floor_db,
                    "excess_db": float(np.sqrt(max(rmse**2 + 0.04 - floor_db**2, 0))),
                }
            )
    write_table(work / "tables" / "prediction" / "all" / "rows.parquet", columns_of(rows))


def all_pairs() -> list[tuple[str, str]]:
    exp = experiment()
    pairs = {(model.population, model.population) for model in ()}
    named = {(name, model.population) for name, model in exp.models.items()} | pairs
    named |= {("unified", population) for population in exp.populations}
    named |= {(m, "home") for m in ("bare", "auto", "m-poisoned", "m-place-1", "m-place-2")}
    for group in (("place-1", "place-2"), ("day", "night"), ("walk", "static")):
        named |= {(f"m-{a}", b) for a in group for b in group}
    return sorted(named)


def noise(text: str) -> np.random.Generator:
    return np.random.default_rng(zlib.crc32(text.encode()))


def write_detection(work: Path, name: str, effects: Effects) -> None:
    """Write the table of one detection: an observer's offset is there in raw scores only."""
    exp = experiment()
    spec = exp.detections[name]
    scorers = [*spec.models, *spec.baselines]
    for split, seed, observer, context in _heard(spec, exp):
        segments = list(_segments(spec, split == "test"))
        columns: dict[str, list[Any]] = {
            "detection": [name] * len(segments),
            "population": [spec.population] * len(segments),
            "split": [split] * len(segments),
            "seed": [seed] * len(segments),
            "observer": [observer] * len(segments),
            "context": [context] * len(segments),
        }
        for number, key in enumerate(("mode", "kind", "isr_db", "stretch", "segment")):
            columns[key] = [segment[number] for segment in segments]
        for key in ("duty", "bandwidth_hz"):
            columns[key] = [float("nan")] * len(segments)
        columns["inr_db"] = [20.0 + segment[2] for segment in segments]
        columns["neighbour"] = [observer.endswith("001")] * len(segments)
        columns["share"] = [_share(mode, stretch) for mode, _, _, stretch, _ in segments]
        common = noise(f"{name}{split}{seed}{observer}").normal(0, 1, len(segments))
        offset = noise(f"{split}{seed}{observer}").normal(0, effects.offset)
        for scorer in scorers:
            own = noise(f"{name}{split}{seed}{observer}{scorer}").normal(0, 1, len(segments))
            # A quantised model sees what its original sees.
            original = scorer.removesuffix("-int8")
            spread = effects.test_spread if split == "test" else 1.0
            values = offset + spread * (0.95 * common + 0.31 * own)
            if original != scorer:
                values = np.array(columns[f"score:{original}"]) + 0.001 * own
            else:
                values += [effects.strength[scorer] * s for s in _lift(segments, effects)]
            if original != scorer:
                gap = effects.strength[scorer] - effects.strength[original]
                values += [gap * s for s in _lift(segments, effects)]
            columns[f"score:{scorer}"] = values.tolist()
        path = work / "tables" / "detection" / name / f"{split}-{seed}-{observer}.parquet"
        write_table(path, columns)


def _heard(spec: Detection, exp: Experiment) -> Iterator[tuple[str, int, str, str]]:
    for i, context in enumerate(CONTEXTS * 2):
        yield "calibration", 0, f"sim-{context}-{i:03d}", context
    for seed, observer, context in observers(spec.population, exp):
        yield "test", seed, observer, context


def _segments(spec: Detection, is_test: bool) -> Iterator[tuple[str, str, float, int, int]]:
    nan = float("nan")
    for segment in range(40):
        yield "warmup", "", nan, 0, segment
    for segment in range(40, 240):
        yield "normal", "", nan, 0, segment
    if is_test:
        cells = [(kind, isr) for kind in spec.kinds for isr in spec.isrs_db]
        cells += [(fault, nan) for fault in spec.faults]
        for kind, isr_db in cells:
            for mode in ("onset", "persistent", "ended"):
                for stretch in range(3):
                    for segment in range(4):
                        yield mode, kind, isr_db, stretch, segment


def _share(mode: str, stretch: int) -> float:
    """Return how much of a horizon holds the interferer: the first onset is a glimpse."""
    if mode in ("onset", "ended"):
        return 0.1 + 0.4 * stretch
    return 1.0 if mode == "persistent" else 0.0


def _lift(segments: list[tuple[str, str, float, int, int]], effects: Effects) -> Iterator[float]:
    """Yield by what share of its strength a score moves in each segment."""
    for mode, kind, isr_db, _, _ in segments:
        if mode not in ("onset", "persistent"):
            yield 0.0
        elif ":" in kind:
            yield effects.fault_strength / 4.0
        else:
            yield 10 ** (isr_db / 20)


def write_episodes(work: Path, n_false: int = 0) -> None:
    rows: list[dict[str, Any]] = []
    exp = experiment()
    for seed, observer, context in observers("home", exp):
        head = {"episodes": "device", "seed": seed, "observer": observer, "context": context}
        nan = float("nan")
        empty = {"delay_ms": nan, "compute_ms": 1.0, "iou": nan, "centre_error_hz": nan}
        tail = {"bandwidth_hz": nan, "detector": "", "n_segments": 3000}
        normal = {"kind": "", "isr_db": nan, "seconds": 600.0, "detected": False}
        empty |= {"alarm_s": 0.3 * n_false, "inside_false": False}
        rows.append({**head, **normal, "n_events": n_false, **empty, **tail})
        for isr_db in (-10.0, 0.0):
            found = {"delay_ms": 15.0, "compute_ms": 1.0, "iou": 0.8, "centre_error_hz": 1e4}
            heard = {"kind": "tone", "isr_db": isr_db, "seconds": 0.3, "detected": isr_db == 0.0}
            figures = {**empty, **found} if isr_db == 0.0 else {**empty, "inside_false": True}
            rows.append({**head, **heard, "n_events": int(isr_db == 0.0), **figures, **tail})
    write_table(work / "tables" / "episodes" / "device" / "rows.parquet", columns_of(rows))


def write_real(work: Path) -> None:
    rows = [
        {
            "real": "captures",
            "file": f"sigmf:/somewhere/lte-{number}.sigmf-meta",
            "segment": segment,
            "score:model": 0.1 * segment,
            "score:energy": 0.0,
            "alarm:model": segment == 0,
            "alarm:energy": False,
        }
        for number in range(2)
        for segment in range(50)
    ]
    write_table(work / "tables" / "real" / "captures.parquet", columns_of(rows))


def write_all(work: Path, effects: Effects | None = None) -> Path:
    """Fill a WORK folder as a full run would; return it."""
    if effects is None:
        shutil.copytree(_usual(), work, dirs_exist_ok=True)
        return work
    work.mkdir(parents=True, exist_ok=True)
    (work / "experiment.toml").write_text(EXPERIMENT, encoding="utf-8")
    write_predictions(work, effects, all_pairs())
    for name in experiment().detections:
        write_detection(work, name, effects)
    write_episodes(work)
    write_real(work)
    return work


@functools.cache
def _usual() -> Path:
    """Return a folder with what most tests read, made once."""
    folder = Path(tempfile.mkdtemp(prefix="edgespec-tests-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_all(folder / "work", Effects())


def write_marker(work: Path) -> None:
    """Write that the unified model was trained, in a minute and a half."""
    marker = {
        **{"task": "train.unified", "key": "k", "wall_s": 90.0, "cpu_s": 180.0},
        **{"machine": "a-machine", "versions": {"python": "3.11.9"}, "facts": {}},
        "finished_utc": "2026-01-02T03:04:05+00:00",
    }
    (work / "done").mkdir()
    (work / "done" / "train.unified.json").write_text(json.dumps(marker), encoding="utf-8")


def with_strength(effects: Effects, **strengths: float) -> Effects:
    """Return other effects: the strengths of some scorers, ``-`` in their names written ``_``."""
    named = {name.replace("_", "-"): value for name, value in strengths.items()}
    return replace(effects, strength={**effects.strength, **named})
