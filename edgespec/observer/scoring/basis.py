"""What a band is judged by: frames, detectors and thresholds, by a bundle or without one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from edgespec.config import DetectConfig
from edgespec.detect.detectors import MODEL_DETECTORS, resolve_names, without_model
from edgespec.errors import ModelError
from edgespec.framing import Recipe
from edgespec.inference.backend import Backend
from edgespec.inference.bundle import Bundle
from edgespec.observer.scoring.thresholds import thresholds_of
from edgespec.records import FloatArray

__all__ = ["NO_BUNDLE", "Basis", "needs_network"]

#: What events and people are told in place of a bundle's name.
NO_BUNDLE = "none"


def needs_network(names: tuple[str, ...]) -> bool:
    """Whether one of the detectors, by resolved names, compares with what a network expects."""
    return any(name in MODEL_DETECTORS.values() for name in names)


@dataclass(frozen=True, slots=True)
class Basis:
    """What a band is judged by.

    ``names`` are the detectors, ``thresholds`` in deviations at the site. ``smallest_std`` is the
    least spread of raw scores that a site may have, ``spread_db`` the spread of every bin's mean
    error on normal signal, both by detector. There is no ``bundle`` where none was made for these
    frames, and no ``backend`` where no detector needs a network. ``warning`` says what is to be
    known of the thresholds; '' for nothing.
    """

    recipe: Recipe
    names: tuple[str, ...]
    thresholds: Mapping[str, float]
    smallest_std: Mapping[str, float]
    spread_db: Mapping[str, FloatArray]
    bundle: Bundle | None = None
    backend: Backend | None = None
    warning: str = ""

    @classmethod
    def of_bundle(cls, bundle: Bundle, backend: Backend | None, detect: DetectConfig) -> "Basis":
        """Return what a calibrated bundle holds.

        Raises:
            ConfigError: a detector is unknown.
            ModelError: the bundle has no threshold for a detector at the chosen rate, or no
                backend is given where a detector needs the network.
        """
        manifest = bundle.manifest
        names = resolve_names(detect.detectors, manifest.model.role)
        if backend is None and needs_network(names):
            raise ModelError(
                f"the detectors {', '.join(names)} need the network of the bundle "
                f"{manifest.name!r}, and no runtime for it was opened"
            )
        thresholds, warning = thresholds_of(manifest, names, detect)
        return cls(
            manifest.recipe,
            names,
            thresholds,
            manifest.site_std,
            {
                name: np.asarray(calibration.error_std_db, np.float32)
                for name, calibration in manifest.detectors.items()
                if calibration.error_std_db
            },
            bundle,
            backend,
            warning,
        )

    @classmethod
    def without_bundle(cls, recipe: Recipe, detect: DetectConfig, other: Bundle) -> "Basis":
        """Return the detectors that need no network, for frames that no bundle was made for.

        Their thresholds are in deviations at the site, which the warm-up measures; so those of
        ``other`` stand in, a bundle for frames of another rate.

        Raises:
            ConfigError: a detector is unknown, or none is left.
            ModelError: ``other`` has no threshold for a detector at the chosen rate.
        """
        names = without_model(detect.detectors)
        thresholds, warning = thresholds_of(other.manifest, names, detect)
        spreads = other.manifest.site_std
        return cls(
            recipe,
            names,
            thresholds,
            {name: spreads[name] for name in names if name in spreads},
            {},
            warning=warning,
        )

    @property
    def model(self) -> str:
        """Name of the bundle."""
        return NO_BUNDLE if self.bundle is None else self.bundle.manifest.name

    @property
    def model_sha256(self) -> str | None:
        """Content hash of the bundle."""
        return None if self.bundle is None else self.bundle.sha256
