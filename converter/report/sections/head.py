"""What was run, on whom, where, and how long it took."""

from collections import defaultdict
from datetime import UTC, datetime

from converter.lab.measures.windows.sum_threshold import LENGTHS, RHO
from converter.lab.numbers.cells import LEAST_SHARE
from converter.lab.numbers.combined import COMBINED
from converter.report.amounts import amount
from converter.report.document import Part, Section, Table
from converter.report.results import Results
from edgespec import __version__
from edgespec.detect.scan.residual_scan import THRESHOLD

__all__ = ["facts", "head", "work_done"]

_LTE = "LTE-like signal, except where it says real captures"
_INTERVALS = (
    "Intervals are 95 %, by bootstrap over test observers (and blocks of segments within them, for "
    "detection), paired where two scores are compared on the same observers. Thresholds come from "
    "calibration observers, models from train and validation observers; test observers chose "
    "nothing."
)


def facts(results: Results, command: str) -> dict[str, object]:
    """Return what the figures depend on."""
    markers = results.markers.values()
    finished = sorted(str(m["finished_utc"]) for m in markers if m.get("finished_utc"))
    versions: dict[str, set[str]] = defaultdict(set)
    for marker in markers:
        for name, version in marker.get("versions", {}).items():
            versions[name].add(str(version))
    return {
        "experiment": results.experiment.name,
        "seed": results.experiment.seed,
        "geometry": str(results.experiment.geometry) if results.experiment.hears_samples else None,
        "machines": sorted({str(m.get("machine", "unknown")) for m in markers}),
        "versions": {name: sorted(found) for name, found in sorted(versions.items())},
        "first_finished_utc": finished[0] if finished else "",
        "last_finished_utc": finished[-1] if finished else "",
        "reported_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "report_version": __version__,
        "command": command,
    }


def head(results: Results, command: str) -> Section:
    """Return the first section."""
    known = facts(results, command)
    versions = ", ".join(
        f"{name} {' and '.join(found)}"
        for name, found in known["versions"].items()  # type: ignore[attr-defined]
    )
    machines: list[str] = known["machines"]  # type: ignore[assignment]
    whole = f"Experiment `{known['experiment']}`, seed {known['seed']}"
    hears_samples = results.experiment.hears_samples
    of_samples: list[Part] = [_INTERVALS, _constants(), _observers(results)]
    return Section(
        "What was run",
        [
            "**Simulated**: every figure here comes from simulated "
            f"{_LTE if hears_samples else 'sweeps'}. Errors in dB cannot be compared with those of "
            "the paper's own measurements; whether one model is better than another can.",
            f"{f'{whole}; {_segments(results)}' if hears_samples else whole}. Finished "
            f"{known['first_finished_utc'] or 'at an unknown time'} to "
            f"{known['last_finished_utc'] or 'an unknown time'} on "
            f"{', '.join(machines) or 'an unknown machine'} with {versions or 'unknown versions'}.",
            f"Made again by\n\n```\n{command}\n```",
            *(of_samples if hears_samples else []),
            *([_places(results)] if results.experiment.swept else []),
            work_done(results),
        ],
    )


def _segments(results: Results) -> str:
    """Say how samples become segments."""
    recipe = results.experiment.geometry
    frame_ms = 1e3 * recipe.framing.frame_s
    return (
        f"{recipe.sample_rate_hz / 1e6:g} MS/s, frames of {recipe.n_averages} averages of "
        f"{recipe.framing.n_bins} points ({frame_ms:.3g} ms), context "
        f"{frame_ms * recipe.n_context:.3g} ms, horizon {frame_ms * recipe.n_horizon:.3g} ms"
    )


def _places(results: Results) -> Table:
    """Return where sweeps are from: each place is in one split."""
    rows = [
        (name, places.band, *places.counts, f"{places.days:g}", places.n_past, places.n_future)
        for name, places in results.experiment.swept.items()
    ]
    columns = (
        *("places", "band", "train", "validation", "calibration", "test", "days of each"),
        *("sweeps seen", "sweeps judged"),
    )
    note = (
        "Forecasts are fitted to train places, thresholds set by calibration places; test places "
        "chose nothing. Intervals are in the file for machines: 95 %, by bootstrap over test "
        "places and blocks of segments within them."
    )
    return Table("Places", columns, rows, note)


def _constants() -> str:
    """Say what was fixed before any test observer was heard."""
    combinations = "; ".join(
        f"`{name}` of {', '.join(item.parts)}" for name, item in COMBINED.items()
    )
    return (
        "Constants, fixed before any test observer was heard: the first half of a warm-up teaches "
        "references, the second mean and spread of a site's scores; an onset counts from "
        f"{LEAST_SHARE:.0%} of its horizon on; the timing of a cell is held while its residual is "
        f"above {THRESHOLD:g} deviations; SumThreshold falls by {RHO:g} with each doubling up to "
        f"{LENGTHS[-1]}; combinations are {combinations}. Classifiers have the constants of "
        "`converter/lab/measures/learned.py`, the detector for any band those of its files."
    )


def _observers(results: Results) -> Table:
    rows = []
    for name in results.experiment.populations:
        o = results.experiment.observers_of(name)
        rows.append(
            (
                results.title_of(name),
                f"{o.train} x {o.train_s:g} s",
                f"{o.validation} x {o.validation_s:g} s",
                f"{o.calibration} x {o.calibration_s:g} s",
                f"{o.test} x {o.test_s:g} s",
                o.n_seeds,
            )
        )
    columns = ("population", "train", "validation", "calibration", "test, each seed", "test seeds")
    note = (
        "Observers of one population, each with a scene of its own. Detection and episodes listen "
        "to the same observers for as long as they need."
    )
    return Table("Observers", columns, rows, note)


def work_done(results: Results) -> Table | str:
    """Return wall and CPU time by kind of task, the first part of a task's name."""
    if not results.markers:
        return "No task of the folder is marked as done, so its times are not known."
    walls: dict[str, list[float]] = defaultdict(list)
    cpus: dict[str, float] = defaultdict(float)
    for name, marker in results.markers.items():
        kind = name.partition(".")[0]
        walls[kind].append(float(marker.get("wall_s", 0.0)))
        cpus[kind] += float(marker.get("cpu_s", 0.0))
    rows = [
        (kind, len(walls[kind]), amount(sum(walls[kind])), amount(cpus[kind]))
        for kind in sorted(walls, key=lambda kind: -sum(walls[kind]))
    ]
    total = sum(map(sum, walls.values()))
    rows.append(("all", len(results.markers), amount(total), amount(sum(cpus.values()))))
    note = "Wall time is summed over tasks; those that ran side by side count each."
    return Table("Time", ("task", "number", "wall", "CPU"), rows, note)
