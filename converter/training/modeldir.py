"""A trained model as a folder: ``model.keras`` and ``training.json``, which says where it is from.

``train`` and ``import-keras`` write one, ``quantize`` reads it.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from converter.models.runtime import load_keras
from edgespec.decode import Decoder, read_bounded, table_of
from edgespec.door import door
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.inference.manifest import GATES, ROLES
from edgespec.option import about
from edgespec.records import Geometry, Scaling
from edgespec.side_input import SideInput
from edgespec.sweep_recipe import SweepRecipe

__all__ = ["SCHEMA", "ModelCard", "load_card", "load_model", "save_model"]

SCHEMA = "edgespec.model/1"
_MAX_CARD_BYTES = 4 << 20
_DECODER = Decoder(ModelError, advice="train or import the model again", needs_all=True)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What ``training.json`` holds. ``training`` is free: data, epochs, losses, versions.

    ``training["scaling"]`` is there only where the model was trained without the transform.
    ``side_inputs`` are the inputs of the Keras model behind its first one, by their names.
    """

    name: str
    architecture: str
    role: str
    gate: str | None
    made_with: Recipe | SweepRecipe = field(
        metadata=about("how samples, or sweeps, become segments", key="geometry")
    )
    training: Mapping[str, Any] = field(default_factory=dict)
    side_inputs: tuple[SideInput, ...] = field(
        default=(), metadata=about("What else the model is given", may_lack=True)
    )

    def __post_init__(self) -> None:
        if self.role not in ROLES or self.gate not in (*GATES, None):
            raise ModelError(
                f"role is {self.role!r} and gate {self.gate!r}; accepted are {ROLES} and {GATES}"
            )
        scaling = self.training.get("scaling")
        if scaling is not None and not _is_scaling(scaling):
            raise ModelError(
                f"training.scaling is {scaling!r}; accepted are a finite mean_db and a positive "
                "scale_db: train the model again"
            )

    @property
    def geometry(self) -> Geometry:
        """How frames become segments."""
        return self.made_with.geometry

    @property
    def recipe(self) -> Recipe:
        """How samples become segments.

        Raises:
            ModelError: it was trained on sweeps.
        """
        if isinstance(self.made_with, SweepRecipe):
            raise ModelError(
                f"the model {self.name!r} was trained on {self.made_with.words}, and here are "
                "recordings of samples: give sweeps"
            )
        return self.made_with

    @property
    def scaling(self) -> Scaling | None:
        """The one scaling of all windows, or None where each has that of its own context."""
        found = self.training.get("scaling")
        return None if found is None else Scaling(**found)


def save_model(folder: Path, card: ModelCard, model: Any) -> None:
    """Write a Keras model and its card into a folder, which is made if needed.

    Raises:
        ModelError: the folder cannot be written.
    """
    data = {"schema": SCHEMA, **table_of(card)}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        model.save(folder / "model.keras")
        text = json.dumps(data, indent=1, sort_keys=True, allow_nan=False)
        (folder / "training.json").write_text(text + "\n")
    except OSError as error:
        raise ModelError(f"model folder {str(folder)!r} cannot be written: {error}") from error


def load_model(folder: Path) -> tuple[ModelCard, Any]:
    """Return the card and the Keras model of a folder. Code inside the file is never run.

    Raises:
        ModelError: a file is missing, damaged or of another version.
    """
    card = load_card(folder)
    keras = load_keras()
    path = folder / "model.keras"
    with door(f"model {str(path)!r}", ModelError, "train or import it again"):
        return card, keras.saving.load_model(path, compile=False, safe_mode=True)


def load_card(folder: Path) -> ModelCard:
    """Return the card of a folder, without Keras.

    Raises:
        ModelError: it is missing, damaged or of another version.
    """
    path = folder / "training.json"
    advice = "give a folder that train or import-keras has written"
    with door(f"model card {str(path)!r}", ModelError, advice):
        content = read_bounded(path, ModelError, advice, _MAX_CARD_BYTES)
        return _DECODER.from_json(ModelCard, content, SCHEMA, str(path))


def _is_scaling(value: Any) -> bool:
    if not isinstance(value, dict) or sorted(value) != ["mean_db", "scale_db"]:
        return False
    numbers = [item for item in value.values() if isinstance(item, float) and math.isfinite(item)]
    return len(numbers) == 2 and value["scale_db"] > 0.0
