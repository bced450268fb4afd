"""Slow poisoning: at which level a rising interferer is caught, and what relearning does."""

import numpy as np

from converter.lab.numbers.intervals import clopper_pearson
from converter.report.document import Cell, Part, Section, Table
from converter.report.results import Results

__all__ = ["ramps"]


def ramps(results: Results) -> Section:
    """Return who caught the ramps of every poisoning experiment, and at which ISR."""
    title = "A slow ramp against what the device learns"
    if not results.poisonings:
        return Section(title, ["Left out: no ramp was played."])
    parts: list[Part] = [
        "An interferer rises so slowly that no two segments differ by it. The references of the "
        "plain detectors and the site's scale are learnt in the warm-up and then kept, so what "
        "matters is whether the ramp begins before or after, and whether the device warms up again."
    ]
    parts += [_table(results, name) for name in results.poisonings]
    return Section(title, parts)


def _table(results: Results, name: str) -> Table:
    frame, asked = results.poisonings[name], results.experiment.poisonings[name]
    ramp = asked.ramp
    rows: list[tuple[Cell, ...]] = []
    for detector in frame.distinct("detector"):
        part = frame.where(frame["detector"] == detector)
        caught = part["caught"].astype(bool)
        level = float(np.median(part["caught_isr_db"][caught])) if caught.any() else None
        rows.append(
            (
                detector,
                len(part),
                clopper_pearson(int(caught.sum()), len(part)),
                None if level is None else f"{level:.1f}",
                _share(part["alarms_at_top"]),
                int(part["false_before"].sum()),
            )
        )
    relearns = f", warming up again every {ramp.relearn_s:g} s" if ramp.relearn_s else ""
    columns = (
        *("detector", "observers", "caught", "median ISR when caught, dB"),
        *("segments alarming at the top", "false alarms before it"),
    )
    return Table(
        f"{name}: {ramp.kind} from {ramp.start_isr_db:g} to {ramp.stop_isr_db:g} dB at "
        f"{ramp.rate_db_per_s:g} dB/s, from second {ramp.start_s:g}{relearns}",
        columns,
        rows,
    )


def _share(shares: np.ndarray) -> str | None:
    """Return the mean over the observers that scored anything at the top."""
    known = shares[np.isfinite(shares)]
    return f"{known.mean():.0%}" if len(known) else None
