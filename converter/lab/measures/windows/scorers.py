"""The scorers of an experiment's detection part, fitted on the train split."""

from collections.abc import Mapping, Sequence

import numpy as np

from converter.baselines.baselines import make_baseline
from converter.baselines.forecast_error import ForecastError
from converter.baselines.segments import Segments, concatenated
from converter.data.views import segment_starts
from converter.lab.experiment import Detection
from converter.lab.measures.windows.discriminant_scorer import (
    DiscriminantScorer,
    Expectation,
    Expects,
    discriminant_column,
)
from converter.lab.measures.windows.hearing import listen
from converter.lab.measures.windows.scorer import (
    BaselineScorer,
    DetectorScorer,
    ModelScorer,
    Predicts,
    WindowScorer,
)
from converter.lab.measures.windows.segment_detectors import column_of
from converter.lab.measures.windows.stretch_layout import Layout
from converter.simulate.specs import RecordingSpec
from edgespec.errors import UsageError
from edgespec.framing import Recipe
from edgespec.records import Geometry, Spectrogram

__all__ = ["WindowScorer", "fit_scorers"]

#: Segments that baselines learn from: more do not move their tables, and take memory.
_MOST_SEGMENTS = 3000
#: Seconds of each train observer that are heard again for the baselines that look at samples.
_IQ_S = 0.3


def fit_scorers(
    recipe: Recipe,
    detection: Detection,
    train: Sequence[Spectrogram],
    predictors: Mapping[str, Predicts],
    seed: int,
    *,
    train_specs: Sequence[RecordingSpec] = (),
) -> dict[str, WindowScorer]:
    """Return all scorers by the name they have in a table.

    They can be pickled as far as their predictors can. Those of the detection's baselines that
    look at samples learn from ``train_specs``, heard again, because a data set keeps no samples.

    Args:
        recipe: of the segments.
        detection: names the baselines and the detectors of segments.
        train: frames of the train split, one of each observer.
        predictors: models by name; all of them become scorers, and so does each of them with
            each of the detection's discriminants, as baselines do that forecast.
        seed: of what the baselines draw.
        train_specs: the observers of the train split.

    Raises:
        UsageError: a name is unknown, there is not one segment, or there are no ``train_specs`` for
            a baseline that looks at samples.
    """
    geometry = recipe.geometry
    scorers: dict[str, WindowScorer] = {}
    for name, predictor in predictors.items():
        scorers[name] = ModelScorer(predictor)
    baselines = {name: make_baseline(name, geometry, seed) for name in detection.baselines}
    if taken := sorted(scorers.keys() & baselines.keys()):
        raise UsageError(f"a model has the name {taken[0]!r} of a baseline; name it otherwise")
    if baselines:
        normal = _known_segments(geometry, train, seed)
        heard = normal
        if train_specs and any(baseline.needs_iq for baseline in baselines.values()):
            heard = _heard_segments(recipe, train_specs)
        for name, baseline in baselines.items():
            baseline.fit(heard if baseline.needs_iq else normal)
            scorers[name] = BaselineScorer(baseline)
    for name in detection.detectors:
        scorers[column_of(name)] = DetectorScorer(name, geometry)
    if detection.discriminants:
        forecasters: dict[str, Expects] = {**predictors}
        forecasters |= {n: one for n, one in baselines.items() if isinstance(one, ForecastError)}
        for name, forecaster in forecasters.items():
            expectation = Expectation(forecaster)
            for discriminant in detection.discriminants:
                column = discriminant_column(name, discriminant)
                scorers[column] = DiscriminantScorer(expectation, discriminant, geometry)
    return scorers


def _known_segments(geometry: Geometry, train: Sequence[Spectrogram], seed: int) -> Segments:
    """Return the segments of the train split, or as many of them as are learnt from."""
    starts = [segment_starts(frames, geometry) for frames in train]
    owner = np.repeat(np.arange(len(train)), [len(own) for own in starts])
    first = np.concatenate([np.empty(0, np.int64), *starts])
    if len(first) > _MOST_SEGMENTS:
        chosen = np.random.default_rng(seed).choice(len(first), _MOST_SEGMENTS, replace=False)
        chosen.sort()
        owner, first = owner[chosen], first[chosen]
    batch = np.empty((len(first), geometry.n_segment, geometry.n_bins), np.float32)
    for row, (number, start) in enumerate(zip(owner.tolist(), first.tolist(), strict=True)):
        batch[row] = train[number].power_dbfs[start : start + geometry.n_segment]
    return Segments(geometry, batch[:, : geometry.n_context], batch[:, geometry.n_context :])


def _heard_segments(recipe: Recipe, specs: Sequence[RecordingSpec]) -> Segments:
    """Return some segments of each observer with the statistics of their samples."""
    n_segments = max(round(_IQ_S / recipe.geometry.hop_s), 1)
    layout = Layout.of(recipe)
    parts = []
    for spec in specs:
        heard = listen(spec, layout, n_segments, needs_iq=True)
        parts.append(heard.segments(heard.valid(0, n_segments)))
    return concatenated(parts)
