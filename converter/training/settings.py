"""How to train: one record for the command line, for training and for experiments."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from converter.models.architectures import MODELS
from edgespec.errors import UsageError
from edgespec.option import about, check_record

__all__ = ["TrainSettings"]


@dataclass(frozen=True, slots=True)
class TrainSettings:
    """How to train; the defaults are those of Li et al. 2019, sec. 5.1.

    ``hyper`` goes to the network's ``build``. ``hop_frames`` None chooses the hop, see
    :func:`converter.training.lessons.training_hop`; by that hop ``n_windows`` segments are taken of
    a data set, and where it leaves more, by chance. Training ends after ``patience`` epochs without
    a better validation loss, and the best weights are kept.

    ``transform`` standardises every segment by its own context (sec. 4.2), as the device does;
    False is the ablation without it: one scaling for all.
    """

    architecture: str = field(default="lstm", metadata=about("Kind of network"))
    hyper: Mapping[str, Any] = field(
        default_factory=dict, metadata=about("Parameters of the network")
    )
    hop_frames: int | None = field(
        default=None,
        # Came later: where it is not given, the keys of tasks are what they were.
        metadata={**about("Frames between training segments", minimum=1), "late": True},
    )
    n_windows: int = field(default=20_000, metadata=about("Segments at most", minimum=1))
    transform: bool = field(
        default=True, metadata=about("Standardise each segment by its context, or all alike")
    )
    epochs: int = field(default=100, metadata=about("At most so many", minimum=1))
    batch_size: int = field(default=64, metadata=about("Segments in a batch", minimum=1))
    learning_rate: float = field(default=1e-3, metadata=about("Step of Adam", above=0))
    patience: int = field(default=8, metadata=about("Epochs without progress", minimum=1))
    seed: int = field(default=0, metadata=about("Of weights, order and choice", minimum=0))

    def __post_init__(self) -> None:
        if self.architecture not in MODELS:
            raise UsageError(
                f"architecture is {self.architecture!r}; choose one of {', '.join(MODELS)}"
            )
        check_record(self, UsageError)
