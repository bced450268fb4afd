"""How fast the whole path is, from samples to decision: ``python -m benchmarks.speed.path``.

Beside it runs what a user would write with scipy.signal and LiteRT, on the same samples; both must
come to the same decision on every segment before anything is timed. One process, one core.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from itertools import chain
from math import ceil
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

from benchmarks import record
from benchmarks.speed.networks import make_cases
from benchmarks.speed.peers.observer import ScriptObserver
from benchmarks.speed.turns import take_turns
from converter.report.markdown_table import markdown_table
from edgespec.config import BandConfig, DetectConfig
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import QualityError
from edgespec.inference.backends import open_backend
from edgespec.inference.bundle import Bundle, load_bundle, shipped_bundle_path, write_bundle
from edgespec.inference.manifest import Calibration
from edgespec.observer.opening.making import make_chain
from edgespec.observer.scoring.basis import Basis
from edgespec.records import IqBlock, SourceInfo
from edgespec.sources import open_source

__all__ = ["SCRIPT", "PathTiming", "main", "measure"]

SCRIPT = "script of scipy.signal and LiteRT"
_SOURCE = "sim:lte-dl?seed=7&duration_s=2&kind=wideband&isr_db=20&start_s=1.2&stop_s=1.6"
_WARMUP_S = 0.5
_MODEL_ONLY = ("model",)
_DEFAULT = DetectConfig().detectors
#: Of two scores in standard deviations: float32 on other ways to the same spectrum.
_SCORE_ATOL = 1e-3
_FALSE_ALARM_RATE = 0.01
#: In standard deviations, for the bundle that was never calibrated.
_THRESHOLD = 8.0

#: Takes the number of a hop; returns the model's score once it is warm.
Hop = Callable[[int], float | None]


@dataclass(frozen=True, slots=True)
class PathTiming:
    """One way from the samples of a hop to the decision on its segment.

    ``times_real_time`` is that of the median, ``ratio`` the script's smallest time over this one's.
    """

    network: str
    path: str
    min_us: float
    median_us: float
    times_real_time: float
    best_times_real_time: float
    ratio: float


@dataclass(frozen=True, slots=True)
class _Signal:
    """Hops ``(n_hops, hop_samples, 2)`` of int16 samples."""

    info: SourceInfo
    hops: NDArray[np.int16]

    def block(self, number: int) -> IqBlock:
        n_hops, n_samples = self.hops.shape[:2]
        start, info = number * n_samples, self.info
        return IqBlock(
            self.hops[number % n_hops], info.sample_rate_hz, info.center_freq_hz, start, utc_ns=0
        )


def measure(
    network: str, bundles: Mapping[str, Bundle], n_rounds: int, turn_s: float
) -> list[PathTiming]:
    """Return the times of the paths; ``bundles`` are of one network, by the backend that runs them.

    Raises:
        QualityError: the decisions are not the same.
    """
    litert = bundles["litert"]
    geometry = litert.manifest.geometry
    signal = _gather(litert.manifest.recipe.hop_samples)
    paths: dict[str, tuple[Hop, float]] = {}
    for backend, bundle in bundles.items():
        for names in (_MODEL_ONLY, _DEFAULT):
            title = f"edgespec, {backend}, {bundle.manifest.model.quantisation}, " + " + ".join(
                names
            )
            paths[title] = _ours(bundle, backend, names, signal)
    paths[SCRIPT] = _script(litert, signal)
    _check(paths, len(signal.hops))
    times = take_turns({name: hop for name, (hop, _) in paths.items()}, n_rounds, turn_s)
    return [
        PathTiming(
            network,
            name,
            1e6 * time.min_s,
            1e6 * time.median_s,
            geometry.hop_s / time.median_s,
            geometry.hop_s / time.min_s,
            times[SCRIPT].min_s / time.min_s,
        )
        for name, time in times.items()
    ]


def _ours(
    bundle: Bundle, backend: str, names: tuple[str, ...], signal: _Signal
) -> tuple[Hop, float]:
    detect = DetectConfig(detectors=names, warmup_s=_WARMUP_S, false_alarm_rate=_FALSE_ALARM_RATE)
    front_end = FrontEnd.for_source(
        bundle.manifest.recipe.framing,
        signal.info,
        max_block_samples=signal.hops.shape[1],
        max_clipped_fraction=detect.max_clipped_fraction,
    )
    chain = make_chain(
        Basis.of_bundle(bundle, open_backend(bundle, backend), detect),
        front_end,
        BandConfig(),
        detect,
    )
    # The stream goes on while the numbers begin again.
    blocks = _blocks(signal)

    def hop(number: int) -> float | None:
        for _event in chain.process(next(blocks)):
            pass
        if chain.last is None or not chain.scorer.is_warm:
            return None
        return chain.last.scores[0].value

    return hop, next(iter(chain.thresholds.values()))


def _blocks(signal: _Signal) -> Iterator[IqBlock]:
    number = 0
    while True:
        yield signal.block(number)
        number += 1


def _script(bundle: Bundle, signal: _Signal) -> tuple[Hop, float]:
    manifest = bundle.manifest
    observer = ScriptObserver(bundle, max(ceil(_WARMUP_S / manifest.geometry.hop_s), 4))
    name = "reconstruction" if manifest.model.role == "reconstruction" else "forecast"
    threshold = manifest.threshold(name, _FALSE_ALARM_RATE, DetectConfig().threshold)
    hops, n_hops = signal.hops, len(signal.hops)
    numbers = iter(chain.from_iterable(range(n_hops) for _ in iter(int, 1)))
    return lambda number: observer.hop(hops[next(numbers)]), threshold


def _check(paths: Mapping[str, tuple[Hop, float]], n_hops: int) -> None:
    """Let every path hear the signal once.

    Raises:
        QualityError: one decides otherwise than the script on a segment, or none ever alarms.
    """
    heard: dict[str, list[float | None]] = {}
    for name, (hop, _) in paths.items():
        heard[name] = [hop(number) for number in range(n_hops)]
    expected, threshold = heard[SCRIPT], paths[SCRIPT][1]
    alarms = [score is not None and score > threshold for score in expected]
    if not any(alarms) or all(alarms):
        raise QualityError(f"{sum(alarms)} of {n_hops} segments alarm: nothing is compared")
    for name, scores in heard.items():
        own = [score is not None and score > paths[name][1] for score in scores]
        apart = max(
            abs(score - other)
            for score, other in zip(scores, expected, strict=True)
            if score is not None and other is not None
        )
        if own != alarms or not apart <= _SCORE_ATOL:
            raise QualityError(
                f"{name} decides otherwise than the script, or its scores are {apart:.2g} away: "
                "nothing is compared"
            )


def _gather(hop_samples: int) -> _Signal:
    source = open_source(_SOURCE)
    try:
        samples = source.info.sample_format.empty(source.info.n_samples or 0)
        filled = 0
        while filled < len(samples) and (block := source.read(samples[filled:])) is not None:
            filled += block.n_samples
        n_hops = filled // hop_samples
        return _Signal(source.info, samples[: n_hops * hop_samples].reshape(n_hops, -1, 2))
    finally:
        source.close()


def uncalibrated(bundle: Bundle, path: Path) -> Bundle:
    """Return a bundle with thresholds that nobody measured, for a network that nobody trained."""
    detectors = {
        name: Calibration(
            0.0, 1.0, 1, {str(_FALSE_ALARM_RATE): {"quantile": _THRESHOLD, "gaussian": _THRESHOLD}}
        )
        for name in ("reconstruction", "zscore", "energy")
    }
    return write_bundle(
        path,
        replace(bundle.manifest, detectors=detectors),
        bundle.model,
        bundle.golden_inputs,
        bundle.golden_outputs,
        bundle.weights,
    )


def table(timings: list[PathTiming]) -> str:
    """Return Markdown."""
    head = ["network", "path, detectors", "us, min", "median", "x real time", "at best", "x script"]
    rows = [
        [
            timing.network,
            timing.path,
            f"{timing.min_us:.0f}",
            f"{timing.median_us:.0f}",
            f"{timing.times_real_time:.1f}",
            f"{timing.best_times_real_time:.1f}",
            f"{timing.ratio:.1f}",
        ]
        for timing in timings
    ]
    return markdown_table(head, rows)


@click.command()
@click.option("--rounds", default=40, show_default=True, help="Turns of each path.")
@click.option("--turn-ms", default=20.0, show_default=True, help="Length of a turn.")
@click.option(
    "--work", type=click.Path(path_type=Path), help="Keep models here, or take those that are."
)
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(rounds: int, turn_ms: float, work: Path | None, save: bool) -> None:
    """Time one hop of 32,000 samples at 5 MS/s, from the samples to the decision."""
    record.on_one_core()

    def progress(text: str) -> None:
        click.echo(text, err=True)

    shipped = load_bundle(shipped_bundle_path())
    with tempfile.TemporaryDirectory() as temporary:
        cases, _ = make_cases(work or Path(temporary), None, progress)
        (autoencoder,) = (case for case in cases if case.name == "autoencoder")
        ready = {
            kind: uncalibrated(bundle, Path(temporary) / f"{kind}.edgespec")
            for kind, bundle in autoencoder.bundles.items()
        }
        progress("measuring the LSTM")
        timings = measure(
            "LSTM 2x64, shipped", {"numba": shipped, "litert": shipped}, rounds, turn_ms / 1e3
        )
        for kind, own in (
            ("float32", {"numba": ready["float32"], "litert": ready["float32"]}),
            ("dynamic int8", {"litert": ready["dynamic_int8"]}),
        ):
            progress(f"measuring the autoencoder, {kind}")
            timings += measure(f"autoencoder, {kind}, untrained", own, rounds, turn_ms / 1e3)
    text = table(timings) + "\n\n" + _NOTES
    machine = record.facts() | {"rounds": str(rounds), "turn_ms": f"{turn_ms:g}"}
    result: dict[str, Any] = {
        "machine": machine,
        "source": _SOURCE,
        "timings": [asdict(timing) for timing in timings],
    }
    click.echo(text)
    if save:
        title = "The whole path, one hop of 6.4 ms at 5 MS/s, one core"
        click.echo(record.save("path", title, result, text), err=True)


_NOTES = f"""\
Samples are int16 of `{_SOURCE}`, in blocks of one hop. Times are processor time of one hop, real
time is that of the median. Every path of a network alarms on the same segments by the model's
score as the script, which has no other detector. The autoencoder has random weights and thresholds
that nobody measured: its time does not depend on them."""


if __name__ == "__main__":
    main()
