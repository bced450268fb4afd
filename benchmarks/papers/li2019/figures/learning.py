"""Learning curves: whether a training went on for as long as it brought something."""

from pathlib import Path

import numpy as np

from benchmarks.papers.li2019.figures.style import COLOURS, legend_below, panels
from converter.models.architectures import MODELS
from converter.report.document import Picture
from converter.report.results import Results
from converter.training.modeldir import load_card
from edgespec.errors import ModelError

__all__ = ["learning_curves"]

#: More curves in one picture cannot be told apart.
_MOST = len(COLOURS)


def learning_curves(results: Results, folder: Path) -> Picture | str:
    """Held-out errors by epoch, of the models trained from scratch, a panel for each population."""
    found: dict[str, dict[str, list[float]]] = {}
    figures: dict[str, object] = {}
    for name, spec in results.experiment.models.items():
        if spec.teacher is not None or not MODELS[spec.architecture].descends:
            continue
        try:
            training = load_card(results.work / "models" / name).training
        except ModelError:
            continue
        losses = [float(loss) for loss in training["val_losses"]]
        found.setdefault(spec.population, {})[name] = losses
        figures[name] = {"val_losses": losses, "best_epoch": training["best_epoch"]}
    shown = {name: curves for name, curves in found.items() if len(curves) > 1} or found
    if not shown:
        return "The learning curves are left out: there is no trained model in the folder."
    out = folder / "learning.png"
    with panels(out, len(shown)) as axes:
        for axis, (population, curves) in zip(axes, shown.items(), strict=True):
            for colour, (name, losses) in zip(COLOURS, list(curves.items())[:_MOST], strict=False):
                axis.plot(np.arange(1, len(losses) + 1), losses, color=colour, label=name)
            axis.set_title(population, fontsize=9)
            axis.set_xlabel("epoch", fontsize=9)
            legend_below(axis)
        axes[0].set_ylabel("held-out error, standardised", fontsize=9)
    caption = (
        "Mean squared error on validation observers by epoch. A curve that still falls at its end "
        "belongs to a training that was too short; the weights of its lowest point are kept."
    )
    return Picture(out.name, caption, figures)
