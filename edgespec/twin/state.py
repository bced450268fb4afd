"""What a central unit learnt of a site, small enough for a retained message."""

import json
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from edgespec.decode.shown import shown
from edgespec.errors import ConfigError
from edgespec.twin.fusion import Limits
from edgespec.twin.held import Told
from edgespec.twin.learning.normal import NormalStatistics
from edgespec.twin.learning.plain import array_of, integer_of
from edgespec.twin.learning.saved_gains import SavedGains
from edgespec.twin.trained import TrainedTwin

__all__ = ["STATE_SCHEMA", "TwinState"]

STATE_SCHEMA = "edgespec.twin-state/1"

#: What was learnt of a receiver lies within these; anything else is damage, or malice.
_MOST_DB = 300.0
_SCALES_DB = (0.1, 100.0)
_MOST_SCORE = 1e12

#: Who goes on with biases that are off by less goes on as well.
_NEAR_DB = 0.05

#: JSON of what was learnt.
_TRAINED: "WeakKeyDictionary[TrainedTwin, bytes]" = WeakKeyDictionary()


@dataclass(frozen=True, slots=True, eq=False)
class TwinState:
    """Learnt statistics of one site; ``trained`` is None while it is still learning.

    ``drift_db`` float64 ``(n_units,)`` is how far each bias moved since training, so a successor
    starts from the same reference with the same bounds: a hand-over moves no bias. The samples that
    LOF compares with are not part of it; they are in the trained file. ``gains`` is what
    transmitters taught, None where that is not learnt; ``held`` what units told that holds beyond
    ``utc_ns``, one for each unit, () where nothing does.
    """

    site: str
    nodes: tuple[str, ...]
    utc_ns: int
    drift_db: NDArray[np.float64]
    trained: TrainedTwin | None = None
    gains: SavedGains | None = None
    held: tuple[Told | None, ...] = ()

    def is_near(self, other: "TwinState") -> bool:
        """Whether a successor would go on with another state of the site as well as with this."""
        return (
            self.trained is other.trained
            # What transmitters teach comes seldom, and all at once.
            and self.gains is other.gains is None
            and self.held == other.held
            and float(np.abs(self.drift_db - other.drift_db).max()) < _NEAR_DB
        )

    def to_bytes(self) -> bytes:
        """Return the state as JSON, levels to 0.01 dB: below 10 kB for 12 units x 8 subbands."""
        state: dict[str, Any] = {
            "schema": STATE_SCHEMA,
            "site": self.site,
            "nodes": self.nodes,
            "utc_ns": self.utc_ns,
            "drift_db": _rounded(self.drift_db, 4),
        }
        if self.gains is not None:
            state["gains"] = self.gains.plain()
        if self.held:
            state["held"] = [one and one.plain() for one in self.held]
        data = _written(state)
        if self.trained is None:
            return data
        # It is long and never changes, and a state is said every ten seconds.
        trained = _TRAINED.get(self.trained)
        if trained is None:
            trained = _TRAINED[self.trained] = _written(_plain(self.trained))
        return data[:-1] + b',"trained":' + trained + b"}"

    @classmethod
    def from_bytes(cls, data: bytes) -> "TwinState":
        """Return the state written by :meth:`to_bytes`.

        Raises:
            ConfigError: it is no such state.
        """
        try:
            state = json.loads(data)
            if state["schema"] != STATE_SCHEMA:
                raise ValueError(state["schema"])
            nodes = tuple(_text(node) for node in state["nodes"])
            site = _text(state["site"])
            drift_db = array_of(state, "drift_db", (len(nodes),), -_MOST_DB, _MOST_DB)
            trained = _trained(state["trained"], site, nodes) if "trained" in state else None
            gains = SavedGains.of_plain(state["gains"], len(nodes)) if "gains" in state else None
            held = _held(state["held"], len(nodes)) if "held" in state else ()
            utc_ns = integer_of(state, "utc_ns", 0, 2**63 - 1)
            return cls(site, nodes, utc_ns, drift_db, trained, gains, held)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise ConfigError(
                f"the retained state of a twin is no {STATE_SCHEMA} ({shown(str(error))}); "
                "`edgespec twin forget SITE` clears it, and the site is learnt again"
            ) from None


def _written(plain: dict[str, Any]) -> bytes:
    return json.dumps(plain, separators=(",", ":"), allow_nan=False).encode()


def _held(plain: Any, n_units: int) -> tuple[Told | None, ...]:
    if not isinstance(plain, list) or len(plain) != n_units:
        raise ValueError(f"held is no list of {n_units} units")
    told = [one for one in plain if one is not None]
    n_subbands = len(told[0]["levels_db"]) if told else 0
    return tuple(None if one is None else Told.of_plain(one, n_subbands) for one in plain)


def _plain(trained: TrainedTwin) -> dict[str, Any]:
    return {
        "detector": trained.detector,
        "averages": trained.averages,
        "false_alarm_rate": trained.false_alarm_rate,
        "bias_db": _rounded(trained.normal.bias_db, 2),
        "scale_db": _rounded(trained.normal.scale_db, 2),
        "doublings": trained.normal.doublings,
        "thresholds": trained.limits.thresholds,
        "witness_thresholds": trained.limits.witness_thresholds,
        "repeat_share": _rounded(trained.repeat_share, 3),
        "n_snapshots": trained.n_snapshots,
        "n_outliers": trained.n_outliers,
    }


def _trained(plain: dict[str, Any], site: str, nodes: tuple[str, ...]) -> TrainedTwin:
    doublings = tuple(integer_of(plain["doublings"], index, 0, 3) for index in range(_n(plain)))
    n_subbands = len(plain["bias_db"][0][0])
    shape = (2, len(nodes), n_subbands)
    thresholds, witnesses = (
        array_of(plain, name, (len(doublings),), -_MOST_SCORE, _MOST_SCORE)
        for name in ("thresholds", "witness_thresholds")
    )
    return TrainedTwin(
        site,
        nodes,
        _text(plain["detector"]),
        integer_of(plain, "averages", 1, 1000),
        float(array_of(plain, "false_alarm_rate", (), 1e-300, 0.5)),
        NormalStatistics(
            array_of(plain, "bias_db", shape, -_MOST_DB, _MOST_DB),
            array_of(plain, "scale_db", (len(doublings), *shape), *_SCALES_DB),
            doublings,
        ),
        Limits(tuple(thresholds.tolist()), tuple(witnesses.tolist())),
        array_of(plain, "repeat_share", (len(nodes),), 0.0, 1.0),
        integer_of(plain, "n_snapshots", 1, 10**9),
        integer_of(plain, "n_outliers", 0, 10**9),
    )


def _n(plain: dict[str, Any]) -> int:
    """Return the number of windows."""
    n_windows = len(plain["doublings"])
    if not 1 <= n_windows <= 2:
        raise ValueError(f"doublings has {n_windows} numbers")
    return n_windows


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.isprintable():
        raise ValueError(f"{shown(value)} is no text")
    return value


def _rounded(array: NDArray[np.float64], digits: int) -> Any:
    return np.round(array, digits).tolist()
