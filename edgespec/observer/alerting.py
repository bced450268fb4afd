"""What judges the events of an observer."""

import time
from collections.abc import Callable, Collection, Mapping

from edgespec.alerts.actions import Actions
from edgespec.alerts.decisions import DecisionsFile
from edgespec.alerts.facts import BandFacts
from edgespec.alerts.inbox import Errands, Inbox
from edgespec.alerts.incidents import IncidentTable, events_folder, incidents_path, load_incidents
from edgespec.alerts.judge import AlertJudge
from edgespec.alerts.keeper import IncidentKeeper
from edgespec.alerts.rules import AlertRules
from edgespec.clock import UtcWatch
from edgespec.config import Config
from edgespec.config.mask import Mask
from edgespec.detect.rules import EventRules
from edgespec.history.keeper import HistoryKeeper
from edgespec.history.opening import history_path
from edgespec.history.store import Store
from edgespec.observer.fixed_gain import scale_of
from edgespec.observer.scoring.budget_watch import BudgetWatch
from edgespec.records import BandInfo, Event

__all__ = ["open_budget", "open_history", "open_inbox", "open_judge", "open_normals"]

_SLACK_BINS = 2


def open_judge(
    config: Config, bands: Collection[BandInfo], masks: Mapping[str, Mask], *, is_live: bool
) -> tuple[AlertJudge, IncidentKeeper | None]:
    """Return what says of every event whether it is an alert, and the sink that keeps incidents.

    ``masks`` are those of bands that have one, by their ids.

    What a recording holds is nobody's past: with nothing live nothing is kept, and nothing that
    was kept counts.

    Raises:
        ConfigError: a rule names a band or a kind of event that is not there.
    """
    folder, rules = events_folder(config.node.state_dir), AlertRules.of(config)
    # Edges are read off bins; a bin more or less is the same.
    slacks_hz = {band.band: _SLACK_BINS * band.grid.bin_hz for band in bands}
    facts = {
        band.id: BandFacts(scale_of(config, band), masks.get(band.id), slacks_hz.get(band.id, 0.0))
        for band in config.band
    }
    if not is_live:
        return AlertJudge(rules, IncidentTable(slacks_hz), facts=facts), None
    path = incidents_path(folder)
    incidents = IncidentTable(slacks_hz, load_incidents(path, sets_aside=True))
    judge = AlertJudge(rules, incidents, DecisionsFile(folder).read, facts=facts)
    return judge, IncidentKeeper(judge, path)


def open_budget(
    config: Config, band: str, rules: EventRules, hop_s: float, *, is_live: bool
) -> BudgetWatch | None:
    """Return what keeps the events of a band to those that are bearable; None where nothing does.

    A recording is judged by the same thresholds from its start to its end.
    """
    if not is_live or not config.detect.keep_budget:
        return None
    per_day = config.detect.budget_per_day
    return BudgetWatch(per_day, rules, hop_s, band, open_normals(config))


def open_history(config: Config, *, is_live: bool) -> HistoryKeeper | None:
    """Return the sink that keeps the history; None where nothing is live, or nothing is wanted."""
    wanted = config.history
    if not is_live or not wanted.max_bytes:
        return None
    path = history_path(config.node.state_dir)
    quality = UtcWatch().quality
    store = Store(path, wanted.max_bytes, wanted.max_age_days, quality=quality)
    scales = {band.id: band.level_scale for band in config.band}
    return HistoryKeeper(store, config.node.id, quality, scales)


def open_normals(config: Config) -> Callable[[Event], bool]:
    """Return what says whether people have called an event like this normal."""
    read = DecisionsFile(events_folder(config.node.state_dir)).read
    return lambda event: read().is_normal(event, time.time_ns())


def open_inbox(config: Config, errands: Errands | None = None) -> Inbox:
    """Return what answers the requests that come over the broker."""
    return Inbox(Actions.of(config), errands=errands)
