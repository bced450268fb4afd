"""The first page: what a user should choose, what to expect of it, and what holds it back."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial

import numpy as np
from numpy.typing import NDArray

from converter.lab.numbers.cells import LEAST_SHARE, MODES
from converter.lab.numbers.intervals import Interval
from converter.report.amounts import isr_text
from converter.report.detection_scores import RATE, RATES, DetectionScores, mean_of
from converter.report.document import Cell, Part, Section, Table
from converter.report.resamples import Floats, interval
from converter.report.results import Results

__all__ = ["TARGETS", "choice"]

#: What is asked of the product: mean AUC over kinds and all observers, by mode and ISR in dB.
TARGETS = {
    ("onset", -10.0): 0.90,
    ("onset", -5.0): 0.96,
    ("onset", 0.0): 0.99,
    ("persistent", -10.0): 0.95,
    ("persistent", -5.0): 0.98,
    ("persistent", 0.0): 0.99,
}
#: Besides the best of all: what the device looks at, and what others would have used.
_BESIDE = ("device", "residual", "device-scan", "device-zscore", "last-frame")
_N_WORST = 5


def choice(results: Results) -> Section:
    """Return the first section of a report."""
    title = "What to choose, and what to expect"
    main = results.main
    isrs_db = [] if main is None else [isr for isr in (-10.0, -5.0, 0.0) if isr in main.isrs_db]
    if main is None or not isrs_db:
        return Section(title, ["Left out: no interferer was put on the air at -10, -5 or 0 dB."])
    best = best_scorer(main, [s for s in main.scorers if s != "random"], isrs_db)
    parts: list[Part] = [_advice(results, main, best, isrs_db), _areas(main, best, isrs_db)]
    parts.append(_found(main, best))
    parts += _events(results)
    parts += held_back(main, best, isrs_db)
    return Section(title, parts)


def best_scorer(main: DetectionScores, scorers: list[str], isrs_db: list[float]) -> str:
    """Return the scorer with the highest mean AUC, standardised by the site, at some ISRs."""
    cells = main.pick(isrs_db=isrs_db)
    return max(scorers, key=lambda name: float(mean_of(main.auc(name, True), cells)[0]))


def _advice(results: Results, main: DetectionScores, best: str, isrs_db: list[float]) -> str:
    missed = []
    for (mode, isr_db), wanted in TARGETS.items():
        cells = main.pick([mode], isrs_db=[isr_db])
        if isr_db in isrs_db and cells.any():
            reached = float(mean_of(main.auc(best, True), cells)[0])
            if reached < wanted:
                missed.append(f"{mode} at {isr_text(isr_db)} dB ({reached:.3f} of {wanted:.2f})")
    kind = "a model" if results.is_model(best) else "nothing that was trained"
    service = results.experiment.populations[main.population].service
    where = f"of {service}" if service else "with a cell"
    said = (
        f"On a band {where}, **`{best}`** ranks segments best over {main.n_observers} unseen "
        f"observers and {len(main.kinds)} kinds; it is {kind}. "
    )
    far = interval(main.false_alarms(best, RATE, True))
    if main.has_thresholds(RATE):
        said += (
            f"At a threshold for {RATE:.0%} of calibration segments it alarms in "
            f"{100 * far.value:.2f} % [{100 * far.low:.2f}, {100 * far.high:.2f}] of the normal "
            "segments of test observers. "
        )
    if missed:
        return said + f"It misses the targets of the project for {'; '.join(missed)}."
    return said + "It reaches every target of the project for these ISRs."


def _areas(main: DetectionScores, best: str, isrs_db: list[float]) -> Table:
    columns = [(m, i) for m in MODES for i in isrs_db if main.pick([m], isrs_db=[i]).any()]
    rows: list[tuple[Cell, ...]] = []
    wanted = [TARGETS.get(column) for column in columns]
    rows.append(("target", *wanted))
    for (scorer, end), areas in _figures(main, (best, *_BESIDE), partial(main.auc, site=True)):
        figures = (mean_of(areas, main.pick([m], isrs_db=[i])) for m, i in columns)
        rows.append((f"{scorer}{end}", *(interval(values) for values in figures)))
    titles = ("score", *(f"{mode} {isr_text(isr_db)} dB" for mode, isr_db in columns))
    note = (
        "Mean AUC over kinds with intervals over observers, scores in deviations of the site's own "
        f"warm-up. An onset counts from {LEAST_SHARE:.0%} of its horizon on; persistent was there "
        "for 45 ms before its horizon, lasting for as long as the experiment says. The best is "
        "picked on the observers that it is shown on."
    )
    return Table("AUC", titles, rows, note, ".3f")


def _found(main: DetectionScores, best: str) -> Part:
    if not main.has_thresholds(RATE):
        return "Shares found are left out: too few calibration segments to set a threshold."
    rows: list[tuple[Cell, ...]] = []
    scorers = (best, "device", "residual", "device-zscore")
    detected = partial(main.detected, rate=RATE, site=True)
    for (scorer, end), found in _figures(main, scorers, detected):
        for mode in MODES:
            masks = [main.pick([mode], isrs_db=[isr]) for isr in main.isrs_db]
            if any(mask.any() for mask in masks):
                cells = (float(mean_of(found, mask)[0]) for mask in masks)
                rows.append((f"{scorer}, {mode}{end}", *cells))
    titles = ("score, mode", *(f"{isr_text(isr)} dB" for isr in main.isrs_db))
    note = (
        "A detector must not go quiet when the interferer gets louder: what clips the receiver is "
        "not scored, and only `device` and `overload` count that as an alarm."
    )
    return Table(f"Found at {RATE:.0%} false alarms, share", titles, rows, note, ".2f")


def _figures(
    main: DetectionScores, scorers: Iterable[str], figures: Callable[[str], Floats]
) -> Iterator[tuple[tuple[str, str], Floats]]:
    """Yield figures by cell of some scorers and of what was learnt, each with a name in two parts.

    What is said of the mode goes between the parts.
    """
    for scorer in dict.fromkeys(scorers):
        if scorer in main.scorers:
            yield (scorer, ""), figures(scorer)
    for name in main.learned:
        yield (name, ", tested family left out"), main.left_out(name, figures)


def _events(results: Results) -> list[Part]:
    """Return what a user sees of the device's chain, in a sentence for each experiment."""
    said: list[Part] = []
    for name, frame in results.episodes.items():
        normal, heard = frame.where(frame["kind"] == ""), frame.where(frame["kind"] != "")
        hours = float(normal["seconds"].sum()) / 3600
        if hours <= 0:
            continue
        text = f"Events (`{name}`): {int(normal['n_events'].sum())} false ones in {hours:.2f} h"
        if "alarm_s" in frame:
            text += f", {float(normal['alarm_s'].sum()) / hours / 36:.2f} % of the time in alarm"
        for isr_db in (-10.0, 0.0):
            part = heard.where(heard["isr_db"] == isr_db)
            if len(part):
                found = part["detected"].astype(bool)
                text += f"; at {isr_text(isr_db)} dB {found.sum()} of {len(part)} found"
        said.append(f"{text}.")
    return said


def held_back(main: DetectionScores, best: str, isrs_db: list[float]) -> list[Part]:
    """Return tables by share of the horizon, INR, neighbours, observers and kinds.

    Every part ranks the segments of the ISRs together against all normal segments.
    """
    frame = main.frame
    if "share" not in frame or "neighbour" not in frame:
        return []
    is_on = np.isin(frame["mode"], MODES)
    is_asked = np.isin(frame["isr_db"], isrs_db)
    at = f"at {', '.join(isr_text(isr) for isr in isrs_db)} dB together"
    parts: list[Part] = []
    fifth = np.minimum((frame["share"] * 5).astype(int), 4)
    words = np.array([f"{20 * n} to {20 * n + 20} %" for n in range(5)])
    shares = main.regrouped(words[fifth], is_asked & np.isin(frame["mode"], ("glimpse", "onset")))
    parts.append(
        _by_label(shares, best, ["glimpse", "onset"], f"Onset by share of the horizon {at}")
    )
    inr_db = 10 * np.floor(np.nan_to_num(frame["inr_db"]) / 10).astype(int)
    labels = np.array([f"{low:+d} to {low + 10:+d} dB" for low in inr_db.tolist()])
    by_noise = main.regrouped(labels, is_on & np.isfinite(frame["inr_db"]))
    parts.append(_by_label(by_noise, best, MODES, "All ISRs by interferer over noise (INR)"))
    on_air = np.where(frame["neighbour"], " dB, a neighbour is on the air", " dB, no neighbour")
    isr_words = np.array([f"{isr:+g}" for isr in np.nan_to_num(frame["isr_db"]).tolist()])
    cells = main.regrouped(np.char.add(isr_words, on_air), is_on & is_asked)
    parts.append(_by_label(cells, best, MODES, "By ISR and neighbour cells"))
    who = np.char.add(np.char.add(frame["seed"].astype(str), "/"), frame["observer"].astype(str))
    tag = np.where(frame["neighbour"], ", neighbour", "")
    who = np.char.add(who, tag)
    if main.has_thresholds(RATE):
        parts.append(_at_one_threshold(main, best, who, is_on & is_asked, at))
    observers = main.regrouped(who, is_on & is_asked)
    parts.append(_by_label(observers, best, MODES, f"Observers {at}, worst first", worst=True))
    kinds = main.regrouped(frame["kind"].astype(np.str_), is_on & is_asked)
    parts.append(_by_label(kinds, best, MODES, f"Kinds {at}, worst first", worst=True))
    return parts


def _at_one_threshold(
    main: DetectionScores,
    best: str,
    who: NDArray[np.str_],
    is_asked: NDArray[np.bool_],
    at: str,
) -> Table:
    """Return what one threshold for all observers does to each of them."""
    frame, scores = main.frame, main.bench.scores(best, "site")
    threshold = float(main.measured(best, True).thresholds[RATES.index(RATE)])
    is_test = frame["split"] == "test"
    rows: list[tuple[Cell, ...]] = []
    for name in np.unique(who[is_test]).tolist():
        own = is_test & (who == name)
        normal, on = scores[own & (frame["mode"] == "normal")], scores[own & is_asked]
        if len(normal) and len(on):
            usual = float(np.quantile(normal, 1 - RATE, method="inverted_cdf"))
            shares = (np.mean(normal > threshold), np.mean(on > threshold), np.mean(on > usual))
            rows.append((name, *(100 * float(share) for share in shares)))
    note = (
        f"The threshold, {threshold:.2f} deviations, is that of {RATE:.0%} of the segments of all "
        "calibration observers; one of them whose scores drift raises it for everybody, which is "
        "why a site is better calibrated by itself. The last column is at the quantile of the "
        "observer's own normal segments, which nobody knows beforehand."
    )
    titles = ("observer", "false, %", "found, %", "found at its own, %")
    return Table(f"`{best}`: one threshold for all observers, {at}", titles, rows, note, ".1f")


def _by_label(
    scores: DetectionScores | None,
    best: str,
    modes: Iterable[str],
    name: str,
    worst: bool = False,
) -> Part:
    if scores is None:
        return f"{name}: left out, there are no such segments."
    areas = scores.auc(best, True)
    modes = [mode for mode in modes if scores.pick([mode]).any()]
    rows: list[tuple[Cell, ...]] = []
    for label in scores.labels:
        masks = [scores.pick([mode], [label]) for mode in modes]
        if "glimpse" in modes:
            # Parts of one mode: what lies below a fifth of the horizon has a name of its own.
            masks = [scores.pick(modes, [label])]
        cells = [interval(mean_of(areas, mask)) if mask.any() else None for mask in masks]
        rows.append((label, scores.n_rows_of(label), *cells))
    if worst:
        rows = sorted(rows, key=_middle)[:_N_WORST]
    titles = ["onset"] if "glimpse" in modes else modes
    return Table(f"`{best}`: {name}", ("", "segments", *titles), rows, "", ".3f")


def _middle(row: tuple[Cell, ...]) -> float:
    values = [cell.value for cell in row if isinstance(cell, Interval)]
    return float(np.nanmean(values)) if values else float("inf")
