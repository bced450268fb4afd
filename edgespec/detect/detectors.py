"""The detectors by name, and the ones a bundle and a configuration ask for together."""

from collections.abc import Callable, Sequence

from edgespec.detect import plain
from edgespec.detect.any_band.detector import ANY_BAND
from edgespec.detect.arithmetic import Arithmetic
from edgespec.detect.detector import Handed
from edgespec.detect.discriminants.discriminant import RMSE
from edgespec.detect.reference import BinEwma, BinZScore, EnergyLevel
from edgespec.detect.residual import ForecastError, ReconstructionError
from edgespec.detect.sweep_scan import SweepScan
from edgespec.errors import ConfigError
from edgespec.nearest import nearest
from edgespec.records import Geometry

__all__ = [
    "CELL",
    "DETECTORS",
    "MODEL_DETECTORS",
    "ONE_OF_THEM",
    "PLAIN_DETECTORS",
    "RESIDUAL",
    "make_detectors",
    "resolve_names",
    "without_model",
]

#: Every detector: its name, and how it is made from the geometry, the warm-up in segments and
#: optionally the arithmetic; one of a model also takes the name of its discriminant.
DETECTORS: dict[str, Callable[..., Handed]] = {
    "forecast": lambda geometry, n_warmup, arithmetic=plain, discriminant=RMSE: ForecastError(
        geometry, arithmetic, discriminant
    ),
    "reconstruction": lambda geometry, n_warmup, arithmetic=plain, discriminant=RMSE: (
        ReconstructionError(geometry, arithmetic, discriminant)
    ),
    "energy": EnergyLevel,
    "zscore": BinZScore,
    "ewma": BinEwma,
    "scan": SweepScan,
}

#: Looks at what is left when the cell is cancelled, slot by slot, and not at segments.
RESIDUAL = "residual"
#: Of these one scores, where a cell is, or the other, where none is.
ONE_OF_THEM = frozenset({RESIDUAL, ANY_BAND})
#: Watches the reference signals of the cell that was found for :data:`RESIDUAL`.
CELL = "cell"

#: The detector that belongs to a model of each role; ``model`` in a configuration means it.
MODEL_DETECTORS = {"forecast": "forecast", "reconstruction": "reconstruction"}

#: Those of segments that need no model, nor a warm-up that is counted in sweeps.
PLAIN_DETECTORS = tuple(
    name for name in DETECTORS if name not in (*MODEL_DETECTORS.values(), SweepScan.name)
)


def resolve_names(names: Sequence[str], role: str) -> tuple[str, ...]:
    """Return the detectors' names with ``model`` replaced by the one for the model's role.

    Raises:
        ConfigError: an unknown name, one given twice, none at all, a detector whose model the
            bundle does not hold, or one without the one it needs.
    """
    own = MODEL_DETECTORS[role]
    resolved = tuple(own if name == "model" else name for name in names)
    known = ("model", RESIDUAL, CELL, ANY_BAND, *DETECTORS)
    for name in resolved:
        if name not in known[1:]:
            near = nearest(name, known)
            hint = f", did you mean {near!r}?" if near else ""
            raise ConfigError(
                f"detect.detectors names {name!r}{hint}; known are {', '.join(known)}"
            )
        if name in MODEL_DETECTORS.values() and name != own:
            raise ConfigError(
                f"detect.detectors names {name!r}, but the bundle's model is for {own!r}: "
                "write 'model' to take whatever the bundle holds"
            )
    if CELL in resolved and RESIDUAL not in resolved:
        raise ConfigError(
            f"detect.detectors names {CELL!r} without {RESIDUAL!r}, which finds the cell: add that"
        )
    if set(resolved) <= {RESIDUAL, CELL, ANY_BAND} and ANY_BAND in resolved:
        raise ConfigError(
            f"detect.detectors is {list(names)}: {ANY_BAND!r} says nothing until it has heard the "
            "rhythm of a band, and beside a cell; add zscore or energy"
        )
    if not resolved or len(set(resolved)) != len(resolved):
        raise ConfigError(
            f"detect.detectors is {list(names)}; name at least one detector, each once"
        )
    return resolved


def without_model(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names that need no model: ``model``, which means whatever there is, is nothing.

    Raises:
        ConfigError: an unknown name, one given twice, one that needs a model, or none is left.
    """
    left = [name for name in names if name != "model"]
    if not left:
        raise ConfigError(
            f"detect.detectors is {list(names)}, and no bundle was made for this sample rate: add "
            f"{', '.join(PLAIN_DETECTORS)}, or name a bundle for the rate in band.model"
        )
    for name in left:
        if name in MODEL_DETECTORS.values():
            raise ConfigError(
                f"detect.detectors names {name!r}, and no bundle was made for this sample rate: "
                "leave it out, or name a bundle for the rate in band.model"
            )
    return resolve_names(left, next(iter(MODEL_DETECTORS)))


def make_detectors(
    names: Sequence[str],
    geometry: Geometry,
    n_warmup: int,
    arithmetic: Arithmetic = plain,
    discriminant: str = RMSE,
) -> tuple[Handed, ...]:
    """Return new detectors of segments for those of the resolved ``names`` that look at them.

    ``discriminant`` is that of the model's.

    Raises:
        ModelError: there is no such discriminant, or it cannot be computed here.
    """
    own = dict.fromkeys(MODEL_DETECTORS.values(), (discriminant,))
    return tuple(
        DETECTORS[name](geometry, n_warmup, arithmetic, *own.get(name, ()))
        for name in names
        if name in DETECTORS
    )
