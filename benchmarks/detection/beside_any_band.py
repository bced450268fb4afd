"""Who is to watch beside any-band, and before it: false events and found, for every set.

``python -m benchmarks.detection.beside_any_band --kept FILE`` hears bands that are drawn (frames of
noise, of bursts of four devices, of hoppers), simulated services, and real recordings without a
cell, first as they are, then with interferers at an ISR to the strongest transmission. Every band
that is through is a line of the file; run again it goes on. Events are counted as the device
counts them (two of three hops, hysteresis, hold-off); steps of the gain are not looked for.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import process_time
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.any_band_hours import BANDS, Band
from benchmarks.detection.beside_heard import SETS, Ear, events_of
from benchmarks.detection.beside_tables import markdown
from benchmarks.detection.hop_scores import segments_of
from benchmarks.detection.injected import KINDS, draw_interferer
from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.detection.other_bands import NAMES, burst_db
from benchmarks.detection.real_cases import Case, read_recording
from benchmarks.record import DATA, facts, save_rows
from converter.lab.experiment import Episodes
from converter.lab.measures.episodes import schedule
from converter.simulate.population import Population
from edgespec.config import DetectConfig
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.observer.opening.parts import RHYTHM_S, USUAL_SHARE
from edgespec.records import FloatArray, IqBlock, Segment
from edgespec.simulate.config import SERVICE_NAMES
from edgespec.simulate.scene import Scene

__all__ = ["main"]

_SEED = 8_440_000
ISRS_DB = (-20.0, -10.0, 0.0, 10.0)
_ON_S, _OFF_S = 0.3, 0.9
#: Of a recording: where the interferer begins.
_ON_SHARE = 0.75
_KINDS = ("tone", "chirp", "pulse", "wideband-pulse", "barrage", "qpsk")
#: Of the drawn bands, dB over the noise of a bin.
_LOUDEST_DB = {"noise": 0.0, "bursts": 30.0, "hoppers": 25.0}
_N_DRAWN = 24


def _said(ear: Ear, stop: int, episodes: Sequence[tuple[float, int, int]]) -> dict[str, Any]:
    """Return what every set raised before a hop, and found of ``(isr_db, on, off)``."""
    heard, combos = ear.heard, {}
    for meanwhile in heard.any_band:
        for beside in SETS:
            events = events_of(heard, meanwhile, beside)
            found = [
                [isr_db, int(any(on <= event.opened < off for event in events))]
                for isr_db, on, off in episodes
            ]
            told = [
                [round(event.opened * heard.hop_s, 2),
                 round((event.ended - event.opened) * heard.hop_s, 2), event.detector,
                 event.ratio, event.is_calibrating]
                for event in events if event.opened < stop
            ]  # fmt: skip
            combos[f"{meanwhile}|{beside}"] = {"events": told, "found": found}
    watched_s = {
        name: round(float(heard.watched(name)[:stop].sum()) * heard.hop_s, 2)
        for name in heard.any_band
    }
    scored = np.isfinite(np.array(heard.others["zscore"][:stop]))
    scored_s = round(float(scored.sum()) * heard.hop_s, 2)
    return {"scored_s": scored_s, "watched_s": watched_s, "sets": combos}


def drawn(band: str, seconds: float, seed: int, sets: Sequence[str]) -> dict[str, Any]:
    """Return what was heard in a band of drawn frames, and of tones and noise behind that."""
    rng = np.random.default_rng(seed)
    sender, add = Band(rng), BANDS[band]
    recipe = Recipe.for_rate(5e6)
    ear = Ear(recipe, DetectConfig().warmup_s, RHYTHM_S, sets)
    hop_s, shape = recipe.geometry.hop_s, (recipe.n_horizon, recipe.geometry.n_bins)
    stop = round(seconds / hop_s)
    n_on, n_off = round(_ON_S / hop_s), round(_OFF_S / hop_s)
    episodes, placed = [], []
    for number in range(_N_DRAWN):
        on = stop + number * (n_on + n_off)
        isr_db = ISRS_DB[number % len(ISRS_DB)]
        episodes.append((isr_db, on, on + n_on))
        placed.append(_added(rng, number, shape[1], _LOUDEST_DB[band] + isr_db))
    context = np.empty((0, shape[1]), np.float32)
    ticks = np.zeros(1, np.int64)
    for hop in range(stop + _N_DRAWN * (n_on + n_off)):
        power = rng.standard_gamma(10.0, shape, np.float32) * np.float32(0.1)
        add(sender, power)
        at, within = divmod(hop - stop, n_on + n_off)
        if hop >= stop and within < n_on:
            power += placed[at] * (rng.standard_gamma(10.0, shape, np.float32) * np.float32(0.1))
        target = np.float32(10.0) * np.log10(np.maximum(power, np.float32(1e-9)))
        ear.take(Segment(context, target, ticks, has_context=False))
    return _said(ear, stop, episodes)


def _added(rng: np.random.Generator, number: int, n_bins: int, level_db: float) -> FloatArray:
    """Return the mean power a bin of a tone, or of noise as wide as up to half of the band."""
    power, total = np.zeros(n_bins, np.float32), 10.0 ** (level_db / 10.0)
    if number // len(ISRS_DB) % 2:
        width = int(rng.integers(n_bins // 20, n_bins // 2))
        lower = int(rng.integers(n_bins - width))
        power[lower : lower + width] = total / width
    else:
        at = int(rng.integers(1, n_bins - 1))
        power[at - 1 : at + 2] = np.array((0.25, 1.0, 0.25)) * total
    return power


def simulated(
    service: str, seconds: float, rate_hz: float, seed: int, sets: Sequence[str]
) -> dict[str, Any]:
    """Return what was heard in a simulated service, and of interferers behind that."""
    spec = Population(service=service, contexts=("static",)).specs(1, seconds, rate_hz, seed)[0]
    recipe, hop = Recipe.for_rate(rate_hz), Recipe.for_rate(rate_hz).hop_samples
    ear = Ear(recipe, DetectConfig().warmup_s, RHYTHM_S, sets)
    asked = Episodes(
        "bands", "", "", kinds=_KINDS, isrs_db=ISRS_DB, warmup_s=0.0, normal_s=spec.duration_s,
        on_s=_ON_S, off_s=_OFF_S,
    )  # fmt: skip
    plan = schedule(spec, recipe, asked)
    scene = Scene(replace(spec.scene, interferers=tuple(one.interferer for one in plan)), spec.seed)
    buffer = spec.scene.receiver.sample_format.empty(hop)
    front_end = FrontEnd(
        recipe.framing, spec.scene.receiver.sample_format, max_block_samples=hop, computing="auto"
    )
    segmenter = Segmenter(recipe.geometry, partial=True)
    total = spec.n_samples + round(len(plan) * (_ON_S + _OFF_S) * rate_hz)
    first: int | None = None
    for start in range(0, total - hop + 1, hop):
        scene.read_into(buffer)
        segmenter.push(front_end.process(IqBlock(buffer, rate_hz, 0.0, start, 0)))
        for segment in segmenter.segments():
            if first is None:
                first = int(segment.tick_start[-recipe.n_horizon]) // hop
            ear.take(segment)
    # Counted from the first segment.
    behind, begun = DetectConfig().n, first or 0
    episodes = [
        (one.interferer.isr_db, one.on // hop - begun, one.off // hop - begun + behind)
        for one in plan
    ]
    return _said(ear, plan[0].on // hop - begun, episodes)


def recorded(data: Path, name: str, seed: int, sets: Sequence[str]) -> dict[str, Any]:
    """Return what was heard in a recording as it is, and with interferers in its last quarter."""
    recording = read_recording(data / f"{name}.sigmf-meta")
    info = recording.info
    recipe = Recipe.for_rate(info.sample_rate_hz)
    n_hops = len(recording.samples) // recipe.hop_samples
    whole = replace(recording, samples=recording.samples[: n_hops * recipe.hop_samples])
    learnt_s = USUAL_SHARE * n_hops * recipe.geometry.hop_s

    def ear_of(samples: NDArray[np.generic]) -> tuple[Ear, int]:
        """Return what was heard, and which hop its first segment is."""
        ear = Ear(recipe, learnt_s, (learnt_s, learnt_s), sets)
        first: int | None = None
        for number, segment in segments_of(samples, info, recipe):
            first = number if first is None else first
            ear.take(segment)
        return ear, first or 0

    ear, first = ear_of(whole.samples)
    row = _said(ear, n_hops, ())
    # Of the shortest ones, as soon as any-band watches.
    watched = np.flatnonzero(ear.heard.watched(sets[0]))
    on = max(round(_ON_SHARE * n_hops), first + int(watched[0]) if len(watched) else n_hops - 1)
    loudest_db = burst_db(whole, recipe.framing.frame_s, on * recipe.hop_samples)
    for number, kind in enumerate(KINDS):
        rng = np.random.default_rng((seed, number))
        interferer = draw_interferer(kind, info.sample_rate_hz, rng)
        for isr_db in ISRS_DB:
            case = Case(kind, interferer, isr_db + loudest_db)
            mixed = whole.mixed(case, on * recipe.hop_samples / info.sample_rate_hz)
            found = _said(ear_of(mixed)[0], 0, ((isr_db, on - first, n_hops),))
            for name_of, one in found["sets"].items():
                row["sets"][name_of]["found"] += one["found"]
    return row


#: What hears a band by its seed, with any-bands for sets.
_Hear = Callable[[int, Sequence[str]], dict[str, Any]]


def _plays(
    data: Path, minutes: float, seconds: float, rate_hz: float, services: Sequence[str]
) -> Iterator[tuple[str, str, int, _Hear]]:
    """Yield kind, name and seed of every band that is to be heard, with what hears it."""
    for number, name in enumerate(NAMES):
        yield "recording", name, _SEED + number, partial(recorded, data, name)
    for number, band in enumerate(BANDS):
        yield "drawn", band, _SEED + 100 + number, partial(drawn, band, 60.0 * minutes)
    for number, service in enumerate(SERVICE_NAMES):
        if service in services:
            hear = partial(simulated, service, seconds, rate_hz)
            yield "simulated", service, _SEED + 200 + number, hear


def merged(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return one row for each band: what was heard of it with more sets later is added."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        own = found.setdefault((row["kind"], row["band"], row["seed"]), row)
        own["watched_s"] |= row["watched_s"]
        own["sets"] |= row["sets"]
    return list(found.values())


def summed_up(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row with the numbers of events, and of found by ISR, in place of each of them."""
    sets = {}
    for name, said in row["sets"].items():
        n_before = sum(event[4] for event in said["events"])
        found: dict[str, list[int]] = {}
        for isr_db, is_found in said["found"]:
            counts = found.setdefault(f"{isr_db:+.0f}", [0, 0])
            counts[0] += is_found
            counts[1] += 1
        behind = len(said["events"]) - n_before
        sets[name] = {"n_calibrating": n_before, "n_watching": behind, "found": found}
    return {**row, "sets": sets}


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--minutes", default=10.0, help="Of each drawn band.")
@click.option("--seconds", default=120.0, help="Of each simulated one.")
@click.option("--rate", "rate_hz", default=1e6, help="Sample rate of these, S/s.")
@click.option(
    "--service",
    "services",
    type=click.Choice(SERVICE_NAMES),
    multiple=True,
    default=("meters", "hoppers", "transponders"),
    help="What is simulated; gsm and fm take longest.",
)
@click.option(
    "--set",
    "sets",
    type=click.Choice(list(SETS)),
    multiple=True,
    default=list(SETS),
    help="Who watches before any-band is calibrated; all sets.",
)
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    data: Path, minutes: float, seconds: float, rate_hz: float, services: tuple[str, ...],
    sets: tuple[str, ...], kept: Path, save: bool,
) -> None:  # fmt: skip
    """Count what each set of detectors raises and finds before and beside any-band."""
    for kind, band, seed, hear in _plays(data, minutes, seconds, rate_hz, services):
        known = [row for row in read_rows(kept)
                 if (row["kind"], row["band"], row["seed"]) == (kind, band, seed)]  # fmt: skip
        left = [name for name in sets if not any(name in row["watched_s"] for row in known)]
        if left:
            begun_s = process_time()
            keep_row(kept, {"kind": kind, "band": band, "seed": seed, **hear(seed, left)})
            click.echo(f"{kind} {band}: {process_time() - begun_s:.0f} CPU s", err=True)
    rows = merged(read_rows(kept))
    title = "Who watches before and beside any-band"
    counts = [summed_up(row) for row in rows]
    click.echo(save_rows("beside_any_band", title, facts(), counts, markdown(rows), save=save))


if __name__ == "__main__":
    main()
