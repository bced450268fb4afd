"""The AUCs published with Schoesser et al. 2024, and how near ours must come."""

from typing import Any

__all__ = [
    "DETECTORS",
    "FALSE_ALARM_RATE",
    "HEIGHTS_M",
    "PUBLISHED",
    "SIGMAS_DB",
    "TOLERANCES",
    "shortfalls",
]

#: Published AUC at 0, 3 and 6 dB, and how near ours must come (data/README.md).
SIGMAS_DB = (0.0, 3.0, 6.0)
TOLERANCES = (0.01, 0.03, 0.03)
PUBLISHED = {
    (0, "energy"): (0.9386, 0.8829, 0.8155),
    (2, "energy"): (0.9949, 0.8524, 0.7412),
    (0, "lof, as published"): (0.9468, 0.8251, 0.7241),
    (2, "lof, as published"): (0.9891, 0.7855, 0.6229),
}
HEIGHTS_M = {0: 1.5, 2: 5.0}
DETECTORS = (
    "energy",
    "lof, as published",
    "lof",
    "matched",
    "likelihood, log-distance",
    "likelihood, ray-traced",
)
FALSE_ALARM_RATE = 0.01


def shortfalls(results: dict[str, Any]) -> list[str]:
    """Return in words which published AUCs were not met; none if all is well."""
    missed = []
    for (name, detector), targets in PUBLISHED.items():
        for sigma_db, target, tolerance in zip(SIGMAS_DB, targets, TOLERANCES, strict=True):
            ours = results[f"{name}/sample/{sigma_db:g}"][detector]["auc"]
            if abs(ours - target) > tolerance:
                missed.append(
                    f"set {name}, {detector}, {sigma_db:g} dB: AUC {ours:.4f}, published "
                    f"{target:.4f} +- {tolerance:g}"
                )
    return missed
