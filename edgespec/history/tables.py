"""The tables of the history, and whose file it is.

Every table counts its rows up, which is their order: UTC may be set back, and the numbers are not.
``clock`` is how good UTC was, a :class:`edgespec.clock.ClockQuality`.
"""

__all__ = ["APPLICATION", "CREATE", "TIMES", "VERSION", "Row"]

#: A statement and its values.
Row = tuple[str, tuple[object, ...]]

#: A database of another version is another one's: see :mod:`edgespec.history.opening`.
VERSION = 1
#: 'edsp', by which file(1) and we know whose it is.
APPLICATION = 0x65647370

#: ``message`` is the last one of an event, ``told`` grows with every message of any event.
_EVENTS = """
CREATE TABLE events (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    told INTEGER NOT NULL,
    band TEXT NOT NULL,
    kind TEXT NOT NULL,
    incident TEXT NOT NULL,
    is_alert INTEGER NOT NULL,
    is_over INTEGER NOT NULL,
    lower_hz REAL,
    upper_hz REAL,
    excess_db REAL,
    severity_db REAL,
    sureness REAL,
    score REAL,
    threshold REAL,
    start_ns INTEGER NOT NULL,
    end_ns INTEGER NOT NULL,
    clock_at_start TEXT NOT NULL,
    clock TEXT NOT NULL,
    message TEXT NOT NULL
);
CREATE INDEX events_told ON events (told);
CREATE INDEX events_incident ON events (incident, told);
CREATE INDEX events_start ON events (start_ns);
"""

#: What a band and its observer were like, where that changed: ``condition`` is a JSON object.
_STATES = """
CREATE TABLE states (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ns INTEGER NOT NULL,
    clock TEXT NOT NULL,
    band TEXT NOT NULL,
    condition TEXT NOT NULL
);
CREATE INDEX states_at ON states (at_ns);
"""

#: A minute of a band; ``freqs_hz`` of its axis and ``traces`` are zlib of arrays, as
#: :mod:`edgespec.history.levels` packs them.
_LEVELS = """
CREATE TABLE axes (
    number INTEGER PRIMARY KEY,
    freqs_hz BLOB NOT NULL UNIQUE
);
CREATE TABLE levels (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    start_ns INTEGER NOT NULL,
    duration_s REAL NOT NULL,
    clock TEXT NOT NULL,
    band TEXT NOT NULL,
    axis INTEGER NOT NULL,
    n_means INTEGER NOT NULL,
    rbw_hz REAL NOT NULL,
    level_dbfs REAL,
    floor_dbfs REAL,
    occupancy REAL,
    full_scale_dbm REAL,
    antenna_factor_db REAL,
    calibrated TEXT,
    base_dbfs REAL NOT NULL,
    traces BLOB NOT NULL
);
CREATE INDEX levels_start ON levels (start_ns);
"""

#: What people asked for and what they were told, both JSON objects.
_ACTIONS = """
CREATE TABLE actions (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ns INTEGER NOT NULL,
    clock TEXT NOT NULL,
    command TEXT NOT NULL,
    request TEXT NOT NULL,
    answer TEXT NOT NULL
);
CREATE INDEX actions_at ON actions (at_ns);
"""

#: One by one: ``executescript`` would end the transaction that they are made in.
CREATE = tuple(
    one
    for table in (_EVENTS, _STATES, _LEVELS, _ACTIONS)
    for one in table.split(";")
    if one.strip()
)
#: The tables that grow, and when their rows were, by which they are forgotten.
TIMES = {"events": "start_ns", "states": "at_ns", "levels": "start_ns", "actions": "at_ns"}
