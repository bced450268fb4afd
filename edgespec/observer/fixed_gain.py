"""A calibration in dBm holds at one gain."""

from edgespec.config import Config
from edgespec.errors import ConfigError
from edgespec.sources.schemes import parse_source

__all__ = ["check_gains"]


def check_gains(config: Config) -> None:
    """Refuse levels in dBm of a radio that sets its gain itself.

    Raises:
        UsageError: a source's URI cannot be understood.
        ConfigError: the gain of a calibrated band's source is automatic, or no source is named.
    """
    for band in config.band:
        if band.full_scale_dbm is None:
            continue
        source = config.source_of(band)
        uri = parse_source(source.address)
        if uri.is_gain_automatic or uri.flag("agc"):
            raise ConfigError(
                f"band {band.id!r} is calibrated (full_scale_dbm), which holds at one gain, and "
                f"{source.address!r:.120} sets its gain itself: write the gain it was calibrated "
                "at, as gain=30 or source.gain_db, or leave full_scale_dbm out"
            )
