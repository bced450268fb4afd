"""What judges the events of an observer."""

from collections.abc import Collection

from edgespec.alerts.actions import Actions
from edgespec.alerts.decisions import DecisionsFile
from edgespec.alerts.history import History
from edgespec.alerts.inbox import Inbox
from edgespec.alerts.incidents import IncidentTable, incidents_path, load_incidents
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.keeper import EventKeeper
from edgespec.alerts.past import events_folder
from edgespec.alerts.rules import AlertRules
from edgespec.config import Config
from edgespec.records import BandInfo

__all__ = ["open_inbox", "open_judge"]

_SLACK_BINS = 2


def open_judge(
    config: Config, bands: Collection[BandInfo], *, is_live: bool
) -> tuple[AlertJudge, EventKeeper | None]:
    """Return what says of every event whether it is an alert, and the sink that keeps them.

    What a recording holds is nobody's past: with nothing live nothing is kept, and nothing that
    was kept counts.

    Raises:
        ConfigError: a rule names a band or a kind of event that is not there.
    """
    folder, rules = events_folder(config.node.state_dir), AlertRules.of(config)
    # Edges are read off bins; a bin more or less is the same.
    slacks_hz = {band.band: _SLACK_BINS * band.grid.bin_hz for band in bands}
    if not is_live:
        return AlertJudge(rules, IncidentTable(slacks_hz)), None
    path = incidents_path(folder)
    incidents = IncidentTable(slacks_hz, load_incidents(path))
    judge = AlertJudge(rules, incidents, DecisionsFile(folder).read)
    n_bytes = config.alarm.history_max_bytes
    history = History(folder, n_bytes) if n_bytes else None
    return judge, EventKeeper(judge, config.node.id, history, path)


def open_inbox(config: Config) -> Inbox:
    """Return what answers the requests that come over the broker."""
    return Inbox(Actions.of(config))
