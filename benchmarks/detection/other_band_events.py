"""False events, and interferers found, in simulated bands without a cell.

``python -m benchmarks.detection.other_band_events --kept FILE`` plays observers of each service,
that nothing was tuned on, through the device's chain: first what is normal, of which the first
minute teaches the rhythm of the band, then six kinds at four ISRs to the strongest transmission.
Every observer that is through is a line of the file; run again with more rounds it goes on.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.detection.listener import Listener
from benchmarks.record import facts, save_rows
from converter.lab.experiment import Episodes
from converter.lab.measures.episodes import schedule
from converter.lab.measures.hop_chain import open_hop_chain
from converter.report.markdown_table import markdown_table
from converter.simulate.population import Population
from converter.simulate.specs import RecordingSpec
from edgespec.config import DetectConfig
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.snapshot import snapshot_of
from edgespec.records import IqBlock, SourceInfo
from edgespec.simulate.config import SERVICE_NAMES
from edgespec.simulate.scene import Scene

__all__ = ["SETS", "main", "markdown", "observe"]

#: Of the first round; nothing was tuned on these observers.
_SEED = 7_330_000
SETS = {
    "zscore, energy": ("zscore", "energy"),
    "with any-band": ("zscore", "energy", "any-band"),
}
_KINDS = ("tone", "chirp", "pulse", "wideband-pulse", "barrage", "qpsk")
_ISRS_DB = (-20.0, -10.0, 0.0, 10.0)
_ON_S, _OFF_S = 0.3, 0.9


def observe(spec: RecordingSpec, service: str, round_seed: int) -> dict[str, Any]:
    """Return what the chains of all sets said of one observer, whose normal signal comes first."""
    rate_hz = spec.scene.sample_rate_hz
    recipe, bundle = Recipe.for_rate(rate_hz), load_bundle(shipped_bundle_path())
    receiver = spec.scene.receiver
    info = SourceInfo("simulated", rate_hz, spec.center_freq_hz, receiver.sample_format, False)
    listeners = {}
    for name, detectors in SETS.items():
        detect = DetectConfig(detectors=detectors)
        chain = open_hop_chain(Basis.without_bundle(recipe, detect, bundle), info, detect)
        listeners[name] = Listener(chain, recipe.geometry.hop_s)
    asked = Episodes(
        "bands", "", "", kinds=_KINDS, isrs_db=_ISRS_DB, warmup_s=0.0,
        normal_s=spec.duration_s, on_s=_ON_S, off_s=_OFF_S,
    )  # fmt: skip
    episodes = schedule(spec, recipe, asked)
    scene = replace(spec.scene, interferers=tuple(one.interferer for one in episodes))
    source, hop = Scene(scene, spec.seed), recipe.hop_samples
    buffer = scene.receiver.sample_format.empty(hop)
    first_on = episodes[0].on
    n_known = 0
    for start in range(0, spec.n_samples + round(len(episodes) * (_ON_S + _OFF_S) * rate_hz), hop):
        source.read_into(buffer)
        utc_ns = round(start / rate_hz * 1e9)
        block = IqBlock(buffer, rate_hz, spec.center_freq_hz, start, utc_ns)
        for listener in listeners.values():
            listener.hear(block, is_normal=start + hop <= first_on)
        last = listeners["with any-band"].chain.last
        is_known = last is not None and any(one.detector == "any-band" for one in last.scores)
        n_known += is_known and start + hop <= first_on
    for listener in listeners.values():
        for event in listener.chain.finish():
            listener.last[event.event_id] = event
    memory = recipe.samples_in(recipe.geometry.n_segment + DetectConfig().n * recipe.hop_frames)
    return {
        "observer": spec.name,
        "service": service,
        "round": round_seed,
        "rate_hz": rate_hz,
        "known_s": n_known * recipe.geometry.hop_s,
        "rhythm": str(snapshot_of(listeners["with any-band"].chain).rhythm),
        "sets": {
            name: {
                "scored_s": listener.scored_s,
                "alarm_s": listener.alarm_s,
                "most": listener.most,
                "events": [
                    [round(one.opened_s, 2), round(one.duration_s, 2), one.detector, one.kind,
                     round(one.score / one.threshold, 2)]
                    for one in listener.false_events(first_on, rate_hz, spec.center_freq_hz)
                ],
            }
            for name, listener in listeners.items()
        },
        "episodes": [
            {
                "kind": one.interferer.kind,
                "isr_db": one.interferer.isr_db,
                "found": {
                    name: found[1]
                    for name, listener in listeners.items()
                    if (found := listener.first_in(one.on, one.off + memory)) is not None
                },
            }
            for one in episodes
        ],
    }  # fmt: skip


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return a line for each service and set, and every false event."""
    table, told = [], []
    for service in sorted({row["service"] for row in rows}):
        own = [row for row in rows if row["service"] == service]
        episodes = [one for row in own for one in row["episodes"]]
        for name in SETS:
            heard = [row["sets"][name] for row in own]
            scored_s = sum(one["scored_s"] for one in heard)
            cells: list[object] = [
                service, name, len(own), f"{scored_s / 60:.1f}",
                f"{sum(row['known_s'] for row in own) / 60:.1f}" if "any" in name else "",
                sum(len(one["events"]) for one in heard),
                f"{sum(one['alarm_s'] for one in heard) / max(scored_s, 1e-9):.2%}",
            ]  # fmt: skip
            for isr_db in _ISRS_DB:
                some = [one for one in episodes if one["isr_db"] == isr_db]
                cells.append(f"{sum(name in one['found'] for one in some)} of {len(some)}")
            table.append(cells)
            told += [
                [service, row["observer"], row["round"] - _SEED, name, *event]
                for row in own
                for event in row["sets"][name]["events"]
            ]
    head = ["band", "detectors", "observers", "min scored", "by any-band", "false events",
            "in alarm", *(f"found, {isr_db:+.0f} dB" for isr_db in _ISRS_DB)]  # fmt: skip
    text = f"{markdown_table(head, table)}\n"
    if told:
        head = ["band", "observer", "round", "detectors", "at, s", "for, s", "by", "called",
                "score / threshold"]  # fmt: skip
        text += f"\nEvery false event:\n\n{markdown_table(head, told)}\n"
    return text


@click.command()
@click.option("--rounds", default="0", help="Numbers of rounds, such as 0,1: each new observers.")
@click.option(
    "--service",
    "services",
    type=click.Choice(SERVICE_NAMES),
    multiple=True,
    default=SERVICE_NAMES,
    help="What is heard; all.",
)
@click.option("--seconds", default=120.0, help="Normal signal of each.")
@click.option("--rate", "rate_hz", default=2.4e6, help="Sample rate, S/s.")
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    rounds: str, services: tuple[str, ...], seconds: float, rate_hz: float, kept: Path, save: bool
) -> None:
    """Count false events, and interferers found, in bands without a cell."""
    done = {(row["service"], row["round"]) for row in read_rows(kept)}
    for number in (int(one) for one in rounds.split(",") if one):
        for service in services:
            seed = _SEED + number
            if (service, seed) in done:
                continue
            population = Population(service=service, contexts=("static",))
            for spec in population.specs(1, seconds, rate_hz, seed):
                row = observe(spec, service, seed)
                keep_row(kept, row)
                counts = {name: len(one["events"]) for name, one in row["sets"].items()}
                click.echo(f"{number} {service} {row['rhythm']} {counts}", err=True)
    rows = read_rows(kept)
    title = "Events in bands without a cell"
    click.echo(save_rows("other_band_events", title, facts(), rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
