"""Calls of several runtimes with one model, in turns, so that what else runs meets all of them."""

import time
from collections.abc import Callable, Mapping

from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle

__all__ = ["fastest_calls_s"]

_ROUNDS = 5
_TURN_S = 0.01


def fastest_calls_s(
    bundle: Bundle,
    backends: Mapping[str, Backend],
    progress: Callable[[str], None] = lambda text: None,
) -> dict[str, float]:
    """Return the fastest call of each backend, in seconds."""
    call_s = dict.fromkeys(backends, float("inf"))
    for number in range(_ROUNDS if backends else 0):
        progress(f"round {number + 1} of {_ROUNDS}")
        for name, backend in backends.items():
            call_s[name] = min(call_s[name], _fastest_call_s(bundle, backend))
    return call_s


def _fastest_call_s(bundle: Bundle, backend: Backend) -> float:
    """Return the fastest of the calls of one turn, at least two."""
    fastest_s, n_calls = float("inf"), 0
    windows = list(bundle.golden_windows())
    until = time.perf_counter() + _TURN_S
    while n_calls < 2 or time.perf_counter() < until:
        window = windows[n_calls % len(windows)]
        begun = time.perf_counter()
        backend.predict(*window)
        fastest_s = min(fastest_s, time.perf_counter() - begun)
        n_calls += 1
    return fastest_s
