"""Whether the broker is there and lets this observer in.

A connection of its own with a throw-away client id: it neither takes the id of a running observer
nor announces anything on the observer's topics.
"""

import os

from edgespec.errors import BrokerError
from edgespec.mqtt.link import BrokerRefusedError, Link
from edgespec.mqtt.session import Session
from edgespec.ops.checks.finding import Finding, Subject

__all__ = ["check_broker"]


def check_broker(subject: Subject) -> Finding:
    """Whether a connection with the configured user and certificate is accepted."""
    mqtt = subject.config.mqtt
    if mqtt.url is None:
        return Finding("skipped", "no broker is configured (mqtt.url)")
    link = Link.of(mqtt, f"edgespec-doctor-{os.getpid()}")
    try:
        with Session(link):
            pass
    except BrokerRefusedError as error:
        return Finding(
            "fail", str(error), "correct mqtt.username, the password or the certificates"
        )
    except BrokerError as error:
        return Finding(
            "fail",
            str(error),
            "start the broker, correct mqtt.url, or open the port in the firewall; the monitor "
            "keeps events on disk until it is there",
        )
    who = f"as {link.username}" if link.username else "without user name"
    shown = ", with its certificate" if mqtt.cert_file is not None else ""
    return Finding("ok", f"{link.url} accepts this observer {who}{shown} (MQTT {link.protocol})")
