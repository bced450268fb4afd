"""What the offline phase learns from normal operation, kept in a file."""

import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.decode.text import parse_object
from edgespec.door import door
from edgespec.errors import ConfigError
from edgespec.newfile import replace_file, unwritable
from edgespec.npz import read_npz
from edgespec.records import RssReport
from edgespec.twin.collector import Collector, ReportRefused, Snapshot, history_of
from edgespec.twin.detectors.detectors import needs_samples
from edgespec.twin.expected import Expectation
from edgespec.twin.fusion import (
    Limits,
    fit_limits,
    history_windows,
    make_detectors,
    window_lengths,
)
from edgespec.twin.learning.history import History
from edgespec.twin.learning.normal import FEWEST_SNAPSHOTS, NormalStatistics, clean, learn_normal
from edgespec.twin.level_kind import MISSING
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.propagation.path_gain import CellGrid, PathGain
from edgespec.twin.site import Site
from edgespec.wire.transmitters import Transmitter

__all__ = ["TrainedTwin", "load_trained", "save_trained", "train", "train_history"]

FloatArray = NDArray[np.float64]

_SCHEMA = "edgespec.twin-trained/1"
_MAX_META_CHARS = 1 << 20
_ADVICE = "make one with `edgespec twin train`"

#: Normal samples that LOF keeps.
_MOST_SAMPLES = 3000


@dataclass(frozen=True, slots=True, eq=False, weakref_slot=True)
class TrainedTwin:
    """Statistics of normal residuals of one site, and the thresholds of its detector.

    ``repeat_share`` float64 ``(n_units,)``: share of snapshots whose levels were those of the
    snapshot before. ``samples_db`` has normal plain residuals ``(n, n_units)`` for each window, for
    a detector that needs them. ``n_snapshots`` were learnt from, ``n_outliers`` left out.
    """

    site: str
    nodes: tuple[str, ...]
    detector: str
    averages: int
    false_alarm_rate: float
    normal: NormalStatistics
    limits: Limits
    repeat_share: FloatArray
    n_snapshots: int
    n_outliers: int = 0
    samples_db: tuple[FloatArray, ...] | None = None

    def mismatch(self, site: Site) -> str:
        """Return in words what of a site this does not belong to; empty if it fits."""
        shape = (len(site.unit), site.n_subbands)
        pairs = (
            ("site", self.site, site.name),
            ("units", self.nodes, site.nodes),
            ("units x subbands", self.normal.bias_db.shape[1:], shape),
            ("detector", self.detector, site.detect.detector),
            ("averages", self.averages, site.detect.averages),
            ("false_alarm_rate", self.false_alarm_rate, site.detect.false_alarm_rate),
        )
        return "; ".join(
            f"{name} {_shown(own)}, not {_shown(its)}" for name, own, its in pairs if own != its
        )


def _shown(value: object) -> str:
    return " ".join(str(item) for item in value) if isinstance(value, tuple) else str(value)


def fewest_snapshots(site: Site) -> int:
    """Return how many snapshots training needs at least."""
    parts = 2 if needs_samples(site.detect.detector) else 1
    return parts * (FEWEST_SNAPSHOTS + site.detect.averages)


def train_history(site: Site, grid: CellGrid, history: History) -> TrainedTwin:
    """Learn a site from normal snapshots; outliers among them are left out.

    Raises:
        ConfigError: too few snapshots are left.
    """
    lengths = window_lengths(site.detect.averages)
    kept = clean(history)
    least = fewest_snapshots(site)
    if len(kept) < least:
        raise ConfigError(
            f"{len(kept)} normal snapshots are too few to learn from ({len(history) - len(kept)} "
            f"more were outliers); with detect.averages = {site.detect.averages} at least {least} "
            "are needed, and some hundreds are better"
        )
    normal = learn_normal(kept, lengths)
    samples_db, judged = None, kept
    if needs_samples(site.detect.detector):
        learnt = kept.chosen(np.arange(len(kept)) < len(kept) // 2)
        samples_db = tuple(
            np.stack([w.total_db for w in history_windows(learnt, normal, index, length)])[
                -_MOST_SAMPLES:
            ]
            for index, length in enumerate(lengths)
        )
        # Among its own samples, a detector that compares with them has an easy time.
        judged = kept.chosen(np.arange(len(kept)) >= len(kept) // 2)
    detectors = make_detectors(site, grid, len(lengths), samples_db)
    return TrainedTwin(
        site.name,
        site.nodes,
        site.detect.detector,
        site.detect.averages,
        site.detect.false_alarm_rate,
        normal,
        fit_limits(site, judged, normal, detectors),
        kept.repeat_share,
        len(kept),
        len(history) - len(kept),
        samples_db,
    )


def train(
    site: Site,
    reports: Iterable[RssReport],
    transmitters: Iterable[tuple[int, tuple[Transmitter, ...]]] = (),
    gain: PathGain | None = None,
) -> TrainedTwin:
    """Learn a site from recorded reports of normal operation, in the order of their times.

    Args:
        site: of :func:`load_site`.
        reports: as recorded; those that are refused are left out.
        transmitters: what was told of the transmitters, and when (ns since 1970); before the first
            of it, those of the site file.
        gain: model of propagation; that of the site unless given.

    Raises:
        ConfigError: too few snapshots with enough units.
    """
    expectation = Expectation(site, gain := gain or path_gain(site))
    collector = Collector(site)
    told = sorted(transmitters, key=lambda pair: pair[0])
    kept: list[tuple[Snapshot, FloatArray, NDArray[np.bool_]]] = []

    def keep(now_ns: int) -> None:
        for snapshot in collector.closed(now_ns):
            while told and told[0][0] <= snapshot.utc_ns:
                expectation.set(told.pop(0)[1])
            if (snapshot.kind != MISSING).sum() >= site.detect.min_units:
                kept.append((snapshot, expectation.level_dbm, expectation.is_occupied))

    last_ns = 0
    for report in sorted(reports, key=lambda report: report.utc_ns):
        last_ns = report.utc_ns
        with suppress(ReportRefused):
            collector.accept(report, last_ns)
        keep(last_ns)
    keep(last_ns + 2 * round((site.detect.interval_s + site.detect.grace_s) * 1e9))
    if len(kept) < FEWEST_SNAPSHOTS:
        why = ", ".join(f"{reason}: {n}" for reason, n in sorted(collector.counts.items()))
        raise ConfigError(
            f"the reports make {len(kept)} snapshots of at least {site.detect.min_units} units "
            f"({why or 'no reports'}); give at least {FEWEST_SNAPSHOTS}, and better some hundreds"
        )
    return train_history(site, gain.grid(), history_of(kept))


def save_trained(trained: TrainedTwin, path: Path) -> None:
    """Write a trained twin as npz.

    Raises:
        ConfigError: the file cannot be written.
    """
    meta = {
        "schema": _SCHEMA,
        "site": trained.site,
        "nodes": trained.nodes,
        "detector": trained.detector,
        "averages": trained.averages,
        "false_alarm_rate": trained.false_alarm_rate,
        "doublings": trained.normal.doublings,
        "thresholds": trained.limits.thresholds,
        "witness_thresholds": trained.limits.witness_thresholds,
        "n_snapshots": trained.n_snapshots,
        "n_outliers": trained.n_outliers,
    }
    arrays: dict[str, Any] = {
        "bias_db": trained.normal.bias_db,
        "scale_db": trained.normal.scale_db,
        "repeat_share": trained.repeat_share,
    }
    arrays |= {f"samples_{i}": one for i, one in enumerate(trained.samples_db or ())}
    content = BytesIO()
    np.savez(content, meta=np.array(json.dumps(meta)), **arrays)
    try:
        replace_file(path, content.getvalue())
    except OSError as error:
        raise unwritable(path, error) from None


def load_trained(path: Path, site: Site) -> TrainedTwin:
    """Read a trained twin.

    Raises:
        ConfigError: no such file, no trained twin, or one of another site.
    """
    with door(f"the trained twin {str(path)!r}", ConfigError, _ADVICE):
        trained = _from_arrays(read_npz(path))
        mismatch = trained.mismatch(site)
        if mismatch:
            raise ConfigError(f"{path} was trained otherwise: {mismatch}; train again")
    return trained


def _from_arrays(arrays: Mapping[str, NDArray[Any]]) -> TrainedTwin:
    """Return the twin in the arrays of a file; what is wrong with them raises anything."""
    text = str(arrays["meta"])
    if len(text) > _MAX_META_CHARS:
        raise ValueError(f"meta has {len(text)} characters")
    meta = parse_object(text, ConfigError, "meta of a trained twin", _ADVICE)
    if meta["schema"] != _SCHEMA:
        raise ValueError(f"schema {meta['schema']!r:.80}")
    n_samples = sum(name.startswith("samples_") for name in arrays)
    return TrainedTwin(
        str(meta["site"]),
        tuple(str(node) for node in meta["nodes"]),
        str(meta["detector"]),
        int(meta["averages"]),
        float(meta["false_alarm_rate"]),
        NormalStatistics(
            arrays["bias_db"], arrays["scale_db"], tuple(int(one) for one in meta["doublings"])
        ),
        Limits(
            tuple(float(one) for one in meta["thresholds"]),
            tuple(float(one) for one in meta["witness_thresholds"]),
        ),
        arrays["repeat_share"],
        int(meta["n_snapshots"]),
        int(meta["n_outliers"]),
        tuple(arrays[f"samples_{i}"] for i in range(n_samples)) or None,
    )
