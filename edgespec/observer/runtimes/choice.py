"""Which runtime runs a model fastest here: measured once, then remembered in the state directory.

Which one that is depends on the architecture (a dense network is faster in LiteRT's int8, an LSTM
in our own kernels), on the processor and on the versions, so it is never guessed. Our own runtime
takes part with the widths of vectors that are the fastest here.
"""

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from edgespec.computing import Computing, compiler_is_off
from edgespec.decode.text import parse_object, read_bounded
from edgespec.errors import ConfigError, EdgespecError, ModelError
from edgespec.inference.backend import Backend
from edgespec.inference.backends import BACKENDS, check_golden, open_backend
from edgespec.inference.bundle import Bundle
from edgespec.inference.numba_open import open_numba
from edgespec.inference.widths import Widths
from edgespec.machine import machine_facts
from edgespec.newfile import replace_file
from edgespec.observer.runtimes.turns import fastest_calls_s
from edgespec.observer.runtimes.width_choice import fastest_widths

__all__ = [
    "OURS",
    "Candidate",
    "candidates_for",
    "choices_in",
    "fastest",
    "measure",
    "open_fastest",
    "remember",
    "remembered",
]

_LOG = logging.getLogger(__name__)
_FILE = "backends.json"
_MAX_BYTES = 1 << 20
_SCHEMA = "edgespec.backends/2"
#: Our own runtime, the one with widths to choose.
OURS = "numba"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A runtime with the model: its fastest call and its largest error on the golden vectors.

    Where it cannot be used, ``problem`` says why and the figures are None. ``widths`` are those of
    our own runtime's vectors.
    """

    backend: str
    call_s: float | None = None
    max_error: float | None = None
    problem: str = ""
    widths: Widths = field(default_factory=Widths)


def candidates_for(computing: Computing) -> tuple[str, ...]:
    """Return the runtimes that may be used: ours only where loops are compiled."""
    without_numba = computing is Computing.PLAIN or compiler_is_off()
    return tuple(name for name in BACKENDS if not (without_numba and name == OURS))


def measure(
    bundle: Bundle, names: Sequence[str], progress: Callable[[str], None] = lambda text: None
) -> tuple[Candidate, ...]:
    """Return what each runtime can do with a bundle, in the order of the names."""
    found: dict[str, Candidate] = {}
    backends: dict[str, Backend] = {}
    for name in names:
        progress(f"loading {name}")
        try:
            widths = _widths(bundle, name, progress)
            backends[name], max_error = _checked(bundle, name, widths)
            found[name] = Candidate(name, None, max_error, widths=widths)
        except EdgespecError as error:
            found[name] = Candidate(name, problem=str(error))
    for name, call_s in fastest_calls_s(bundle, backends, progress).items():
        found[name] = replace(found[name], call_s=call_s)
    return tuple(found[name] for name in names)


def _widths(bundle: Bundle, name: str, progress: Callable[[str], None]) -> Widths:
    """Return the fastest widths of our own runtime; others have none."""
    if name != OURS or bundle.weights is None:
        return Widths()
    try:
        from edgespec.jit.vectors import vector_bits
    except ImportError:
        return Widths()
    return fastest_widths(bundle, vector_bits(), progress)


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
    chosen = remembered(bundle, state_dir, names)
    if chosen is not None:
        try:
            return _checked(bundle, chosen.backend, chosen.widths)[0]
        except ModelError as error:
            _LOG.warning("the runtime chosen before cannot be used any more: %s", error)
    candidates = measure(bundle, names)
    best = fastest(candidates)
    remember(bundle, state_dir, names, candidates)
    return _checked(bundle, best.backend, best.widths)[0]


def _checked(bundle: Bundle, name: str, widths: Widths) -> tuple[Backend, float]:
    """Return a runtime with the model, and its largest error on the golden vectors."""
    is_default = widths == Widths()
    backend = open_backend(bundle, name) if is_default else open_numba(bundle, widths=widths)
    return backend, check_golden(bundle, backend)


def remembered(bundle: Bundle, state_dir: Path, names: Sequence[str]) -> Candidate | None:
    """Return the runtime that was the fastest when it was measured, None if it never was.

    Of its figures only the widths are given.
    """
    choice = choices_in(state_dir).get(_key(bundle, names))
    if not isinstance(choice, dict) or choice.get("backend") not in names:
        return None
    return Candidate(choice["backend"], widths=Widths.from_json(choice.get("widths")))


def remember(
    bundle: Bundle, state_dir: Path, names: Sequence[str], candidates: Sequence[Candidate]
) -> bool:
    """Keep the outcome of a measurement; return whether that was possible."""
    best = fastest(candidates)
    choice = {
        "backend": best.backend,
        "widths": asdict(best.widths),
        "model": bundle.manifest.name,
        "candidates": [asdict(candidate) for candidate in candidates],
    }
    content = {
        "schema": _SCHEMA,
        "choices": {**choices_in(state_dir), _key(bundle, names): choice},
    }
    try:
        replace_file(state_dir / _FILE, json.dumps(content, indent=1).encode())
    except OSError as error:
        _LOG.info("the choice of a runtime cannot be kept in %s: %s", state_dir, error.strerror)
        return False
    return True


def _key(bundle: Bundle, names: Sequence[str]) -> str:
    """Return a hash of all that the choice depends on."""
    facts = {key: value for key, value in machine_facts().items() if key != "system"}
    text = json.dumps([bundle.sha256, sorted(names), facts], sort_keys=True)
    return sha256(text.encode()).hexdigest()


def choices_in(state_dir: Path) -> dict[str, Any]:
    """Return the choices of this machine by key; a file that cannot be read holds none."""
    try:
        text = read_bounded(state_dir / _FILE, ConfigError, "it is made again", _MAX_BYTES)
        content = parse_object(text, ConfigError, _FILE, "it is made again")
    except ConfigError:
        return {}
    choices = content.get("choices") if content.get("schema") == _SCHEMA else None
    return choices if isinstance(choices, dict) else {}
