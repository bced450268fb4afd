"""How fast this machine is: front end, model and whole path on the same signal."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.board import Board
from edgespec.config import Config
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.errors import EdgespecError, SourceError
from edgespec.framing import Recipe
from edgespec.inference.backend import Backend
from edgespec.inference.backends import check_backend
from edgespec.inference.bundle import Bundle
from edgespec.machine import machine_facts, peak_rss_mb, power_facts
from edgespec.observer.band import BandChain
from edgespec.observer.latency import LatencyHistogram
from edgespec.observer.named import check_broker
from edgespec.observer.opening.band_model import named_bundle
from edgespec.observer.opening.opening import open_chain
from edgespec.observer.opening.parts import open_channel
from edgespec.observer.radio_opening import open_band_source, open_basis
from edgespec.observer.scoring.basis import Basis
from edgespec.ops.checks.finding import Machine
from edgespec.ops.coldstart import describe
from edgespec.ops.load import Load, watch_load
from edgespec.power import PowerMeter
from edgespec.records import IqBlock
from edgespec.sources.schemes import refuse_sweeps
from edgespec.sources.source import Source

__all__ = ["BenchReport", "Latency", "Timing", "bench", "machine_facts"]

#: Signal kept in memory and played in a loop, so that the source costs nothing.
_SIGNAL_S = 0.25


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds of one call, and what that means for a stream.

    One call handles the samples of one hop. ``rate_msps`` is millions of them per second,
    ``times_real_time`` how much longer they last than the median call.
    """

    name: str
    per: str
    n_calls: int
    min_s: float
    median_s: float
    p95_s: float
    p99_s: float
    rate_msps: float
    times_real_time: float


@dataclass(frozen=True, slots=True)
class Latency:
    """Distribution of the time between two moments.

    ``bins`` are those of :class:`~edgespec.observer.latency.LatencyHistogram` that hold
    something: upper edge in seconds (None: no edge) and count. Quantiles are edges of bins,
    so up to a quarter too large.
    """

    name: str
    n: int
    p50_s: float
    p95_s: float
    p99_s: float
    max_s: float
    bins: tuple[tuple[float | None, int], ...]

    @classmethod
    def of(cls, name: str, histogram: LatencyHistogram) -> "Latency":
        """Return the distribution that a histogram holds."""
        p50_s, p95_s, p99_s = (histogram.quantile_s(share) for share in (0.5, 0.95, 0.99))
        longest_s, bins = histogram.max_ns / 1e9, tuple(histogram.bins())
        return cls(name, histogram.n, p50_s, p95_s, p99_s, longest_s, bins)


@dataclass(frozen=True, slots=True)
class BenchReport:
    """Everything a reader needs to believe the figures."""

    timings: tuple[Timing, ...]
    latencies: tuple[Latency, ...]
    cold_start_s: float
    peak_rss_mb: float
    machine: dict[str, str]
    model: dict[str, str]
    source: str
    created_utc: str
    board: tuple[str, ...] = ()
    load: Load | None = None

    def as_json(self) -> dict[str, Any]:
        """Return it as a JSON object."""
        return {"schema": "edgespec.bench/1", **asdict(self)}


def bench(
    config: Config,
    duration_s: float,
    progress: Callable[[str], None] = lambda text: None,
    *,
    load_s: float = 0.0,
) -> BenchReport:
    """Measure the only or first band for about ``duration_s`` and return the report.

    Each part gets a third of the time. Every call handles the samples of one hop, which is what
    the monitor does; parts run after a warm-up that is not counted. With a broker, some messages
    are published and the time to their confirmation is measured, too. Without a source, the
    simulated cell is heard. With ``load_s``, the path then works for so long without a pause, and
    the report tells what the board did meanwhile.

    Raises:
        ConfigError: the broker cannot be reached as it is named.
        SourceError: the source ended before it gave one hop of samples, or has another rate.
        BrokerError: a broker is named and does not answer.
    """
    if config.source[0].uri is None:
        # What is measured takes a signal, whatever it is.
        simulated = replace(config.source[0], uri="sim:lte-dl")
        config = replace(config, source=(simulated, *config.source[1:]))
    check_broker(config.mqtt)
    check_backend(config.band[0].backend)
    bundle = named_bundle(config)
    refuse_sweeps(config.source[0].address, "bench")
    source = open_band_source(config, [bundle])
    try:
        progress("opening the model")
        basis = open_basis(config, source.info, bundle)
        chain = open_chain(config, source.info, basis)
        hop_samples, rate_hz = chain.hop_samples, chain.sample_rate_hz
        progress(f"gathering {_SIGNAL_S:g} s of {config.source[0].address}")
        signal = _gather(source, hop_samples, rate_hz)
        part_s = duration_s / 3
        progress("front end")
        timings = [_time_front_end(config, basis.recipe, source, signal, hop_samples, part_s)]
        if basis.bundle is not None and basis.backend is not None:
            progress("model")
            timings.append(_time_model(basis.bundle, basis.backend, part_s))
        progress("whole path")
        one_hop = _path(chain, source, signal, hop_samples)
        seconds = _measure(one_hop, part_s)
        timings.append(_timing("whole path", "hop", seconds, hop_samples, rate_hz))
        latencies = [Latency.of("block to decision", _histogram(seconds))]
        load = None
        if load_s > 0:
            progress(f"{load_s:g} s of work, and how the board bears it")
            load = watch_load(one_hop, load_s, Board(), PowerMeter(Machine().run))
        if config.mqtt.url is not None:
            from edgespec.ops.delivery import time_delivery

            progress("last sample to confirmed alarm")
            latencies.append(Latency.of("block to confirmed alarm", time_delivery(config, one_hop)))
    finally:
        source.close()
    rss_mb = peak_rss_mb()
    progress("cold start")
    cold_start_s = _cold_start(config)
    return BenchReport(
        tuple(timings),
        tuple(latencies),
        cold_start_s,
        rss_mb,
        machine_facts() | power_facts(),
        _described(basis),
        config.source[0].address,
        datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
        Board().read().words,
        load,
    )


def _described(basis: Basis) -> dict[str, str]:
    """Return what a reader must know of the model."""
    described = {"name": basis.model}
    if basis.bundle is not None:
        described["sha256"] = basis.bundle.sha256
        described["quantisation"] = basis.bundle.manifest.model.quantisation
    if basis.backend is not None:
        described["backend"] = basis.backend.name
    return described


def _gather(source: Source, hop_samples: int, sample_rate_hz: float) -> NDArray[Any]:
    """Return about ``_SIGNAL_S`` of samples, a whole number of hops."""
    n_hops = max(1, round(_SIGNAL_S * sample_rate_hz / hop_samples))
    signal = source.info.sample_format.empty(n_hops * hop_samples)
    filled = 0
    while filled < len(signal):
        block = source.read(signal[filled:])
        if block is None:
            break
        filled += block.n_samples
    n_hops = filled // hop_samples
    if n_hops == 0:
        raise SourceError(
            f"{source.info.uri} ended after {filled} samples; the bench needs at least "
            f"{hop_samples} of them"
        )
    return signal[: n_hops * hop_samples]


def _blocks(source: Source, signal: NDArray[Any], hop_samples: int) -> Iterator[IqBlock]:
    """Yield the signal hop by hop without end, as one continuous stream."""
    info, sample_start = source.info, 0
    while True:
        for first in range(0, len(signal), hop_samples):
            yield IqBlock(
                signal[first : first + hop_samples],
                info.sample_rate_hz,
                info.center_freq_hz,
                sample_start,
                utc_ns=0,
                received_ns=time.monotonic_ns(),
            )
            sample_start += hop_samples


def _measure(call: Callable[[], object], part_s: float) -> NDArray[np.float64]:
    """Return the seconds of each call within about ``part_s``, after ten that do not count."""
    for _ in range(10):
        call()
    seconds: list[float] = []
    until = time.perf_counter() + part_s
    while (begun := time.perf_counter()) < until or len(seconds) < 20:
        call()
        seconds.append(time.perf_counter() - begun)
    return np.asarray(seconds)


def _timing(
    name: str, per: str, seconds: NDArray[np.float64], n_samples: int, sample_rate_hz: float
) -> Timing:
    median_s = float(np.median(seconds))
    return Timing(
        name,
        per,
        len(seconds),
        float(seconds.min()),
        median_s,
        float(np.quantile(seconds, 0.95)),
        float(np.quantile(seconds, 0.99)),
        n_samples / median_s / 1e6,
        n_samples / sample_rate_hz / median_s,
    )


def _time_front_end(
    config: Config,
    recipe: Recipe,
    source: Source,
    signal: NDArray[Any],
    hop_samples: int,
    part_s: float,
) -> Timing:
    channel = open_channel(config, recipe, source.info)
    front_end = FrontEnd(
        recipe.framing,
        source.info.sample_format if channel is None else channel.info.sample_format,
        max_block_samples=hop_samples,
        max_clipped_fraction=config.detect.max_clipped_fraction,
        computing=config.node.computing,
    )
    blocks = _blocks(source, signal, hop_samples)

    def one_hop() -> None:
        block = next(blocks)
        for part in (block,) if channel is None else channel.process(block):
            front_end.process(part)

    seconds = _measure(one_hop, part_s)
    name = f"front end ({front_end.computing}, {source.info.sample_format})"
    return _timing(name, "hop", seconds, hop_samples, source.info.sample_rate_hz)


def _time_model(bundle: Bundle, backend: Backend, part_s: float) -> Timing:
    recipe = bundle.manifest.recipe
    window = next(bundle.golden_windows())
    seconds = _measure(lambda: backend.predict(*window), part_s)
    n_samples = recipe.hop_samples
    name = f"model ({backend.name}, {bundle.manifest.model.quantisation})"
    return _timing(name, "segment", seconds, n_samples, recipe.sample_rate_hz)


def _path(
    chain: BandChain, source: Source, signal: NDArray[Any], hop_samples: int
) -> Callable[[], None]:
    """Return what runs one hop through the path, already warm."""
    geometry = chain.geometry
    blocks = _blocks(source, signal, hop_samples)

    def one_hop() -> None:
        for _event in chain.process(next(blocks)):
            pass

    for _ in range(geometry.n_segment // geometry.hop_frames + chain.scorer.n_warmup):
        one_hop()
    return one_hop


def _histogram(seconds: NDArray[np.float64]) -> LatencyHistogram:
    histogram = LatencyHistogram()
    for duration_s in seconds:
        histogram.add(round(1e9 * duration_s))
    return histogram


def _cold_start(config: Config) -> float:
    """Return the seconds from the start of a new process to its first score."""
    command = [sys.executable, "-m", "edgespec.ops.coldstart", describe(config)]
    begun = time.perf_counter()
    result = subprocess.run(command, check=False, capture_output=True, text=True, timeout=300)
    seconds = time.perf_counter() - begun
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or ["it gave no reason"]
        raise EdgespecError(f"a new process did not come to its first score: {lines[-1]}")
    return seconds
