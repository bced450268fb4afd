"""Tables of what events are called and of where they say they are."""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise, product
from math import ceil, floor
from typing import Any

import numpy as np

from converter.lab.measures.episodes import frequency_iou
from converter.report.markdown_table import markdown_table
from edgespec.detect.naming import NOISE, WIDEBAND_SHARE, Namer, shipped_namer
from edgespec.framing import Recipe
from edgespec.kinds import NARROWBAND, UNKNOWN, WIDEBAND

__all__ = ["judged", "markdown", "most_iou"]

Row = dict[str, Any]
#: Edges that have so much in common with the true ones are told to be right (RISE).
_LEAST_IOU = 0.4
_KEPT = ("kind", "detector", "iou", "centre_error_hz")
_MISSED, _OTHER = "not found", "other"
_CERTAIN = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.01)


def judged(rows: Sequence[Row], namer: Namer | None = None) -> list[Row]:
    """Return the rows with the names that features have now, and without the features."""
    namer = namer or shipped_namer()
    return [
        {
            **row,
            "episodes": [
                {**one, **{at: _named(one[at], namer) for at in ("first", "last") if at in one}}
                for one in map(_without_middle, row["episodes"])
            ],
            "false": [_named(one, namer) for one in row["false"]],
            "quiet": [_named(one, namer) for one in row["quiet"]],
        }
        for row in rows
    ]


def _without_middle(one: Row) -> Row:
    return {key: value for key, value in one.items() if key != "middle"}


def _named(said: Row, namer: Namer) -> Row:
    kept = {key: said[key] for key in _KEPT if key in said}
    if "features" not in said:
        return kept
    naming = namer.name(
        np.asarray(said["features"], np.float32),
        is_looked_at=said["is_looked_at"],
        was_a_signal=said["was_a_signal"],
    )
    probability = round(naming.probability, 3)
    return {**kept, "kind": naming.kind, "probability": probability, "hint": naming.hint}


def markdown(rows: Sequence[Row]) -> str:
    """Return the tables of the observers of the test, and of the captures."""
    test = [row for row in rows if row["is_held_out"] and row["context"] != "capture"]
    captures = [row for row in rows if row["context"] == "capture"]
    train = [row for row in rows if not row["is_held_out"]]
    parts = [
        _about(train, "Training", "trained on, shown for what the test lost"),
        _about(test, "Test", "other observers, other parts of the ranges of periods and widths"),
        _about(captures, "Captures", "interferers of the test in real captures"),
    ]
    return "\n".join(part for part in parts if part)


def _about(rows: Sequence[Row], name: str, words: str) -> str:
    episodes = [
        {**one, "rate_hz": row["rate_hz"]}
        for row in rows
        for one in row["episodes"]
        if not one["goes_on"]
    ]
    if not episodes:
        return ""
    n_within = sum(one["goes_on"] for row in rows for one in row["episodes"])
    seconds = sum(row["seconds"] for row in rows)
    false = [one for row in rows for one in row["false"]]
    quiet = [one for row in rows for one in row["quiet"]]
    head = (
        f"## {name}: {words}\n\n{len(rows)} observers, {seconds:.0f} s, {len(episodes)} "
        f"interferers; {n_within} more came while an event was open already and do not count. "
        f"{len(false)} events of nothing{_counts(false)}."
    )
    if quiet:
        n_unknown = sum(one["kind"] == UNKNOWN for one in quiet)
        head += f" Of {len(quiet)} places without anything, {n_unknown} would be called unknown."
    names = "### Names, last message, in percent of those found"
    return (
        f"{head}\n\n{names}\n\n{_confusion(episodes)}\n\n"
        f"### Names by ISR\n\n{_by_isr(episodes)}\n\n### How far a probability holds\n\n"
        f"{_reliability(episodes)}\n\n### Edges and time by ISR\n\n"
        f"{_edges(episodes, 'isr_db', 'ISR dB')}\n\n### Edges and time by what it is, ISR 0 dB and "
        f"more\n\n{_edges([e for e in episodes if e['isr_db'] >= 0], 'name', 'interferer')}\n\n"
        f"### Edges by what it is and who told it last, ISR 0 dB and more\n\n{_by_teller(episodes)}"
        f"\n\n### Names by sample rate\n\n{_by_rate(episodes)}\n"
    )


def _counts(said: Sequence[Row]) -> str:
    counts = Counter(one["kind"] for one in said)
    words = ", ".join(f"{n} {kind}" for kind, n in counts.most_common())
    return f" ({words})" if words else ""


def _truth(one: Row) -> str:
    if one["truth"] != NOISE:
        return str(one["truth"])
    lower_hz, upper_hz = one["truth_hz"]
    return WIDEBAND if upper_hz - lower_hz >= WIDEBAND_SHARE * one["rate_hz"] else NARROWBAND


def _kind(one: Row, message: str = "last") -> str:
    if message in one:
        return str(one[message]["kind"])
    return _OTHER if one["n_events"] else _MISSED


def _confusion(episodes: Sequence[Row]) -> str:
    truths = list(dict.fromkeys(sorted(_truth(one) for one in episodes)))
    said = Counter((_truth(one), _kind(one)) for one in episodes)
    kinds = sorted({kind for _, kind in said} - {_MISSED})
    lines = []
    for truth in truths:
        n_all = sum(n for (what, _), n in said.items() if what == truth)
        n_found = n_all - said[truth, _MISSED]
        shares = [f"{100 * said[truth, kind] / max(n_found, 1):.0f}" for kind in kinds]
        lines.append([truth, f"{n_found} of {n_all}", *shares])
    return markdown_table(["it is", "found", *kinds], lines)


def _by_isr(episodes: Sequence[Row]) -> str:
    lines = []
    for isr_db in [*sorted({one["isr_db"] for one in episodes}), None]:
        here = [one for one in episodes if isr_db is None or one["isr_db"] == isr_db]
        found = [one for one in here if one["n_events"]]
        cells = []
        for message in ("first", "last"):
            n_right = sum(_kind(one, message) == _truth(one) for one in found)
            n_unknown = sum(_kind(one, message) == UNKNOWN for one in found)
            n = max(len(found), 1)
            wrong = n - n_right - n_unknown
            cells += [f"{100 * part / n:.0f}" for part in (n_right, n_unknown, wrong)]
        name = "all" if isr_db is None else f"{isr_db:+.0f}"
        lines.append([name, f"{len(found)} of {len(here)}", *cells])
    head = ["ISR dB", "found", "first right %", "unknown", "wrong"]
    return markdown_table([*head, "last right %", "unknown", "wrong"], lines)


def _reliability(episodes: Sequence[Row]) -> str:
    said = [(one["last"], _truth(one)) for one in episodes if "last" in one]
    known = [
        (one["probability"], one["kind"] == truth)
        for one, truth in said
        if one.get("kind") != UNKNOWN and "probability" in one
    ]
    lines = []
    for low, high in pairwise(_CERTAIN):
        inside = [is_right for probability, is_right in known if low <= probability < high]
        share = f"{100 * np.mean(inside):.0f}" if inside else "-"
        lines.append([f"{low:.2f} to {min(high, 1.0):.2f}", len(inside), share])
    return markdown_table(["probability", "events", "right %"], lines)


def _edges(episodes: Sequence[Row], key: str, title: str) -> str:
    lines = []
    for value in sorted({one[key] for one in episodes}):
        here = [one for one in episodes if one[key] == value]
        found = [one for one in here if one["n_events"]]
        seen = [one for one in here if "last" in one]
        ious = [np.array([one[at]["iou"] for one in seen]) for at in ("first", "last")]
        delays = [one["delay_ms"] for one in found]
        lines.append(
            [
                f"{value:+.0f}" if isinstance(value, float) else value,
                f"{len(found)} of {len(here)}",
                *[f"{iou.mean():.2f}" if len(iou) else "-" for iou in ious],
                *[f"{np.sum(iou >= _LEAST_IOU) / len(here):.2f}" for iou in ious],
                _median([one["last"]["centre_error_hz"] / 1e3 for one in seen], 1),
                _median(delays, 0),
                f"{np.quantile(delays, 0.95):.0f}" if delays else "-",
                f"{np.mean([one['n_events'] for one in found]):.1f}" if found else "-",
            ]
        )
    head = [title, "found", "IoU first", "IoU last", "Pd at IoU .4 first", "last"]
    tail = ["centre error kHz", "time to detect ms", "p95", "events of it"]
    return markdown_table([*head, *tail], lines)


def most_iou(truth_hz: Sequence[float], rate_hz: float) -> float:
    """Return the largest IoU that a range of whole bins can have with a true one.

    A line is as wide as two bins, and lies anywhere in one: three bins hold all of it, and two not
    its edges. ``truth_hz`` is against the centre, which is the middle of a bin.
    """
    bin_hz = Recipe.for_rate(rate_hz).framing.bin_hz
    near = [[(side(edge / bin_hz - 0.5) + 0.5) * bin_hz for side in (floor, ceil)]
            for edge in truth_hz]  # fmt: skip
    return max(frequency_iou(edges, truth_hz) for edges in product(*near) if edges[0] < edges[1])


def _by_teller(episodes: Sequence[Row]) -> str:
    """Return the mean IoU of last messages by detector, and of the range around all events.

    Beside them stands the mean of what whole bins allow.
    """
    seen = [one for one in episodes if "last" in one and one["isr_db"] >= 0]
    tellers = sorted({one["last"]["detector"] for one in seen})
    lines = []
    for name in [*sorted({one["name"] for one in seen}), "all", "all but hop"]:
        left_out = "hop" if name == "all but hop" else None
        is_all = name.startswith("all")
        here = [one for one in seen if one["name"] == name or (is_all and one["name"] != left_out)]
        by = [[one["last"]["iou"] for one in here if one["last"]["detector"] == teller]
              for teller in tellers]  # fmt: skip
        around = [one["iou_around"] for one in here if "iou_around" in one]
        lines.append(
            [name]
            + [f"{np.mean(ious):.2f} of {len(ious)}" if ious else "-" for ious in by]
            + [f"{np.mean([one['last']['iou'] for one in here]):.2f}" if here else "-"]
            + [f"{np.mean(around):.2f}" if around else "-"]
            + [f"{np.mean([most_iou(one['truth_hz'], one['rate_hz']) for one in here]):.2f}"]
        )
    titles = ["interferer", *tellers, "IoU last", "around all its events", "whole bins allow"]
    return markdown_table(titles, lines)


def _by_rate(episodes: Sequence[Row]) -> str:
    lines = []
    for rate_hz in sorted({one["rate_hz"] for one in episodes}):
        found = [one for one in episodes if one["rate_hz"] == rate_hz and one["n_events"]]
        right = np.mean([_kind(one) == _truth(one) for one in found]) if found else 0.0
        unknown = np.mean([_kind(one) == UNKNOWN for one in found]) if found else 0.0
        lines.append(
            [f"{rate_hz / 1e6:g}", len(found), f"{100 * right:.0f}", f"{100 * unknown:.0f}"]
        )
    return markdown_table(["MS/s", "found", "right %", "unknown %"], lines)


def _median(values: Sequence[float], digits: int) -> str:
    return f"{np.median(values):.{digits}f}" if values else "-"
