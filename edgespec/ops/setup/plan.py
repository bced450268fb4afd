"""What an observer is set up to do: its configuration, and what that means in words."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgespec.config import BandConfig, Config, DetectConfig, MqttConfig, SourceConfig, template
from edgespec.errors import ConfigError, SourceError, UsageError
from edgespec.mqtt.url import BrokerUrl
from edgespec.observer.startup import check_config
from edgespec.ops.setup.bandplan import BANDS, band_of
from edgespec.ops.setup.found import FoundRadio, nothing_named
from edgespec.ops.setup.recording import check_recording
from edgespec.screen.table import Column, Table
from edgespec.units import format_hz

__all__ = ["Plan", "chosen_source", "listing", "listing_json", "plan_for"]


@dataclass(frozen=True, slots=True)
class Plan:
    """A configuration, and what is heard in it: ``words``, '' where that is not known."""

    config: Config
    words: str

    def as_toml(self) -> str:
        """Return the commented file."""
        return template(self.config)

    def as_text(self, path: Path) -> str:
        """Return what it will do, and what to do next.

        Args:
            path: where the file is.
        """
        source, detect = self.config.source[0], self.config.detect
        where = format_hz(source.center_freq_hz) if source.center_freq_hz else "what it shows"
        heard = f"{where} ({self.words})" if self.words and self.words != where else where
        to = self.config.mqtt.public_url or "the screen only"
        return "\n".join(
            (
                f"wrote {path}: {source.address} watches {heard}, alarms to {to}",
                f"It learns for {detect.warmup_s:g} s after each start what is normal, so start it "
                "on a normal band. Until it is calibrated",
                "nothing is promised of false events; "
                f"{detect.budget_per_day:g} a day once it is. Next:",
                f"  edgespec doctor --warm -c {path}       is everything there? compiles once",
                f"  edgespec look -c {path} -o now.png    what does the band look like?",
                f"  edgespec calibrate -c {path}           hears half an hour of normal signal",
                f"  edgespec monitor -c {path}             watches",
            )
        )


def chosen_source(source: str | None, radios: Sequence[FoundRadio]) -> str:
    """Return the source to watch: the one that is given, or the only one that is there.

    Raises:
        SourceError: none is there.
        UsageError: there are several.
    """
    if source is not None:
        return source
    if not radios:
        raise SourceError(nothing_named([]))
    if len(radios) > 1:
        listed = "; ".join(f"{radio.uri} ({radio.words})" for radio in radios)
        raise UsageError(f"several radios are here: give one of them by --source: {listed}")
    return radios[0].uri


def plan_for(
    source: str,
    band: str | None,
    mqtt: str | None,
    sensitivity: str,
    gain_db: float | None = None,
) -> Plan:
    """Return the plan for what was asked for.

    Raises:
        UsageError: the band, or the source's URI, cannot be understood, or is not a recording's.
        ConfigError: the broker's URL cannot be used, or holds a password, which belongs elsewhere.
        SourceError: a recording is not there.
    """
    named = None if band is None else band_of(band)
    if mqtt is not None and BrokerUrl.parse(mqtt).password is not None:
        raise ConfigError(
            "the broker's URL has a password, which no configuration should: leave it out, and put "
            "it into EDGESPEC_MQTT_PASSWORD or mqtt.password_file"
        )
    config = Config(
        source=(
            SourceConfig(
                uri=source,
                center_freq_hz=None if named is None else named.center_freq_hz,
                gain_db=gain_db,
            ),
        ),
        band=(BandConfig(id="band0" if named is None else named.name),),
        detect=DetectConfig(sensitivity=sensitivity),
        mqtt=MqttConfig(url=mqtt),
    )
    check_config(config)
    check_recording(config.source[0])
    return Plan(config, "" if named is None else named.words)


def listing(radios: Sequence[FoundRadio], width: int | None = None) -> str:
    """Return radios and bands as lines for people."""
    found = [(radio.uri, radio.words) for radio in radios] or [("none is found here", "")]
    bands = [(band.name, format_hz(band.center_freq_hz), band.words) for band in BANDS.values()]
    return "\n".join(
        (
            "Radios:",
            *Table([Column()] * 2, found, width, indent=2).lines(),
            "",
            "Bands (or any frequency, such as 806M):",
            *Table((Column(), Column(is_right=True), Column()), bands, width, indent=2).lines(),
        )
    )


def listing_json(radios: Sequence[FoundRadio]) -> dict[str, Any]:
    """Return the same as an object of schema ``edgespec.setup/1``."""
    return {
        "schema": "edgespec.setup/1",
        "radios": [{"uri": radio.uri, "words": radio.words} for radio in radios],
        "bands": [
            {"name": band.name, "center_freq_hz": band.center_freq_hz, "words": band.words}
            for band in BANDS.values()
        ],
    }
