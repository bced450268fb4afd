"""Observers that are no more: taken out of the store, and out of what their broker keeps."""

import time
from collections.abc import Mapping

from sqlalchemy import URL, Connection, select
from sqlalchemy.exc import SQLAlchemyError

from edgespec.config import MqttConfig
from edgespec.door import brief
from edgespec.errors import EdgespecError, UsageError
from edgespec.fleet.place import shown_url
from edgespec.fleet.store import reading
from edgespec.fleet.tables import BANDS, OBSERVERS, PLACES
from edgespec.mqtt.retained import empty_retained, gather_retained
from edgespec.nearest import advice
from edgespec.units import format_duration

__all__ = ["broker_knowing", "empty_broker", "forget_observer"]

#: What is known of an observer now; what it told of the past goes with its age.
_NOW = (BANDS, PLACES, OBSERVERS)
_NS = 1_000_000_000


def broker_knowing(base: Connection, node: str, broker: str | None, silent_s: float) -> str:
    """Return the name of the broker that knows an observer that has fallen silent.

    Raises:
        UsageError: none knows it, or several do and none is named; or it is not silent.
    """
    known = base.execute(select(OBSERVERS).order_by(OBSERVERS.c.broker, OBSERVERS.c.node)).all()
    found = [row for row in known if row.node == node and broker in (None, row.broker)]
    if not found:
        nodes = dict.fromkeys(row.node for row in known if broker in (None, row.broker))
        where = "" if broker is None else f" of broker {broker!r:.60}"
        raise UsageError(
            f"the store knows no observer {brief(repr(node), 60)}{where}: "
            + (advice(node, [*nodes]) if nodes else "it knows none")
        )
    if len(found) > 1:
        names = ", ".join(row.broker for row in found)
        raise UsageError(f"observers of the brokers {names} are called {node!r}: add --broker NAME")
    (row,) = found
    age_s = float("inf") if row.heard_ns is None else (time.time_ns() - row.heard_ns) / _NS
    if age_s <= silent_s and row.is_online is not False:
        raise UsageError(
            f"{node} was heard {format_duration(age_s)} ago, and would be there again with its "
            "next message: stop it first"
        )
    return str(row.broker)


def empty_broker(brokers: Mapping[str, MqttConfig], broker: str, node: str) -> int:
    """Empty what a broker keeps of an observer; return of how many topics.

    Raises:
        UsageError: the broker of that name is not among those that are given.
        BrokerError: it cannot be reached, or does not let this user do so.
    """
    if broker not in brokers:
        raise UsageError(
            f"{node} is of broker {broker!r}, and --mqtt names {', '.join(brokers)}: write "
            f"--mqtt {broker}=mqtt://HOST"
        )
    settings = brokers[broker]
    kept = gather_retained(settings, [f"{settings.topic_prefix}/{node}/#"])
    empty_retained(settings, [*kept])
    return len(kept)


def forget_observer(url: URL, broker: str, node: str) -> None:
    """Take an observer out of what a store knows now, beside whoever writes there.

    Raises:
        ConfigError: there is no store, or it is of another version or program.
        EdgespecError: it cannot be written.
    """
    with reading(url) as base:
        # What was read is of a moment ago, and nothing may be written behind that.
        base.rollback()
        try:
            with base.begin():
                for table in _NOW:
                    is_it = (table.c.broker == broker) & (table.c.node == node)
                    base.execute(table.delete().where(is_it))
        except SQLAlchemyError as error:
            raise EdgespecError(
                f"the store {shown_url(url)} cannot be written "
                f"({brief(getattr(error, 'orig', None) or error, 160)}): see whether this user may"
            ) from error
