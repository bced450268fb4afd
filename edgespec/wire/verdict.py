"""What the central unit says of one snapshot of a site.

Levels of a unit that is missing are ``null``, and so is the score of a snapshot that has none.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from edgespec.decode.shown import clipped
from edgespec.units import format_utc
from edgespec.wire.fields import Fields
from edgespec.wire.position import Position, located_payload, parse_located, rounded
from edgespec.wire.text import PayloadError, decode

__all__ = [
    "VERDICT_SCHEMA",
    "TwinStatus",
    "TwinVerdict",
    "VerdictWriter",
    "encode_verdict",
    "parse_verdict",
    "verdict_payload",
]

VERDICT_SCHEMA = "edgespec.verdict/1"

FloatArray = NDArray[np.float64]


class TwinStatus(StrEnum):
    """What a verdict is worth: only ``watching`` ever alarms."""

    LEARNING = "learning"
    WATCHING = "watching"
    TOO_FEW_UNITS = "too-few-units"


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
    score and threshold are NaN. ``n_to_learn`` snapshots are left until it watches. ``notes`` say
    what else is to be known of the site: what was inherited, and what could not be learnt.
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
    notes: tuple[str, ...] = ()

    @property
    def units_implausible(self) -> tuple[str, ...]:
        """Nodes of the units that were left out of the fusion."""
        return tuple(self.implausible)


def verdict_payload(
    verdict: TwinVerdict, central: str, level_unit: str, counts: dict[str, int]
) -> dict[str, Any]:
    """Return the object of schema ``edgespec.verdict/1``; ``counts``: reports by what became of
    them."""
    levels = {
        "nodes": list(verdict.nodes),
        "subband_edges_hz": list(verdict.edges_hz),
        "level_unit": level_unit,
        "levels": _rows(verdict.level_db),
        "expected": _rows(verdict.expected_dbm),
        "residual_db": _rows(verdict.residual_db),
    }
    return _payload(verdict, central, counts, levels)


def encode_verdict(
    verdict: TwinVerdict, central: str, level_unit: str, counts: dict[str, int]
) -> bytes:
    """Return a verdict as it travels."""
    return VerdictWriter().write(verdict, central, level_unit, counts)


class VerdictWriter:
    """Writes the verdicts on a site as they travel: hundreds of levels, thousands a second.

    What is the same object as in the verdict before is JSON already; nobody changes it in place.
    """

    def __init__(self) -> None:
        self._written: dict[str, tuple[object, orjson.Fragment]] = {}

    def write(
        self, verdict: TwinVerdict, central: str, level_unit: str, counts: dict[str, int]
    ) -> bytes:
        """Return :func:`verdict_payload` as bytes."""
        levels = {
            "nodes": self._same("nodes", verdict.nodes),
            "subband_edges_hz": self._same("edges", verdict.edges_hz),
            "level_unit": level_unit,
            "levels": _tenths(verdict.level_db),
            "expected": self._same("expected", verdict.expected_dbm),
            "residual_db": _tenths(verdict.residual_db),
        }
        payload = _payload(verdict, central, counts, levels)
        # What is not a number becomes null here, too.
        return orjson.dumps(payload, option=orjson.OPT_SERIALIZE_NUMPY)

    def _same(self, name: str, value: FloatArray | tuple[object, ...]) -> orjson.Fragment:
        """Return the JSON of a value, made anew where it is not the one of before."""
        before = self._written.get(name)
        if before is None or before[0] is not value:
            plain = value if isinstance(value, tuple) else _tenths(value)
            data = orjson.dumps(plain, option=orjson.OPT_SERIALIZE_NUMPY)
            before = self._written[name] = value, orjson.Fragment(data)
        return before[1]


def _payload(
    verdict: TwinVerdict, central: str, counts: dict[str, int], levels: dict[str, Any]
) -> dict[str, Any]:
    """Return the object of a verdict, with ``levels`` and what they are of as they are given."""
    return {
        "schema": VERDICT_SCHEMA,
        "event_type": "verdict",
        "site": verdict.site,
        "band": verdict.band,
        "central": central,
        "time": format_utc(verdict.utc_ns),
        "snapshot": int(verdict.snapshot),
        "status": verdict.status.value,
        "detector": verdict.detector,
        "score": rounded(verdict.score),
        "threshold": rounded(verdict.threshold),
        "alarm": bool(verdict.is_alarm),
        "n_averages": int(verdict.n_averages),
        "n_units": int(verdict.n_units),
        "units_missing": list(verdict.units_missing),
        "units_saturated": list(verdict.units_saturated),
        "units_implausible": dict(verdict.implausible),
        "transmitters_silent": list(verdict.transmitters_silent),
        "n_to_learn": int(verdict.n_to_learn),
        **located_payload(verdict),
        "kind": verdict.kind,
        "advice": verdict.advice,
        **levels,
        "reports": dict(counts),
        **({"notes": list(verdict.notes)} if verdict.notes else {}),
    }


def parse_verdict(data: bytes | str) -> TwinVerdict:
    """Return the verdict written as :func:`verdict_payload`, its levels to a tenth of a dB.

    Raises:
        PayloadError: it is not a verdict.
    """
    payload = decode(data)
    fields = Fields.of(payload, VERDICT_SCHEMA)
    try:
        verdict = TwinVerdict(
            site=fields.text("site"),
            band=fields.text("band"),
            utc_ns=fields.utc_ns("time"),
            snapshot=fields.integer("snapshot"),
            status=fields.choice("status", TwinStatus),
            detector=fields.text("detector"),
            score=_or_nan(fields.optional_number("score")),
            threshold=_or_nan(fields.optional_number("threshold")),
            is_alarm=fields.flag("alarm"),
            n_averages=fields.integer("n_averages"),
            n_units=fields.integer("n_units"),
            nodes=fields.texts("nodes"),
            level_db=_array(payload, "levels"),
            expected_dbm=_array(payload, "expected"),
            residual_db=_array(payload, "residual_db"),
            edges_hz=fields.number_list("subband_edges_hz"),
            units_missing=fields.texts("units_missing"),
            units_saturated=fields.texts("units_saturated"),
            transmitters_silent=fields.texts("transmitters_silent"),
            n_to_learn=fields.integer("n_to_learn"),
            implausible=fields.texts_by_name("units_implausible"),
            kind=fields.text("kind"),
            advice=fields.text("advice"),
            notes=fields.texts("notes") if "notes" in payload else (),
            **parse_located(fields),
        )
        fields.integers("reports")
        fields.text("central")
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError) as error:
        raise PayloadError(f"{VERDICT_SCHEMA}: {clipped(str(error), 200)}") from error
    shape = (len(verdict.nodes), len(verdict.edges_hz) - 1)
    if {verdict.level_db.shape, verdict.expected_dbm.shape, verdict.residual_db.shape} != {shape}:
        raise PayloadError(f"{VERDICT_SCHEMA}: levels, expected and residual_db must be {shape}")
    return verdict


def _or_nan(value: float | None) -> float:
    return math.nan if value is None else value


def _tenths(values: FloatArray) -> FloatArray:
    return values.round(1)


def _rows(values: FloatArray) -> list[list[float | None]]:
    rows: list[list[float | None]] = _tenths(values).tolist()
    if np.isnan(values).any():
        return [[None if level != level else level for level in row] for row in rows]
    return rows


def _array(payload: dict[str, Any], key: str) -> NDArray[np.float64]:
    values = np.array(payload[key], np.float64, ndmin=2)
    if values.ndim != 2:
        raise PayloadError(f"{VERDICT_SCHEMA}: {key} must be a list of rows")
    return values
