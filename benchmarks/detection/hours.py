"""Hours of normal traffic through the device's chain: false events, each of them told.

``python -m benchmarks.detection.hours --kept hours.jsonl`` plays observers of simulated LTE cells,
still, walking and driving, some beside a neighbour cell, through one chain for each set of
detectors; with ``--uplink`` some hear users in place of a cell. Behind the normal signal each
observer hears interferers of drawn kinds, ISRs and places, so that what a set finds stands beside
what it raises for nothing. Every observer that is through is a line of ``hours.jsonl``; run again,
the script goes on where it was, and more rounds or rates are added to what is there. With
``--rounds ''`` it tells what there is so far.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict, dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from time import process_time
from typing import Any

import click

from benchmarks.detection.hours_tables import markdown
from benchmarks.detection.kept_rows import check_unpacked, keep_row, read_rows
from benchmarks.detection.listener import Listener
from benchmarks.detection.taught_listener import Taught
from benchmarks.record import commit, facts, save_rows
from converter.lab.experiment import Episodes
from converter.lab.measures.episodes import Episode, schedule
from converter.lab.measures.hop_chain import open_hop_chain
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.alerts.incidents import IncidentTable
from edgespec.config import DetectConfig
from edgespec.detect.peaks import BLOCK_S, EventPeaks
from edgespec.detect.rules import EventRules
from edgespec.errors import UsageError
from edgespec.framing import Recipe
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.budget_watch import BudgetWatch
from edgespec.records import IqBlock, SourceInfo
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.interferers import KINDS, complete
from edgespec.simulate.scene import Scene

__all__ = ["Play", "main", "observe", "played", "plays"]

#: Of the first round; the next round has the next seed. Nothing was tuned on these observers.
SEED = 7_110_000
#: Of the observers of an uplink, which are drawn by seeds of their own.
UPLINK_SEED = 8_110_000
#: One observer of an uplink comes behind so many of a downlink, as long as there are any.
_UPLINK_EVERY = 6
#: By name; those with ``model`` at the rate of the shipped bundle only. Beside a cell any-band has
#: nothing to say, and costs time.
DETECTOR_SETS: dict[str, tuple[str, ...]] = {
    "zscore, energy": ("zscore", "energy"),
    "residual, zscore, energy": ("residual", "zscore", "energy"),
    "residual, zscore, energy, any-band": ("residual", "zscore", "energy", "any-band"),
    ", ".join(DetectConfig().detectors): DetectConfig().detectors,
}
_KINDS = (
    "tone", "pulse", "chirp", "wideband", "wideband-pulse", "barrage", "sweep", "hop", "deceptive",
    "random-pulse", "ofdm-1m", "ofdm-2m", "ofdm-3m", "qpsk", "bpsk",
)  # fmt: skip
_ISRS_DB = (-20.0, -15.0, -10.0, -5.0, 0.0, 5.0, 10.0, 20.0)
_ON_S, _OFF_S = 0.4, 1.2


@dataclass(frozen=True, slots=True)
class Play:
    """One observer that is to be played, and with how many interferers behind its normal signal.

    ``sets`` are names of :data:`DETECTOR_SETS`, each of which hears it; they warm up as long as
    the device does by default, or ``warmup_s``. With a budget of events a day each hears it twice:
    by the usual thresholds, and by those that are kept to the budget as a live observer does. After
    ``taught_s`` of signal somebody calls normal all that was told until then.
    """

    spec: RecordingSpec
    round_seed: int
    n_episodes: int
    sets: tuple[str, ...] = tuple(DETECTOR_SETS)
    warmup_s: float = DetectConfig().warmup_s
    budget_per_day: float = 0.0
    taught_s: float = 0.0

    @property
    def key(self) -> tuple[str, int, float]:
        """What tells it from others."""
        return self.spec.name, self.round_seed, self.spec.scene.sample_rate_hz


def open_listeners(play: Play) -> tuple[Recipe, dict[str, Listener]]:
    """Return a chain for each set of detectors, as the device opens it at the observer's rate."""
    spec = play.spec
    bundle = load_bundle(shipped_bundle_path())
    receiver, rate_hz = spec.scene.receiver, spec.scene.sample_rate_hz
    has_model = rate_hz == bundle.manifest.recipe.sample_rate_hz
    recipe = bundle.manifest.recipe if has_model else Recipe.for_rate(rate_hz)
    info = SourceInfo("simulated", rate_hz, spec.center_freq_hz, receiver.sample_format, False)
    listeners = {}
    for name in play.sets:
        detectors = DETECTOR_SETS[name]
        if "model" in detectors and not has_model:
            continue
        detect = DetectConfig(detectors=detectors, warmup_s=play.warmup_s)
        if has_model:
            backend = open_backend(bundle) if "model" in detectors else None
            basis = Basis.of_bundle(bundle, backend, detect)
        else:
            basis = Basis.without_bundle(recipe, detect, bundle)
        chain = open_hop_chain(basis, info, detect)
        rules = EventRules(detect.k, detect.n, detect.hysteresis, detect.hold_off_s)
        hop_s = recipe.geometry.hop_s
        chain.peaks = EventPeaks(tuple(chain.thresholds), rules, hop_s)
        listeners[name] = Listener(chain, hop_s)
        if play.taught_s:
            slack_hz = 2.0 * chain.grid.bin_hz
            listeners[name].taught = Taught(IncidentTable({chain.info.band: slack_hz}))
        if play.budget_per_day:
            kept = open_hop_chain(basis, info, detect)
            kept.keep_to(BudgetWatch(play.budget_per_day, rules, hop_s, name))
            listeners[f"{name}; {play.budget_per_day:g} a day"] = Listener(kept, hop_s)
    return recipe, listeners


def episodes_of(play: Play, recipe: Recipe) -> list[Episode]:
    """Return the interferers behind the normal signal: drawn from all kinds and ISRs."""
    if not play.n_episodes:
        return []
    asked = Episodes(
        "hours",
        "",
        "",
        kinds=tuple(kind for kind in _KINDS if _fits(kind, recipe.sample_rate_hz)),
        isrs_db=_ISRS_DB,
        warmup_s=0.0,
        normal_s=play.spec.duration_s,
        on_s=_ON_S,
        off_s=_OFF_S,
    )
    return schedule(play.spec, recipe, asked)[: play.n_episodes]


def _fits(kind: str, rate_hz: float) -> bool:
    try:
        complete(InterfererConfig(kind), rate_hz)
    except UsageError:
        return False
    return kind in KINDS


def observe(play: Play) -> dict[str, Any]:
    """Return what the chains of all sets said of one observer.

    ``duration_s`` of its specification is that of the normal signal, warm-up included. An event
    belongs to an interferer when it opened after its begin and before all that could show it had
    passed.
    """
    spec, rate_hz = play.spec, play.spec.scene.sample_rate_hz
    begun_s = process_time()
    recipe, listeners = open_listeners(play)
    hop = recipe.hop_samples
    normal_stop = spec.n_samples
    episodes = episodes_of(play, recipe)
    scene = replace(spec.scene, interferers=tuple(one.interferer for one in episodes))
    total = normal_stop + round(len(episodes) * (_ON_S + _OFF_S) * rate_hz)
    source, buffer = Scene(scene, spec.seed), scene.receiver.sample_format.empty(hop)
    first_on = episodes[0].on if episodes else total
    taught = round(play.taught_s * rate_hz)
    for start in range(0, total - hop + 1, hop):
        source.read_into(buffer)
        utc_ns = round(start / rate_hz * 1e9)
        block = IqBlock(buffer, rate_hz, spec.center_freq_hz, start, utc_ns)
        for listener in listeners.values():
            listener.hear(block, is_normal=start + hop <= first_on)
            if listener.taught is not None and start < taught <= start + hop:
                listener.taught.teach()
    for listener in listeners.values():
        listener.end_normal()
        for event in listener.chain.finish():
            listener.last[event.event_id] = event
    memory = recipe.samples_in(recipe.geometry.n_segment + DetectConfig().n * recipe.hop_frames)
    fullest = list(listeners.values())[-1]
    heard = None if fullest.chain.cancelled is None else fullest.chain.cancelled.heard
    scale = None if fullest.chain.cancelled is None else fullest.chain.cancelled._scale.site
    return {
        "observer": spec.name,
        "round": play.round_seed,
        "rate_hz": rate_hz,
        "commit": commit(),
        "cost_s": process_time() - begun_s,
        "signal_s": total / rate_hz,
        "taught_s": play.taught_s,
        "context": spec.context,
        "direction": "dl" if spec.scene.uplink is None else "ul",
        "traffic": "steady" if spec.scene.cell.user_groups else "bursty",
        "neighbour": bool(spec.scene.neighbours),
        "cell": "" if heard is None else str(heard.state),
        "distrust": "" if heard is None else heard.distrust,
        "scale": [0.0, 0.0] if scale is None else [scale.mean, scale.std],
        "sets": {
            name: {
                "scored_s": listener.scored_s,
                "alarm_s": listener.alarm_s,
                "most": listener.most,
                "n_above": listener.n_above,
                "block_s": BLOCK_S,
                "peaks": listener.peaks,
                "raised_before": listener.raised,
                "alerts_s": [at / rate_hz for at in listener.alerts_in(taught, first_on)],
                "events": [
                    asdict(event)
                    for event in listener.false_events(first_on, rate_hz, spec.center_freq_hz)
                ],
            }
            for name, listener in listeners.items()
        },
        "episodes": [
            {
                "kind": one.interferer.kind,
                "isr_db": one.interferer.isr_db,
                "offset_hz": one.interferer.offset_hz,
                "found": {
                    name: [(at - one.on) / rate_hz * 1e3, detector]
                    for name, listener in listeners.items()
                    for first in (listener.first_in(one.on, one.off + memory),)
                    if first is not None
                    for at, detector in (first,)
                },
                "alerted": {
                    name: (at[0] - one.on) / rate_hz * 1e3
                    for name, listener in listeners.items()
                    for at in (listener.alerts_in(one.on, one.off + memory),)
                    if at
                },
                "rises": {
                    name: [((at - one.on) / rate_hz * 1e3, value) for at, value in rises]
                    for name, rises in fullest.rises_in(one.on, one.off + memory).items()
                },
            }
            for one in episodes
        ],
    }


def plays(
    rounds: Sequence[int],
    n_observers: int,
    seconds: float,
    rate_hz: float,
    n_episodes: int,
    sets: tuple[str, ...] = tuple(DETECTOR_SETS),
    warmup_s: float = DetectConfig().warmup_s,
    n_uplink: int = 0,
    budget_per_day: float = 0.0,
    taught_s: float = 0.0,
) -> Iterator[Play]:
    """Yield all observers of all rounds, which have their own seeds.

    So that any beginning of it is a mixture, those of an uplink are spread over the others.
    """
    for number in rounds:
        specs: list[RecordingSpec] = []
        if n_observers:
            specs = Population().specs(n_observers, seconds, rate_hz, SEED + number)
        users: list[RecordingSpec] = []
        if n_uplink:
            users = Population("ul").specs(n_uplink, seconds, rate_hz, UPLINK_SEED + number)
        for place, spec in enumerate(users):
            named = replace(spec, name=f"uplink-{spec.name}")
            specs.insert((_UPLINK_EVERY + 1) * place + _UPLINK_EVERY, named)
        for spec in specs:
            yield Play(spec, SEED + number, n_episodes, sets, warmup_s, budget_per_day, taught_s)


def played(asked: Sequence[Play], n_workers: int) -> Iterator[dict[str, Any]]:
    """Yield what became of each, as they come."""
    if n_workers <= 1:
        yield from map(observe, asked)
        return
    with ProcessPoolExecutor(n_workers, mp_context=get_context("spawn")) as pool:
        for one in as_completed([pool.submit(observe, play) for play in asked]):
            yield one.result()


@click.command()
@click.option("--rounds", default="0", help="Numbers of rounds, such as 0,1,2: each new observers.")
@click.option("--observers", "n_observers", default=36, help="Of a round.")
@click.option("--uplink", "n_uplink", default=0, help="More of a round, who hear users.")
@click.option("--seconds", default=60.0, help="Normal signal of each, warm-up included.")
@click.option("--rate", "rate_hz", default=1.92e6, help="Sample rate, S/s.")
@click.option("--interferers", default=0, help="Heard behind it by each observer.")
@click.option(
    "--set",
    "sets",
    type=click.Choice(list(DETECTOR_SETS)),
    multiple=True,
    default=list(DETECTOR_SETS),
    help="Detectors that hear it, together; all sets.",
)
@click.option("--warmup", "warmup_s", default=DetectConfig().warmup_s, help="Of each, s.")
@click.option(
    "--budget",
    "budget_per_day",
    default=0.0,
    help="Events a day: each set is heard once more, and raises its thresholds to keep to them.",
)
@click.option(
    "--taught", "taught_s", default=0.0, help="Then somebody calls normal what was told so far, s."
)
@click.option("--workers", default=1, help="Processes.")
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    rounds: str, n_observers: int, n_uplink: int, seconds: float, rate_hz: float,
    interferers: int, sets: tuple[str, ...], warmup_s: float, budget_per_day: float,
    taught_s: float, workers: int, kept: Path, save: bool,
) -> None:  # fmt: skip
    """Count false events of hours of normal traffic, and what is found behind it."""
    done = {(row["observer"], row["round"], row["rate_hz"]) for row in read_rows(kept)}
    numbers = [int(one) for one in rounds.split(",") if one]
    asked = plays(
        numbers,
        n_observers,
        seconds,
        rate_hz,
        interferers,
        sets,
        warmup_s,
        n_uplink,
        budget_per_day,
        taught_s,
    )
    left = [play for play in asked if play.key not in done]
    if left:
        check_unpacked(kept)
    for number, row in enumerate(played(left, workers), 1):
        keep_row(kept, row)
        counts = {name: len(one["events"]) for name, one in row["sets"].items()}
        cost = f"{row['cost_s'] / row['signal_s']:.3f} CPU s a second"
        click.echo(
            f"{number} of {len(left)}: {row['round']} {row['observer']} {row['cell']}, {cost}, "
            f"{counts}",
            err=True,
        )
    rows = read_rows(kept)
    # Half a million numbers, which stay in the file.
    for one in (heard for row in rows for heard in row["sets"].values()):
        one.pop("peaks", None)
    for one in (episode for row in rows for episode in row["episodes"]):
        one.pop("rises", None)
    title = "Hours of normal traffic, and interferers behind it"
    click.echo(save_rows("hours", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
