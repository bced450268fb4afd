"""The whole configuration: every table, and what one says of another."""

from dataclasses import dataclass, field, replace

from edgespec.config.alert_tables import AlarmConfig, AlertConfig
from edgespec.config.band_table import BandConfig
from edgespec.config.detect_table import DetectConfig
from edgespec.config.evidence_table import EvidenceConfig
from edgespec.config.history_table import HistoryConfig
from edgespec.config.metrics_table import MetricsConfig
from edgespec.config.notify_table import NotifyConfig
from edgespec.config.site_table import SiteConfig
from edgespec.config.sweep_table import SweepConfig
from edgespec.config.tables import (
    MqttConfig,
    NodeConfig,
    SourceConfig,
)
from edgespec.config.updates_table import UpdatesConfig
from edgespec.config.web_table import WebConfig
from edgespec.errors import ConfigError
from edgespec.option import about

__all__ = ["Config"]


@dataclass(frozen=True, slots=True)
class Config:
    """Everything an observer can be told; ``Config()`` names no source."""

    node: NodeConfig = field(default_factory=NodeConfig, metadata=about("The observer"))
    source: tuple[SourceConfig, ...] = field(
        default=(SourceConfig(),),
        metadata=about("A radio or recording; a table for each, with ids that differ"),
    )
    band: tuple[BandConfig, ...] = field(
        default=(BandConfig(),),
        metadata=about("A band that is watched; a table for each, with ids that differ"),
    )
    detect: DetectConfig = field(
        default_factory=DetectConfig, metadata=about("Detectors, thresholds and events")
    )
    sweep: SweepConfig = field(
        default_factory=SweepConfig,
        metadata=about("Bands that are swept, whose time is counted in sweeps"),
    )
    site: SiteConfig = field(
        default_factory=SiteConfig, metadata=about("Levels that move too slowly for a detector")
    )
    alarm: AlarmConfig = field(
        default_factory=AlarmConfig,
        metadata=about("How often the observer speaks, and when it must not alarm"),
    )
    alert: tuple[AlertConfig, ...] = field(
        default=(),
        metadata=about(
            "A rule: an event of which all holds that it states is an alert. Of several rules "
            "one is enough; without any, every event is an alert"
        ),
    )
    notify: tuple[NotifyConfig, ...] = field(
        default=(),
        metadata=about("One who is notified of alerts, beside the broker; a table for each"),
    )
    evidence: EvidenceConfig = field(
        default_factory=EvidenceConfig, metadata=about("What is kept of an alert")
    )
    history: HistoryConfig = field(
        default_factory=HistoryConfig,
        metadata=about("What is remembered of a radio: events, states, levels"),
    )
    mqtt: MqttConfig = field(
        default_factory=MqttConfig, metadata=about("The broker; nothing is sent without url")
    )
    metrics: MetricsConfig = field(
        default_factory=MetricsConfig, metadata=about("Figures for Prometheus")
    )
    updates: UpdatesConfig = field(
        default_factory=UpdatesConfig, metadata=about("Whose models may be installed")
    )
    web: WebConfig = field(
        default_factory=WebConfig, metadata=about("A page to look at in a browser")
    )

    def __post_init__(self) -> None:
        _check_ids("source", [source.id for source in self.source])
        _check_ids("band", [band.id for band in self.band])
        known = [source.id for source in self.source]
        for band in self.band:
            if band.source not in known:
                raise ConfigError(
                    f"band {band.id!r} names the source {band.source!r}, which does not exist; "
                    f"write source = {' or '.join(map(repr, known))} in [[band]]"
                )
        watched = {band.source for band in self.band}
        for name in known:
            if name not in watched:
                raise ConfigError(
                    f"no band is watched in the source {name!r}; "
                    f"add a [[band]] with source = {name!r}, or delete the [[source]]"
                )
        for source in self.source:
            self._check_turns(source)
        self._check_sites()
        for number, one in enumerate(self.notify):
            one.check_whole(f"notify[{number}]")
            if one.picture and (self.evidence.keep == "nothing" or not self.evidence.pictures):
                keep, is_drawn = self.evidence.keep, str(self.evidence.pictures).lower()
                raise ConfigError(
                    f"notify[{number}].picture is true, but nothing is drawn: [evidence] has "
                    f"keep = {keep!r}, pictures = {is_drawn}"
                )

    def source_of(self, band: BandConfig) -> SourceConfig:
        """Return the source that shows a band."""
        return next(source for source in self.source if source.id == band.source)

    def gain_of(self, band: BandConfig) -> float | None:
        """Return the gain in dB that a band is listened to at; None leaves it to the source."""
        return self.source_of(band).gain_db if band.gain_db is None else band.gain_db

    def site_of(self, band: BandConfig) -> str | None:
        """Return the site that is told the received power of a band; None: nobody is."""
        return band.site or self.node.site

    def bands_of(self, source: SourceConfig) -> tuple[BandConfig, ...]:
        """Return the bands that a source shows."""
        return tuple(band for band in self.band if band.source == source.id)

    def only(self, band: BandConfig) -> "Config":
        """Return the configuration of an observer of one of the bands, and of no other.

        A radio that dwells on several is one that stays there: the band is all that it shows.
        """
        source = self.source_of(band)
        if source.dwell_s is not None:
            center_hz = band.center_freq_hz
            source = replace(
                source,
                center_freq_hz=center_hz,
                gain_db=self.gain_of(band),
                dwell_s=None,
                settle_s=None,
            )
            band = replace(band, center_freq_hz=None, dwell_s=None, gain_db=None)
        return replace(self, source=(source,), band=(band,))

    def turns_of(self, source: SourceConfig) -> dict[float, float]:
        """Return where a radio is tuned to in turn, in Hz, and for how many seconds.

        Bands of one centre share a turn, as long as the longest of them asks for. Empty where it
        stays.
        """
        turns: dict[float, float] = {}
        for band in self.bands_of(source) if source.dwell_s is not None else ():
            center_hz = band.center_freq_hz or 0.0
            dwell_s = band.dwell_s or source.dwell_s or 0.0
            turns[center_hz] = max(dwell_s, turns.get(center_hz, 0.0))
        return turns

    def _check_turns(self, source: SourceConfig) -> None:
        """Check that a radio that dwells on its bands is told where they are, and by them alone."""
        bands, name = self.bands_of(source), repr(source.id)
        if source.dwell_s is None:
            for band in bands:
                if band.dwell_s is not None:
                    raise ConfigError(
                        f"dwell_s of band {band.id!r} is {band.dwell_s:g}, but the source {name} "
                        "has none, and so stays where it is: give dwell_s there, too"
                    )
                if band.gain_db is not None:
                    raise ConfigError(
                        f"gain_db of band {band.id!r} is {band.gain_db:g}, but the source {name} "
                        "has no dwell_s, and so shows its bands at one gain: write gain_db in the "
                        "[[source]]"
                    )
            return
        for band in bands:
            if band.center_freq_hz is None:
                raise ConfigError(
                    f"band {band.id!r} has no center_freq_hz, which its radio {name} is tuned to "
                    "in its turn; give one, or leave dwell_s out"
                )
        if source.center_freq_hz is not None:
            raise ConfigError(
                f"source {name} has both center_freq_hz and dwell_s: its bands say where it is "
                "tuned to; delete center_freq_hz"
            )
        if len(self.turns_of(source)) < 2:
            raise ConfigError(
                f"source {name} has dwell_s, but all its bands have one center_freq_hz: there is "
                "nothing to take turns with; delete dwell_s, or add a [[band]] at another"
            )

        gains: dict[float | None, BandConfig] = {}
        for band in bands:
            first = gains.setdefault(band.center_freq_hz, band)
            if self.gain_of(first) != self.gain_of(band):
                raise ConfigError(
                    f"the bands {first.id!r} and {band.id!r} share a turn of the source {name}, at "
                    "one center_freq_hz, but not one gain_db: give both the same"
                )

    def _check_sites(self) -> None:
        """Check that a site is told of one band: its units are compared with each other."""
        if self.node.site is not None and len(self.band) > 1:
            raise ConfigError(
                f"node.site is {self.node.site!r}, but there are {len(self.band)} bands; "
                "give site in the [[band]] that the site watches"
            )
        told = [band.site for band in self.band if band.site is not None]
        twice = sorted({site for site in told if told.count(site) > 1})
        if twice:
            raise ConfigError(
                f"two bands name the site {twice[0]!r}; a site compares the power of one band"
            )


def _check_ids(kind: str, ids: list[str]) -> None:
    """Check that each table of one kind has an id of its own, and that there is one."""
    if not ids:
        raise ConfigError(f"there is no [[{kind}]]; write one, or leave the key out")
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise ConfigError(f"two [[{kind}]] tables have the id {twice[0]!r}; ids must differ")
