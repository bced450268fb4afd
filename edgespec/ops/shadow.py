"""``edgespec model shadow``: what came of a candidate beside the running model."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgespec.errors import ConfigError
from edgespec.flags import BAND_OPTION, CONFIG_OPTION, JSON_OPTION
from edgespec.screen.table import Column, Table, width_of
from edgespec.units import format_duration, format_hz

if TYPE_CHECKING:
    from edgespec.shadow.encounters import SeenEvent
    from edgespec.shadow.report import ShadowReport, Side

__all__ = ["report_lines", "shadow"]

#: As for every check that falls short.
_FELL_SHORT = 7
_SIDES = (Column(), Column("running", True), Column("candidate", True))
_DETECTORS = (
    Column("detector"),
    *(Column(name, True) for name in ("segments", "correlation", "running", "candidate", "both")),
)
_EVENTS = (
    Column("told by"),
    Column("start (UTC)"),
    Column("lasted", True),
    Column("kind"),
    Column("where"),
    Column("peak dBFS", True),
)


@click.command("shadow")
@CONFIG_OPTION
@BAND_OPTION
@JSON_OPTION
def shadow(config_path: Path | None, band: str | None, as_json: bool) -> None:
    """Say what a candidate would have told beside the running model.

    'edgespec monitor --shadow BUNDLE' makes the report, band.shadow in a configuration does too.
    Exits with 7 where it speaks against the candidate: it ended, is slow, deaf or noisy.
    """
    from edgespec.config import load_config
    from edgespec.shadow.report import BAD, findings, load_report, report_path
    from edgespec.wire.text import encode

    config = load_config(config_path)
    names = [one.id for one in config.band]
    if band is not None and band not in names:
        raise ConfigError(f"there is no band {band!r}; the configuration has {', '.join(names)}")
    path = report_path(config.node.state_dir, band or names[0])
    report = load_report(path)
    if report is None:
        raise ConfigError(
            f"no candidate ran beside band {band or names[0]!r}: {path} is not there; run "
            "`edgespec monitor --shadow BUNDLE` with this configuration for some hours"
        )
    found = findings(report)
    if as_json:
        click.echo(encode({**report.as_json(), "findings": [asdict(one) for one in found]}))
    else:
        click.echo("\n".join(report_lines(report, width_of(sys.stdout))))
    if any(one.kind in BAD for one in found):
        sys.exit(_FELL_SHORT)


def report_lines(report: "ShadowReport", width: int | None = None) -> list[str]:
    """Return a report for people, in tables as wide as a terminal."""
    from edgespec.shadow.report import findings

    running, own = report.running, report.candidate
    n_tests = report.n_tests_heard + report.n_tests_missed
    lines = [
        f"band {report.band}, {report.begun} to {report.written}: heard "
        f"{format_duration(report.heard_s)}, of which the candidate skipped "
        f"{100.0 * report.skipped_share:.2f}% and scored {format_duration(report.compared_s)}",
    ]
    if report.warmup_left_s:
        lines.append(f"it still learns what is normal, for {report.warmup_left_s:.1f} s of signal")
    rows = [
        ("model", running.model, own.model),
        ("sha256", *(_short(side) for side in (running, own))),
        ("events", str(running.n_events), str(own.n_events)),
        ("  alone", str(running.n_alone), str(own.n_alone)),
        *_times("to the decision", running.latency_s, own.latency_s),
        *_times("network", running.call_s, own.call_s),
    ]
    lines += Table(_SIDES, rows, width).lines()
    if n_tests:
        said = f"test tones: {report.n_tests_heard} of {n_tests} heard, the last {report.last_test}"
        lines.append(said)
    if report.detectors:
        lines += ["", "segments above the threshold:", *_of_detectors(report, width)]
    listed = [
        *_listed("running alone", report.alone_running),
        *_listed("candidate alone", report.alone_candidate),
        *_listed("both", report.both),
    ]
    if listed:
        lines += ["", *Table(_EVENTS, listed, width).lines()]
    return [*lines, "", *(f"{one.kind}: {one.words}" for one in findings(report))]


def _of_detectors(report: "ShadowReport", width: int | None) -> list[str]:
    rows = [
        (
            name,
            str(one.n),
            "-" if one.correlation is None else f"{one.correlation:.3f}",
            *(str(n) for n in (one.n_running, one.n_candidate, one.n_both)),
        )
        for name, one in sorted(report.detectors.items())
    ]
    return Table(_DETECTORS, rows, width).lines()


def _short(side: "Side") -> str:
    return "none" if side.model_sha256 is None else side.model_sha256[:12]


def _times(
    name: str, running_s: Mapping[str, float], own_s: Mapping[str, float]
) -> Iterable[tuple[str, str, str]]:
    for part in ("p50", "p99"):
        if part in running_s or part in own_s:
            yield f"{name} {part}, ms", _ms(running_s, part), _ms(own_s, part)


def _ms(times_s: Mapping[str, float], part: str) -> str:
    return f"{1e3 * times_s[part]:.2f}" if part in times_s else "-"


def _listed(who: str, events: "Iterable[SeenEvent]") -> Iterable[tuple[str, ...]]:
    for event in events:
        middle_hz = (event.freq_lower_hz + event.freq_upper_hz) / 2.0
        yield (
            who,
            event.start,
            f"{event.lasted_s:.2f} s",
            event.kind,
            format_hz(middle_hz),
            f"{event.peak_dbfs:.1f}",
        )
