"""A cut as a SigMF recording: what other programs of the field read."""

import json
from dataclasses import dataclass
from typing import Any

from edgespec import __version__
from edgespec.evidence.tape import Cut
from edgespec.records import Event, EventType, SampleFormat
from edgespec.units import format_utc

__all__ = ["Recording", "recording_of"]

_LABEL = 20


@dataclass(frozen=True, slots=True)
class Recording:
    """Name, data and metadata of a recording, and what was normal then; None: not known.

    The endings are those of the files of data and metadata.
    """

    name: str
    data: bytes
    meta: bytes
    normal: bytes | None = None
    data_ending: str = ".sigmf-data"
    meta_ending: str = ".sigmf-meta"


def recording_of(cut: Cut, sample_format: SampleFormat, node: str) -> Recording:
    """Return the files of a cut.

    The annotations are its events, by their ids and with the edges they had last; fields of our own
    are in the extension ``edgespec``.
    """
    dtype = cut.samples.dtype.newbyteorder("<")
    first = cut.events[0]
    time = format_utc(cut.utc_ns)
    stamp = time[:19].replace("-", "").replace(":", "")
    meta = {
        "global": {
            "core:datatype": sample_format.datatype,
            "core:sample_rate": cut.sample_rate_hz,
            "core:version": "1.2.5",
            "core:recorder": f"edgespec {__version__}",
            "core:description": f"band {first.band} of observer {node}, around an alert",
            "core:extensions": [{"name": "edgespec", "version": "1.0.0", "optional": True}],
        },
        "captures": [
            {
                "core:sample_start": 0,
                "core:datetime": time,
                **({"core:frequency": cut.center_freq_hz} if cut.center_freq_hz else {}),
            }
        ],
        "annotations": sorted(
            (_annotation(event, cut) for event in cut.events),
            key=lambda one: int(one["core:sample_start"]),
        ),
    }
    return Recording(
        f"{stamp}Z-{first.band}-{first.event_id[:8]}",
        cut.samples.astype(dtype, copy=False).tobytes(),
        json.dumps(meta, indent=1).encode(),
        None if cut.normal is None else cut.normal.as_bytes(cut.sample_start),
    )


def _annotation(event: Event, cut: Cut) -> dict[str, Any]:
    start = max(event.sample_start - cut.sample_start, 0)
    stop = event.sample_start + event.n_samples - cut.sample_start
    if event.event_type != EventType.END:
        # It goes on: how long it was when it was last told is old.
        stop = len(cut.samples)
    stop = min(max(stop, start + 1), len(cut.samples))
    return {
        "core:sample_start": min(start, len(cut.samples) - 1),
        "core:sample_count": max(stop - start, 1),
        "core:freq_lower_edge": event.freq_lower_hz,
        "core:freq_upper_edge": event.freq_upper_hz,
        "core:label": event.kind[:_LABEL],
        "core:comment": (
            f"{event.detector} {event.score:.3g} over {event.threshold:.3g}, "
            f"{event.excess_db:+.1f} dB"
        ),
        "core:generator": f"edgespec {__version__}",
        "core:uuid": event.event_id,
        "edgespec:detector": event.detector,
        "edgespec:score": event.score,
        "edgespec:threshold": event.threshold,
        "edgespec:kind": event.kind,
        "edgespec:kind_probability": event.kind_probability,
        "edgespec:excess_db": event.excess_db,
        "edgespec:sureness": event.sureness,
        "edgespec:model_sha256": event.model_sha256,
    }
