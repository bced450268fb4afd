"""How all sites and central units are, from what the broker keeps."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgespec.config import MqttConfig
from edgespec.door import brief
from edgespec.errors import ConfigError
from edgespec.mqtt.retained import gather_retained
from edgespec.twin.service.screen import verdict_line
from edgespec.wire.fields import Fields
from edgespec.wire.member import parse_member
from edgespec.wire.text import PayloadError, decode
from edgespec.wire.topics import TwinTopics
from edgespec.wire.verdict import VERDICT_SCHEMA, TwinVerdict, parse_verdict

__all__ = ["TwinReport", "read_status", "status_lines", "verdict_from_broker", "verdict_from_file"]

_NS = 1_000_000_000
#: Returns the last message on each of some topics.
Gather = Callable[[MqttConfig, Sequence[str]], dict[str, bytes]]
#: A verdict that is older belongs to a site that nobody looks after.
_OLD_S = 10.0


@dataclass(frozen=True, slots=True)
class TwinReport:
    """Verdicts by site as decoded payloads; central units with the sites that they know and what
    became of the reports to those they look after."""

    verdicts: dict[str, dict[str, Any]]
    alarms: dict[str, str]
    members: dict[str, list[str]]
    reports: dict[str, dict[str, int]]
    unreadable: tuple[str, ...] = ()


def read_status(settings: MqttConfig, gather: Gather = gather_retained) -> TwinReport:
    """Return what the broker keeps, or what ``gather`` hears.

    Raises:
        BrokerError: the broker cannot be reached.
    """
    topics = TwinTopics(settings.topic_prefix)
    wanted = [topics.verdict("+"), topics.alarm("+"), topics.members]
    verdicts: dict[str, dict[str, Any]] = {}
    alarms: dict[str, str] = {}
    members: dict[str, list[str]] = {}
    reports: dict[str, dict[str, int]] = {}
    unreadable = []
    for topic, data in sorted(gather(settings, wanted).items()):
        what, name = topics.part_of(topic)
        try:
            if what == "members":
                member = parse_member(data)
                if member.central != name:
                    raise PayloadError(f"it is the presence of {member.central!r}")
                members[name], reports[name] = member.sites, member.reports
            elif what == "alarm":
                alarms[name] = data.decode(errors="replace")
            else:
                parse_verdict(data)
                verdicts[name] = decode(data)
        except PayloadError as error:
            unreadable.append(brief(f"{topic}: {error}", 400))
    return TwinReport(verdicts, alarms, members, reports, tuple(unreadable))


def status_lines(report: TwinReport, as_json: bool) -> Iterator[str]:
    """Yield lines for people, or one object a line."""
    if as_json:
        for payload in report.verdicts.values():
            yield json.dumps(payload)
        yield json.dumps(
            {
                "schema": "edgespec.twin-status/1",
                "members": report.members,
                "reports": report.reports,
                "alarms": report.alarms,
                "unreadable": list(report.unreadable),
            }
        )
        return
    if not report.members:
        yield "no central unit is connected: start one with 'edgespec twin run SITE.toml'"
    for name, sites in report.members.items():
        known = f"{len(sites)} site{'' if len(sites) == 1 else 's'}"
        counts = report.reports.get(name, {})
        taken = ", ".join(f"{n} {reason}" for reason, n in counts.items()) or "none yet"
        yield f"central unit {name} knows {known}; reports: {taken}"
    if not report.verdicts:
        yield "there is no verdict on any site yet"
    for payload in report.verdicts.values():
        verdict = parse_verdict(json.dumps(payload))
        age_s = (time.time_ns() - verdict.utc_ns) / _NS
        old = f" | {age_s:.0f} s OLD" if age_s > _OLD_S else ""
        counts = Fields(payload, VERDICT_SCHEMA).integers("reports")
        yield f"{verdict_line(verdict, counts)} | by {payload.get('central')}{old}"
        if verdict.advice:
            yield f"{'':24}advice: {verdict.advice}"
        yield from (f"{'':24}note: {note}" for note in verdict.notes)
    yield from (f"not understood: {text}" for text in report.unreadable)


def verdict_from_broker(settings: MqttConfig, site: str) -> TwinVerdict:
    """Return the last verdict on a site.

    Raises:
        ConfigError: the broker keeps none.
        BrokerError: the broker cannot be reached.
    """
    topic = TwinTopics(settings.topic_prefix).verdict(site)
    data = gather_retained(settings, [topic]).get(topic)
    if data is None:
        raise ConfigError(
            f"the broker keeps no verdict on {site!r}: is 'edgespec twin run' looking after it?"
        )
    return parse_verdict(data)


def verdict_from_file(path: Path, site: str) -> TwinVerdict:
    """Return the last verdict on a site in a file with one object a line.

    Raises:
        ConfigError: the file cannot be read, or holds none.
    """
    wanted = f'"{VERDICT_SCHEMA}"'.encode()
    found = None
    try:
        with path.open("rb") as file:
            for line in file:
                if wanted in line and (verdict := parse_verdict(line.strip())).site == site:
                    found = verdict
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except PayloadError as error:
        raise ConfigError(f"{path}: {error}") from error
    if found is None:
        raise ConfigError(f"{path} holds no verdict on {site!r}")
    return found
