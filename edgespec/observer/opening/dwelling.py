"""What a source is asked for; of a radio that takes turns, whether it can, and what is missed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import cast

from edgespec.config import Config, SourceConfig
from edgespec.errors import ConfigError
from edgespec.observer.fixed_gain import gains_of
from edgespec.sources.dwell import DwellSource, Turn
from edgespec.sources.request import Request, Tuning
from edgespec.sources.schemes import SOURCES, parse_source
from edgespec.sources.source import Source, TunableSource

__all__ = ["check_source", "duty_text", "request_of", "take_turns"]

#: Most of a turn that a radio may need to settle.
_MOST_SETTLING = 0.5


def check_source(config: Config, source: SourceConfig) -> None:
    """Check the address of a source, and that one that is to take turns can be tuned.

    Raises:
        UsageError: the address cannot be understood.
        ConfigError: it cannot be tuned, or its address says where it stays.
    """
    uri = parse_source(source.address)
    turns = config.turns_of(source)
    if not turns:
        return
    if not SOURCES[uri.scheme].is_tunable:
        known = ", ".join(scheme for scheme, kind in SOURCES.items() if kind.is_tunable)
        raise ConfigError(
            f"source {source.id!r} has dwell_s, but {uri.text!r} is a recording, which shows what "
            f"it was tuned to: delete dwell_s, or name a radio ({known})"
        )
    if "center_freq" in uri.options:
        raise ConfigError(
            f"source {source.id!r} has dwell_s, so its bands say where it is tuned to, but "
            f"{uri.text!r} gives center_freq: take it out of the address"
        )
    if source.settle_s is not None:
        _check_settling(turns, source.settle_s, f"source {source.id!r}")


def request_of(config: Config, source: SourceConfig, rate_hz: float | None) -> Request:
    """Return what is wanted of a source that its address leaves open."""
    centers_hz, gains = tuple(config.turns_of(source)), gains_of(config, source)
    first_hz = next(iter(centers_hz), source.center_freq_hz)
    return Request(
        center_freq_hz=first_hz,
        sample_rate_hz=rate_hz,
        gain_db=source.gain_db if first_hz is None else gains.get(first_hz, source.gain_db),
        ppm=source.ppm,
        later=tuple(Tuning(hz, gains.get(hz)) for hz in centers_hz[1:]),
    )


def take_turns(
    radio: Source,
    turns: Mapping[float, float],
    settle_s: float | None,
    gains: Mapping[float, float | None] = MappingProxyType({}),
) -> DwellSource:
    """Return an open radio as one that takes turns; one that cannot is closed.

    Args:
        radio: tuned to the first.
        turns: centre frequencies in Hz, and how long to listen there in seconds.
        settle_s: how long nothing is believed behind a retune; None: what the radio says.
        gains: in dB, by centre frequency; it stays as it is where there is none.

    Raises:
        ConfigError: a turn is too short for the radio to settle.
    """
    listened = tuple(
        Turn(center_hz, dwell_s, gains.get(center_hz)) for center_hz, dwell_s in turns.items()
    )
    # The schemes say which of them can be tuned.
    taken = DwellSource(cast(TunableSource, radio), listened, settle_s)
    try:
        rate = f"{radio.info.uri} at {radio.info.sample_rate_hz:g} samples/s"
        _check_settling(turns, taken.settle_s, rate)
    except ConfigError:
        radio.close()
        raise
    return taken


def _check_settling(turns: Mapping[float, float], settle_s: float, what: str) -> None:
    least_s = min(turns.values())
    if settle_s > _MOST_SETTLING * least_s:
        raise ConfigError(
            f"dwell_s is {least_s:g}, but {what} takes {settle_s:.2g} s to settle: give at least "
            f"{settle_s / _MOST_SETTLING:.2g}, or a shorter source.settle_s"
        )


def duty_text(config: Config, source: SourceConfig) -> str:
    """Return in words how much of the time a radio listens to each of its bands.

    Of a burst that lasts b, ``(b + dwell) / cycle`` are heard at least in part, 1 at most.
    """
    turns = config.turns_of(source)
    cycle_s = sum(turns.values())
    parts = ", ".join(
        f"{band.id} {turns[band.center_freq_hz or 0.0] / cycle_s:.0%}"
        for band in config.bands_of(source)
    )
    longest_s = cycle_s - min(turns.values())
    return (
        f"source {source.id} takes turns with its bands, and listens to {parts} of the time: what "
        f"is on for less than {longest_s:.3g} s may come and go while it is tuned elsewhere"
    )
