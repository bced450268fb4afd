"""Which runtimes there are, and how one is chosen and checked."""

from collections.abc import Callable, Mapping

import numpy as np

from edgespec.errors import ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.inference.litert import open_litert
from edgespec.inference.numba_open import open_numba
from edgespec.inference.tflite_runtime import open_tflite_runtime

__all__ = ["BACKENDS", "check_backend", "check_golden", "open_backend"]

#: In the order in which ``auto`` tries them.
BACKENDS: Mapping[str, Callable[[Bundle, int], Backend]] = {
    "litert": open_litert,
    "tflite_runtime": open_tflite_runtime,
    "numba": open_numba,
}
_FIX = "pip install ai-edge-litert"


def open_backend(bundle: Bundle, name: str = "auto", n_threads: int = 1) -> Backend:
    """Return a runtime with the model of a bundle loaded.

    Args:
        bundle: the model.
        name: a key of :data:`BACKENDS`, or ``auto`` for the first that is installed.
        n_threads: threads of one inference, at least 1.

    Raises:
        ModelError: the name is unknown, no runtime is installed, or the model cannot be loaded.
    """
    if n_threads < 1:
        raise ModelError(f"n_threads is {n_threads}; it must be at least 1")
    check_backend(name)
    reasons = []
    for candidate in BACKENDS if name == "auto" else (name,):
        try:
            return BACKENDS[candidate](bundle, n_threads)
        except ImportError as error:
            reasons.append(f"{candidate}: {error}")
        except ModelError as error:
            # Where the runtime of choice is missing, the others' troubles belong to one message.
            if not reasons:
                raise
            reasons.append(str(error))
    raise ModelError(f"no runtime for the model is installed ({'; '.join(reasons)}): {_FIX}")


def check_backend(name: str) -> None:
    """Check that a runtime is known, or ``auto``.

    Raises:
        ModelError: it is not.
    """
    if name != "auto" and name not in BACKENDS:
        raise ModelError(f"backend {name!r} is unknown; choose one of auto, {', '.join(BACKENDS)}")


def check_golden(bundle: Bundle, backend: Backend) -> float:
    """Return the largest difference between a backend and the golden vectors of the bundle.

    In standardised units, over all golden windows.

    Raises:
        ModelError: it is above ``golden_atol`` of the manifest, or the output is not finite.
    """
    worst = 0.0
    for given, expected in zip(bundle.golden_windows(), bundle.golden_outputs, strict=True):
        error = float(np.max(np.abs(backend.predict(*given) - expected)))
        worst = max(worst, error) if np.isfinite(error) else np.inf
    if not worst <= bundle.manifest.golden_atol:
        raise ModelError(
            f"backend {backend.name} differs from the golden vectors of bundle "
            f"{bundle.manifest.name!r} by {worst:.3g}; at most {bundle.manifest.golden_atol:.3g} "
            f"is accepted: use another backend, update the runtime ({_FIX} --upgrade) or convert "
            "the model again"
        )
    return worst
