"""What constant modulus finds that the rest of ``any-band`` does not, at as many false alarms.

``python -m benchmarks.detection.constant_modulus --kept FILE`` takes the recordings of bands that
have no cell, each half after the other, and simulated services, half for the warm-up. What follows
is heard as it is, and with interferers anywhere in the band, or in the channel of its strongest
carrier, at an ISR to burst power, and scored by the device's detector, which hears the frames alone
or the samples, too. Thresholds come from the other bands alone: what is counted on a band chose
nothing. Every band that is through is a line of the file; run again it goes on.
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

from benchmarks.detection.hop_scores import hops_of
from benchmarks.detection.injected import KINDS, draw_interferer
from benchmarks.detection.kept_rows import keep_row, read_rows
from benchmarks.detection.other_bands import BURST_QUANTILE
from benchmarks.detection.real_cases import Recording, read_recording
from benchmarks.record import DATA, facts, save_rows
from converter.report.markdown_table import markdown_table
from converter.simulate.population import Population
from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic
from edgespec.detect.any_band.detector import THRESHOLD, AnyBand, Rhythm
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.framing import Recipe
from edgespec.records import IqBlock, SourceInfo
from edgespec.simulate.config import SERVICE_NAMES, InterfererConfig
from edgespec.simulate.inject import inject
from edgespec.simulate.scene import Scene

__all__ = ["NAMES", "found_share", "limit_of", "main", "markdown"]

#: What is recorded without a cell. A band of which there are too few hops gets shorter frames.
NAMES = (
    "gsm900_941MHz_16",
    "gsm900_953.6MHz_128",
    "adsb1090_modes1",
    "ism915_rtlamr_hopping_meters",
    "ism_urh_elektromaten",
    "ism_urh_pwm",
    "rx_noise_1.92M",
)
_LEAST_HOPS = 24
ISRS_DB = (-20.0, -15.0, -10.0, 0.0)
PLACES = ("anywhere", "on the carrier")
_SEED, _N_DRAWS = 9_150_000, 2
#: Hops of the second half before the interferer, and with it; the first ones are its onset.
_BEFORE, _N_ON, _ONSET = 4, 12, 4
#: The narrowest channel that is looked at, as a share of the band.
_CARRIER_SHARE = 0.05
_FALSE_ALARM_RATE = 0.01
_SETS = ("any-band", "with constant modulus")
_N_BOOTSTRAP = 2000

Pairs = list[list[float]]


class _Ear:
    """Scores the hops of a band by the device's detector, without its samples and with them."""

    def __init__(self, info: SourceInfo, recipe: Recipe, n_warmup: int) -> None:
        arithmetic = open_arithmetic(Computing.named("auto"))
        self._plain, self._whole = (
            AnyBand(recipe.geometry, Rhythm(n_warmup, n_warmup), 0, arithmetic, hop_samples)
            for hop_samples in (0, recipe.hop_samples)
        )
        self._front_end = FrontEnd(
            recipe.framing, info.sample_format, max_block_samples=recipe.hop_samples
        )

    @property
    def n_channels(self) -> int:
        """Channels whose envelope is watched."""
        return len(self._whole.channels)

    def hear(self, blocks: Iterable[IqBlock]) -> Pairs:
        """Return both scores of each hop behind the warm-up."""
        found = []
        for block in blocks:
            self._front_end.reset()
            frames_db = self._front_end.process(block).power_dbfs
            self._whole.hear(block.samples)
            scores = [one.take(frames_db, is_alarm=False) for one in (self._plain, self._whole)]
            values = [round(score.value, 3) for score in scores if score is not None]
            if values:
                found.append(values)
        return found


def recipe_of(recording: Recording) -> Recipe:
    """Return the device's recipe, with shorter frames where there would be too few hops."""
    recipe = Recipe.for_rate(recording.info.sample_rate_hz)
    shortest = recipe.hop_samples // recipe.n_averages
    most = max(len(recording.samples) // (shortest * _LEAST_HOPS), 1)
    return replace(recipe, n_averages=min(recipe.n_averages, most))


def carrier(samples: NDArray[np.complex64]) -> float:
    """Return where the strongest carrier lies, as a share of the band, from -0.5 to 0.5."""
    n = 1024
    spectra = np.fft.fft(samples[: len(samples) // n * n].reshape(-1, n), axis=1)
    power = (np.abs(spectra) ** 2).mean(axis=0)
    width = round(_CARRIER_SHARE * n)
    around = np.convolve(np.concatenate([power, power[: width - 1]]), np.ones(width), "valid")
    return float((int(around.argmax()) + width // 2) / n + 0.5) % 1.0 - 0.5


def interferers(
    rate_hz: float, carrier_hz: float, seed: int
) -> Iterator[tuple[str, str, InterfererConfig]]:
    """Yield place, kind and parameters of all that are added."""
    for number, kind in enumerate(KINDS):
        for draw in range(_N_DRAWS):
            rng = np.random.default_rng((seed, number, draw))
            drawn = draw_interferer(kind, rate_hz, rng)
            reach_hz = rng.uniform(-0.5, 0.5) * _CARRIER_SHARE * rate_hz
            room_hz = 0.45 * rate_hz - drawn.bandwidth_hz / 2
            there_hz = float(np.clip(carrier_hz + reach_hz, -room_hz, room_hz))
            yield PLACES[0], kind, drawn
            yield PLACES[1], kind, replace(drawn, offset_hz=there_hz)


def power_of(samples: NDArray[np.complex64], recipe: Recipe) -> float:
    """Return the power of a burst: what a twentieth of the frames exceeds, linear."""
    size = recipe.samples_in(1)
    frames = np.abs(samples[: len(samples) // size * size].reshape(-1, size)) ** 2
    return float(np.quantile(frames.mean(axis=1), BURST_QUANTILE))


def cases_of(
    ear: _Ear, stretch: NDArray[Any], info: SourceInfo, recipe: Recipe, level: float, seed: int
) -> Iterator[dict[str, Any]]:
    """Yield both scores of every interferer in a stretch, which begins without one."""
    rate_hz, hop = info.sample_rate_hz, recipe.hop_samples
    carrier_hz = carrier(info.sample_format.to_complex(stretch)) * rate_hz
    before, on = stretch[: _BEFORE * hop], stretch[_BEFORE * hop :]
    for place, kind, interferer in interferers(rate_hz, carrier_hz, seed):
        for isr_db in ISRS_DB:
            mixed = inject(on, rate_hz, interferer, isr_db, 0, len(on), level, seed=seed)
            hops = ear.hear(hops_of(np.concatenate([before, mixed]), info, hop))[_BEFORE:]
            yield {"place": place, "kind": kind, "isr_db": isr_db, "hops": hops[_ONSET:]}


def recorded(path: Path, seed: int) -> dict[str, Any]:
    """Return both scores of a recording, each half after the other."""
    recording = read_recording(path)
    info, recipe = recording.info, recipe_of(recording)
    hop = recipe.hop_samples
    n_warmup = len(recording.samples) // hop // 2
    half = n_warmup * hop
    level = power_of(info.sample_format.to_complex(recording.samples), recipe)
    normal: Pairs = []
    cases: list[dict[str, Any]] = []
    n_channels = []
    for fold in range(2):
        parts = (recording.samples[:half], recording.samples[half : 2 * half])
        before, behind = parts if fold == 0 else parts[::-1]
        ear = _Ear(info, recipe, n_warmup)
        ear.hear(hops_of(before, info, hop))
        n_channels.append(ear.n_channels)
        # In this order: what was heard of an interferer stays in mind for four hops.
        normal += ear.hear(hops_of(behind, info, hop))
        stretch = behind[: (_BEFORE + _N_ON) * hop]
        cases += cases_of(ear, stretch, info, recipe, level, seed + fold)
    return {"band": recording.name, "channels": n_channels, "normal": normal, "cases": cases}


def simulated(
    service: str, number: int, seconds: float, rate_hz: float, seed: int
) -> dict[str, Any]:
    """Return both scores of a simulated service, of which the first half is the warm-up."""
    population = Population(service=service, contexts=("static",))
    spec = population.specs(number + 1, seconds, rate_hz, _SEED)[number]
    scene, sample_format = Scene(spec.scene, spec.seed), spec.scene.receiver.sample_format
    info = SourceInfo("simulated", rate_hz, spec.center_freq_hz, sample_format, is_live=False)
    recipe = Recipe.for_rate(rate_hz)
    n_warmup = round(seconds / 2 / recipe.geometry.hop_s)
    ear = _Ear(info, recipe, n_warmup)
    stretch = sample_format.empty((_BEFORE + _N_ON) * recipe.hop_samples)
    buffer = sample_format.empty(recipe.hop_samples)

    def play(n_hops: int) -> Pairs:
        found = []
        for _ in range(n_hops):
            scene.read_into(buffer)
            found += ear.hear(hops_of(buffer, info, recipe.hop_samples))
        return found

    play(n_warmup)
    normal = play(n_warmup)
    scene.read_into(stretch)
    level = power_of(sample_format.to_complex(stretch), recipe)
    cases = list(cases_of(ear, stretch, info, recipe, level, seed))
    name = f"simulated {service} {number}"
    return {"band": name, "channels": [ear.n_channels], "normal": normal, "cases": cases}


def limit_of(rows: Sequence[dict[str, Any]], score: int) -> float:
    """Return what 1% of the normal hops of some bands are above, each band counting alike."""
    values = np.concatenate([[pair[score] for pair in row["normal"]] for row in rows])
    weights = np.concatenate([np.full(len(row["normal"]), 1 / len(row["normal"])) for row in rows])
    order = np.argsort(values)[::-1]
    reached = np.cumsum(weights[order]) / weights.sum()
    return float(values[order][np.searchsorted(reached, _FALSE_ALARM_RATE)])


def found_share(hops: Pairs, score: int, limit: float) -> float:
    """Return the share of hops above a limit."""
    return float(np.mean([pair[score] > limit for pair in hops]))


def _interval(gained: NDArray[np.float64]) -> tuple[float, float]:
    """Return where the mean of what was gained lies, 95%, by bootstrap over interferers."""
    rng = np.random.default_rng(1)
    drawn = gained[rng.integers(0, len(gained), (_N_BOOTSTRAP, len(gained)))].mean(axis=1)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return float(low), float(high)


def _is_simulated(row: dict[str, Any]) -> bool:
    return str(row["band"]).startswith("simulated")


def _limits(
    rows: Sequence[dict[str, Any]], row: dict[str, Any], *, equal: bool
) -> tuple[float, ...]:
    """Return the limits of both scores on a band: the device's, or those of the other bands."""
    if not equal:
        return (THRESHOLD, THRESHOLD)
    others = [one for one in rows if one is not row]
    sort = [one for one in others if _is_simulated(one) == _is_simulated(row)]
    # One that is the only one of its sort is judged by all that there are.
    others = sort or others or [row]
    return tuple(limit_of(others, score) for score in range(len(_SETS)))


def markdown(rows: Sequence[dict[str, Any]]) -> str:
    """Return, of each band and place, false hops and found of both scores, and what was gained."""
    text = ""
    for equal in (True, False):
        table = []
        for row in rows:
            limits = _limits(rows, row, equal=equal)
            false = [found_share(row["normal"], k, limit) for k, limit in enumerate(limits)]
            for place in PLACES:
                cells: list[object] = [
                    row["band"], place, " and ".join(map(str, row["channels"])),
                    len(row["normal"]), " / ".join(f"{share:.1%}" for share in false),
                ]  # fmt: skip
                for isr_db in ISRS_DB:
                    own = [
                        one["hops"]
                        for one in row["cases"]
                        if one["place"] == place and one["isr_db"] == isr_db
                    ]
                    plain, both = (
                        np.array([found_share(hops, k, limit) for hops in own])
                        for k, limit in enumerate(limits)
                    )
                    low, high = _interval(both - plain)
                    gained = f"{np.mean(both - plain):+.2f} [{low:+.2f}, {high:+.2f}]"
                    cells.append(f"{plain.mean():.2f} / {both.mean():.2f}, {gained}")
                table.append(cells)
        head = ["band", "interferer", "channels", "normal hops", "false hops",
                *(f"found, {isr_db:+.0f} dB" for isr_db in ISRS_DB)]  # fmt: skip
        said = (
            "At the limit that 1% of the normal hops of the other bands of its sort are above:"
            if equal
            else f"At the device's threshold of {THRESHOLD:g}:"
        )
        text += f"{said}\n\n{markdown_table(head, table)}\n\n"
    return text + (
        f"Each pair is {_SETS[0]} / {_SETS[1]}. Found is the share of hops from the fourth with "
        "the interferer on; then comes what was gained, with its interval of 95% over interferers "
        "of one and the same band.\n"
    )


@click.command()
@click.option("--data", type=click.Path(path_type=Path), default=DATA, help="The recordings.")
@click.option("--seconds", default=120.0, help="Of each simulated band; half teaches.")
@click.option("--rate", "rate_hz", default=1e6, help="Sample rate of these, S/s.")
@click.option(
    "--service",
    "services",
    type=click.Choice(SERVICE_NAMES),
    multiple=True,
    default=SERVICE_NAMES,
    help="What is simulated; all.",
)
@click.option("--observers", "n_observers", default=1, help="Of each service.")
@click.option("--kept", type=click.Path(path_type=Path), required=True, help="Lines so far.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(
    data: Path, seconds: float, rate_hz: float, services: tuple[str, ...], n_observers: int,
    kept: Path, save: bool,
) -> None:  # fmt: skip
    """Score interferers by any-band alone, and with constant modulus beside it."""
    plays: dict[str, Callable[[int], dict[str, Any]]] = {
        name: partial(recorded, data / f"{name}.sigmf-meta") for name in NAMES
    }
    for service in services:
        for number in range(n_observers):
            name = f"simulated {service} {number}"
            plays[name] = partial(simulated, service, number, seconds, rate_hz)
    done = {row["band"] for row in read_rows(kept)}
    for number, (name, hear) in enumerate(plays.items()):
        if name not in done:
            begun_s = process_time()
            keep_row(kept, hear(_SEED + 2 * number))
            click.echo(f"{name}: {process_time() - begun_s:.0f} CPU s", err=True)
    rows = sorted(read_rows(kept), key=lambda row: list(plays).index(row["band"]))
    title = "Constant modulus beside any-band"
    kept_rows = [
        {
            "band": row["band"],
            "n_normal": len(row["normal"]),
            "channels": row["channels"],
            "cases": [
                {**case, "hops": np.median(case["hops"], axis=0).round(3).tolist()}
                for case in row["cases"]
            ],
        }
        for row in rows
    ]
    click.echo(save_rows("constant_modulus", title, facts(), kept_rows, markdown(rows), save=save))


if __name__ == "__main__":
    main()
