"""``edgespec bench --choose``: every runtime measured on a bundle, and the fastest kept."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgespec.computing import Computing
from edgespec.config import Config
from edgespec.inference.bundle import Bundle
from edgespec.observer.opening.band_model import usual_bundle
from edgespec.observer.runtimes.choice import Candidate, candidates_for, fastest, measure, remember

__all__ = ["Choice", "choose"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What each runtime can do with a bundle, and the fastest of them.

    ``kept_in`` is where later starts find the choice; None: that folder cannot be written to.
    """

    bundle: Bundle
    candidates: tuple[Candidate, ...]
    backend: str
    kept_in: Path | None

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {
            "schema": "edgespec.observer.choice/1",
            "model": self.bundle.manifest.name,
            "sha256": self.bundle.sha256,
            "backend": self.backend,
            "kept_in": self.kept_in and str(self.kept_in),
            "candidates": [asdict(candidate) for candidate in self.candidates],
        }


def choose(config: Config, progress: Callable[[str], None] = lambda text: None) -> Choice:
    """Measure the runtimes that the first band may use, keep the fastest in the state directory.

    Raises:
        ModelError: the bundle cannot be read, or no runtime can run it.
    """
    state_dir = config.node.state_dir
    bundle = usual_bundle(config)
    names = candidates_for(Computing.named(config.node.computing))
    candidates = measure(bundle, names, progress)
    backend = fastest(candidates).backend
    is_kept = remember(bundle, state_dir, names, candidates)
    return Choice(bundle, candidates, backend, state_dir if is_kept else None)
