"""Tables of hours of traffic: false events by set of detectors and cause, and what was found."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from scipy.stats import chi2

from benchmarks.detection.injected_report import TROUBLE_KINDS
from converter.report.markdown_table import markdown_table

__all__ = [
    "ALL",
    "ISR_GROUPS",
    "found_in_groups",
    "group_names",
    "groups_of",
    "markdown",
    "poisson_interval",
]

Row = dict[str, Any]

ALL, CELL, NEIGHBOUR, UPLINK = "all", "beside a cell", "beside a neighbour", "uplink"
#: Lower limits of groups of ISRs, in dB.
ISR_GROUPS = (("-20 to -15 dB", -20.0), ("-10 to -5 dB", -10.0), ("0 to 20 dB", 0.0))


def markdown(rows: Sequence[Row]) -> str:
    """Return the tables of all observers, by sample rate; those of uplinks have their own."""
    kinds = sorted({(row["rate_hz"], UPLINK in groups_of(row)) for row in rows})
    return "\n".join(
        _of_kind([row for row in rows if (row["rate_hz"], UPLINK in groups_of(row)) == kind])
        for kind in kinds
    )


def _of_kind(rows: Sequence[Row]) -> str:
    # Not every set needs to have heard all: each is told of what it heard.
    names = sorted({name for row in rows for name in row["sets"]}, key=lambda name: name.count(","))
    others = ", uplinks" if UPLINK in groups_of(rows[0]) else ""
    parts = [
        f"## {rows[0]['rate_hz'] / 1e6:g} MS/s{others}",
        _cells(rows),
        "Normal signal:",
        _false(rows, names),
        f"False events of {names[-1]}, and the largest scores beside their thresholds:",
        _causes(rows, names[-1]),
    ]
    if any(row["episodes"] for row in rows):
        with_others = [row for row in rows if row["episodes"]]
        everywhere = [name for name in names if all(name in row["sets"] for row in with_others)]
        parts += ["Found of interferers, and median delay in ms:", _found(rows, everywhere)]
    events = _events(rows, names)
    if events:
        parts += ["Every false event:", events]
    return "\n\n".join(parts) + "\n"


def _cells(rows: Sequence[Row]) -> str:
    """Say what the residual knew of the cells when all was over."""
    states = Counter("not trusted" if row["distrust"] else row["cell"] for row in rows)
    said = ", ".join(f"{state} {n}" for state, n in sorted(states.items()))
    near = sum(row["neighbour"] for row in rows)
    costs = [row["cost_s"] / row["signal_s"] for row in rows if "cost_s" in row]
    cost = f" {np.median(costs):.2f} CPU seconds a second (median)." if costs else ""
    return f"{len(rows)} observers, {near} of them beside a neighbour cell; the cell: {said}.{cost}"


def groups_of(row: Row) -> tuple[str, ...]:
    """Return the groups that an observer belongs to: how it moves, beside whom, what is sent."""
    if row.get("direction", "dl") == "ul":
        return UPLINK, ALL
    traffic = (row["traffic"],) if "traffic" in row else ()
    return (row["context"], *traffic, *((NEIGHBOUR,) if row["neighbour"] else ()), CELL, ALL)


def group_names(groups: Iterable[Sequence[str]]) -> list[str]:
    """Return the names of all groups that have an observer, that of all of them last."""
    known = ("static", "walk", "drive", NEIGHBOUR, "bursty", "steady", CELL, UPLINK)
    found = {name for names in groups for name in names}
    return [*(name for name in known if name in found), *sorted(found - {*known, ALL}), ALL]


def _groups(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    names = group_names(map(groups_of, rows))
    return [(name, [row for row in rows if name in groups_of(row)]) for name in names]


def _false(rows: Sequence[Row], names: Sequence[str]) -> str:
    lines = []
    for name in names:
        for group, here in _groups(rows):
            heard = [row["sets"][name] for row in here if name in row["sets"]]
            hours = sum(one["scored_s"] for one in heard) / 3600.0
            n_events = sum(len(_false_of(one)) for one in heard)
            alarm = sum(one["alarm_s"] for one in heard) / 3600.0
            share = "-" if not hours else f"{alarm / hours:.2%}"
            lines.append(
                [
                    name,
                    group,
                    f"{60.0 * hours:.1f}",
                    n_events,
                    _rate(n_events, hours),
                    share,
                    f"{sum(bool(_false_of(one)) for one in heard)} of {len(heard)}",
                ]
            )
    head = [
        "detectors",
        "observers",
        "minutes",
        "false events",
        "an hour (95%)",
        "time in alarm",
        "in",
    ]
    return markdown_table(head, lines)


def _false_of(heard: Row) -> list[Row]:
    """Return the events of normal signal that are false: a receiver that clips is in trouble."""
    return [event for event in heard["events"] if event["kind"] not in TROUBLE_KINDS]


def _rate(n_events: int, hours: float) -> str:
    """Return events an hour, with the interval of 95% of a Poisson law (Garwood 1936)."""
    if not hours:
        return "-"
    low, high = poisson_interval(n_events, hours)
    return f"{n_events / hours:.1f} ({low:.1f} to {high:.1f})"


def poisson_interval(n_events: int, duration: float) -> tuple[float, float]:
    """Return the rates between which the true one lies with 95% (Garwood 1936).

    They are for one unit of ``duration``.
    """
    low = chi2.ppf(0.025, 2 * n_events) / 2.0 if n_events else 0.0
    return float(low / duration), float(chi2.ppf(0.975, 2 * n_events + 2) / 2.0 / duration)


def _causes(rows: Sequence[Row], name: str) -> str:
    heard = [row["sets"][name] for row in rows if name in row["sets"]]
    hours = sum(one["scored_s"] for one in heard) / 3600.0
    n_of = Counter((event["detector"], event["kind"]) for one in heard for event in one["events"])
    detectors = dict.fromkeys(d for one in heard for d in one["most"])
    lines = []
    for detector in [*detectors, *sorted({d for d, _ in n_of} - set(detectors))]:
        kinds = ", ".join(f"{k} {n}" for (d, k), n in sorted(n_of.items()) if d == detector)
        n_events = sum(n for (d, _), n in n_of.items() if d == detector)
        most = [one["most"][detector] for one in heard if detector in one["most"]]
        above = sum(one["n_above"].get(detector, 0) for one in heard)
        lines.append(
            [
                detector,
                n_events,
                f"{n_events / hours:.1f}" if hours else "-",
                kinds or "-",
                above,
                f"{np.median(most):.1f}, {max(most):.1f}" if most else "-",
            ]
        )
    head = ["detector", "events", "an hour", "called", "segments above", "largest: median, most"]
    return markdown_table(head, lines)


def _found(rows: Sequence[Row], names: Sequence[str]) -> str:
    episodes = [one for row in rows for one in row["episodes"]]
    isrs = sorted({one["isr_db"] for one in episodes})
    lines = []
    groups = [*((f"{isr:+.0f} dB", "isr_db", isr) for isr in isrs)]
    groups += [(kind, "kind", kind) for kind in dict.fromkeys(sorted(e["kind"] for e in episodes))]
    for label, key, value in groups:
        here = [one for one in episodes if one[key] == value]
        lines.append([label, len(here), *(_found_of(here, name) for name in names)])
    lines.append(["all", len(episodes), *(_found_of(episodes, name) for name in names)])
    return markdown_table(["interferers", "heard", *names], lines)


def found_in_groups(episodes: Sequence[Row], name: str) -> list[str]:
    """Return how many of each of :data:`ISR_GROUPS` a set of detectors found, of how many."""
    texts = []
    limits = [limit for _, limit in ISR_GROUPS]
    for lower, upper in zip(limits, [*limits[1:], 100.0], strict=True):
        own = [one for one in episodes if lower <= one["isr_db"] < upper]
        texts.append(f"{sum(name in one['found'] for one in own)} of {len(own)}")
    return texts


def _found_of(episodes: Sequence[Row], name: str) -> str:
    delays = [one["found"][name][0] for one in episodes if name in one["found"]]
    return f"{len(delays)}, {np.median(delays):.0f}" if delays else "0"


def _events(rows: Sequence[Row], names: Sequence[str]) -> str:
    """Return the false events of the fullest set one by one, and those of others that it lacks."""
    lines = []
    for row in rows:
        for event in row["sets"].get(names[-1], {"events": []})["events"]:
            place = f"{event['lower_hz'] / 1e3:+.0f} to {event['upper_hz'] / 1e3:+.0f}"
            scores = ", ".join(f"{k} {v:.1f}" for k, v in event["scores"].items())
            lines.append(
                [
                    f"{row['round']} {row['observer']}{' +n' if row['neighbour'] else ''}",
                    f"{event['opened_s']:.2f}",
                    f"{event['duration_s']:.2f}",
                    event["detector"],
                    event["kind"],
                    f"{event['score']:.1f} ({event['threshold']:.1f})",
                    place,
                    f"{event['excess_db']:+.1f}",
                    scores,
                ]
            )
    head = [
        "observer", "opened, s", "lasted, s", "detector", "kind", "score (threshold)", "kHz",
        "excess, dB", "scores as it opened",
    ]  # fmt: skip
    return markdown_table(head, lines) if lines else ""
