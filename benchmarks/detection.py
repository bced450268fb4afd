"""Which detector sees what: ``python -m benchmarks.detection``, on simulated observers.

A first table, to let the shipped default follow it: every detector of the shipped bundle on
observers that neither trained nor calibrated it, with one interferer of each kind at IQ, paired
with the same stretch without it. The laboratory of EVALUATION (baselines, intervals, transfer) is
not this script. Segments count as ``onset`` when the interferer began in their horizon, as
``persistent`` when it was in the whole context already.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
from sklearn.metrics import roc_auc_score

from converter.simulate.recordings import training_specs
from edgespec.config import DetectConfig
from edgespec.detect.registry import resolve_names
from edgespec.dsp.segments import Segmenter
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path
from edgespec.ops.bench import machine_facts
from edgespec.pipeline import Scorer
from edgespec.records import IqBlock, SampleFormat
from edgespec.simulate.config import InterfererConfig
from edgespec.simulate.inject import mean_power
from edgespec.simulate.interferers import Interferer
from edgespec.simulate.scene import Scene

__all__ = ["main"]

KINDS = ("tone", "pulse", "chirp", "wideband", "wideband-pulse")
ISRS_DB = (-10.0, -5.0, 0.0, 5.0)
#: Seed of the observers; the shipped bundle used others for its four sets.
SEED = 5001
WARMUP_S, NORMAL_S, VARIANT_S, CLEAN_S = 4.0, 2.0, 0.6, 0.1
FORGET_S = 1.2
RATE = 0.01


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores ``(n_segments, n_detectors)`` and the first sample of each target."""

    values: np.ndarray
    starts: np.ndarray


class Listener:
    """The device's chain from complex samples to scores, for one observer."""

    def __init__(self, bundle: Bundle, names: Sequence[str]) -> None:
        self.geometry = bundle.manifest.geometry
        self._scorer = Scorer.for_bundle(bundle, open_backend(bundle), names, WARMUP_S)
        self._n_names = len(names)

    def score(self, samples: np.ndarray) -> Scored:
        """Return the scores of a stretch that follows nothing, once the observer is warm."""
        front_end = FrontEnd(self.geometry, SampleFormat.CF32, max_block_samples=len(samples))
        segmenter = Segmenter(self.geometry)
        segmenter.push(front_end.process(IqBlock(samples, self.geometry.sample_rate_hz, 0.0, 0, 0)))
        values, starts = [], []
        for segment in segmenter.segments():
            scores = self._scorer.score(segment)
            if self._scorer.is_warm:
                values.append([score.value for score in scores])
                starts.append(int(segment.sample_start[self.geometry.n_context]))
        return Scored(np.reshape(values, (-1, self._n_names)), np.asarray(starts))


def collect(bundle: Bundle, names: Sequence[str], n_observers: int) -> dict[str, np.ndarray]:
    """Return scores by case: ``normal``, and ``mode/kind/isr`` for each interferer."""
    rate_hz = bundle.manifest.geometry.sample_rate_hz
    cases: dict[str, list[np.ndarray]] = {}
    specs = training_specs(n_observers, 1.0, rate_hz, SEED)
    for number, spec in enumerate(specs, 1):
        scene = Scene(spec.scene, spec.seed)
        samples = scene.read(round((WARMUP_S + NORMAL_S + VARIANT_S) * rate_hz))
        listener = Listener(bundle, names)
        n_known = round((WARMUP_S + NORMAL_S) * rate_hz)
        normal = listener.score(samples[:n_known])
        cases.setdefault("normal", []).append(normal.values)
        clean = samples[n_known:]
        for kind in KINDS:
            for isr_db in ISRS_DB:
                # Averages over many segments must forget the last interferer first.
                listener.score(samples[n_known - round(FORGET_S * rate_hz) : n_known])
                _variant(listener, clean, kind, isr_db, rate_hz, spec.seed, cases)
        click.echo(f"observer {number}/{len(specs)}: {spec.name}", err=True)
    return {case: np.concatenate(values) for case, values in cases.items()}


def _variant(
    listener: Listener,
    clean: np.ndarray,
    kind: str,
    isr_db: float,
    rate_hz: float,
    seed: int,
    cases: dict[str, list[np.ndarray]],
) -> None:
    """Score one stretch with one interferer from ``CLEAN_S`` on, at a place drawn by the seed."""
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    offset_hz = 0.0 if kind == "wideband-pulse" else float(rng.uniform(-1.2e6, 1.2e6))
    begin = round(CLEAN_S * rate_hz) + int(rng.integers(32_000))
    n = len(clean) - begin
    interferer = Interferer(InterfererConfig(kind, offset_hz=offset_hz), rate_hz, seed)
    gain = np.sqrt(mean_power(clean) * 10 ** (isr_db / 10))
    samples = clean.copy()
    samples[begin:] += np.float32(gain) * interferer.samples(0, n)
    scored = listener.score(samples)
    geometry = listener.geometry
    n_target = geometry.n_horizon * geometry.frame_samples
    n_context = geometry.n_context * geometry.frame_samples
    onset = (scored.starts <= begin) & (begin < scored.starts + n_target)
    persistent = scored.starts - n_context >= begin
    for mode, rows in (("onset", onset), ("persistent", persistent)):
        cases.setdefault(f"{mode}/{kind}/{isr_db:g}", []).append(scored.values[rows])


def summarise(
    bundle: Bundle, names: Sequence[str], cases: dict[str, np.ndarray]
) -> list[dict[str, object]]:
    """Return one row for each mode, ISR and detector: AUC and detection rate, mean over kinds."""
    normal = cases["normal"]
    thresholds = np.array([bundle.manifest.threshold(name, RATE, "quantile") for name in names])
    columns = {name: (lambda scores, i=i: scores[:, i]) for i, name in enumerate(names)}
    limits = {name: float(thresholds[i]) for i, name in enumerate(names)}
    watching = [names.index(name) for name in resolve_names(DetectConfig().detectors, names[0])]
    default = "default: " + ", ".join(names[i] for i in watching)
    columns[default] = lambda scores: np.max((scores / thresholds)[:, watching], axis=1)
    limits[default] = 1.0
    rows: list[dict[str, object]] = []
    for mode in ("onset", "persistent"):
        for isr_db in ISRS_DB:
            for name, column in columns.items():
                aucs, rates = [], []
                for kind in KINDS:
                    scores = column(cases[f"{mode}/{kind}/{isr_db:g}"])
                    labels = np.r_[np.zeros(len(normal)), np.ones(len(scores))]
                    aucs.append(float(roc_auc_score(labels, np.r_[column(normal), scores])))
                    rates.append(float(np.mean(scores > limits[name])))
                rows.append(
                    {
                        "mode": mode,
                        "isr_db": isr_db,
                        "detector": name,
                        "auc": float(np.mean(aucs)),
                        "auc_by_kind": dict(zip(KINDS, aucs, strict=True)),
                        "detection_rate": float(np.mean(rates)),
                        "detection_rate_by_kind": dict(zip(KINDS, rates, strict=True)),
                        "realised_false_alarm_rate": float(np.mean(column(normal) > limits[name])),
                    }
                )
    return rows


def as_markdown(rows: list[dict[str, object]], facts: dict[str, str], n_normal: int) -> str:
    """Return the table for people."""
    lines = [
        "# Detection by the shipped bundle's detectors, simulated",
        "",
        f"`python -m benchmarks.detection`, {facts['created_utc']}, edgespec {facts['edgespec']}, "
        f"bundle {facts['model']} ({facts['sha256'][:12]}), {facts['observers']} observers that it "
        f"has not seen, {n_normal} normal segments. Mean over {', '.join(KINDS)}. Detection at the "
        f"bundle's own threshold for a false-alarm rate of {RATE:g} per segment; the realised rate "
        "is that of the normal segments here. No confidence intervals: a first look, not the "
        "laboratory.",
        "",
        "| mode | ISR, dB | detector | AUC | detected | realised false-alarm rate |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['mode']} | {row['isr_db']:g} | {row['detector']} | {row['auc']:.3f} | "
        f"{row['detection_rate']:.1%} | {row['realised_false_alarm_rate']:.2%} |"
        for row in rows
    ]
    return "\n".join(lines) + "\n"


@click.command()
@click.option("--observers", default=12, show_default=True, help="Observers to simulate.")
@click.option(
    "-o",
    "--out",
    type=click.Path(path_type=Path),
    default=Path("benchmarks/results/detection"),
    show_default=True,
    help="Written as .md and .json.",
)
def main(observers: int, out: Path) -> None:
    """Score every kind of interferer with every detector of the shipped bundle."""
    bundle = load_bundle(shipped_bundle_path())
    role = bundle.manifest.model.role
    names = (role, *(name for name in bundle.manifest.detectors if name != role))
    cases = collect(bundle, names, observers)
    rows = summarise(bundle, names, cases)
    facts = {
        **machine_facts(),
        "created_utc": datetime.now(UTC).isoformat(timespec="seconds"),
        "model": bundle.manifest.name,
        "sha256": bundle.sha256,
        "observers": str(observers),
    }
    text = as_markdown(rows, facts, len(cases["normal"]))
    out.with_suffix(".md").write_text(text, encoding="utf-8")
    out.with_suffix(".json").write_text(
        json.dumps({"facts": facts, "rows": rows}, indent=1), encoding="utf-8"
    )
    click.echo(text)


if __name__ == "__main__":
    main()
