"""The gain of a band: what is known of it, and that a calibration in dBm holds at one."""

from dataclasses import replace

from edgespec.config import BandConfig, Config, SourceConfig
from edgespec.errors import ConfigError
from edgespec.level_scale import LevelScale
from edgespec.sources.schemes import SOURCES, parse_source
from edgespec.sources.tuner import DEFAULT_GAIN_DB, TUNER_SCHEMES, first_of

__all__ = ["check_gains", "fixed_gain_db", "gain_text", "gains_of", "kept_gain_db", "scale_of"]

#: Options of an address that say the gain of all bands that it shows.
_GAIN_KEYS = ("gain", "gains")


def fixed_gain_db(config: Config, band: BandConfig) -> float | None:
    """Return the gain in dB that the radio of a band is set to.

    None where it sets its gain itself or by stages, where nothing has a gain, and where no source
    is named yet.

    Raises:
        UsageError: its source's URI cannot be understood.
    """
    source = config.source_of(band)
    if source.uri is None:
        return None
    uri = parse_source(source.uri)
    if not SOURCES[uri.scheme].has_gain or uri.is_gain_automatic or "gains" in uri.options:
        return None
    usual_db = DEFAULT_GAIN_DB if uri.scheme in TUNER_SCHEMES else None
    return first_of(uri.number("gain"), config.gain_of(band), usual_db)


def kept_gain_db(config: Config, band: BandConfig) -> float | None:
    """Return the gain that levels of a band are kept at over a restart; None: they mean nothing.

    Where nothing has a gain that could be set, such as a pipe, it is what the configuration says.

    Raises:
        UsageError: its source's URI cannot be understood.
    """
    source = config.source_of(band)
    if source.uri is not None and not SOURCES[parse_source(source.uri).scheme].has_gain:
        return config.gain_of(band)
    return fixed_gain_db(config, band)


def scale_of(config: Config, band: BandConfig) -> LevelScale:
    """Return what levels of a band mean, and the gain that they are read at."""
    return replace(band.level_scale, gain_db=fixed_gain_db(config, band))


def gain_text(config: Config, band: BandConfig) -> str:
    """Return what is known of the gain of a band, in words; '' for nothing.

    Raises:
        UsageError: its source's URI cannot be understood.
    """
    named = parse_source(config.source_of(band).address).options.get("gain", "")
    gain_db = kept_gain_db(config, band)
    return named or ("" if gain_db is None else f"{gain_db:g} dB")


def gains_of(config: Config, source: SourceConfig) -> dict[float, float | None]:
    """Return the gain of each turn of a radio, by its centre in Hz; empty where all have one."""
    bands = config.bands_of(source)
    if all(band.gain_db is None for band in bands):
        return {}
    return {band.center_freq_hz or 0.0: fixed_gain_db(config, band) for band in bands}


def check_gains(config: Config) -> None:
    """Refuse gains of bands that a source cannot have, and levels in dBm without a fixed gain.

    Raises:
        UsageError: a source's URI cannot be understood.
        ConfigError: a band has a gain that its source cannot be set to; of a calibrated band it is
            automatic; or no source is named.
    """
    for source in config.source:
        if any(band.gain_db is not None for band in config.bands_of(source)):
            _check_own_gains(config, source)
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


def _check_own_gains(config: Config, source: SourceConfig) -> None:
    bands, uri = config.bands_of(source), parse_source(source.address)
    named = next(band for band in bands if band.gain_db is not None)
    if not SOURCES[uri.scheme].has_gain:
        known = ", ".join(scheme for scheme, kind in SOURCES.items() if kind.has_gain)
        raise ConfigError(
            f"band {named.id!r} has gain_db, but {uri.text!r:.120} has no gain that could be set: "
            f"delete it, or name a radio ({known})"
        )
    for key in _GAIN_KEYS:
        if key in uri.options:
            raise ConfigError(
                f"band {named.id!r} has gain_db, but {uri.text!r:.120} says {key} for all its "
                "bands: take it out of the address; source.gain_db is for bands without their own"
            )
    for band in bands:
        if fixed_gain_db(config, band) is None:
            raise ConfigError(
                f"band {named.id!r} has gain_db, but band {band.id!r} has none, and neither has "
                f"its source {source.id!r}: radios have no usual one; give either"
            )
