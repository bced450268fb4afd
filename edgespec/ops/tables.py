"""Results as text for people."""

import json
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edgespec.screen.table import Column, Table
from edgespec.sweep_recipe import SweepRecipe
from edgespec.units import format_hz

# Only for the annotations: the doctor's table must print where numba or paho are broken.
if TYPE_CHECKING:
    from edgespec.inference.bundle import Bundle
    from edgespec.inference.manifest import Manifest
    from edgespec.ops.bench import BenchReport
    from edgespec.ops.choose import Choice
    from edgespec.ops.doctor import Check
    from edgespec.ops.load import Load

__all__ = ["bench_table", "bundle_table", "choice_table", "doctor_table"]


_TIMES = (
    Column(),
    *(Column(name, True) for name in ("min us", "median", "p95", "p99", "MS/s", "x real time")),
)


def bench_table(report: "BenchReport", width: int | None = None) -> str:
    """Return the report of ``edgespec bench`` as lines, tables as wide as a terminal."""
    rows = [
        (
            timing.name,
            *(
                f"{1e6 * seconds:.1f}"
                for seconds in (timing.min_s, timing.median_s, timing.p95_s, timing.p99_s)
            ),
            f"{timing.rate_msps:.1f}",
            f"{timing.times_real_time:.1f}",
        )
        for timing in report.timings
    ]
    lines = [
        f"{report.model['name']} on {report.machine['cpu']} ({report.machine['machine']}), "
        f"Python {report.machine['python']}, {report.created_utc}",
        *Table(_TIMES, rows, width).lines(),
    ]
    for latency in report.latencies:
        times = (latency.p50_s, latency.p95_s, latency.p99_s, latency.max_s)
        shown = ", ".join(
            f"{name} {1e3 * seconds:.2f}"
            for name, seconds in zip(("p50", "p95", "p99", "max"), times, strict=True)
        )
        lines.append(f"{latency.name}, {latency.n} times, ms: {shown}")
    lines.append(
        f"cold start to the first score {report.cold_start_s:.2f} s, "
        f"peak RSS {report.peak_rss_mb:.0f} MB"
    )
    if report.load is not None:
        lines.append(load_line(report.load))
    if report.board:
        lines.append(f"not to be believed: the board says {', '.join(report.board)}")
    return "\n".join(lines)


def load_line(load: "Load") -> str:
    """Return how a board bore its work."""
    words = [f"{load.seconds:.0f} s of work on one core"]
    words += [
        f"{zone} {load.start_c.get(zone, hottest):.0f} to {hottest:.0f} C"
        for zone, hottest in load.max_c.items()
    ]
    if load.clock_hz is not None:
        words.append(" to ".join(f"{hz / 1e9:.2f}" for hz in load.clock_hz) + " GHz")
    if load.load_w is not None and load.idle_w is not None:
        words.append(
            f"{load.idle_w:.2f} W idle, {load.load_w:.2f} W at work: {load.mj_per_hop:.2f} mJ a "
            f"hop, {load.extra_mj_per_hop:.2f} more than idle ({load.power_of})"
        )
    else:
        words.append("no sensor of power")
    words.append(f"held back: {', '.join(load.troubles)}" if load.troubles else "not held back")
    return "; ".join(words)


def choice_table(choice: "Choice", width: int | None = None) -> str:
    """Return what each runtime can do with a model, the chosen one marked."""
    rows = []
    for candidate in choice.candidates:
        mark = "*" if candidate.backend == choice.backend else ""
        figures = candidate.problem
        if candidate.call_s is not None and candidate.max_error is not None:
            figures = (
                f"{1e6 * candidate.call_s:.1f} us a segment, within "
                f"{candidate.max_error:.1e} of the golden vectors"
            )
            if str(candidate.widths):
                figures += f"; bits of a vector: {candidate.widths}"
        rows.append((mark, candidate.backend, figures))
    kept = f"kept in {choice.kept_in}" if choice.kept_in else "not kept: see node.state_dir"
    return "\n".join(
        (
            f"{choice.bundle.manifest.name} on this machine:",
            *Table([Column()] * 3, rows, width).lines(),
            f"every start with the backend 'auto' takes {choice.backend} ({kept})",
        )
    )


def doctor_table(checks: Sequence["Check"], width: int | None = None) -> str:
    """Return the checks of ``edgespec doctor``, each with its fix where it has one."""
    rows = [
        (
            check.status,
            check.name,
            check.detail
            + (f"\nfix: {check.fix}" if check.fix and check.status in ("warn", "fail") else ""),
        )
        for check in checks
    ]
    return "\n".join(Table((Column(is_right=True), Column(), Column()), rows, width).lines())


def bundle_table(bundle: "Bundle") -> str:
    """Return what a bundle holds, for ``edgespec model info``."""
    manifest = bundle.manifest
    model = manifest.model
    lines = [
        f"{manifest.name}  sha256 {bundle.sha256}",
        f"made         {manifest.created_utc}",
        f"model        {model.architecture}, {model.role}, {model.quantisation}, "
        f"{len(bundle.model) / 1e3:.0f} kB, operators {', '.join(model.operators)}",
        *_frames(manifest),
        "parity       " + ", ".join(f"{key} {value:.2g}" for key, value in model.parity.items()),
        *_signature(bundle),
    ]
    for name, calibration in manifest.detectors.items():
        lines.append(
            f"{name:12} mean {calibration.mean:.3f}, std {calibration.std:.3f} over "
            f"{calibration.n_scores} normal segments"
        )
        for rate, methods in calibration.thresholds.items():
            shown = ", ".join(f"{method} {value:.3f}" for method, value in methods.items())
            lines.append(f"{'':12}   false-alarm rate {rate}: {shown}")
    lines += _card(manifest.training.get("card"))
    for key, value in manifest.training.items():
        if key == "card":
            continue
        text = json.dumps(value, default=str)
        lines.append(f"training     {key}: {textwrap.shorten(text, 80, placeholder=' ...')}")
    return "\n".join(lines)


def _signature(bundle: "Bundle") -> list[str]:
    """Return what a bundle says of who has signed it; `edgespec model install` verifies it."""
    from edgespec.updates.signature import read_signature

    found = read_signature(bundle)
    if found is None:
        return []
    it = found.signed
    return [
        f"signature    version {it.version}, signed {it.signed_utc}, expires {it.expires_utc}; "
        "not verified",
        *(f"{'':12} {key}" for key in found.keys),
    ]


def _frames(manifest: "Manifest") -> list[str]:
    """Return what a model is given, and what it returns."""
    geometry, made_with = manifest.geometry, manifest.made_with
    sizes = f"{geometry.n_context} give {geometry.n_horizon}, every {geometry.hop_frames}"
    if isinstance(made_with, SweepRecipe):
        return [
            f"made for     {made_with.words}",
            f"segments     {sizes}",
            *(
                f"beside it    {side.name}: {side.n_rows} means of {side.span_hours} h, each "
                f"{side.step_hours} h"
                for side in manifest.side_inputs
            ),
        ]
    framing = made_with.framing
    return [
        f"samples      {format_hz(framing.sample_rate_hz).replace('Hz', 'S/s')}, "
        f"{framing.n_bins} bins of {format_hz(framing.bin_hz)}, mean of {framing.n_averages}, "
        f"{framing.taper}",
        f"frames       {1e3 * geometry.frame_s:g} ms; {sizes}",
    ]


def _card(card: object) -> list[str]:
    """Return the card of a bundle: headings with a text, or with some points below."""
    lines: list[str] = []
    for heading, value in card.items() if isinstance(card, dict) else ():
        points = [str(point) for point in value] if isinstance(value, list) else [str(value)]
        for number, point in enumerate(points):
            first = f"{heading if number == 0 else '':12} "
            lines += textwrap.wrap(point, 96, initial_indent=first, subsequent_indent=" " * 13)
    return lines
