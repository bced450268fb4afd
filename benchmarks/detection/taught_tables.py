"""What is told, and what of it alarms where somebody called normal all that was told before."""

from collections.abc import Sequence
from typing import Any

from benchmarks.detection.hours_tables import group_names, groups_of, poisson_interval
from converter.lab.numbers.intervals import clopper_pearson
from converter.report.markdown_table import markdown_table

__all__ = ["taught_markdown"]

Row = dict[str, Any]

_DAY_S = 86_400.0


def taught_markdown(rows: Sequence[Row]) -> str:
    """Return the tables of observers to whom somebody said what is normal; '' without any."""
    taught = [row for row in rows if row.get("taught_s")]
    if not taught:
        return ""
    isrs = sorted({one["isr_db"] for row in taught for one in row["episodes"]})
    after, found = [], []
    for group in group_names(map(groups_of, taught)):
        here = [row for row in taught if group in groups_of(row)]
        for name in sorted({name for row in here for name in row["sets"]}):
            own = [row for row in here if name in row["sets"]]
            after.append([group, name, *_after(own, name)])
            for what in ("found", "alerted"):
                said = "event" if what == "found" else "alert"
                cells = (_share(own, isr_db, name, what) for isr_db in isrs)
                found.append([group, name, said, *cells])
    minutes = sorted({f"{row['taught_s'] / 60.0:g}" for row in taught})
    return "\n\n".join(
        [
            f"By the thresholds of the bundle, where somebody calls normal after "
            f"{', '.join(minutes)} minutes what was told until then:",
            markdown_table(
                [
                    "observers",
                    "detectors",
                    "hours behind",
                    "events",
                    "alerts",
                    "alerts a day (95%)",
                ],
                after,
            ),
            "Interferers that are told as events, and of those as alerts, in percent [95%]:",
            markdown_table(
                ["observers", "detectors", "as", *(f"{isr_db:+.0f} dB" for isr_db in isrs)], found
            ),
        ]
    )


def _after(rows: Sequence[Row], name: str) -> list[str]:
    """Return hours behind the teaching, events that began in them, alerts, and those a day."""
    heard_s, n_events, n_alerts = 0.0, 0, 0
    for row in rows:
        heard, taught_s = row["sets"][name], row["taught_s"]
        # Without the seconds of the warm-up, which nobody is told anything of.
        heard_s += len(next(iter(heard["peaks"].values()))) * heard["block_s"] - taught_s
        n_events += sum(event["opened_s"] > taught_s for event in heard["events"])
        n_alerts += len(heard["alerts_s"])
    low, high = poisson_interval(n_alerts, heard_s / _DAY_S)
    rate = f"{n_alerts * _DAY_S / heard_s:.3g} ({low:.2g} to {high:.3g})"
    return [f"{heard_s / 3600.0:.2f}", str(n_events), str(n_alerts), rate]


def _share(rows: Sequence[Row], isr_db: float, name: str, what: str) -> str:
    here = [one for row in rows for one in row["episodes"] if one["isr_db"] == isr_db]
    if not here:
        return "-"
    share = clopper_pearson(sum(name in one[what] for one in here), len(here)).times(100)
    return f"{share:.0f} of {len(here)}"
