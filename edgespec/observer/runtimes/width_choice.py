"""Which width of vectors is the fastest here, for each kernel of our own runtime.

LLVM takes half of the width on Intel's servers up to Cascade Lake, wherever a loop stands. There
a product that stays in registers gains most of what the full width promises, and one that waits
for its matrix may lose: so each kernel is tried by itself, in a whole call.
"""

from collections.abc import Callable
from dataclasses import replace

from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.inference.network import network_from_npz
from edgespec.inference.numba_open import open_numba
from edgespec.inference.widths import KERNELS, Widths
from edgespec.observer.runtimes.turns import fastest_calls_s

__all__ = ["fastest_widths"]

#: A narrower width has to gain this share of a call, and twice in a row: less is noise.
_LEAST_GAIN = 0.02
_N_WINS = 2


def fastest_widths(
    bundle: Bundle,
    choices: tuple[int, ...],
    progress: Callable[[str], None] = lambda text: None,
    open_at: Callable[[Bundle, int, Widths], Backend] = open_numba,
) -> Widths:
    """Return the widths with the fastest call; from the widest on, kernel by kernel.

    ``choices`` is :func:`edgespec.jit.vectors.vector_bits`, the widest first; of one alone nothing
    is measured.

    Raises:
        ModelError: the runtime cannot run the bundle.
    """
    if len(choices) < 2:
        return Widths()
    best = Widths(*(choices[0],) * len(KERNELS))
    opened = open_at(bundle, 1, best)
    for kernel in _kernels_of(bundle):
        for bits in choices[1:]:
            progress(f"{kernel} in vectors of {bits} bits")
            tried = replace(best, **{kernel: bits})
            challenger = open_at(bundle, 1, tried)
            if all(_wins(bundle, challenger, opened) for _ in range(_N_WINS)):
                best, opened = tried, challenger
    return best


def _kernels_of(bundle: Bundle) -> tuple[str, ...]:
    """Return the kernels that the network of a bundle needs."""
    if bundle.weights is None:
        return KERNELS
    network = network_from_npz(bundle.weights, "weights")
    if not network.denses:
        return ()
    return KERNELS if network.lstms else ("dense",)


def _wins(bundle: Bundle, challenger: Backend, holder: Backend) -> bool:
    call_s = fastest_calls_s(bundle, {"challenger": challenger, "holder": holder})
    return call_s["challenger"] < (1.0 - _LEAST_GAIN) * call_s["holder"]
