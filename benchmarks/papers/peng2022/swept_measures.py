"""What the claims of the paper are judged by: paired differences, places drawn anew."""

from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

from benchmarks.papers.claim import Measured, UntestableError
from benchmarks.papers.peng2022 import published
from benchmarks.papers.peng2022.swept_rows import BandRow, SweptRows
from converter.lab.numbers.intervals import Interval
from converter.report.resamples import Floats, interval

__all__ = [
    "CONVOLUTIONAL",
    "RECURRENT",
    "area_at",
    "area_over",
    "best_network_less_bar",
    "chosen",
    "convolution_less_recurrence",
    "dtw_less_best",
    "halves",
    "no_difference",
    "others_percent",
    "proposed_less_rivals",
    "scales_area",
    "scales_percent",
    "volatility",
    "worst_area",
]

CONVOLUTIONAL, RECURRENT = ("cnn", "u-net"), ("rnn", "deep-lstm")
_DTW = "dtw"
_CONTEXT_MEAN = "context-mean"
#: Networks without hours and days, besides the proposed one (Tables 2 and 3).
_SHORT = (*RECURRENT, *CONVOLUTIONAL, "conv-lstm", "dts-resnet-c", "sts-prednets-c")
_SCALED = ("spatio-temporal", "dts-resnet", "sts-prednets")

Error = Callable[[BandRow], Floats]
_ERRORS: dict[str, Error] = {"MAE": BandRow.mae, "RMSE": BandRow.rmse}


def halves(classes: Sequence[str]) -> tuple[list[int], list[int]]:
    """Return the numbers of every other class, and of those between them."""
    numbers = list(range(len(classes)))
    return numbers[::2], numbers[1::2]


def chosen(row: BandRow, names: Sequence[str], isr: int, classes: Sequence[int]) -> str:
    """Return the discriminant with the largest area over some classes."""
    return max(names, key=lambda name: float(row.area(name, [isr], classes)[0]))


def volatility(rows: SweptRows) -> dict[str, float]:
    """Return how far each band is from its mean over the past, in dB: smooth ones first."""
    found = {
        band: float(rows.rows[band, _CONTEXT_MEAN].mae()[0])
        for band in rows.bands
        if (band, _CONTEXT_MEAN) in rows.rows
    }
    return dict(sorted(found.items(), key=lambda item: item[1]))


def proposed_less_rivals(rows: SweptRows) -> Measured:
    """Proposed-C less the best other network without hours and days, in percent of its MAE."""
    judged, said = [], []
    for band in rows.bands:
        own = rows.of_kind(band, "spatio-temporal-c")
        rivals = [row for kind in _SHORT if (row := rows.of_kind(band, kind)) is not None]
        if own is None or not rivals:
            continue
        best = min(rivals, key=lambda row: float(row.mae()[0]))
        judged.append(interval(100 * (own.mae() / best.mae() - 1)))
        said.append(f"{band} {judged[-1]:+.1f}% of {best.name}")
    return _worst(judged, said, "Proposed-C and another network were not run in any band")


def scales_percent(error: str, rows: SweptRows) -> Measured:
    """Hours and days: the full network less the one without, mean over bands, in percent."""
    parts, said = [], []
    for band in rows.bands:
        pair = rows.of_kind(band, "spatio-temporal"), rows.of_kind(band, "spatio-temporal-c")
        if pair[0] is None or pair[1] is None:
            continue
        parts.append(100 * (_ERRORS[error](pair[0]) / _ERRORS[error](pair[1]) - 1))
        said.append(f"{band} {interval(parts[-1]):+.1f}%")
    return _mean(parts, said, "%", "Proposed and Proposed-C were not both run in any band")


def others_percent(rows: SweptRows) -> Measured:
    """The same of the other two networks, in percent of the MAE."""
    parts, said = [], []
    for band, kind in product(rows.bands, _SCALED[1:]):
        pair = rows.of_kind(band, kind), rows.of_kind(band, f"{kind}-c")
        if pair[0] is None or pair[1] is None:
            continue
        parts.append(100 * (pair[0].mae() / pair[1].mae() - 1))
        said.append(f"{kind} in {band} {interval(parts[-1]):+.1f}%")
    return _mean(parts, said, "%", "neither network was run with and without hours and days")


def scales_area(rows: SweptRows) -> Measured:
    """Hours and days: by how much the area is larger at the lowest ISR, by DTW."""
    return _area_gain(rows, "spatio-temporal", "spatio-temporal-c")


def area_over(rival: str, rows: SweptRows) -> Measured:
    """The proposed network's area less another's at the lowest ISR, by DTW."""
    return _area_gain(rows, "spatio-temporal", rival)


def _area_gain(rows: SweptRows, one: str, other: str) -> Measured:
    isr, parts, said = rows.isr(-10.0), [], []
    for band in rows.bands:
        pair = rows.of_kind(band, one), rows.of_kind(band, other)
        if pair[0] is None or pair[1] is None or _DTW not in pair[0].auc:
            continue
        parts.append(area_at(pair[0], isr) - area_at(pair[1], isr))
        said.append(f"{band} {interval(parts[-1]):+.3f}")
    return _mean(parts, said, "", f"{one} and {other} were not both run in any band")


def area_at(row: BandRow, isr: int) -> Floats:
    """Return the area by DTW at an ISR, as the paper's Figure 8 has it."""
    return row.area(_DTW, [isr])


def dtw_less_best(at_isr_db: float, rows: SweptRows) -> Measured:
    """DTW less the best of the paper's others, which one half of the classes chooses.

    What is told is the other half, and the mean of both ways round.
    """
    isr, parts, said = rows.isr(at_isr_db), [], []
    for band, kind in product(rows.bands, published.FIGURE_7[0]):
        row = rows.of_kind(band, kind)
        others = [] if row is None else [n for n in published.DISCRIMINANTS if n in row.auc]
        if row is None or _DTW not in others or len(others) < 2:
            continue
        others.remove(_DTW)
        one, other = halves(rows.classes)
        gains, names = [], []
        for selecting, told in ((one, other), (other, one)):
            names.append(chosen(row, others, isr, selecting))
            gains.append(row.area(_DTW, [isr], told) - row.area(names[-1], [isr], told))
        parts.append(np.mean(gains, axis=0))
        against = " or ".join(dict.fromkeys(names))
        said.append(f"{kind} in {band} {interval(parts[-1]):+.3f} over {against}")
    return _mean(parts, said, "", "the networks of Figure 7 were not run")


def no_difference(rows: SweptRows) -> Measured:
    """At +10 dB: the largest area of a discriminant less the least."""
    isr, judged, said = rows.isr(10.0), [], []
    for band, kind in product(rows.bands, published.FIGURE_7[0]):
        row = rows.of_kind(band, kind)
        if row is None:
            continue
        areas = {n: row.area(n, [isr]) for n in published.DISCRIMINANTS if n in row.auc}
        most, least = (pick(areas, key=lambda n: float(areas[n][0])) for pick in (max, min))
        judged.append(interval(areas[most] - areas[least]))
        said.append(f"{kind} in {band} {judged[-1]:.3f}, {most} less {least}")
    return _worst(judged, said, "the networks of Figure 7 were not run")


def worst_area(rows: SweptRows) -> Measured:
    """At +10 dB, by DTW: the area of the network that has the least."""
    isr, judged, said = rows.isr(10.0), [], []
    for band, kind in product(rows.bands, published.FIGURE_8[0]):
        row = rows.of_kind(band, kind)
        if row is not None and _DTW in row.auc:
            judged.append(interval(area_at(row, isr)))
            said.append(f"{kind} in {band} {judged[-1]:.3f}")
    if not judged:
        raise UntestableError("the networks of Figure 8 were not run")
    least = min(range(len(judged)), key=lambda number: judged[number].value)
    return Measured((judged[least],), f"least: {said[least]}")


def convolution_less_recurrence(which: str, rows: SweptRows) -> Measured:
    """Mean error of the convolutional networks less that of the recurrent ones, in percent.

    ``which``: ``smooth``, the half of the bands that are nearest to their mean over the past, or
    ``volatile``, the others.
    """
    known = list(volatility(rows))
    if len(known) < 2:
        raise UntestableError("one band alone is neither the smoother nor the more volatile one")
    half = len(known) // 2
    parts, said = [], []
    for band in known[:half] if which == "smooth" else known[half:]:
        sides = []
        for kinds in (CONVOLUTIONAL, RECURRENT):
            found = [row.mae() for kind in kinds if (row := rows.of_kind(band, kind)) is not None]
            if found:
                sides.append(np.mean(found, axis=0))
        if len(sides) == 2:
            parts.append(100 * (sides[0] / sides[1] - 1))
            said.append(f"{band} {interval(parts[-1]):+.1f}%")
    return _mean(parts, said, "%", "convolutional and recurrent networks were not both run")


def best_network_less_bar(rows: SweptRows) -> Measured:
    """The best network less the best bar, in percent of the bar's MAE, in each band."""
    judged, said = [], []
    for band in rows.bands:
        best = [
            min(found, key=lambda row: float(row.mae()[0]))
            for names in (rows.networks, rows.bars)
            if (found := [rows.rows[band, name] for name in names if (band, name) in rows.rows])
        ]
        if len(best) == 2:
            judged.append(interval(100 * (best[0].mae() / best[1].mae() - 1)))
            said.append(f"{band} {judged[-1]:+.1f}%, {best[0].name} of {best[1].name}")
    return _worst(judged, said, "networks and bars were not both run in any band")


def _mean(parts: Sequence[Floats], said: Sequence[str], unit: str, missing: str) -> Measured:
    if not parts:
        raise UntestableError(missing)
    found = interval(np.mean(parts, axis=0))
    digits = "+.1f" if unit else "+.3f"
    text = f"{format(found, digits)}{unit}: {'; '.join(said)}"
    return Measured((found,), text, {"mean": found})


def _worst(judged: Sequence[Interval], said: Sequence[str], missing: str) -> Measured:
    """All intervals are judged, the worst, which is the largest, first."""
    if not judged:
        raise UntestableError(missing)
    order = sorted(range(len(judged)), key=lambda number: -judged[number].high)
    return Measured(
        tuple(judged[number] for number in order), "; ".join(said[number] for number in order)
    )
