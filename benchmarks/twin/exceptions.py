"""Reports by exception in the traced hall: what they save, and what the twin sees less.

``python -m benchmarks.twin.exceptions`` lets twelve virtual observers hear the hall while jammers
come and go, each telling all seconds or those of :class:`edgespec.dsp.telling.Telling`, and the
same twin judge what was told. All regimes hear the same levels. It writes ``exceptions.json`` and
``exceptions.md`` to ``benchmarks/results/twin``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click
import numpy as np
from scipy.stats import mannwhitneyu

from benchmarks.record import commit, facts
from benchmarks.twin.hall import draw_places, hall
from benchmarks.twin.saved import save_result
from converter.report.markdown_table import markdown_table
from edgespec.dsp.telling import Telling
from edgespec.records import RssReport
from edgespec.twin.central import SiteTwin
from edgespec.twin.propagation.models import path_gain
from edgespec.twin.service.fleet import Disturbance, VirtualJammer, VirtualSite
from edgespec.twin.site import Site
from edgespec.twin.trained import train

__all__ = ["Regime", "Scene", "judge", "main"]

_NS = 1_000_000_000
_START_NS = 1_800_000_000 * _NS
#: Normal operation to learn from, then a jammer for this long after as long a quiet time, in s.
_LEARNT_S, _HALF_S = 400, 45


@dataclass(frozen=True, slots=True)
class Regime:
    """Which seconds an observer tells."""

    name: str
    every_s: float
    step_db: float


REGIMES = (
    Regime("every second", 1.0, 3.0),
    Regime("6 s or 5 dB", 6.0, 5.0),
    Regime("8 s or 5 dB", 8.0, 5.0),
    Regime("10 s or 5 dB", 10.0, 5.0),
    Regime("30 s or 2 dB", 30.0, 2.0),
    Regime("30 s or 3 dB", 30.0, 3.0),
    Regime("30 s or 4 dB", 30.0, 4.0),
    Regime("30 s or 6 dB", 30.0, 6.0),
    Regime("30 s", 30.0, 60.0),
)


@dataclass(frozen=True, slots=True)
class Scene:
    """How loud the jammers are and on which share of the band, and how a level varies."""

    power_dbm: float
    share: float
    noise_db: float

    @property
    def name(self) -> str:
        """The scene in words."""
        band = "whole band" if self.share == 1.0 else f"{self.share:g} of the band"
        return f"{self.power_dbm:g} dBm, {band}, a second varies by {self.noise_db:g} dB"


def told(
    virtual: VirtualSite, regime: Regime, first: int, n: int, rng: np.random.Generator
) -> Iterator[tuple[int, int, list[RssReport]]]:
    """Yield second, its end and what is told of it; observers began at different times."""
    tellings = [Telling(regime.every_s, regime.step_db) for _ in virtual.site.unit]
    begins = rng.integers(-round(regime.every_s), 1, len(tellings))
    for second in range(-round(regime.every_s), n):
        utc_ns = _START_NS + (first + second) * _NS
        heard = virtual.reports(utc_ns, float(second))
        said = [
            telling.take(report)
            for begin, telling, report in zip(begins, tellings, heard, strict=True)
            if second >= begin
        ]
        yield second, utc_ns, [report for report in said if report is not None]


def judge(site: Site, scene: Scene, regime: Regime, n_jammers: int, seed: int) -> dict[str, Any]:
    """Return AUC, shares of reports that were told, false alarms and seconds to the alarm."""
    disturbance = Disturbance(3.0, scene.noise_db, 3.0)
    rng = np.random.default_rng(seed)
    gain = path_gain(site)
    places_m = draw_places(site, n_jammers, rng)
    jammers = [
        VirtualJammer(
            x_m, y_m, scene.power_dbm, (2 * k + 1) * _HALF_S, (2 * k + 2) * _HALF_S, scene.share
        )
        for k, (x_m, y_m, _) in enumerate(places_m)
    ]
    quiet = VirtualSite(site, disturbance, np.random.default_rng(seed))
    loud = VirtualSite(site, disturbance, np.random.default_rng(seed), jammers)
    learnt = [one for _, _, said in told(quiet, regime, 0, _LEARNT_S, rng) for one in said]
    twin = SiteTwin(site, trained=train(site, learnt, gain=gain), gain=gain)
    grace_ns = round(site.detect.grace_s * _NS)
    scores: tuple[list[float], list[float]] = ([], [])
    n_told, n_false, delays_s = [0, 0], 0, [float("inf")] * n_jammers
    for second, utc_ns, said in told(loud, regime, 10_000, 2 * _HALF_S * n_jammers, rng):
        for report in said:
            twin.accept(report, utc_ns)
        verdicts = twin.advance(utc_ns + grace_ns + 1)
        if second < 0:
            continue
        (verdict,) = verdicts[-1:]
        half = second // _HALF_S
        n_told[half % 2] += len(said)
        if half % 2:
            scores[1].append(verdict.score)
            if verdict.is_alarm:
                delays_s[half // 2] = min(delays_s[half // 2], second - half * _HALF_S + 1.0)
        # What was told of a jammer ends with it only where a level or a mean moves back.
        elif half == 0 or second - half * _HALF_S >= site.detect.averages:
            scores[0].append(verdict.score)
            n_false += verdict.is_alarm
    # The probability that a jammed snapshot has the higher score.
    higher = mannwhitneyu(scores[1], scores[0]).statistic
    n_seconds = _HALF_S * n_jammers * len(site.unit)
    return {
        "auc": float(higher / (len(scores[0]) * len(scores[1]))),
        "told_quiet": n_told[0] / n_seconds,
        "told_jammed": n_told[1] / n_seconds,
        "false_alarms": n_false,
        "found": sum(np.isfinite(delays_s)) / n_jammers,
        "delay_s": float(np.median(delays_s)),
    }


def run(
    scenes: list[Scene], n_jammers: int, n_seeds: int
) -> Iterator[dict[str, dict[str, dict[str, Any]]]]:
    """Yield, after each scene, all so far: means over seeds; the AUC's loss with its error."""
    site = hall("1.5 m")
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for scene in scenes:
        each: dict[str, list[dict[str, Any]]] = {
            regime.name: [judge(site, scene, regime, n_jammers, seed) for seed in range(n_seeds)]
            for regime in REGIMES
        }
        full = [one["auc"] for one in each[REGIMES[0].name]]
        found[scene.name] = {}
        for name, rows in each.items():
            # None of too few: JSON has no infinity.
            means = {key: float(np.mean([row[key] for row in rows])) for key in rows[0]}
            losses = np.array(full) - [row["auc"] for row in rows]
            found[scene.name][name] = {
                **{k: round(one, 4) if np.isfinite(one) else None for k, one in means.items()},
                "loss": round(float(losses.mean()), 4),
                "loss_error": round(
                    float(losses.std(ddof=1) / np.sqrt(n_seeds)) if n_seeds > 1 else 0.0, 4
                ),
            }
            click.echo(f"{scene.name}: {name}: {found[scene.name][name]}", err=True)
        yield found


def text(result: dict[str, Any]) -> str:
    """Return the result as Markdown."""
    ran = ", ".join(f"{name} {value}" for name, value in result["machine"].items())
    columns = (
        "jammers", "told", "AUC", "loss", "told of quiet seconds, %", "of jammed, %",
        "false alarms", "jammers found, %", "alarm after, s",
    )  # fmt: skip
    rows = [
        [
            scene, name, f"{row['auc']:.4f}", f"{row['loss']:+.4f} +- {row['loss_error']:.4f}",
            f"{100 * row['told_quiet']:.1f}", f"{100 * row['told_jammed']:.1f}",
            f"{row['false_alarms']:.1f}", f"{100 * row['found']:.0f}",
            "" if row["delay_s"] is None else f"{row['delay_s']:.0f}",
        ]
        for scene, regimes in result["scenes"].items()
        for name, row in regimes.items()
    ]  # fmt: skip
    return "\n".join(
        [
            "# Reports by exception in the traced hall",
            "",
            f"`python -m benchmarks.twin.exceptions`, {ran}, commit {result['commit']}.",
            "",
            f"Twelve units at 1.5 m, traced maps, biases of 3 dB, paths off by 3 dB. "
            f"{result['n_jammers']} jammers a run come for {_HALF_S} s after as long a quiet time, "
            f"{result['n_seeds']} runs of other places and noise; AUC over snapshots of a second, "
            "jammed ones from the first on. Loss is against the same runs with every second told, "
            "with its standard error.",
            "",
            markdown_table(columns, rows, right_from=2),
            "",
        ]
    )


@click.command(help=__doc__)
@click.option("--jammers", "n_jammers", type=click.IntRange(1), default=5, show_default=True)
@click.option("--seeds", "n_seeds", type=click.IntRange(1), default=20, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True)
def main(n_jammers: int, n_seeds: int, save: bool) -> None:
    """Measure and write the results."""
    scenes = [
        Scene(power_dbm, share, noise_db)
        for power_dbm, share, noise_db in (
            (-30.0, 1.0, 1.0), (-36.0, 1.0, 1.0),
        )
    ]  # fmt: skip
    for found in run(scenes, n_jammers, n_seeds):
        result = {
            "machine": facts(("numpy", "numba")),
            "commit": commit(),
            "n_jammers": n_jammers,
            "n_seeds": n_seeds,
            "scenes": found,
        }
        if save:
            save_result("exceptions", result, text(result))
    click.echo(text(result))


if __name__ == "__main__":
    main()
