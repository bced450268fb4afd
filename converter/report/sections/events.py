"""What a user sees: events of the device's chain, and alarms on real captures."""

from pathlib import PurePath

import numpy as np

from converter.lab.numbers.intervals import Interval, clopper_pearson, poisson_rate
from converter.report.amounts import isr_text
from converter.report.document import Cell, Part, Section, Table
from converter.report.frame import Frame
from converter.report.results import Results

__all__ = ["episodes", "real_captures"]

_TARGETS = (
    "Targets: at most one false event a day; delay median 20 ms at 0 dB, p95 100 ms at -5 dB; "
    "frequency IoU .7 at 0 dB, .5 at -10 dB."
)


def episodes(results: Results) -> Section:
    """Return false events per hour, recall, delay and frequency of every episode experiment."""
    title = "Events of the device's chain"
    if not results.episodes:
        return Section(title, ["Left out: no episodes were played."])
    parts: list[Part] = [_TARGETS]
    for name, frame in results.episodes.items():
        spec = results.experiment.episodes[name]
        parts.append(
            f"Experiment `{name}`: model `{spec.model}` with detectors "
            f"{', '.join(spec.detectors)} on `{spec.population}`, {spec.false_alarm_rate:g} false "
            f"alarms per segment, {len(frame.numbered('seed', 'observer')[0])} observers."
        )
        parts.append(_false_events(name, frame))
        parts += _recall(name, frame)
    return Section(title, parts)


def _false_events(name: str, frame: Frame) -> Table | str:
    normal = frame.where(frame["kind"] == "")
    if not len(normal):
        return f"{name}: no normal signal was watched."
    rows: list[tuple[Cell, ...]] = []
    for who in ("all", *normal.distinct("context")):
        part = normal if who == "all" else normal.where(normal["context"] == who)
        n_events, hours = int(part["n_events"].sum()), float(part["seconds"].sum()) / 3600
        if hours <= 0:
            continue
        rate = poisson_rate(n_events, hours)
        observers = len(part.numbered("seed", "observer")[0])
        share = None
        if "alarm_s" in part:
            share = f"{float(np.nansum(part['alarm_s'])) / hours / 36:.2f}"
        rows.append((who, observers, f"{hours:.2f}", n_events, rate, rate.times(24), share))
    columns = (
        *("observers", "number", "hours", "false events", "per hour", "per day"),
        "time in alarm, %",
    )
    note = (
        "Bounds are exact for a Poisson rate; without an event the upper one is the rule of three. "
        "One event a day would need three days without one, one an hour three hours; recall at "
        "such a threshold is not given, because less was watched."
    )
    return Table(f"{name}: false events on normal signal", columns, rows, note, ".3g")


def _recall(name: str, frame: Frame) -> list[Part]:
    heard = frame.where(frame["kind"] != "")
    if not len(heard):
        return [f"{name}: no interferer was played."]
    columns = (
        *("kind", "ISR, dB", "episodes", "found", "in a false event"),
        *("delay median, ms", "delay p95, ms"),
        *("compute median, ms", "IoU median", "centre error median, kHz"),
    )
    by_isr = [_row("all", isr, heard.where(heard["isr_db"] == isr)) for isr in _isrs(heard)]
    by_kind = [
        _row(kind, isr, part)
        for kind in heard.distinct("kind")
        for isr in _isrs(heard)
        if len(part := heard.where((heard["kind"] == kind) & (heard["isr_db"] == isr)))
    ]
    note = (
        "Delay: from the interferer's first sample to the last one that the opening decision "
        "needed; computing comes on top. p95 and medians are over episodes that were found. One "
        "that falls into a false event which goes on is not found, and is counted as such."
    )
    return [
        Table(f"{name}: interferers by ISR", columns, by_isr, note),
        Table(f"{name}: interferers by kind", columns, by_kind),
    ]


def _isrs(frame: Frame) -> list[float]:
    return [float(isr) for isr in frame.distinct("isr_db")]


def _row(kind: str, isr_db: float, part: Frame) -> tuple[Cell, ...]:
    found = part["detected"].astype(bool)
    delay, compute, iou, centre = (
        part[name][found].astype(np.float64)
        for name in ("delay_ms", "compute_ms", "iou", "centre_error_hz")
    )
    return (
        kind,
        isr_text(isr_db),
        len(part),
        clopper_pearson(int(found.sum()), len(part)),
        int(part["inside_false"].sum()) if "inside_false" in part else None,
        _text(_quantile(delay, 0.5)),
        _text(_quantile(delay, 0.95)),
        _text(_quantile(compute, 0.5), ".2f"),
        _quantile(iou, 0.5),
        _text(_quantile(centre, 0.5) / 1e3),
    )


def _text(value: float, form: str = ".1f") -> str | None:
    return format(value, form) if np.isfinite(value) else None


def _quantile(values: np.ndarray, share: float) -> float:
    known = values[np.isfinite(values)]
    return float(np.quantile(known, share)) if len(known) else float("nan")


def real_captures(results: Results) -> Section:
    """Return alarms on normal signal that was really received."""
    title = "Real captures, normal only"
    if not results.real:
        return Section(title, ["Left out: no real recording was watched."])
    parts: list[Part] = [
        "Recordings without a known interferer, so an alarm counts as false. They are short: the "
        "first share of each teaches the references, and the bounds say how little the rest proves."
    ]
    for name, frame in results.real.items():
        spec = results.experiment.real[name]
        parts.append(_alarms(name, frame, spec.model or "the shipped bundle"))
        left_out = results.markers.get(f"real.{name}", {}).get("facts", {}).get("left_out", {})
        if left_out:
            said = "; ".join(f"{PurePath(file).name}: {why}" for file, why in left_out.items())
            parts.append(f"Left out: {said}.")
    return Section(title, parts)


def _alarms(name: str, frame: Frame, model: str) -> Table:
    detectors = [c.removeprefix("alarm:") for c in frame.columns if c.startswith("alarm:")]
    rows: list[tuple[Cell, ...]] = []
    for file in (*frame.distinct("file"), "all"):
        part = frame if file == "all" else frame.where(frame["file"] == file)
        cells: list[Cell] = [_alarm_rate(part[f"alarm:{d}"]) for d in detectors]
        rows.append((_short(file), len(part), *cells))
    columns = ("recording", "segments", *(f"alarms, {d}, %" for d in detectors))
    note = f"With {model}; exact bounds for independent segments, which these are not quite."
    return Table(f"{name}: alarms per segment", columns, rows, note)


def _short(file: str) -> str:
    name = PurePath(file.partition(":")[2] or file).name
    return name.partition("?")[0].removesuffix(".sigmf-meta").removesuffix(".sigmf-data")


def _alarm_rate(alarms: np.ndarray) -> Interval | None:
    known = np.asarray([alarm for alarm in alarms.tolist() if alarm is not None and alarm == alarm])
    if not len(known):
        return None
    return clopper_pearson(int(known.astype(bool).sum()), len(known)).times(100)
