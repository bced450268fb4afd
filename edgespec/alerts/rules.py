"""Which events are alerts by the rules of the configuration."""

from collections.abc import Collection
from dataclasses import dataclass

from edgespec.config import AlarmConfig, AlertConfig, Config
from edgespec.config.hours import Hours, local_time
from edgespec.errors import ConfigError
from edgespec.kinds import ADVICE
from edgespec.nearest import advice
from edgespec.records import Event

__all__ = ["QUIET_HOURS", "RULE", "AlertRules"]

RULE, QUIET_HOURS = "rule", "quiet hours"


class AlertRules:
    """Judges single messages by what they say: an event may become an alert as it goes on.

    A rule of some kinds does not hold before an event has a name.

    Hours are those in which an event has its end so far, so a recording is judged as if it were
    now.

    Args:
        alarm: quiet hours and time zone.
        alerts: the rules.
    """

    def __init__(self, alarm: AlarmConfig, alerts: Collection[AlertConfig] = ()) -> None:
        self._zone = alarm.time_zone
        self._quiet = _hours(alarm.quiet_hours)
        self._rules = tuple(_Rule(rule, _hours(rule.hours)) for rule in alerts)

    @classmethod
    def of(cls, config: Config) -> "AlertRules":
        """Return the rules of a configuration.

        Raises:
            ConfigError: a rule names a band or a kind of event that is not there, or a mask where
                no band has one.
        """
        known = (("bands", [band.id for band in config.band]), ("kinds", list(ADVICE)))
        for number, rule in enumerate(config.alert):
            for key, names in known:
                for name in getattr(rule, key):
                    if name not in names:
                        raise ConfigError(
                            f"alert[{number}].{key} names {name!r}, which is not there: "
                            f"{advice(name, names)}"
                        )
            if rule.mask and not any(band.mask for band in config.band):
                raise ConfigError(
                    f"alert[{number}].mask is {list(rule.mask)}, but no band has a mask: write "
                    "mask = 'FILE.csv' in the [[band]]"
                )
        return cls(config.alarm, config.alert)

    def why_not(self, event: Event) -> str:
        """Return why an event as it is now is no alert; '' where it is one."""
        if self._rules and not any(self._holds(rule, event) for rule in self._rules):
            return RULE
        return QUIET_HOURS if self._is_within(self._quiet, event) else ""

    def _holds(self, rule: "_Rule", event: Event) -> bool:
        return rule.holds(event) and (not rule.hours or self._is_within(rule.hours, event))

    def _is_within(self, hours: tuple[Hours, ...], event: Event) -> bool:
        if not hours:
            return False
        when = local_time(event.end_ns, self._zone)
        return any(some.hold(when) for some in hours)


@dataclass(frozen=True, slots=True)
class _Rule:
    states: AlertConfig
    hours: tuple[Hours, ...]

    def holds(self, event: Event) -> bool:
        """Whether all holds that it states, but its hours."""
        states = self.states
        return (
            (not states.bands or event.band in states.bands)
            and (not states.kinds or (event.is_named and event.kind in states.kinds))
            # Of what a mask says nothing, it is no reason to be silent.
            and (not states.mask or event.listing is None or event.listing.word in states.mask)
            and abs(event.excess_db) >= states.min_excess_db
            and abs(event.severity_db) >= states.min_severity_db
            and event.sureness >= states.min_sureness
            and event.heard_s >= states.min_duration_s
            and (states.lower_hz is None or event.freq_upper_hz > states.lower_hz)
            and (states.upper_hz is None or event.freq_lower_hz < states.upper_hz)
        )


def _hours(texts: tuple[str, ...]) -> tuple[Hours, ...]:
    return tuple(Hours.parse(text) for text in texts)
