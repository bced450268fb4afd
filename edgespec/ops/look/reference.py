"""What is normal on a band by the last run of its observer, to look at beside what is there now."""

from dataclasses import dataclass

from edgespec.detect.normal import NormalMap
from edgespec.observer.kept.kept import KeptNormal
from edgespec.records import FloatArray

__all__ = ["Reference", "reference_of"]

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Reference:
    """Mean levels over one horizon in the last run, all float32 ``(n_bins,)`` in dBFS.

    ``lowest_dbfs`` and ``highest_dbfs`` are those of its warm-up; over ``limit_dbfs`` a bin is
    clear of what is normal. The run was ``age_s`` ago.
    """

    age_s: float
    mean_dbfs: FloatArray
    lowest_dbfs: FloatArray
    highest_dbfs: FloatArray
    limit_dbfs: FloatArray


def reference_of(kept: KeptNormal, utc_ns: int) -> Reference | None:
    """Return what a run kept, None where it kept no segment."""
    if not len(kept.heard):
        return None
    normal = NormalMap(len(kept.normal_dbfs))
    for target_dbfs in kept.heard.targets_dbfs:
        normal.add(target_dbfs.astype("f4"))
    rows_dbfs = kept.heard.rows_dbfs().astype("f4")
    return Reference(
        max(utc_ns - kept.utc_ns, 0) / _NS,
        kept.normal_dbfs.astype("f4"),
        rows_dbfs.min(axis=0),
        rows_dbfs.max(axis=0),
        normal.limit_db(),
    )
