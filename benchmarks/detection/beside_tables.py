"""Tables of who watches before and beside any-band."""

from collections.abc import Sequence
from typing import Any

from benchmarks.detection.beside_heard import SETS
from converter.report.markdown_table import markdown_table
from edgespec.detect.any_band.detector import ANY_BAND

__all__ = ["markdown"]

_ISRS_DB = (-20.0, -10.0, 0.0, 10.0)
_FOUND = tuple(f"found, {isr_db:+.0f} dB" for isr_db in _ISRS_DB)


def _events(row: dict[str, Any], key: str, *, calibrating: bool) -> list[Any]:
    return [event for event in row["sets"][key]["events"] if event[4] == calibrating]


def _found(rows: Sequence[dict[str, Any]], key: str) -> list[str]:
    cells = []
    for isr_db in _ISRS_DB:
        some = [
            one for row in rows for level_db, one in row["sets"][key]["found"] if level_db == isr_db
        ]
        cells.append(f"{sum(some)} of {len(some)}")
    return cells


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return who alarms before any-band is calibrated, and beside it, band by band.

    Of sets that were not asked of a band there is no line.
    """
    before, beside, told = [], [], []
    for row in rows:
        of, watched_s = f"{row['kind']}: {row['band']}", row["watched_s"]
        for name in (one for one in SETS if one in watched_s):
            left_s = max(row["scored_s"] - watched_s[name], 0.0)
            events = _events(row, f"{name}|{name}", calibrating=True)
            before.append([of, name, f"{left_s / 60:.2f}", len(events)])
        # Who watched before hardly matters: the last set is the device's own.
        meanwhile = list(watched_s)[-1]
        for name in SETS:
            key = f"{meanwhile}|{name}"
            if key not in row["sets"]:
                continue
            events = _events(row, key, calibrating=False)
            share = sum(event[1] for event in events) / max(watched_s[meanwhile], 1e-9)
            minutes = f"{watched_s[meanwhile] / 60:.2f}"
            beside.append([of, name, minutes, len(events), f"{share:.2%}", *_found([row], key)])
            told += [
                [of, name, f"{event[0]:.2f}", f"{event[1]:.2f}", event[2], f"{event[3]:.2f}"]
                for event in events
                if event[2] == ANY_BAND
            ]
    for kind in dict.fromkeys(row["kind"] for row in rows):
        own = [row for row in rows if row["kind"] == kind]
        for name in SETS:
            keys = [f"{list(row['watched_s'])[-1]}|{name}" for row in own]
            if len({*keys}) > 1 or any(keys[0] not in row["sets"] for row in own):
                continue
            events = [one for row in own for one in _events(row, keys[0], calibrating=False)]
            watched_s = sum(list(row["watched_s"].values())[-1] for row in own)
            share = sum(event[1] for event in events) / max(watched_s, 1e-9)
            minutes = f"{watched_s / 60:.2f}"
            found = _found(own, keys[0])
            beside.append([f"all {kind}", name, minutes, len(events), f"{share:.2%}", *found])
    parts = [
        "False events while any-band calibrates, by who watches meanwhile:",
        markdown_table(["band", "watching", "min calibrating", "false events"], before),
        "Behind that, by who is heard beside any-band:",
        markdown_table(
            ["band", "beside any-band", "min watched", "false events", "in alarm", *_FOUND], beside
        ),
    ]
    if told:
        head = ["band", "beside any-band", "at, s", "for, s", "by", "score / threshold"]
        parts += ["False events of any-band itself:", markdown_table(head, told)]
    return "\n\n".join(parts) + "\n"
