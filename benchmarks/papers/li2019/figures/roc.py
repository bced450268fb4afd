"""ROC curves: Figures 4, 5, 12 and 13."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.papers.li2019.figures.style import (
    COLOURS,
    FAR,
    legend_below,
    panels,
    roc_axes,
    roc_curve,
)
from benchmarks.papers.li2019.published import RIVALS
from converter.report.amounts import amount, isr_text
from converter.report.detection_scores import DetectionScores, mean_of
from converter.report.document import Picture
from converter.report.kinship import LAST_LAYER, Kin, Kinship
from converter.report.results import Results

__all__ = ["figure_4", "figure_5", "figure_12", "figure_13"]

_PICTURE_ONLY = "The paper's curves are a picture, whose figures we do not have."


@dataclass(frozen=True, slots=True)
class _Curve:
    detection: DetectionScores
    scorer: str
    label: str
    colour: str
    linestyle: str = "-"
    site: bool = False


def _isr_db(detection: DetectionScores) -> float | None:
    """Return the ISR nearest to 0 dB, where curves are apart; None without interferers."""
    return min(detection.isrs_db, key=abs, default=None)


def _draw(
    path: Path, shown: Mapping[str, Sequence[_Curve]]
) -> dict[str, dict[str, list[list[float]]]]:
    """Draw a panel of curves for each title, and return their points."""
    figures: dict[str, dict[str, list[list[float]]]] = {}
    with panels(path, len(shown)) as axes:
        for number, (axis, (title, curves)) in enumerate(zip(axes, shown.items(), strict=True)):
            roc_axes(axis, title, number % 3 == 0)
            figures[title] = {}
            for curve in curves:
                isr_db = _isr_db(curve.detection)
                cells = curve.detection.pick(isrs_db=None if isr_db is None else [isr_db])
                draws = curve.detection.roc(curve.scorer, curve.site, cells, FAR)
                roc_curve(axis, draws, curve.colour, curve.label, curve.linestyle)
                figures[title][curve.label] = [FAR[::10].tolist(), draws[0, ::10].tolist()]
            legend_below(axis)
    return figures


def _at(detection: DetectionScores) -> str:
    isr_db = _isr_db(detection)
    words = "all interferers" if isr_db is None else f"all interferers at ISR {isr_text(isr_db)} dB"
    return f"{words}, onset and persistent together"


def figure_4(results: Results, folder: Path) -> Picture | str:
    """The LSTM beside classical scores."""
    kinship, main = results.kinship, results.main
    if kinship is None or main is None or not main.isrs_db or kinship.unified not in main.scorers:
        return "Figure 4 is left out: no detection with the unified model on its population."
    named = {kinship.unified: "LSTM, one for all"}
    named |= {name: title for name, title in RIVALS.items() if name in main.scorers}
    rest = [s for s in main.scorers if not results.is_model(s) and s not in named and s != "random"]
    shown = {}
    for site, title in ((False, "raw scores, as in the paper"), (True, "standardised per site")):
        curves = [
            _Curve(main, name, label, COLOURS[i], site=site)
            for i, (name, label) in enumerate(named.items())
        ]
        if rest:
            best = max(rest, key=lambda s: float(mean_of(main.auc(s, site), main.pick())[0]))
            curves.append(_Curve(main, best, f"best simple: {best}", COLOURS[6], "--", site))
        shown[title] = curves
    path = folder / "figure-4.png"
    figures = _draw(path, shown)
    caption = (
        f"Figure 4 in our setting: {_at(main)}, {main.n_observers} unseen observers; bands are "
        "95 % intervals. The dashed curve is the simple score with the largest mean AUC. "
        f"The paper: the LSTM largely outperforms the other three. {_PICTURE_ONLY}"
    )
    return Picture(path.name, caption, figures)


def figure_5(results: Results, folder: Path) -> Picture | str:
    """A model at its own place and at others, and under way."""
    kinship = results.kinship
    shown: dict[str, list[_Curve]] = {}
    for kin in (Kin.PLACE, Kin.MOBILITY):
        for population in kinship.populations(kin) if kinship else []:
            own = kinship.own(population) if kinship else None
            detection = results.detection_with(population, own)
            if kinship is None or own is None or detection is None:
                continue
            curves = [_Curve(detection, own, "its own model", COLOURS[6])]
            others = [name for name in kinship.populations(kin) if name != population]
            for i, home in enumerate(others):
                foreign = kinship.own(home)
                if foreign in detection.scorers and foreign is not None:
                    colour = COLOURS[1 + i % 5]
                    curves.append(_Curve(detection, foreign, f"the one of {home}", colour))
            if kinship.unified in detection.scorers:
                curves.append(_Curve(detection, kinship.unified, "one for all", COLOURS[0], "--"))
            if len(curves) > 1:
                shown[f"at {population}"] = curves
    if not shown:
        return "Figure 5 is left out: no detection with models of other places or movements."
    path = folder / "figure-5.png"
    figures = _draw(path, shown)
    caption = (
        "Figure 5 in our setting: raw errors of models at their own place and elsewhere, "
        f"{_at(curves[0].detection)}. The paper: detection drops considerably at another place and "
        f"on a walking observer. {_PICTURE_ONLY}"
    )
    return Picture(path.name, caption, figures)


def figure_12(results: Results, folder: Path) -> Picture | str:
    """One curve for each band, with the band's own model."""
    kinship = results.kinship
    curves: list[_Curve] = []
    if kinship is not None:
        names = [kinship.home, *kinship.populations(Kin.BAND), *kinship.populations(Kin.UPLINK)]
        for name in names:
            own = kinship.unified if name == kinship.home else kinship.own(name)
            detection = results.detection_with(name, own)
            if own is not None and detection is not None and detection.isrs_db:
                style = "--" if kinship.kin(name) is Kin.UPLINK else "-"
                curves.append(
                    _Curve(detection, own, results.title_of(name), COLOURS[len(curves)], style)
                )
    if len(curves) < 2:
        return "Figure 12 is left out: detection was not run on several bands."
    path = folder / "figure-12.png"
    figures = _draw(path, {"each band with its own model": curves})
    caption = (
        f"Figure 12 in our setting: raw errors, {_at(curves[0].detection)}. The paper: the three "
        f"downlink bands are on par, the uplink is less effective. {_PICTURE_ONLY}"
    )
    return Picture(path.name, caption, figures)


def figure_13(results: Results, folder: Path) -> Picture | str:
    """The unified model with and without the transform, transferred, and for each place."""
    kinship = results.kinship
    shown = {} if kinship is None else _panels_of_13(results, kinship)
    if not shown:
        return "Figure 13 is left out: no detection with models to compare the unified one with."
    path = folder / "figure-13.png"
    figures = _draw(path, shown)
    caption = (
        "Figure 13 in our setting: raw errors, all interferers at the ISR nearest to 0 dB. The "
        "paper: the unified model is on par with models for each place, and better than the one "
        f"without the transform; a transferred model is almost identical to self. {_PICTURE_ONLY}"
    )
    return Picture(path.name, caption, figures)


def _panels_of_13(results: Results, kinship: Kinship) -> dict[str, list[_Curve]]:
    shown: dict[str, list[_Curve]] = {}
    plain = kinship.variants(architecture="lstm", transform=False)[:1]
    detection = results.detection_with(kinship.home, kinship.unified, *plain)
    if plain and detection is not None:
        shown[f"transform or none, at {kinship.home}"] = [
            _Curve(detection, kinship.unified, "with the transform", COLOURS[0]),
            _Curve(detection, plain[0], "without", COLOURS[1]),
        ]
    for place in kinship.populations(Kin.PLACE):
        own = kinship.own(place)
        detection = results.detection_with(place, own, kinship.unified)
        if own is not None and detection is not None:
            shown[f"one model or the place's own, at {place}"] = [
                _Curve(detection, kinship.unified, "one for all", COLOURS[0]),
                _Curve(detection, own, "its own", COLOURS[6]),
            ]
            break
    for cell in kinship.targets(Kin.CELL):
        curves = _transferred(results, kinship, cell)
        if len(curves) > 1:
            shown[f"transferred or self, at {cell}"] = curves
            break
    return shown


def _transferred(results: Results, kinship: Kinship, cell: str) -> list[_Curve]:
    own = kinship.own(cell)
    detection = results.detection_with(cell, own)
    if own is None or detection is None:
        return []
    curves = [_Curve(detection, own, "self", COLOURS[6])]
    if kinship.unified in detection.scorers:
        curves.append(_Curve(detection, kinship.unified, "the other cell's", COLOURS[1], "--"))
    fitted = {
        name: spec
        for name, spec in kinship.transfers(cell).items()
        if spec.method in LAST_LAYER and name in detection.scorers
    }
    for i, (name, spec) in enumerate(fitted.items()):
        label = f"{spec.method}, {amount(kinship.seconds(name))}"
        curves.append(_Curve(detection, name, label, COLOURS[2 + i % 4]))
    return curves[:6]
