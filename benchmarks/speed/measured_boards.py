"""What boards were measured to do: ``python -m benchmarks.speed.measured_boards FILE...``.

The files are those that ``edgespec bench --report FILE`` writes and people send. They come from
strangers: what is not as it should be is an error with the file's name, and what is shown of it is
words and numbers alone.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from converter.report.markdown_table import markdown_table
from edgespec.errors import EdgespecError
from edgespec.ops.sent_report import SCHEMA

__all__ = ["main", "read_report", "rows_of", "table"]

_MAX_BYTES = 1_000_000
_COLUMNS = (
    "board", "model", "signal", "MS/s", "times real time", "decision p50 ms", "p99 ms", "MB",
    "cold start s", "hottest C", "clock GHz", "held back", "W idle", "W at work", "mJ a hop",
    "more than idle", "versions", "date",
)  # fmt: skip
_N_WORDS = 3
_UNKNOWN = "-"


def read_report(path: Path) -> dict[str, Any]:
    """Return what a file holds.

    Raises:
        EdgespecError: it cannot be read, is too large, or is not what ``--report`` writes.
    """
    try:
        content = path.read_bytes()[: _MAX_BYTES + 1]
        report = json.loads(content) if len(content) <= _MAX_BYTES else None
    except OSError as error:
        raise EdgespecError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError:
        report = None
    if not isinstance(report, dict) or report.get("schema") != SCHEMA:
        raise EdgespecError(f"{path} is no {SCHEMA}: give files of `edgespec bench --report FILE`")
    try:
        rows_of(report)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, StopIteration) as error:
        raise EdgespecError(
            f"{path} lacks what {SCHEMA} has ({type(error).__name__}: {error}); make it anew with "
            "this version of edgespec"
        ) from error
    return report


def rows_of(report: Mapping[str, Any]) -> list[list[str]]:
    """Return the lines of a report in the table, one for each band that was measured."""
    machine = report["machine"]
    versions = ", ".join(
        f"{name} {machine[name]}" for name in ("edgespec", "python", "numba") if name in machine
    )
    of_board = [f"{int(report['n_cores'])} cores"]
    of_board += [machine[key] for key in ("power mode", "clock") if key in machine]
    board = f"{machine['cpu']} ({', '.join(of_board)})"
    return [
        [
            _plain(cell)
            for cell in (board, *_figures(band), versions, str(report["created_utc"])[:10])
        ]
        for band in report["bands"]
    ]


def _figures(band: Mapping[str, Any]) -> list[str]:
    path = next(timing for timing in band["timings"] if timing["name"] == "whole path")
    decision = band["latencies"][0]
    load = band["load"] or {}
    hottest = [float(celsius) for celsius in load.get("max_c", {}).values()]
    clocks = load.get("clock_hz")
    held = sorted({*load.get("troubles", ()), *band["board"]})
    return [
        f"{band['model']['name']} ({band['model'].get('backend', 'no runtime')})",
        str(band["signal"]),
        f"{band['sample_rate_hz'] / 1e6:g}",
        f"{path['times_real_time']:.1f}",
        f"{1e3 * decision['p50_s']:.2f}",
        f"{1e3 * decision['p99_s']:.2f}",
        f"{band['peak_rss_mb']:.0f}",
        f"{band['cold_start_s']:.1f}",
        f"{max(hottest):.0f}" if hottest else _UNKNOWN,
        " to ".join(f"{hz / 1e9:.2f}" for hz in clocks) if clocks else _UNKNOWN,
        ", ".join(held) or "no",
        *(
            _UNKNOWN if load.get(key) is None else f"{load[key]:.2f}"
            for key in ("idle_w", "load_w", "mj_per_hop", "extra_mj_per_hop")
        ),
    ]


def _plain(cell: str) -> str:
    """Return a cell without anything that a page would take for more than words."""
    return re.sub(r"[^\w .,;:()/+%-]", "", cell)[:120]


def table(reports: Sequence[Mapping[str, Any]]) -> str:
    """Return Markdown of all reports, sorted by board, and how to read it."""
    rows = sorted(row for report in reports for row in rows_of(report))
    of = sorted(
        {
            f"{_plain(report['machine']['cpu'])}: {_plain(band['load']['power_of'])}"
            for report in reports
            for band in report["bands"]
            if band["load"] and band["load"]["power_of"]
        }
    )
    parts = [
        markdown_table(_COLUMNS, rows, right_from=_N_WORDS),
        "One core works without a pause; a hop is what one decision takes in. Watts are of "
        + ("; ".join(of) if of else "nothing: no board told any")
        + ".",
    ]
    return "\n\n".join(parts)


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Write the page there.")
def main(paths: tuple[Path, ...], output: Path | None) -> None:
    """Make one table of the files that boards have sent."""
    try:
        reports = [read_report(path) for path in paths]
    except EdgespecError as error:
        raise click.ClickException(str(error)) from error
    page = (
        "# Boards, measured\n\nMade by `python -m benchmarks.speed.measured_boards` of files of "
        f"`edgespec bench --report`.\n\n{table(reports)}\n"
    )
    if output is None:
        click.echo(page, nl=False)
    else:
        output.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
