"""The tables of a fleet's store, and how each takes a row that it may have already.

Times are nanoseconds since 1970 in UTC: ``heard_ns`` by the clock of whoever keeps the store, all
others by that of the observer or central unit, which may be wrong. ``broker`` is the name that the
broker was given: two of them may know a node of one name. Nothing is ever added up in a column, so
that a message that comes again changes nothing.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Any

from sqlalchemy import BigInteger, Boolean, Column, Double, Index, MetaData, Table, Text

__all__ = [
    "ABOUT", "ACTIONS", "BANDS", "BY_NAME", "EVENTS", "LASTING", "MIGRATIONS", "OBSERVERS",
    "PLACES", "REFUSALS", "SITES", "SITE_EVENTS", "STATES", "TABLES", "VERDICTS", "VERSION", "Row",
    "Rule", "rule_of",
]  # fmt: skip

#: Of the tables; a store of a newer version is refused.
VERSION = 1
#: What makes version N + 1 of version N: SQL, one statement each, that both databases know.
MIGRATIONS: dict[int, tuple[str, ...]] = {}


class Rule(Enum):
    """What becomes of a row whose key is there already."""

    #: What it says takes the place of what was said before; what it does not say stays.
    LATEST = "latest"
    #: The one that is there stays.
    FIRST = "first"
    #: The one of the higher ``sequence`` stays.
    SEQUENCE = "sequence"


@dataclass(frozen=True, slots=True)
class Row:
    """Values by column. ``is_old``: the broker had kept it, and newer ones are not replaced."""

    table: str
    values: dict[str, Any]
    is_old: bool = False

    @property
    def is_passing(self) -> bool:
        """Whether the next of its kind says all that it does: it need not outlive an outage."""
        return rule_of(BY_NAME[self.table]) is Rule.LATEST

    @property
    def key(self) -> tuple[object, ...]:
        """What it is about."""
        columns = BY_NAME[self.table].primary_key.columns
        return (self.table, *(self.values[column.name] for column in columns))


_METADATA = MetaData()


def _key(name: str, kind: Any = Text) -> "Column[Any]":
    return Column(name, kind, primary_key=True)


def _ns(name: str, *, may_be_null: bool = False) -> "Column[Any]":
    return Column(name, BigInteger, nullable=may_be_null)


def _number(name: str) -> "Column[Any]":
    # What is not finite is null: databases do not agree on it.
    return Column(name, Double)


ABOUT = Table("about", _METADATA, _key("name"), Column("value", Text, nullable=False))

OBSERVERS = Table(
    "observers", _METADATA,
    _key("broker"), _key("node"),
    _ns("first_ns"),
    # The last word of it, which is none where the broker had only kept it.
    _ns("heard_ns", may_be_null=True),
    Column("is_online", Boolean),
    # How far its clock is ahead; null where nothing live came yet.
    _number("ahead_s"),
    Column("info", Text),
)  # fmt: skip

BANDS = Table(
    "bands", _METADATA,
    _key("broker"), _key("node"), _key("band"),
    _ns("first_ns"), _ns("heard_ns"), _ns("at_ns"),
    Column("is_alarm", Boolean),
    _number("promise_per_day"), _number("promise_low"), _number("promise_high"),
    Column("events_last_day", BigInteger),
    Column("state", Text),
)  # fmt: skip

STATES = Table(
    "states", _METADATA,
    _key("broker"), _key("node"), _key("band"), _key("at_ns", BigInteger),
    _ns("heard_ns"),
    _number("level_dbfs"), _number("noise_floor_dbfs"), _number("speed"), _number("duty"),
    Column("n_dropped", BigInteger),
    Column("events_last_day", BigInteger),
    Column("condition", Text, nullable=False),
    Index("states_heard", "heard_ns"),
)  # fmt: skip

EVENTS = Table(
    "events", _METADATA,
    _key("broker"), _key("node"), _key("id"),
    Column("sequence", BigInteger, nullable=False),
    _ns("first_ns"), _ns("heard_ns"),
    Column("band", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("incident", Text, nullable=False),
    Column("is_alert", Boolean, nullable=False),
    Column("why_not", Text, nullable=False),
    Column("is_over", Boolean, nullable=False),
    _number("lower_hz"), _number("upper_hz"), _number("severity_db"), _number("sureness"),
    _ns("start_ns"), _ns("end_ns"),
    Column("message", Text, nullable=False),
    Index("events_first", "first_ns"),
    Index("events_band", "broker", "node", "band", "first_ns"),
)  # fmt: skip

SITES = Table(
    "sites", _METADATA,
    _key("broker"), _key("site"),
    _ns("heard_ns"), _ns("at_ns"),
    Column("status", Text), Column("is_alarm", Boolean),
    Column("verdict", Text),
)  # fmt: skip

VERDICTS = Table(
    "verdicts", _METADATA,
    _key("broker"), _key("site"), _key("at_ns", BigInteger),
    _ns("heard_ns"),
    Column("status", Text, nullable=False), Column("is_alarm", Boolean, nullable=False),
    _number("score"), _number("threshold"), Column("n_units", BigInteger),
    Column("verdict", Text, nullable=False),
    Index("verdicts_heard", "heard_ns"),
)  # fmt: skip

SITE_EVENTS = Table(
    "site_events", _METADATA,
    _key("broker"), _key("site"), _key("id"),
    Column("sequence", BigInteger, nullable=False),
    _ns("first_ns"), _ns("heard_ns"),
    Column("band", Text, nullable=False), Column("kind", Text, nullable=False),
    Column("is_over", Boolean, nullable=False),
    _ns("start_ns"), _ns("end_ns"),
    Column("message", Text, nullable=False),
    Index("site_events_first", "first_ns"),
)  # fmt: skip

#: What people asked of observers, and what those answered: whoever asked, over the broker.
ACTIONS = Table(
    "actions", _METADATA,
    _key("broker"), _key("node"), _key("command"), _key("name"),
    _ns("heard_ns"),
    Column("event", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Index("actions_heard", "heard_ns"),
    Index("actions_event", "broker", "node", "event"),
)  # fmt: skip

PLACES = Table(
    "places", _METADATA,
    _key("broker"), _key("node"),
    Column("latitude_deg", Double, nullable=False),
    Column("longitude_deg", Double, nullable=False),
)  # fmt: skip

#: Messages that were left out since the program began, by reason.
REFUSALS = Table(
    "refusals", _METADATA,
    _key("broker"), _key("reason"),
    Column("n", BigInteger, nullable=False), _ns("heard_ns"),
    Column("words", Text, nullable=False),
)  # fmt: skip

BY_NAME: dict[str, Table] = dict(_METADATA.tables)
TABLES = tuple(_METADATA.sorted_tables)
_RULES = {
    EVENTS: Rule.SEQUENCE, SITE_EVENTS: Rule.SEQUENCE, STATES: Rule.FIRST, VERDICTS: Rule.FIRST,
    ACTIONS: Rule.FIRST,
}  # fmt: skip


def rule_of(table: Table) -> Rule:
    """Return what becomes of a row that is there already."""
    return _RULES.get(table, Rule.LATEST)


#: Those that grow: a row is of something that happened, or of a band that may have another name
#: now, and is forgotten by when it was heard.
LASTING = tuple(table for table in TABLES if rule_of(table) is not Rule.LATEST or table is BANDS)
