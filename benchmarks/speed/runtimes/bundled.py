"""Runtimes that take a bundle: our own kernels and the two of TensorFlow Lite."""

from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

from benchmarks.speed.networks import Case
from benchmarks.speed.runtimes.contestant import Contestant, LeftOutError
from edgespec.errors import ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle
from edgespec.inference.numba_open import open_numba
from edgespec.inference.widths import Widths
from edgespec.jit.vectors import vector_bits
from edgespec.observer.runtimes.width_choice import fastest_widths
from edgespec.records import FloatArray

__all__ = ["at_bits", "chosen_widths", "ours", "plain", "with_reuse"]


def plain(case: Case, backend: str, kind: str) -> Contestant:
    """Return one window after the other, each for itself.

    Raises:
        LeftOutError: there is no such bundle, or the runtime does not run it here.
    """
    model = _open(case, backend, kind)
    return partial(_predict, model, case)


def ours(case: Case) -> Contestant:
    """Return our kernels with the widths of vectors that are the fastest here."""
    return partial(_predict, _ours(case, chosen_widths(case)), case)


def at_bits(case: Case, bits: int) -> Contestant:
    """Return our kernels, all of them with vectors of so many bits.

    Raises:
        LeftOutError: this processor leaves no choice.
    """
    if len(vector_bits()) < 2 or bits not in vector_bits():
        raise LeftOutError(f"its vectors have {vector_bits()[0]} bits")
    return partial(_predict, _ours(case, Widths(bits, bits, bits)), case)


def chosen_widths(case: Case) -> Widths:
    """Return the widths that an observer would choose here; measured once for a network."""
    return _chosen(case.bundles["float32"].path)


@cache
def _chosen(path: Path) -> Widths:
    return fastest_widths(load_bundle(path), vector_bits())


def _ours(case: Case, widths: Widths) -> Backend:
    return open_numba(case.bundles["float32"], widths=widths)


def with_reuse(case: Case) -> Contestant:
    """Return our kernels that go on from the last window; the windows come as they are, in dB.

    Raises:
        LeftOutError: there is nothing that two windows of this network share.
    """
    predict_raw = getattr(_ours(case, chosen_widths(case)), "predict_raw", None)
    if predict_raw is None:
        raise LeftOutError("its windows share no frames")
    windows_db, scalings, n = case.windows_db, case.scalings, len(case.scalings)

    def run(number: int) -> FloatArray:
        result: FloatArray = predict_raw(windows_db[number % n], scalings[number % n])
        return result

    return run


def _predict(model: Backend, case: Case, number: int) -> FloatArray:
    return model.predict(case.windows[number % len(case.windows)])


def _open(case: Case, backend: str, kind: str) -> Backend:
    if backend == "tflite_runtime" and find_spec("tflite_runtime") is None:
        raise LeftOutError("not installed: its last release does not run beside numpy 2")
    if kind not in case.bundles:
        raise LeftOutError(f"the conversion to {kind} is refused: too far from Keras")
    try:
        return open_backend(case.bundles[kind], backend)
    except ModelError as error:
        raise LeftOutError(str(error)) from error
