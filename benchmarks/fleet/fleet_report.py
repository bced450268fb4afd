"""What was measured, in words and tables, and what a million observers need."""

import math
import statistics
from typing import Any

from benchmarks.fleet.load import Load
from benchmarks.fleet.parts import Parts
from converter.report.markdown_table import markdown_table

__all__ = ["a_million", "report"]

#: Share of a core that is planned to be busy: the rest is for bursts, hand-overs and alarms.
_PLANNED = 0.5
_MILLION = 1_000_000
_FORMATS = {"json": "JSON", "binary": 'bytes (`rss_format = "binary"`)'}


def a_million(cost: Parts, run: Load) -> dict[str, float]:
    """Return what a million observers need, from what was measured."""
    per_site = run.n_observers / run.n_sites
    n_sites = _MILLION / per_site
    verdicts = n_sites
    states = n_sites / 10.0
    return {
        "observers": _MILLION,
        "sites": round(n_sites),
        "reports_per_second": _MILLION,
        "verdicts_per_second": round(verdicts),
        "central_cores_busy": round(_MILLION * run.central_us / 1e6, 1),
        "central_cores_planned": math.ceil(_MILLION * run.central_us / 1e6 / _PLANNED),
        "sites_per_core_planned": round(1e6 / run.central_us * _PLANNED / per_site),
        "central_memory_gb": round(n_sites * cost.site_mb / 1e3, 1),
        "mosquitto_cores_busy": round(_MILLION * run.broker_us / 1e6, 1),
        "in_megabit_per_second": round(8e-6 * _MILLION * (cost.report_bytes + 40)),
        "out_megabit_per_second": round(
            8e-6 * (verdicts * (cost.verdict_bytes + 40) + states * (cost.state_bytes + 200))
        ),
    }


def report(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    cost, runs = result["parts"], result["loads"]
    million, facts = result["million"], result["machine"]
    network = runs[-1]["central_us"] - sum(
        cost[f"{name}_us"] for name in ("take", "advance", "verdict")
    )
    parts = [
        ("read it and sort it into its snapshot", f"{cost['take_us']:.1f}"),
        ("judge the snapshot, over its 12 units", f"{cost['advance_us']:.1f}"),
        ("write the verdict, over its 12 units", f"{cost['verdict_us']:.1f}"),
        ("receive, publish, keep time (the rest of the process)", f"{network:.1f}"),
        (
            f"**the whole process, {runs[-1]['n_observers']} observers**",
            f"**{runs[-1]['central_us']:.1f}**",
        ),
    ]
    columns = (
        *("sites", "observers", "central, us a report", "of a core", "mosquitto, us a report"),
        *("MB", "verdicts with all units"),
    )
    loads = [
        (
            *(run["n_sites"], run["n_observers"], f"{run['central_us']:.1f}"),
            f"{run['central_us'] * run['n_observers'] / 1e4:.0f} %",
            *(f"{run['broker_us']:.1f}", f"{run['central_mb']:.0f}"),
            f"{run['n_full_verdicts']} of {run['n_verdicts']}",
        )
        for run in runs
    ]
    on_paper = [(name.replace("_", " "), f"{value:,}") for name, value in million.items()]
    lines = [
        "# Load of a central unit",
        "",
        f"`python -m benchmarks.fleet`, {result['date']}, {facts['cpu']}, Python "
        f"{facts['python']}. Processor time; other work on the machine costs the caches. "
        "Observers, broker and central unit share two cores, so the sites wait 1 s for late units "
        f"instead of 0.5 s. Reports travel as {_FORMATS[result['rss_format']]}; processes that ran "
        f"before it: {facts['load']} (load of the last minute).",
        "",
        markdown_table(("part", "us a report"), parts, right_from=1),
        "",
        f"One core then takes **{1e6 / runs[-1]['central_us']:,.0f} reports a second**. To judge a "
        f"snapshot with an alarm takes {cost['alarm_us'] / 1e3:.1f} ms. A site needs "
        f"{cost['site_mb']:.2f} MB; its state has {cost['state_bytes']} bytes, a report "
        f"{cost['report_bytes']}, a verdict {cost['verdict_bytes']}. Taking a site over costs "
        f"{cost['build_ms']:.2f} ms, and {cost['gains_ms']:.1f} ms more where its path gains are "
        "not ready.",
        "",
        markdown_table(columns, loads, right_from=0),
        "",
        _kills_text(result),
        "",
        "## A million observers, on paper",
        "",
        markdown_table(("what", "figure"), on_paper, right_from=1),
        "",
    ]
    return "\n".join(lines)


def _kills_text(result: dict[str, Any]) -> str:
    kills = result["handovers"]
    if not kills:
        return "No central unit was killed."
    moved = statistics.fmean(one["n_sites_moved"] for one in kills)
    first_s = statistics.median(one["first_verdict_s"] for one in kills)
    last_s = statistics.median(one["last_verdict_s"] for one in kills)
    missed = statistics.fmean(one["mean_missed"] for one in kills)
    return (
        f"Killed with SIGKILL, {len(kills)} times among {result['n_centrals']} central units with "
        f"{result['n_handover_sites']} sites: of the sites that moved ({moved:.0f} on average) the "
        f"first had a verdict from another unit after {first_s:.2f} s and the last after "
        f"{last_s:.2f} s (medians; snapshots come once a second). Complete snapshots missed at a "
        f"site: {missed:.2f} on average, {max(one['most_missed'] for one in kills)} at most."
    )
