"""The data set in a folder, as a model needs it: recordings of samples, or a band of sweeps."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from converter.data.dataset import Dataset, load_dataset
from converter.data.sweeps.band_sweeps import BandSweeps, open_band
from converter.data.sweeps.sweep_dataset import is_sweep_dataset
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.sweep_recipe import SweepRecipe

__all__ = ["data_for"]


def data_for(
    folder: Path,
    made_with: Recipe | SweepRecipe,
    training: Mapping[str, Any],
    band: str | None = None,
) -> Dataset | BandSweeps:
    """Return a data set; of sweeps the band, which is cut into segments as the model takes them.

    Args:
        folder: of the data set.
        made_with: what the model's segments are made with.
        training: what the model says of its training: a band has its name there.
        band: name of the band; None: that of the training.

    Raises:
        SourceError: there is no data set.
        UsageError: it has no such band.
        ModelError: it is of samples, and the model of sweeps, or the other way round.
    """
    if not is_sweep_dataset(folder):
        if isinstance(made_with, SweepRecipe):
            raise ModelError(
                f"the model was made for {made_with.words}, and {str(folder)!r} is no data set of "
                "sweeps: give one that dataset-sweeps or simulate-sweeps has written"
            )
        return load_dataset(folder)
    if not isinstance(made_with, SweepRecipe):
        raise ModelError(
            f"{str(folder)!r} is a data set of sweeps, and the model was made for samples at "
            f"{made_with.sample_rate_hz:.10g} S/s: give recordings"
        )
    own = training.get("band")
    return open_band(folder, band or (own if isinstance(own, str) else None), made_with)
