"""What a bundle says of itself: geometry, model, detectors, provenance and hashes.

Every record checks itself when it is made, so a manifest that exists is consistent. The way to
and from JSON is in :mod:`edgespec.inference.manifest_json`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.option import about, check_record
from edgespec.records import Geometry
from edgespec.side_input import SideInput
from edgespec.sweep_recipe import SweepRecipe

__all__ = ["GATES", "QUANTISATIONS", "ROLES", "SCHEMA", "Calibration", "Manifest", "ModelInfo"]

SCHEMA = "edgespec.bundle/1"
ROLES = ("forecast", "reconstruction")
QUANTISATIONS = ("float32", "float16", "dynamic_int8", "int8")
GATES = ("sigmoid", "hard_sigmoid")
TRANSFORMS = ("standardise",)
#: Tolerance of a false-alarm rate as a key: rates are written in decimal and compared as floats.
RATE_RTOL = 1e-9


#: The number a bundle compares by, as :mod:`edgespec.detect.discriminants` reads it.
_DISCRIMINANT = {
    "pattern": r"[a-z]{1,32}(:[0-9.]{1,16})?",
    "pattern_text": "a discriminant, such as 'rmse' or 'dtw:3'",
}
_TEXT = {"pattern": r"(?s).+", "pattern_text": "a text that is not empty"}


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """The network in ``model.tflite``.

    ``input_shape`` and ``output_shape`` are those of the file, batch of one included; those of its
    side inputs follow from them. ``parity``
    holds its error against the Keras model it was made from, in standardised units.
    """

    architecture: str = field(metadata=about("Kind of network", **_TEXT))
    role: str = field(metadata=about("What it returns", choices=ROLES))
    quantisation: str = field(metadata=about("How it computes", choices=QUANTISATIONS))
    gate: str | None = field(metadata=about("Gate of an LSTM", choices=GATES))
    input_shape: tuple[int, ...] = field(metadata=about("Shape of the input", minimum=1))
    output_shape: tuple[int, ...] = field(metadata=about("Shape of the output", minimum=1))
    operators: tuple[str, ...] = field(metadata=about("Operators in the file", **_TEXT))
    parity: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_record(self, ModelError)
        for name in ("input_shape", "output_shape"):
            if getattr(self, name)[:1] != (1,):
                raise ModelError(
                    f"{name} is {getattr(self, name)}; it must start with a batch of 1"
                )


@dataclass(frozen=True, slots=True)
class Calibration:
    """What one detector scores on normal signal, and where its thresholds lie.

    ``thresholds`` maps a false-alarm rate per segment, in decimal, to the threshold of each
    method: ``{"0.01": {"gaussian": 3.1, "quantile": 3.0}}``. ``error_std_db`` is the standard
    deviation of the error in each bin, ``(n_bins,)``, or empty where the detector has no error
    map. ``n_scores`` segments of ``recordings`` recordings were scored. ``site_std`` is the median,
    over those recordings, of the standard deviation of the raw scores in their warm-up: what a
    usual site has.
    """

    mean: float
    std: float
    n_scores: int = field(metadata=about("Segments that were scored", minimum=1))
    thresholds: Mapping[str, Mapping[str, float]]
    error_std_db: tuple[float, ...] = field(
        default=(), metadata=about("Spread of the error", unit="dB", above=0)
    )
    recordings: int = field(default=1, metadata=about("Recordings that were scored", minimum=1))
    site_std: float = 0.0

    def __post_init__(self) -> None:
        check_record(self, ModelError)
        for rate in self.thresholds:
            if not 0.0 < _rate(rate) < 1.0:
                raise ModelError(
                    f"thresholds has the false-alarm rate {rate!r}; it must lie between 0 and 1, "
                    "both excluded"
                )

    def threshold(self, false_alarm_rate: float, method: str) -> float:
        """Return the threshold calibrated for a false-alarm rate per segment.

        Raises:
            ModelError: that rate or method was not calibrated; the message lists those that were.
        """
        for rate, methods in self.thresholds.items():
            if math.isclose(_rate(rate), false_alarm_rate, rel_tol=RATE_RTOL):
                if method in methods:
                    return methods[method]
                raise ModelError(
                    f"threshold method {method!r} was not calibrated at the rate {rate}; the "
                    f"bundle has {', '.join(sorted(methods)) or 'none'}"
                )
        rates = ", ".join(sorted(self.thresholds, key=_rate)) or "none"
        raise ModelError(
            f"false-alarm rate {false_alarm_rate:g} was not calibrated; the bundle has {rates}: "
            "choose one of them or calibrate the bundle again"
        )


def _rate(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


@dataclass(frozen=True, slots=True)
class Manifest:
    """All a device needs to know of a bundle before it runs it.

    ``golden_atol`` is the largest difference, in standardised units, that a runtime may show on
    the golden vectors. ``files`` maps each other member of the bundle to its SHA-256.
    ``discriminant`` makes a number of what the model expected and what was seen; the thresholds of
    its detector are in its unit. ``training`` is free: where the model came from. ``made_with`` is
    what the model's segments were made with, of samples or of sweeps; ``manifest.json`` calls it
    ``geometry``.
    ``side_inputs`` are what the model is given besides its window, in the order in which backends
    take them.
    """

    name: str = field(metadata=about("Name of the bundle", **_TEXT))
    created_utc: str = field(metadata=about("When it was made", **_TEXT))
    made_with: Recipe | SweepRecipe = field(
        metadata=about("how samples, or sweeps, become segments", key="geometry")
    )
    model: ModelInfo
    detectors: Mapping[str, Calibration] = field(default_factory=dict)
    training: Mapping[str, Any] = field(default_factory=dict)
    golden_atol: float = field(default=1e-4, metadata=about("Largest difference", above=0))
    transform: str = field(default="standardise", metadata=about("Scaling", choices=TRANSFORMS))
    files: Mapping[str, str] = field(default_factory=dict)
    side_inputs: tuple[SideInput, ...] = field(
        default=(), metadata=about("What else the model is given", may_lack=True)
    )
    discriminant: str = field(
        default="rmse",
        metadata=about("Distance of seen and expected", may_lack=True, **_DISCRIMINANT),
    )

    def __post_init__(self) -> None:
        check_record(self, ModelError)
        names = [side.name for side in self.side_inputs]
        if len(set(names)) != len(names):
            raise ModelError(f"side_inputs are called {names}; no two may have one name")
        for member, digest in self.files.items():
            if len(digest) != 64:
                raise ModelError(f"files.{member} is {digest!r:.80}; it must be a SHA-256")
        self._check_shapes()

    @property
    def geometry(self) -> Geometry:
        """How frames become segments."""
        return self.made_with.geometry

    @property
    def recipe(self) -> Recipe:
        """How samples become segments.

        Raises:
            ModelError: it was made for sweeps.
        """
        if isinstance(self.made_with, SweepRecipe):
            raise ModelError(
                f"the bundle {self.name!r} was made for {self.made_with.words}, and here are "
                "samples: give it to a source of sweeps (rtl_power: or sweep:)"
            )
        return self.made_with

    @property
    def error_std_db(self) -> tuple[float, ...]:
        """Spread of the model's own error in each bin on normal signal; empty: not measured."""
        # A detector that goes by the model is called as what the model does.
        calibration = self.detectors.get(self.model.role)
        return () if calibration is None else calibration.error_std_db

    @property
    def window_shape(self) -> tuple[int, int]:
        """Frames and bins of the window the model is given."""
        frames = {
            "forecast": self.geometry.n_context,
            "reconstruction": self.geometry.n_horizon,
        }[self.model.role]
        return frames, self.geometry.n_bins

    @property
    def side_shapes(self) -> tuple[tuple[int, int], ...]:
        """Rows and bins of each side input."""
        return tuple((side.n_rows, self.geometry.n_bins) for side in self.side_inputs)

    @property
    def output_shape(self) -> tuple[int, int]:
        """Frames and bins of what the model returns."""
        return self.geometry.n_horizon, self.geometry.n_bins

    @property
    def site_std(self) -> dict[str, float]:
        """The spread of raw scores at a usual site, for each calibrated detector."""
        return {name: calibration.site_std for name, calibration in self.detectors.items()}

    def threshold(self, detector: str, false_alarm_rate: float, method: str) -> float:
        """Return the threshold of a detector, which is positive.

        Raises:
            ModelError: the detector was not calibrated, or not at that rate by that method.
        """
        if detector not in self.detectors:
            known = ", ".join(self.detectors) or "none"
            raise ModelError(
                f"the bundle {self.name!r} has no threshold for {detector!r}, only for {known}: "
                "run 'edgespec-converter calibrate' on it, or leave the detector out of "
                "detect.detectors"
            )
        value = self.detectors[detector].threshold(false_alarm_rate, method)
        if value <= 0:
            raise ModelError(
                f"the threshold of {detector!r} in the bundle {self.name!r} is {value:g}; it must "
                "be positive: calibrate the bundle again"
            )
        return value

    def _check_shapes(self) -> None:
        pairs = (
            ("input_shape", self.model.input_shape, self.window_shape),
            ("output_shape", self.model.output_shape, self.output_shape),
        )
        for name, shape, (n_frames, n_bins) in pairs:
            if shape not in ((1, n_frames * n_bins), (1, n_frames, n_bins)):
                raise ModelError(
                    f"model.{name} is {shape}, but its geometry asks for "
                    f"{(1, n_frames, n_bins)}, flat or not: convert the model again"
                )
        for name, calibration in self.detectors.items():
            n_bins = len(calibration.error_std_db)
            if n_bins not in (0, self.geometry.n_bins):
                raise ModelError(
                    f"detectors.{name}.error_std_db has {n_bins} bins, but the "
                    f"geometry has {self.geometry.n_bins}: calibrate the bundle again"
                )
