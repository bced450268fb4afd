"""What ``edgespec bench --report`` writes: figures of a board that may be sent to anybody.

Only what is listed here is in it. Of a bundle that is not the shipped one there is no name and no
hash, of a source that is not a simulation nothing but its kind.
"""

import os
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.ops.bench import BenchReport

__all__ = ["SCHEMA", "sent_report"]

SCHEMA = "edgespec.board-report/1"


def sent_report(reports: Sequence[BenchReport]) -> dict[str, Any]:
    """Return the JSON object of what was measured, a report for each band in its order."""
    first = reports[0]
    return {
        "schema": SCHEMA,
        "created_utc": first.created_utc,
        "machine": first.machine,
        "n_cores": os.cpu_count(),
        "memory_mb": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e6),
        "bands": [_band(report) for report in reports],
    }


def _band(report: BenchReport) -> dict[str, Any]:
    path = report.timings[-1]
    return {
        "signal": _signal(report.source),
        "sample_rate_hz": round(1e6 * path.rate_msps / path.times_real_time),
        "model": _model(report.model),
        "timings": [asdict(timing) for timing in report.timings],
        "latencies": [asdict(latency) for latency in report.latencies],
        "cold_start_s": report.cold_start_s,
        "peak_rss_mb": report.peak_rss_mb,
        "board": list(report.board),
        "load": None if report.load is None else asdict(report.load),
    }


def _signal(source: str) -> str:
    """Return the kind of a source: an address may hold a host, a folder, a serial, a place."""
    return f"{source.partition(':')[0]}:"


def _model(described: dict[str, str]) -> dict[str, str]:
    told: dict[str, str] = {
        key: described[key] for key in ("quantisation", "backend") if key in described
    }
    shipped = load_bundle(shipped_bundle_path())
    if "sha256" not in described:
        return {"name": "none", **told}
    if described["sha256"] != shipped.sha256:
        return {"name": "another", **told}
    return {"name": shipped.manifest.name, "sha256": shipped.sha256, **told}
