"""Sweeps around an alert as files: a table that plays again, and what was found in it.

SigMF holds samples, of which a sweep has none. Kept are ``NAME.sweeps.npz``, which ``rtl_power:``
and NumPy read, and ``NAME.sweeps.json`` with the events.
"""

import json
from typing import Any

from edgespec import __version__
from edgespec.evidence.recording import Recording
from edgespec.evidence.sweep_tape import SweepCut
from edgespec.records import Event
from edgespec.sweep_file import as_npz
from edgespec.units import format_utc

__all__ = ["sweep_recording_of"]


def sweep_recording_of(cut: SweepCut, node: str) -> Recording:
    """Return the files of a cut."""
    first, table = cut.events[0], cut.table
    stamp = format_utc(round(table.utc_s[0] * 1e9))[:19].replace("-", "").replace(":", "")
    meta = {
        "schema": "edgespec.sweeps/1",
        "recorder": f"edgespec {__version__}",
        "node": node,
        "band": first.band,
        "n_sweeps": table.n_sweeps,
        "n_points": table.n_points,
        "freq_lower_hz": float(table.freqs_hz[0]),
        "freq_upper_hz": float(table.freqs_hz[-1]),
        "sweep_s": table.sweep_s,
        "events": [_told(event) for event in cut.events],
    }
    return Recording(
        f"{stamp}Z-{first.band}-{first.event_id[:8]}",
        as_npz(table),
        json.dumps(meta, indent=1).encode(),
        data_ending=".sweeps.npz",
        meta_ending=".sweeps.json",
    )


def _told(event: Event) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "type": event.event_type.value,
        "begin": format_utc(event.start_ns),
        "end": format_utc(event.end_ns),
        "freq_lower_hz": event.freq_lower_hz,
        "freq_upper_hz": event.freq_upper_hz,
        "kind": event.kind,
        "detector": event.detector,
        "score": event.score,
        "threshold": event.threshold,
        "excess_db": event.excess_db,
        "sureness": event.sureness,
    }
