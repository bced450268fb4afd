"""What the central unit says of one snapshot of a site."""

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

__all__ = ["Position", "TwinStatus", "TwinVerdict"]

FloatArray = NDArray[np.float64]


class TwinStatus(StrEnum):
    """What a verdict is worth: only ``watching`` ever alarms."""

    LEARNING = "learning"
    WATCHING = "watching"
    TOO_FEW_UNITS = "too-few-units"


@dataclass(frozen=True, slots=True)
class Position:
    """Where a source probably is; ``sigma_m`` is the RMS distance of the truth from here."""

    x_m: float
    y_m: float
    z_m: float
    sigma_m: float


@dataclass(frozen=True, slots=True, eq=False)
class TwinVerdict:
    """One snapshot of a site, fused.

    Arrays are float64 ``(n_units, n_subbands)`` in the order of the site's units, NaN where a unit
    is missing: ``level_db`` what was measured, ``expected_dbm`` what the twin expected, and
    ``residual_db`` measured - expected - learnt bias. An alarm is ``score > threshold``. The score
    belongs to ``detector`` over the last ``n_averages`` snapshots. The snapshot ends at ``utc_ns``;
    ``snapshot`` counts intervals since 1970, so it is the same in every central unit.

    Only an alarm has a ``source`` with ``power_dbm``, edges of the frequencies it affects, a
    ``kind`` and ``advice``. ``kind`` is empty, or one of :data:`edgespec.twin.advice.KINDS`.
    ``implausible`` says of each distrusted unit why. ``transmitters_silent`` should be on the air
    and are not; they were left out of what was expected. Without enough units, and while learning,
    score and threshold are NaN. ``n_to_learn`` snapshots are left until it watches.
    """

    site: str
    band: str
    utc_ns: int
    snapshot: int
    status: TwinStatus
    detector: str
    score: float
    threshold: float
    is_alarm: bool
    n_averages: int
    n_units: int
    nodes: tuple[str, ...]
    level_db: FloatArray
    expected_dbm: FloatArray
    residual_db: FloatArray
    edges_hz: tuple[float, ...]
    units_missing: tuple[str, ...] = ()
    units_saturated: tuple[str, ...] = ()
    implausible: dict[str, str] = field(default_factory=dict)
    transmitters_silent: tuple[str, ...] = ()
    n_to_learn: int = 0
    source: Position | None = None
    power_dbm: float | None = None
    freq_lower_hz: float | None = None
    freq_upper_hz: float | None = None
    kind: str = ""
    advice: str = ""

    @property
    def units_implausible(self) -> tuple[str, ...]:
        """Nodes of the units that were left out of the fusion."""
        return tuple(self.implausible)
