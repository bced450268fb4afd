"""Which runtime runs a model fastest here: measured once, then remembered in the state directory.

Which one that is depends on the architecture (a dense network is faster in LiteRT's int8, an LSTM
in our own kernels), on the processor and on the versions, so it is never guessed.
"""

import json
import logging
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from edgespec.errors import EdgespecError, ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.backends import BACKENDS, check_golden, open_backend
from edgespec.inference.bundle import Bundle
from edgespec.machine import machine_facts

__all__ = [
    "Candidate",
    "candidates_for",
    "fastest",
    "measure",
    "open_fastest",
    "remember",
    "remembered",
]

_LOG = logging.getLogger(__name__)
_FILE = "backends.json"
_SCHEMA = "edgespec.backends/1"
#: Runtimes take turns, so that whatever else the machine does meets all of them.
_ROUNDS = 5
_TURN_S = 0.01


@dataclass(frozen=True, slots=True)
class Candidate:
    """A runtime with the model: its fastest call and its largest error on the golden vectors.

    Where it cannot be used, ``problem`` says why and the figures are None.
    """

    backend: str
    call_s: float | None = None
    max_error: float | None = None
    problem: str = ""


def candidates_for(front_end: str = "auto") -> tuple[str, ...]:
    """Return the runtimes that may be used beside a front end.

    Beside ``scipy`` there is none that loads Numba; and with its compiler switched off, Numba is
    no runtime.
    """
    without_numba = front_end == "scipy" or os.environ.get("NUMBA_DISABLE_JIT", "0") not in (
        "",
        "0",
    )
    return tuple(name for name in BACKENDS if not (without_numba and name == "numba"))


def measure(
    bundle: Bundle, names: Sequence[str], progress: Callable[[str], None] = lambda text: None
) -> tuple[Candidate, ...]:
    """Return what each runtime can do with a bundle, in the order of the names."""
    found: dict[str, Candidate] = {}
    runtimes: dict[str, tuple[Backend, float]] = {}
    for name in names:
        progress(f"loading {name}")
        try:
            backend = open_backend(bundle, name)
            runtimes[name] = backend, check_golden(bundle, backend)
        except EdgespecError as error:
            found[name] = Candidate(name, problem=str(error))
    call_s = dict.fromkeys(runtimes, float("inf"))
    for number in range(_ROUNDS if runtimes else 0):
        progress(f"round {number + 1} of {_ROUNDS}")
        for name, (backend, _) in runtimes.items():
            call_s[name] = min(call_s[name], _fastest_call_s(bundle, backend))
    for name, (_, max_error) in runtimes.items():
        found[name] = Candidate(name, call_s[name], max_error)
    return tuple(found[name] for name in names)


def _fastest_call_s(bundle: Bundle, backend: Backend) -> float:
    """Return the fastest of the calls of one turn, at least two."""
    fastest_s, n_calls = float("inf"), 0
    until = time.perf_counter() + _TURN_S
    while n_calls < 2 or time.perf_counter() < until:
        window = bundle.golden_inputs[n_calls % len(bundle.golden_inputs)]
        begun = time.perf_counter()
        backend.predict(window)
        fastest_s = min(fastest_s, time.perf_counter() - begun)
        n_calls += 1
    return fastest_s


def fastest(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate with the fastest call.

    Raises:
        ModelError: none of them can be used.
    """
    usable = [candidate for candidate in candidates if candidate.call_s is not None]
    if not usable:
        reasons = "; ".join(candidate.problem for candidate in candidates)
        raise ModelError(f"no runtime can run the model: {reasons}")
    return min(usable, key=lambda candidate: candidate.call_s or 0.0)


def open_fastest(bundle: Bundle, state_dir: Path, names: Sequence[str]) -> Backend:
    """Return the fastest runtime with the model, checked on its golden vectors.

    The one remembered for this bundle on this machine with these versions; where there is none, or
    it can no longer be used, all are measured now and the best is remembered.

    Raises:
        ModelError: none can be used.
    """
    name = remembered(bundle, state_dir, names)
    if name is not None:
        try:
            return _checked(bundle, name)
        except ModelError as error:
            _LOG.warning("the runtime chosen before cannot be used any more: %s", error)
    candidates = measure(bundle, names)
    best = fastest(candidates)
    remember(bundle, state_dir, names, candidates)
    return _checked(bundle, best.backend)


def _checked(bundle: Bundle, name: str) -> Backend:
    backend = open_backend(bundle, name)
    check_golden(bundle, backend)
    return backend


def remembered(bundle: Bundle, state_dir: Path, names: Sequence[str]) -> str | None:
    """Return the runtime that was the fastest when it was measured, None if it never was."""
    choice = _read(state_dir).get(_key(bundle, names))
    name = choice.get("backend") if isinstance(choice, dict) else None
    return name if name in names else None


def remember(
    bundle: Bundle, state_dir: Path, names: Sequence[str], candidates: Sequence[Candidate]
) -> bool:
    """Keep the outcome of a measurement; return whether that was possible."""
    choice = {
        "backend": fastest(candidates).backend,
        "model": bundle.manifest.name,
        "candidates": [asdict(candidate) for candidate in candidates],
    }
    content = {
        "schema": _SCHEMA,
        "choices": {**_read(state_dir), _key(bundle, names): choice},
    }
    try:
        state_dir.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", dir=state_dir, prefix=_FILE, delete=False, encoding="utf-8"
        ) as file:
            json.dump(content, file, indent=1)
        Path(file.name).replace(state_dir / _FILE)
    except OSError as error:
        _LOG.info("the choice of a runtime cannot be kept in %s: %s", state_dir, error.strerror)
        return False
    return True


def _key(bundle: Bundle, names: Sequence[str]) -> str:
    """Return a hash of all that the choice depends on."""
    facts = {key: value for key, value in machine_facts().items() if key != "system"}
    text = json.dumps([bundle.sha256, sorted(names), facts], sort_keys=True)
    return sha256(text.encode()).hexdigest()


def _read(state_dir: Path) -> dict[str, Any]:
    """Return the choices of this machine by key; a file that cannot be read holds none."""
    try:
        content = json.loads((state_dir / _FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    is_ours = isinstance(content, dict) and content.get("schema") == _SCHEMA
    choices = content.get("choices") if is_ours else None
    return choices if isinstance(choices, dict) else {}
