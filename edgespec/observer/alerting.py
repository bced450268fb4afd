"""What judges the events of an observer."""

from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.rules import AlertRules
from edgespec.config import Config
from edgespec.kinds import ADVICE

__all__ = ["alert_rules", "open_judge"]


def alert_rules(config: Config) -> AlertRules:
    """Return which events are alerts.

    Raises:
        ConfigError: a rule names a band or a kind of event that is not there.
    """
    return AlertRules.of(config, list(ADVICE))


def open_judge(config: Config) -> AlertJudge:
    """Return what says of every event of an observer whether it is an alert.

    Raises:
        ConfigError: as :func:`alert_rules`.
    """
    return AlertJudge(alert_rules(config))
