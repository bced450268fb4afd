"""What a central unit learnt of a site, small enough for a retained message."""

import json
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.errors import ConfigError
from edgespec.twin.fusion import Limits
from edgespec.twin.learning.normal import NormalStatistics
from edgespec.twin.trained import TrainedTwin

__all__ = ["STATE_SCHEMA", "TwinState"]

STATE_SCHEMA = "edgespec.twin-state/1"


@dataclass(frozen=True, slots=True, eq=False)
class TwinState:
    """Learnt statistics of one site; ``trained`` is None while it is still learning.

    ``drift_db`` float64 ``(n_units,)`` is how far each bias moved since training, so a successor
    starts from the same reference with the same bounds: a hand-over moves no bias. The samples that
    LOF compares with are not part of it; they are in the trained file.
    """

    site: str
    nodes: tuple[str, ...]
    utc_ns: int
    drift_db: NDArray[np.float64]
    trained: TrainedTwin | None = None

    def to_bytes(self) -> bytes:
        """Return the state as JSON, levels to 0.01 dB: below 10 kB for 12 units x 8 subbands."""
        state: dict[str, Any] = {
            "schema": STATE_SCHEMA,
            "site": self.site,
            "nodes": self.nodes,
            "utc_ns": self.utc_ns,
            "drift_db": _rounded(self.drift_db, 4),
        }
        if self.trained is not None:
            state["trained"] = _plain(self.trained)
        return json.dumps(state, separators=(",", ":"), allow_nan=False).encode()

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
            nodes = tuple(str(node) for node in state["nodes"])
            drift_db = np.array(state["drift_db"], np.float64)
            trained = (
                _trained(state["trained"], state["site"], nodes) if "trained" in state else None
            )
            if drift_db.shape != (len(nodes),) or not np.isfinite(drift_db).all():
                raise ValueError("drift_db")
            return cls(str(state["site"]), nodes, int(state["utc_ns"]), drift_db, trained)
        except (ValueError, KeyError, TypeError, RecursionError):
            raise ConfigError(
                f"the retained state of a twin is no {STATE_SCHEMA}: {data[:60]!r}; clear the "
                "topic, and the site is learnt again"
            ) from None


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
    bias_db = np.array(plain["bias_db"], np.float64)
    scale_db = np.array(plain["scale_db"], np.float64)
    doublings = tuple(int(one) for one in plain["doublings"])
    limits = Limits(
        tuple(float(one) for one in plain["thresholds"]),
        tuple(float(one) for one in plain["witness_thresholds"]),
    )
    repeat_share = np.array(plain["repeat_share"], np.float64)
    shape = (len(doublings), *bias_db.shape)
    if (
        bias_db.ndim != 3
        or bias_db.shape[:2] != (2, len(nodes))
        or scale_db.shape != shape
        or not (len(limits.thresholds) == len(limits.witness_thresholds) == len(doublings))
        or repeat_share.shape != (len(nodes),)
        or not (
            np.isfinite(bias_db).all() and (scale_db > 0.0).all() and set(doublings) <= {0, 1, 2, 3}
        )
    ):
        raise ValueError("arrays")
    return TrainedTwin(
        site,
        nodes,
        str(plain["detector"]),
        int(plain["averages"]),
        float(plain["false_alarm_rate"]),
        NormalStatistics(bias_db, scale_db, doublings),
        limits,
        repeat_share,
        int(plain["n_snapshots"]),
        int(plain["n_outliers"]),
    )


def _rounded(array: NDArray[np.float64], digits: int) -> Any:
    return np.round(array, digits).tolist()
