"""The figures of an observer as Prometheus's families: names, units and labels.

They are made when somebody asks; what goes on is only counted. No frequency is ever a label.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from edgespec import __version__
from edgespec.observer.latency import EDGES_S, LatencyHistogram
from edgespec.records import ObserverState
from edgespec.wire.levels import level_payload

if TYPE_CHECKING:
    from edgespec.observer.startup import Observer

__all__ = ["figures_of"]

#: Of the edges that are counted, two a decade are told.
_TOLD_EDGES_S = EDGES_S[::5]
_IO = Path("/proc/self/io")


def figures_of(
    observer: "Observer", states: Mapping[str, ObserverState], alarms: LatencyHistogram
) -> Iterator[Metric]:
    """Yield every family of figures.

    Args:
        observer: what runs.
        states: the last one of each band.
        alarms: from the last sample that an alert needed to the alert.
    """
    yield _gauge("info", "What runs here", {"version": __version__}, 1.0)
    yield from _of_sources(observer)
    yield from _of_states(states)
    untold = CounterMetricFamily(
        "edgespec_notifications_lost", "Notifications of alerts that nobody took"
    )
    untold.add_metric([], max((state.n_untold for state in states.values()), default=0))
    yield untold
    inference = HistogramMetricFamily(
        "edgespec_inference_duration_seconds", "Time of one call of the model", labels=["band"]
    )
    for worker in observer.monitor.workers:
        durations = worker.chain.scorer.inference
        if durations is not None:
            inference.add_metric([worker.chain.info.band], *_buckets(durations))
    yield inference
    latency = HistogramMetricFamily(
        "edgespec_sample_to_alarm_seconds", "From the last sample that an alert needed to the alert"
    )
    latency.add_metric([], *_buckets(alarms))
    yield latency
    if observer.broker is not None:
        yield _gauge("mqtt_connected", "Whether the broker is connected", {},
                     float(observer.broker.connected))  # fmt: skip
        lost = CounterMetricFamily("edgespec_mqtt_lost", "Events that no space was left for")
        lost.add_metric([], observer.broker.n_lost)
        yield lost
        yield _gauge("mqtt_spool_bytes", "Payload of the events that wait for the broker", {},
                     float(observer.broker.waiting_bytes))  # fmt: skip
    if _IO.is_file():
        fields = dict(line.split(": ") for line in _IO.read_text().splitlines())
        written = CounterMetricFamily(
            "edgespec_disk_written_bytes", "Bytes that the observer had written to disks"
        )
        written.add_metric([], float(fields["write_bytes"]))
        yield written


def _of_sources(observer: "Observer") -> Iterator[Metric]:
    dropped = CounterMetricFamily(
        "edgespec_samples_dropped",
        "Samples of a source that a band never got",
        labels=["source", "band"],
    )
    reconnects = CounterMetricFamily(
        "edgespec_source_reconnects", "How often a source was opened anew", labels=["source"]
    )
    model = GaugeMetricFamily(
        "edgespec_model_info", "The bundle that judges a band", labels=["band", "sha256"]
    )
    workers = {worker.chain.info.band: worker for worker in observer.monitor.workers}
    for radio in observer.radios:
        reconnects.add_metric([radio.id], getattr(radio.source, "n_reconnects", 0))
        for chain in radio.chains:
            band = chain.info.band
            dropped.add_metric([radio.id, band], workers[band].n_dropped)
            if chain.info.model_sha256 is not None:
                model.add_metric([band, chain.info.model_sha256], 1.0)
    yield from (dropped, reconnects, model)


def _of_states(states: Mapping[str, ObserverState]) -> Iterator[Metric]:
    """Yield what the states of the bands say; a level is told once there is one."""
    skipped = CounterMetricFamily(
        "edgespec_windows_skipped", "Segments that were not scored", labels=["band", "reason"]
    )
    counters = {
        name: CounterMetricFamily(f"edgespec_{name}", text, labels=["band"])
        for name, text in (
            ("samples", "Samples that were worked off"),
            ("segments", "Segments that were looked at"),
            ("events", "Events that began"),
        )
    }
    gauges = {
        name: GaugeMetricFamily(f"edgespec_{name}", text, labels=["band"])
        for name, text in (
            ("noise_floor_dbfs", "Noise floor of a bin"),
            ("level_dbfs", "Power of the band"),
            ("noise_floor_dbm", "Noise floor of a bin at the receiver, where it is calibrated"),
            ("level_dbm", "Power of the band at the receiver, where it is calibrated"),
            (
                "noise_floor_dbuv_per_meter",
                "Noise floor of a bin at the antenna, where that is known",
            ),
            ("level_dbuv_per_meter", "Field strength of the band, where the antenna is known"),
            ("calibration_timestamp_seconds", "Begin of the day that levels were calibrated on"),
            ("alarm", "Whether an alert is open"),
            ("warmup_left_seconds", "Signal that is still to be learnt from"),
            ("unscored_ratio", "Share of the last second that could not be scored"),
            ("speed_ratio", "Seconds of signal that a second of work takes off"),
            ("tuned", "Whether the radio is tuned to the band now"),
            ("last_test_timestamp_seconds", "When the band last found its own test tone"),
            ("duty_ratio", "Share of the time in which the radio listened to the band"),
            ("recent_events", "Events that began in the last 24 hours, or since the start"),
            ("promised_false_events", "False events in 24 hours that thresholds were set for"),
        )
    }
    for band, state in tuple(states.items()):
        for reason, n in state.n_skipped.items():
            skipped.add_metric([band, reason], n)
        for name, n in (
            ("samples", state.n_samples),
            ("segments", state.n_segments),
            ("events", state.n_events),
        ):
            counters[name].add_metric([band], n)
        if state.n_segments:
            for name, level in _levels_of(state).items():
                gauges[name].add_metric([band], level)
        day = state.scale.calibrated
        if day is not None:
            begin = datetime(day.year, day.month, day.day, tzinfo=UTC)
            gauges["calibration_timestamp_seconds"].add_metric([band], begin.timestamp())
        gauges["alarm"].add_metric([band], float(state.alarm))
        gauges["warmup_left_seconds"].add_metric([band], state.warmup_left_s)
        gauges["unscored_ratio"].add_metric([band], state.unscored_share)
        gauges["speed_ratio"].add_metric([band], state.speed)
        gauges["tuned"].add_metric([band], float(state.tuned))
        gauges["duty_ratio"].add_metric([band], state.duty)
        if state.last_test_ns is not None:
            gauges["last_test_timestamp_seconds"].add_metric([band], state.last_test_ns / 1e9)
        gauges["recent_events"].add_metric([band], state.events_last_day)
        if state.promise is not None:
            gauges["promised_false_events"].add_metric([band], state.promise.per_day)
    yield skipped
    yield from counters.values()
    yield from gauges.values()


def _levels_of(state: ObserverState) -> dict[str, float]:
    """Return the levels of a band in every unit that they are known in.

    Prometheus's own linter wants units in full.
    """
    levels = {"level": state.level_dbfs, "noise_floor": state.noise_floor_dbfs}
    told = {f"{name}_dbfs": level for name, level in levels.items()}
    for name, level in levels.items():
        told |= level_payload(name, level, state.scale)
    return {
        name.replace("dbuv_m", "dbuv_per_meter"): level
        for name, level in told.items()
        if level is not None
    }


def _gauge(name: str, text: str, labels: Mapping[str, str], value: float) -> Metric:
    family = GaugeMetricFamily(f"edgespec_{name}", text, labels=list(labels))
    family.add_metric(list(labels.values()), value)
    return family


def _buckets(counted: LatencyHistogram) -> tuple[list[tuple[str, float]], float]:
    """Return how many durations lay below each edge that is told, and the sum of all."""
    bins = list(counted.bins())
    within = [
        sum(n for edge_s, n in bins if edge_s is not None and lower_s < edge_s <= upper_s)
        for lower_s, upper_s in zip((0.0, *_TOLD_EDGES_S), _TOLD_EDGES_S, strict=False)
    ]
    buckets = [
        (f"{edge_s:.3g}", float(n))
        for edge_s, n in zip(_TOLD_EDGES_S, accumulate(within), strict=True)
    ]
    return [*buckets, ("+Inf", float(sum(n for _, n in bins)))], counted.total_ns / 1e9
