"""What a worker process keeps from one task to the next: opened models and fitted scorers."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from converter.lab.engine.folder import WorkFolder
from converter.lab.experiment import Detection
from converter.simulate.specs import RecordingSpec
from edgespec.framing import Recipe

if TYPE_CHECKING:
    from converter.lab.measures.predictor import Predictor
    from converter.lab.measures.windows.scorers import WindowScorer

__all__ = ["ModelSource", "fitted_scorers", "opened"]

#: A model by its name and the task that made it: ``train.X``, ``transfer.X`` or ``quantise.X``.
ModelSource = tuple[str, str]


def opened(folder: WorkFolder, source: ModelSource) -> "Predictor":
    """Return an opened model; the same one as long as it is not made anew."""
    name, task = source
    path = folder.bundle(name) if task.startswith("quantise.") else folder.model(name)
    return _open(path, folder.finished(task).key)


@lru_cache(maxsize=48)
def _open(path: Path, key: str) -> "Predictor":
    from converter.lab.measures.predictor import open_predictor

    return open_predictor(path)


#: The scorers that were fitted last, and for what: a worker goes through one detection at a time.
_last: dict[tuple[object, ...], "dict[str, WindowScorer]"] = {}


def fitted_scorers(
    folder: WorkFolder,
    detection: Detection,
    recipe: Recipe,
    sources: tuple[ModelSource, ...],
    train_specs: tuple[RecordingSpec, ...],
) -> "dict[str, WindowScorer]":
    """Return the scorers of a detection; fitted by a fixed seed, so every worker has the same."""
    from converter.data.dataset import load_dataset, load_part
    from converter.lab.measures.windows.scorers import fit_scorers

    needs = [task for _, task in sources]
    if detection.baselines:
        needs.append(f"dataset.{detection.population}")
    # Not by the detection itself: calibration observers listen longer than test observers.
    names = (detection.baselines, detection.detectors, tuple(name for name, _ in sources))
    found = (folder.path, *names, *(folder.finished(task).key for task in needs))
    if found not in _last:
        train = []
        if detection.baselines:
            dataset = load_dataset(folder.data(detection.population))
            train = [load_part(dataset, part) for part in dataset.split("train")]
        predictors = {source[0]: opened(folder, source) for source in sources}
        scorers = fit_scorers(recipe, detection, train, predictors, seed=0, train_specs=train_specs)
        _last.clear()
        _last[found] = scorers
    return _last[found]
