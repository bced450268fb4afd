"""An incident as an object of JSON."""

from typing import Any

from edgespec.alerts.incident import Incident
from edgespec.units import format_utc

__all__ = ["incident_payload"]


def incident_payload(incident: Incident) -> dict[str, Any]:
    """Return an incident as an object of schema ``edgespec.incident/1``."""
    return {
        "schema": "edgespec.incident/1",
        "id": incident.id,
        "band": incident.band,
        "change": incident.change.value,
        "kinds": list(incident.kinds),
        "core:freq_lower_edge": incident.lower_hz,
        "core:freq_upper_edge": incident.upper_hz,
        "first_seen": format_utc(incident.first_ns),
        "last_seen": format_utc(incident.last_ns),
        "n_events": incident.n_events,
        "hours_utc": list(incident.hours),
        "interval_s": incident.interval_s,
        "duration_s": incident.duration_s,
        "peak_dbfs": incident.peak_dbfs,
        "excess_db": incident.excess_db,
        "detectors": list(incident.detectors),
        "open": incident.open_id,
    }
