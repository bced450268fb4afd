"""Tables of what the observer said of interferers in real captures."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from converter.report.markdown_table import markdown_table
from edgespec.detect.trouble import TROUBLES

__all__ = ["EDGE_BINS", "TROUBLE_KINDS", "Found", "markdown"]

#: Width that an event's edges may be off by: two bins of 128.
EDGE_BINS = 2.0
TROUBLE_KINDS = {trouble.kind for trouble in TROUBLES}


@dataclass(frozen=True, slots=True)
class Found:
    """What the observer said of one injected interferer.

    ``setting`` names detectors and bundle. ``edge_error_bins`` is that of the worse edge in the
    first message of a detector's event, ``last_edge_error_bins`` in the last message of the same
    event: one of trouble with the receiver has the edges of the band. ``delay_ms`` is the signal
    from the interferer's first sample to the end of what opened the first event. ``n_seen`` counts
    the detectors' events of it. An event that was open already when the interferer came is not a
    find: ``inside_false_event``.
    """

    recording: str
    kind: str
    isr_db: float
    is_found: bool
    n_events: int
    n_false_events: int
    inside_false_event: bool
    first_kind: str = ""
    detector: str = ""
    delay_ms: float | None = None
    edge_error_bins: float | None = None
    last_edge_error_bins: float | None = None
    n_seen: int = 0
    setting: str = ""


def markdown(found: Sequence[Found], kinds: Sequence[str]) -> str:
    """Return the tables of every setting: a row an ISR, then the edges by kind."""
    settings = dict.fromkeys(row.setting for row in found)
    return "\n".join(
        _of_setting(setting, [row for row in found if row.setting == setting], kinds)
        for setting in settings
    )


def _of_setting(setting: str, found: Sequence[Found], kinds: Sequence[str]) -> str:
    clean = [row for row in found if row.kind == "untouched"]
    injected = [row for row in found if row.kind != "untouched"]
    isrs_db = sorted({row.isr_db for row in injected})
    rows, by_kind = [], []
    for isr_db in isrs_db:
        here = [row for row in injected if row.isr_db == isr_db]
        hits = [row for row in here if row.is_found]
        delays = [row.delay_ms for row in hits if row.delay_ms is not None]
        seen = [row.n_seen for row in hits if row.n_seen]
        rows.append(
            [
                f"{isr_db:+.0f}",
                f"{len(hits)} of {len(here)}",
                *[f"{sum(row.is_found for row in here if row.kind == kind)}" for kind in kinds],
                sum(row.first_kind in TROUBLE_KINDS for row in hits),
                _right([row.edge_error_bins for row in hits]),
                _right([row.last_edge_error_bins for row in hits]),
                f"{np.mean(seen):.1f}" if seen else "-",
                f"{np.median(delays):.0f}" if delays else "-",
                sum(row.n_false_events for row in here),
            ]
        )
        of_kind = [[row.last_edge_error_bins for row in hits if row.kind == k] for k in kinds]
        by_kind.append([f"{isr_db:+.0f}", *[_right(errors) for errors in of_kind]])
    head = [
        "ISR dB",
        "found",
        *kinds,
        "receiver first",
        "edges right, first message",
        "last message",
        "events of it",
        "delay ms",
        "false events",
    ]
    n_false = sum(row.n_events for row in clean)
    return (
        f"**{setting}.** Untouched captures: {n_false} false events in {len(clean)} x 0.6 s.\n\n"
        f"{markdown_table(head, rows)}\n\nEdges within {EDGE_BINS:.0f} bins in the last message, "
        f"by kind:\n\n{markdown_table(['ISR dB', *kinds], by_kind)}\n"
    )


def _right(errors_bins: Sequence[float | None]) -> str:
    known = [error for error in errors_bins if error is not None]
    return f"{sum(error <= EDGE_BINS for error in known)} of {len(known)}"
