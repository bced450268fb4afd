"""Reports to learn from: out of files, or from the broker while nothing unusual is on the band."""

import logging
import time
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from edgespec.config import MqttConfig
from edgespec.errors import ConfigError
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.records import RssReport
from edgespec.twin.site import Site
from edgespec.twin.trained import TrainedTwin, train
from edgespec.wire.rss import RSS_SCHEMA, RssPayloadError, parse_rss
from edgespec.wire.text import PayloadError
from edgespec.wire.topics import TwinTopics
from edgespec.wire.transmitters import Transmitter, parse_transmitters

__all__ = ["learn_from_broker", "learn_from_files", "read_reports"]

_LOG = logging.getLogger(__name__)


def read_reports(paths: Sequence[Path]) -> Iterator[RssReport]:
    """Yield the reports in files with one object a line; whatever else they hold is left out.

    Raises:
        ConfigError: a file cannot be read, or a line that should be a report is none.
    """
    wanted = f'"{RSS_SCHEMA}"'.encode()
    for path in paths:
        number = 0
        try:
            with path.open("rb") as file:
                for line in file:
                    number += 1
                    if wanted in line:
                        yield parse_rss(line.strip())
        except OSError as error:
            raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
        except RssPayloadError as error:
            raise ConfigError(f"{path}, line {number}: {error}") from error


def learn_from_files(site: Site, paths: Sequence[Path]) -> TrainedTwin:
    """Learn a site from recorded reports; those of other sites are left out.

    Raises:
        ConfigError: a file cannot be read, or holds too little.
    """
    return train(site, (report for report in read_reports(paths) if report.site == site.name))


def learn_from_broker(site: Site, settings: MqttConfig, duration_s: float) -> TrainedTwin:
    """Listen to the units of a site for a time, beside its central unit, and learn from that.

    Raises:
        ConfigError: too little was heard.
        BrokerError: the broker cannot be reached, or the link breaks.
    """
    topics = TwinTopics(settings.topic_prefix)
    reports: list[RssReport] = []
    told: list[tuple[int, tuple[Transmitter, ...]]] = []

    def hear(topic: str, data: bytes) -> None:
        try:
            if topic == topics.transmitters(site.name):
                told.append(parse_transmitters(data))
            else:
                reports.append(parse_rss(data, topic.rsplit("/", 3)[-3], site.name))
        except PayloadError as error:
            _LOG.warning("%s: %s", topic, error)

    link = Link.of(replace(settings, protocol="5"), f"edgespec-train-{uuid.uuid4().hex[:8]}")
    with Session(link) as session:
        session.listen(hear)
        session.ask([topics.transmitters(site.name), topics.reports(site.name)], qos=1)
        until_s = time.monotonic() + duration_s
        while (left_s := until_s - time.monotonic()) > 0:
            session.poll(None, min(left_s, 1.0))
    return train(site, reports, told)
