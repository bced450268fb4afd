"""Is the promise kept? Observers are calibrated on a part of their hours, and judged by the rest.

``python -m benchmarks.detection.budget --kept hours.jsonl`` takes what
:mod:`benchmarks.detection.hours` kept of each observer: the largest event-level score of every half
second of normal signal, by detector. The first ``--calibrate`` of it sets the thresholds for 1, 10
and 100 false events a day; the events of the rest are counted, with all detectors and with each
alone, beside what the calibration expected, and what the thresholds of the bundle raise. With
``--crossed`` the rest sets thresholds for the first, too, so that all of the signal is judged; a
table then says whether the beginning raises more than what follows, observer by observer. Where
interferers came behind the normal signal, tables tell who of them is found at those thresholds.
Where somebody called normal what was told (``hours --taught``), a last table has what alarms since.
With ``--tail-alone`` no threshold is held up by the usual one where too little was heard.
Thresholds of a run are in deviations of its own warm-up, so nothing here tells of another run's.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.hours_tables import ALL, group_names, groups_of, poisson_interval
from benchmarks.detection.kept_rows import read_rows
from benchmarks.detection.promised import (
    TARGETS_PER_DAY,
    Promise,
    blocks_of,
    detectors_of,
    name_of,
    promises,
    taught_by,
    usual_thresholds,
)
from benchmarks.detection.promised_found import found_markdown, sought
from benchmarks.detection.taught_tables import taught_markdown
from benchmarks.record import facts, save_rows
from converter.report.markdown_table import markdown_table
from edgespec.detect.calibration import WITHIN, peaks_over

__all__ = ["Judged", "judged", "main", "markdown"]

_DAY_S = 86_400.0
_BEGINNING, _REST = "beginning", "rest"


@dataclass(frozen=True, slots=True)
class Judged:
    """Events of one observer in ``heard_s`` beside its calibration, and how many were expected.

    ``per_day`` is the target, 0 for the thresholds of the bundle; ``expected`` and its interval are
    a day's; ``groups`` are those of :func:`benchmarks.detection.hours_tables.groups_of`; ``part``
    is which of the signal was heard: what came behind the warm-up first, or the rest.
    """

    observer: str
    round: int
    groups: tuple[str, ...]
    rate_hz: float
    detector: str
    per_day: float
    heard_s: float
    n_events: int
    expected: float
    low: float
    high: float
    part: str = _REST


def n_events_of(blocks: NDArray[np.float64], limits: Sequence[float]) -> int:
    """Return how many runs of blocks have a detector above its threshold."""
    over = np.max(blocks - np.asarray(limits), axis=1)
    return len(peaks_over(over, 0.0))


def judged(
    row: dict[str, Any],
    calibrate_s: float,
    usual: dict[str, float],
    *,
    is_crossed: bool = False,
    is_tail_alone: bool = False,
) -> Iterator[Judged]:
    """Yield what became of an observer's promises; nothing where it was heard too short.

    Args:
        row: of :func:`benchmarks.detection.hours.observe`.
        calibrate_s: so much of its signal sets the thresholds.
        usual: the thresholds without a calibration.
        is_crossed: whether the rest sets thresholds for the beginning, too.
        is_tail_alone: as in :func:`benchmarks.detection.promised.promises`.
    """
    names, block_s, blocks = blocks_of(row)
    n_first = round(calibrate_s / block_s)
    first, rest = blocks[:n_first], blocks[n_first:]
    if len(rest) < n_first // 4:
        return
    parts = ((first, rest, _REST), (rest, first, _BEGINNING))
    for teaching, heard, part in parts[: 1 + is_crossed]:
        calibration = taught_by(teaching, names, block_s)
        if calibration is None:
            continue
        promised = promises(calibration, usual, is_tail_alone=is_tail_alone)
        for one in _judged_by(promised, row, names, heard, block_s):
            yield replace(one, part=part)


def _judged_by(
    promised: Iterable[Promise],
    row: dict[str, Any],
    names: Sequence[str],
    blocks: NDArray[np.float64],
    block_s: float,
) -> Iterator[Judged]:
    """Yield what other blocks make of promises: of all detectors, and of each alone."""
    for promise in promised:
        heard = blocks[:, [names.index(name) for name in promise.limits]]
        expected = promise.part.expected(promise.limits)
        n_events = n_events_of(heard, list(promise.limits.values()))
        yield Judged(
            row["observer"], row["round"], groups_of(row), row["rate_hz"], promise.label,
            promise.per_day, len(heard) * block_s, n_events,
            expected.per_day, expected.low, expected.high,
        )  # fmt: skip


def markdown(found: Sequence[Judged]) -> str:
    """Return the tables: by group with all detectors, each detector alone, and part by part.

    A forecast of many observers is the mean of theirs, and so are the ends of its interval.
    """
    groups = group_names(one.groups for one in found)
    detectors = detectors_of([one.detector for one in found])
    tables = [
        "All detectors together:",
        _table([(group, ALL) for group in groups], found, "observers"),
        "Each detector alone, all observers:",
        _table([(ALL, name) for name in detectors], found, "detector"),
    ]
    if any(one.part == _BEGINNING for one in found):
        tables += [
            "The beginning of each observer, by thresholds of the rest, beside the rest, by those "
            "of the beginning. Events come in bursts, so an observer counts once, for the part in "
            "which it raised more a day; the last column is the probability of so uneven a count, "
            "or one more uneven, where both parts are alike (sign test):",
            _parts([ALL, *detectors], found),
        ]
    return "\n\n".join(tables)


def _parts(detectors: Sequence[str], found: Sequence[Judged]) -> str:
    """Return a table of what the beginning of observers raised, beside the rest of the same."""
    lines = []
    for detector in detectors:
        for per_day in (*TARGETS_PER_DAY, 0.0):
            rates: dict[tuple[int, str], dict[str, float]] = {}
            totals = {_BEGINNING: [0.0, 0.0], _REST: [0.0, 0.0]}
            for one in found:
                if one.detector == detector and one.per_day == per_day:
                    days = one.heard_s / _DAY_S
                    rates.setdefault((one.round, one.observer), {})[one.part] = one.n_events / days
                    totals[one.part][0] += one.n_events
                    totals[one.part][1] += days
            both = [rate for rate in rates.values() if len(rate) == len(totals)]
            more = [
                sum(rate[part] > rate[other] for rate in both)
                for part, other in ((_BEGINNING, _REST), (_REST, _BEGINNING))
            ]
            lines.append(
                (
                    detector,
                    name_of(per_day),
                    *(_with_rate(int(n), days) for n, days in totals.values()),
                    *more,
                    f"{_sign_test(*more):.2g}",
                )
            )
    columns = (
        "detector", "target", "beginning: events (a day)", "rest: events (a day)",
        "more in the beginning", "more in the rest", "probability",
    )  # fmt: skip
    return markdown_table(columns, lines)


def _with_rate(n_events: int, days: float) -> str:
    return f"{n_events} ({n_events / days:.3g})" if days else "0"


def _sign_test(n_more: int, n_fewer: int) -> float:
    """Return how probable counts at least so uneven are where both are as probable."""
    from scipy.stats import binomtest

    n = n_more + n_fewer
    return float(binomtest(n_more, n).pvalue) if n else 1.0


def _table(wanted: Sequence[tuple[str, str]], found: Sequence[Judged], head: str) -> str:
    lines = []
    for group, detector in wanted:
        for per_day in (*TARGETS_PER_DAY, 0.0):
            some = [
                one
                for one in found
                if one.detector == detector and one.per_day == per_day and group in one.groups
            ]
            if not some:
                continue
            days = sum(one.heard_s for one in some) / _DAY_S
            n_events = sum(one.n_events for one in some)
            low, high = poisson_interval(n_events, days)
            expected, least, most = (
                sum(value * one.heard_s for value, one in zip(values, some, strict=True))
                / (days * _DAY_S)
                for values in zip(*((x.expected, x.low, x.high) for x in some), strict=True)
            )
            lines.append(
                (
                    detector if head == "detector" else group,
                    len({(one.round, one.observer) for one in some}),
                    f"{days * 24:.2f}",
                    name_of(per_day),
                    f"{expected:.3g} ({least:.2g} to {most:.3g})",
                    n_events,
                    len({(one.round, one.observer) for one in some if one.n_events}),
                    f"{n_events / days:.3g} ({low:.2g} to {high:.3g})",
                    _is_kept(low, high, per_day or expected),
                )
            )
    columns = (
        head, "n", "hours", "target", "forecast a day (90%)", "events", "in", "a day (95%)",
        f"within x{WITHIN:g}",
    )  # fmt: skip
    return markdown_table(columns, lines)


def _is_kept(low: float, high: float, promised: float) -> str:
    """Return what an interval of rates says of a promise: yes and no where it can tell."""
    if low > promised * WITHIN:
        return "no, more"
    if high < promised / WITHIN:
        return "no, fewer"
    within = promised / WITHIN <= low and high <= promised * WITHIN
    return "yes" if within else "cannot tell"


@click.command()
@click.option(
    "--kept", "kept", type=click.Path(path_type=Path), required=True, help="Lines of hours."
)
@click.option("--calibrate", "calibrate_s", default=240.0, help="Seconds that set thresholds.")
@click.option("--crossed/--one-way", "is_crossed", default=False, help="The rest sets them, too.")
@click.option(
    "--tail-alone/--near-usual",
    "is_tail_alone",
    default=False,
    help="Thresholds as the tail says, however little was heard.",
)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(kept: Path, calibrate_s: float, is_crossed: bool, is_tail_alone: bool, save: bool) -> None:
    """Count what comes of promises of false events."""
    usual = usual_thresholds()
    rows = read_rows(kept)
    by_tail = {"is_tail_alone": is_tail_alone}
    found = [
        one
        for row in rows
        for one in judged(row, calibrate_s, usual, is_crossed=is_crossed, **by_tail)
    ]
    if not found:
        raise click.ClickException(
            f"no observer of {kept} was heard for {1.25 * calibrate_s:g} s: play longer ones with "
            "benchmarks.detection.hours --seconds"
        )
    text = markdown(found)
    others = [one for row in rows for one in sought(row, calibrate_s, usual, **by_tail)]
    if others:
        text = f"{text}\n\n{found_markdown(others)}"
    taught = taught_markdown(rows)
    if taught:
        text = f"{text}\n\n{taught}"
    title = "False events a day: what was promised and what came"
    click.echo(save_rows("budget", title, facts(), map(asdict, found), text, save=save))


if __name__ == "__main__":
    main()
