"""One target fuzzed for a time or a number of inputs, in this process."""

import hashlib
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from tests.fuzz.law import Outcome, call_measured
from tests.fuzz.target import Call

__all__ = ["Tally", "fuzz", "keep"]

#: Faults of one kind differ in their place; there are few kinds.
_MAX_PROBLEMS = 50


@dataclass
class Tally:
    """What a target has come to. ``problems`` holds the shortest input of each kind."""

    n_inputs: int = 0
    n_refused: int = 0
    longest_s: float = 0.0
    growth_mb: float = 0.0
    problems: dict[str, bytes] = field(default_factory=dict)

    def take(self, data: bytes, outcome: Outcome) -> None:
        """Count one input."""
        self.n_inputs += 1
        self.n_refused += outcome.is_refused
        self.longest_s = max(self.longest_s, outcome.call_s)
        self.growth_mb = max(self.growth_mb, outcome.growth_mb)
        if outcome.problem:
            known = self.problems.get(outcome.problem)
            is_new = known is None and len(self.problems) < _MAX_PROBLEMS
            if is_new or (known is not None and len(data) < len(known)):
                self.problems[outcome.problem] = data

    def add(self, other: "Tally") -> None:
        """Add what another run of the same target came to."""
        self.n_inputs += other.n_inputs
        self.n_refused += other.n_refused
        self.longest_s = max(self.longest_s, other.longest_s)
        self.growth_mb = max(self.growth_mb, other.growth_mb)
        self.problems = {**other.problems, **self.problems}


def fuzz(
    call: Call,
    inputs: Iterable[bytes],
    is_over: Callable[[int, float], bool],
) -> Tally:
    """Throw inputs at a call until ``is_over(n_inputs, seconds)``."""
    tally = Tally()
    start_s = time.monotonic()
    for data in inputs:
        tally.take(data, call_measured(call, data))
        if is_over(tally.n_inputs, time.monotonic() - start_s):
            break
    return tally


def keep(name: str, data: bytes, folder: Path) -> str:
    """Write an input to a folder; return the line that repeats its call."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}-{hashlib.sha256(data).hexdigest()[:12]}"
    path.write_bytes(data)
    return f"python -m tests.fuzz {name} --input {path}"
