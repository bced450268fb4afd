"""How far a converted model is from the Keras model it was made of, and how far it may be."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from converter.data.model_inputs import ModelInputs
from edgespec.errors import QualityError
from edgespec.inference.backend import Backend

__all__ = ["LIMITS", "Limits", "Parity", "check_parity", "measure_parity"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Largest RMS and largest single error, both over the RMS of the Keras output."""

    rms: float
    peak: float


#: Float kinds differ by rounding only: of float32 sums (1e-7 a step, over a hundred steps) or of
#: float16 weights (2**-11). Integer kinds err by their step, 1/255 of a range that several layers
#: share. The mean of ten periodograms leaves 1.41 dB that no forecast can remove: an RMS error of
#: 5 to 10% of a forecast that moves by a few dB disappears in that, a fourth of the forecast in
#: one cell does not.
LIMITS: Mapping[str, Limits] = {
    "float32": Limits(1e-4, 1e-3),
    "float16": Limits(1e-2, 0.1),
    "dynamic_int8": Limits(5e-2, 0.25),
    "int8": Limits(5e-2, 0.25),
}


@dataclass(frozen=True, slots=True)
class Parity:
    """Errors over ``n_windows`` and the RMS of the Keras output, in standardised units."""

    max_error: float
    rms_error: float
    keras_rms: float
    n_windows: int


def measure_parity(keras_model: Any, backend: Backend, inputs: ModelInputs) -> Parity:
    """Compare a backend with the Keras model on what both are given."""
    expected = np.asarray(keras_model.predict(inputs.for_keras, verbose=0), np.float32)
    actual = np.stack([backend.predict(*given).copy() for given in inputs])
    error = actual.reshape(expected.shape).astype(np.float64) - expected
    return Parity(
        max_error=float(np.max(np.abs(error))),
        rms_error=float(np.sqrt(np.mean(error**2))),
        keras_rms=float(np.sqrt(np.mean(expected.astype(np.float64) ** 2))),
        n_windows=len(inputs),
    )


def check_parity(parity: Parity, kind: str) -> None:
    """Refuse a conversion that changed what the model says.

    Raises:
        QualityError: an error is above its limit, or not a number.
    """
    limits = LIMITS[kind]
    rms, peak = limits.rms * parity.keras_rms, limits.peak * parity.keras_rms
    if not (parity.rms_error <= rms and parity.max_error <= peak):
        raise QualityError(
            f"{kind} differs from Keras by {parity.rms_error:.3g} RMS and {parity.max_error:.3g} "
            f"at most, on an output of {parity.keras_rms:.3g} RMS; {rms:.3g} and {peak:.3g} are "
            "accepted: choose float32 or float16"
        )
