"""The residuals published with Schoesser et al. 2024: their AUCs again, and ours beside them.

``python -m benchmarks.papers.schoesser2024.published`` reads the files
``dt_scene0_measurements{0,2}.npz`` in ``../shared/data``, which is no part of this project.
"""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.papers.schoesser2024.published_report import draw, facts, markdown
from benchmarks.papers.schoesser2024.scores import FALSE_ALARMS, auc, roc
from benchmarks.papers.schoesser2024.targets import (
    DETECTORS,
    FALSE_ALARM_RATE,
    HEIGHTS_M,
    SIGMAS_DB,
    shortfalls,
)
from benchmarks.record import DATA, RESULTS, SITES
from edgespec.errors import QualityError
from edgespec.twin.detectors.detector import Detector
from edgespec.twin.detectors.detectors import make_detector
from edgespec.twin.detectors.energy import Energy
from edgespec.twin.detectors.lof import LocalOutlierFactor
from edgespec.twin.detectors.matched import Matched
from edgespec.twin.expected import Expectation
from edgespec.twin.fusion import Fusion, fit_limits, history_windows
from edgespec.twin.learning.history import History
from edgespec.twin.learning.normal import learn_normal
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.propagation.path_gain import PathGain
from edgespec.twin.site import Site, load_site

__all__ = ["main"]

FloatArray = NDArray[np.float64]

ERRORS = ("sample", "static")
N_FOLDS = 5
#: Published units at 5 m touch the ceiling; the maps are of 4.8 m.
_MAPS_HEIGHT_M = 4.8


@dataclass(frozen=True, slots=True, eq=False)
class Published:
    """One published set: residuals ``(n, 12)``, labels, and places of transmitters and jammer."""

    name: int
    residual_db: FloatArray
    is_jammed: NDArray[np.bool_]
    transmitters_m: FloatArray
    power_dbm: FloatArray
    jammer_m: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """What the likelihood detector knows of the hall: its site, and the expected levels."""

    site: Site
    gain: PathGain
    expected_dbm: FloatArray


def read(name: int) -> Published:
    """Return a published set."""
    with np.load(DATA / f"dt_scene0_measurements{name}.npz") as file:
        return Published(
            name,
            file["diff_db"],
            file["label"] == 1,
            file["tx_pos_m"],
            file["tx_power_dbm"],
            file["jammer_pos_m"],
        )


def model_of(data: Published, kind: str) -> Model:
    """Return the hall with one kind of path gain; the set has residuals only, no levels."""
    site = load_site(SITES / "hall.toml")
    height_m = HEIGHTS_M[data.name]
    maps_m = min(height_m, _MAPS_HEIGHT_M)
    is_traced = kind == "maps"
    propagation = replace(
        site.propagation, model=kind, file=SITES / "hall-maps.npz" if is_traced else None
    )
    site = replace(
        site,
        n_subbands=1,
        transmitter=(),
        unit=tuple(replace(one, z_m=maps_m if is_traced else height_m) for one in site.unit),
        propagation=propagation,
        detect=replace(site.detect, averages=1, false_alarm_rate=FALSE_ALARM_RATE),
    )
    gain = path_gain(site)
    noise_mw = Expectation(site, gain).noise_mw
    n, n_transmitters, _ = data.transmitters_m.shape
    gain_db = gain.gains_db(data.transmitters_m.reshape(-1, 3)).reshape(n, n_transmitters, -1)
    arriving_dbm = data.power_dbm[:, :, None] + gain_db
    expected_mw = (10.0 ** (arriving_dbm / 10.0)).sum(axis=1) + noise_mw
    return Model(site, gain, 10.0 * np.log10(expected_mw))


def folds(data: Published, rng: np.random.Generator) -> list[tuple[NDArray[Any], NDArray[Any]]]:
    """Return training normals and a balanced test part for each fold, as the authors."""
    order = rng.permutation(len(data.residual_db))
    found = []
    for part in np.array_split(order, N_FOLDS):
        training = np.setdiff1d(order, part)
        normal, jammed = part[~data.is_jammed[part]], part[data.is_jammed[part]]
        n = min(len(normal), len(jammed))
        found.append((training[~data.is_jammed[training]], np.append(normal[:n], jammed[:n])))
    return found


def wrong(data: Published, error: str, sigma_db: float, rng: np.random.Generator) -> FloatArray:
    """Return residuals with a model error: anew for each sample, or once for each unit."""
    n, n_units = data.residual_db.shape
    return data.residual_db + sigma_db * rng.normal(size=(n if error == "sample" else 1, n_units))


def run_set(data: Published, error: str, sigma_db: float, models: dict[str, Model]) -> Any:
    """Return for each detector AUC, ROC and detection rate, as means over the folds."""
    rng = np.random.default_rng((data.name, ERRORS.index(error), round(10 * sigma_db)))
    residual_db = wrong(data, error, sigma_db, rng)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in DETECTORS}
    for training, test in folds(data, rng):
        for name in DETECTORS:
            model = models["maps" if name.endswith("ray-traced") else "log-distance"]
            found[name].append(one_fold(name, data, residual_db, model, training, test))
    return {name: _mean(results) for name, results in found.items()}


def one_fold(
    name: str,
    data: Published,
    residual_db: FloatArray,
    model: Model,
    training: NDArray[Any],
    test: NDArray[Any],
) -> dict[str, Any]:
    """Return AUC, ROC, time and rates of one detector, trained on one part, tested on another."""
    past = History.of_residuals(residual_db[training], model.expected_dbm[training])
    normal = learn_normal(past, (1,))
    detector = _detector(name, model, past)
    now = History.of_residuals(residual_db[test], model.expected_dbm[test])
    windows = history_windows(now, normal, 0, 1)
    is_jammed = data.is_jammed[test]
    begun = time.perf_counter()
    if isinstance(detector, LocalOutlierFactor):
        scores = detector.factors(now.total_db)
    else:
        scores = np.array([detector.score(window) for window in windows])
    seconds = (time.perf_counter() - begun) / len(windows)
    result = {
        "auc": auc(scores[~is_jammed], scores[is_jammed]),
        "roc": roc(scores[~is_jammed], scores[is_jammed]),
        "us": 1e6 * seconds,
    }
    if not isinstance(detector, LocalOutlierFactor):
        limits = fit_limits(model.site, past, normal, (detector,))
        for n in (1, 2):
            site = replace(model.site, detect=replace(model.site.detect, witnesses=n))
            fusion = Fusion(site, (detector,), limits)
            alarms = np.array([fusion.fuse(0, window).is_alarm for window in windows])
            result[f"p_fa_{n}"] = float(alarms[~is_jammed].mean())
            result[f"p_d_{n}"] = float(alarms[is_jammed].mean())
    return result


def _detector(name: str, model: Model, past: History) -> Detector:
    if name == "energy":
        return Energy()
    if name == "matched":
        return Matched()
    if name.startswith("lof"):
        return LocalOutlierFactor(past.total_db, is_centred=name == "lof")
    return make_detector("likelihood", model.site, model.gain.grid())


def _mean(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Return means over the folds, and the spread of the AUC."""
    mean = {key: np.mean([one[key] for one in results], axis=0) for key in results[0]}
    plain = {key: np.round(value, 4).tolist() for key, value in mean.items()}
    plain["auc_std"] = float(np.std([one["auc"] for one in results], ddof=1))
    return plain


def run(progress: bool) -> dict[str, Any]:
    """Return all results, by ``set/error/sigma``."""
    results: dict[str, Any] = {}
    for name in HEIGHTS_M:
        data = read(name)
        models = {kind: model_of(data, kind) for kind in ("log-distance", "maps")}
        for error in ERRORS:
            # Without an added error both kinds are one.
            for sigma_db in SIGMAS_DB if error == "sample" else SIGMAS_DB[1:]:
                key = f"{name}/{error}/{sigma_db:g}"
                results[key] = run_set(data, error, sigma_db, models)
                if progress:
                    aucs = {one: round(value["auc"], 4) for one, value in results[key].items()}
                    click.echo(f"{key}: {aucs}", err=True)
    return results


@click.command(help=__doc__)
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=RESULTS / "schoesser2024",
    help="Folder to write to.",
)
def main(as_json: bool, out: Path) -> None:
    """Run, write ``published.{json,md,png}``, and fail where a published AUC is not met."""
    results = run(progress=not as_json)
    out.mkdir(parents=True, exist_ok=True)
    report = {"machine": facts(), "false_alarms": FALSE_ALARMS.tolist(), "results": results}
    text = json.dumps(report)
    (out / "published.json").write_text(text + "\n", encoding="utf-8")
    (out / "published.md").write_text(markdown(report), encoding="utf-8")
    draw(report, out / "published.png")
    if as_json:
        click.echo(text)
    missed = shortfalls(results)
    if missed:
        raise QualityError("; ".join(missed))


if __name__ == "__main__":
    main()
