"""What is said of a track."""

from edgespec.clock import ClockQuality
from edgespec.detect.naming import Naming
from edgespec.detect.track import Track
from edgespec.records import BandInfo, Change, Event, EventType

__all__ = ["message_of"]

_NS = 1_000_000_000


def message_of(
    track: Track,
    event_type: EventType,
    naming: Naming,
    info: BandInfo,
    clock: ClockQuality,
    latency_ns: int,
) -> Event:
    """Return the message on an event as it is now.

    Args:
        track: the event.
        event_type: new, update or end.
        naming: what it is called.
        info: names the band; its grid says where bins and ticks lie.
        clock: how good UTC is now.
        latency_ns: from the last sample that it needed.
    """
    region, tick_hz = track.region, info.grid.tick_hz
    lower_hz, upper_hz = info.grid.edges_hz(region.lower_bin, region.upper_bin)
    n_ticks = track.tick_end - track.tick_start
    return Event(
        event_id=track.event_id,
        event_type=event_type,
        band=info.band,
        start_ns=track.start_ns,
        # By the signal's own clock: UTC may have been set back meanwhile.
        end_ns=track.start_ns + round(n_ticks / tick_hz * _NS),
        sample_start=track.tick_start,
        n_samples=n_ticks,
        freq_lower_hz=lower_hz,
        freq_upper_hz=upper_hz,
        peak_freq_hz=float(info.grid.freqs_hz[region.peak_bin]),
        peak_dbfs=track.peak_dbfs,
        change=Change.GAIN if region.sign > 0 else Change.LOSS,
        excess_db=region.excess_db,
        severity_db=track.severity_db,
        detector=track.detector,
        score=track.score,
        threshold=track.threshold,
        sureness=track.sureness,
        kind=naming.kind,
        kind_probability=naming.probability,
        kind_hint=naming.hint,
        clock=clock,
        latency_s=latency_ns / _NS,
        model_sha256=info.model_sha256,
    )
