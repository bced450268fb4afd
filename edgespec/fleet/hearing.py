"""From messages of one broker to rows of the store.

Whoever may publish may publish anything, and it may be retained: what is no message of its schema,
or of another node than its topic's, is left out and counted by reason. So are ids that no observer
may have: they would be names in pages, files and databases.
"""

import json
import math
import re
from collections import OrderedDict
from typing import Any

from edgespec.door import brief
from edgespec.fleet.refused import RefusedError, checked, same, time_of
from edgespec.fleet.tables import Row
from edgespec.history.states import condition_of
from edgespec.option import ID, NODE_ID, SITE_ID
from edgespec.records import EventType, ObserverState
from edgespec.wire.event import event_payload, parse_event
from edgespec.wire.fields import Fields
from edgespec.wire.info import parse_info
from edgespec.wire.request import parse_request, parse_response
from edgespec.wire.site_event import SITE_EVENT_SCHEMA, read_site_event
from edgespec.wire.state import parse_state
from edgespec.wire.text import PayloadError, decode, encode
from edgespec.wire.topics import Topics, TwinTopics
from edgespec.wire.verdict import parse_verdict

__all__ = ["Hearing", "topics_of"]

_NS = 1_000_000_000
#: Of what changes nothing, a row once an hour; of what does, one each ten seconds at most.
_EVERY_NS, _LEAST_NS = 3600 * _NS, 10 * _NS
#: A state that looks as the last one is read after so long; these words tell what it looks like.
_READ_NS = 30 * _NS
_MARKS = tuple(
    word.encode()
    for word in (
        '"alarm":true', '"troubles":[]', '"distrust":""', '"history_problem":""', '"promise":null',
        '"unscored_reason":""', '"warmup_left_s":0.0', '"cell":null', '"mqtt_connected":true',
    )
)  # fmt: skip
#: Bands and sites, requests that wait for their answer: more are not known at a time.
_MOST_KNOWN, _MOST_REQUESTS, _MOST_NODES = 1_000_000, 1000, 200_000
#: Of one observer. A row for each name that somebody makes up would fill the store.
_MOST_BANDS = 64
_INFO_BYTES = _STATE_BYTES = 65_536
_NODE, _BAND, _SITE = (re.compile(str(one["pattern"])) for one in (NODE_ID, ID, SITE_ID))
_EVENT_ID = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
#: Decisions of people about events.
_COMMANDS = ("ack", "mute", "normal", "undo")
#: Of a verdict these are large, and nothing that is asked later.
_BY_SUBBAND = ("levels", "expected", "residual_db", "subband_edges_hz")


def topics_of(prefix: str) -> tuple[list[str], list[str]]:
    """Return what is listened to at a broker: what is said for good, and what is said again."""
    one, twin = Topics(prefix, "*", ("*", "-"), ()), TwinTopics(prefix)
    lasting = one.events, one.request("*"), one.response("*")
    passing = one.availability, one.info, *one.states("*")
    # A name may not be '+', and an id never is '*'.
    below = [
        [f"{prefix}{topic[len(prefix) :].replace('*', '+')}" for topic in topics]
        for topics in (lasting, passing)
    ]
    return [*below[0], twin.events("+")], [*below[1], twin.verdict("+")]


class Hearing:
    """Makes rows of what one broker says; for one thread.

    Args:
        broker: the name that it was given.
        prefix: first level of its topics.
    """

    def __init__(self, broker: str, prefix: str) -> None:
        self._broker, self._prefix = broker, f"{prefix}/"
        self._nodes: dict[str, set[str]] = {}
        self._kept: OrderedDict[tuple[str, ...], tuple[object, int]] = OrderedDict()
        self._looks: OrderedDict[str, tuple[str, list[bool], int]] = OrderedDict()
        self._requests: OrderedDict[tuple[str, str, str], str] = OrderedDict()
        #: Messages that were left out, by reason.
        self.refused: dict[str, int] = {}

    def rows(self, topic: str, data: bytes, heard_ns: int, *, is_old: bool) -> list[Row]:
        """Return what is to be written of a message; never raises.

        Args:
            topic: of the message.
            data: its payload.
            heard_ns: UTC here.
            is_old: whether the broker had kept it from before.
        """
        if data and not is_old and (node := self._like_before(topic, data, heard_ns)):
            return [self._observer(node, heard_ns, {"heard_ns": heard_ns})]
        try:
            return self._rows(topic, data, heard_ns, is_old)
        except RefusedError as error:
            return [self._refuse(error.reason, str(error), heard_ns)]
        except PayloadError as error:
            return [self._refuse("payload", f"{brief(topic, 80)}: {error}", heard_ns)]
        except Exception as error:
            # Nothing that comes in here may end the program.
            return [self._refuse("failed", f"{brief(topic, 80)}: {error!r}", heard_ns)]

    def forgotten(self, topic: str, data: bytes) -> str:
        """Return the observer that a message takes away: what the broker kept of it is emptied."""
        if data:
            return ""
        match topic.removeprefix(self._prefix).split("/"):
            case [node, "availability"] if node in self._nodes:
                del self._nodes[node]
                return node
        return ""

    def _rows(self, topic: str, data: bytes, heard_ns: int, is_old: bool) -> list[Row]:
        match topic.removeprefix(self._prefix).split("/"):
            case ["twin", site, "verdict"]:
                return self._verdict(checked(_SITE, site), data, heard_ns, is_old)
            case ["twin", site, "events"]:
                return self._site_event(checked(_SITE, site), data, heard_ns)
            case ["twin" | "models", *_]:
                return []
            case [node, *rest]:
                self._know(checked(_NODE, node))
        match rest:
            case ["availability"]:
                return self._availability(node, data, heard_ns, is_old)
            case ["info"]:
                return self._info(node, data, is_old, heard_ns)
            case ["state"] | ["band", _, "state"]:
                return self._state(node, topic, data, heard_ns, is_old)
            case ["events"]:
                return self._event(node, data, heard_ns)
            case ["request", command] if not is_old:
                self._request(node, command, data)
            case ["response", command] if command in _COMMANDS and not is_old:
                return self._response(node, command, data, heard_ns)
        return []

    def _know(self, node: str) -> None:
        if node not in self._nodes:
            if len(self._nodes) >= _MOST_NODES:
                raise RefusedError("too_many", f"{node}: {_MOST_NODES} observers are known")
            self._nodes[node] = set()

    def _know_band(self, node: str, band: str) -> str:
        bands = self._nodes[node]
        if checked(_BAND, band) not in bands:
            if len(bands) >= _MOST_BANDS:
                raise RefusedError("too_many", f"{node}: {_MOST_BANDS} bands of it are known")
            bands.add(band)
        return band

    def _availability(self, node: str, data: bytes, heard_ns: int, is_old: bool) -> list[Row]:
        if data not in (b"online", b"offline"):
            if not data:
                return []
            raise PayloadError(f"availability is {data[:40]!r}; expected online or offline")
        # That it was kept says nothing of when it was said, and offline is the broker's word.
        is_word = not is_old and data == b"online"
        values = {"is_online": data == b"online"} | ({"heard_ns": heard_ns} if is_word else {})
        return [self._observer(node, heard_ns, values)]

    def _info(self, node: str, data: bytes, is_old: bool, heard_ns: int) -> list[Row]:
        if not data:
            return []
        said, info = parse_info(data)
        same(said, node)
        # As ASCII: it may hold whatever a database takes for no text.
        text = json.dumps(info, separators=(",", ":"))
        if len(text) > _INFO_BYTES:
            raise PayloadError(f"an info has {len(text)} bytes; at most {_INFO_BYTES} are kept")
        return [self._observer(node, heard_ns, {"info": text})]

    def _observer(self, node: str, heard_ns: int, values: dict[str, Any]) -> Row:
        key = {"broker": self._broker, "node": node, "first_ns": heard_ns}
        return Row("observers", {**key, **values})

    def _state(self, node: str, topic: str, data: bytes, heard_ns: int, is_old: bool) -> list[Row]:
        if not data:
            return []
        if len(data) > _STATE_BYTES:
            raise PayloadError(f"a state has {len(data)} bytes; at most {_STATE_BYTES} are kept")
        said, state = parse_state(data)
        same(said, node)
        self._know_band(node, state.band)
        if not is_old:
            self._looks[topic] = node, [mark in data for mark in _MARKS], heard_ns
            self._looks.move_to_end(topic)
            if len(self._looks) > _MOST_KNOWN:
                self._looks.popitem(last=False)
        at_ns = time_of(state.utc_ns)
        if is_old:
            heard_ns = min(heard_ns, at_ns)
        key = {"broker": self._broker, "node": node, "band": state.band}
        promise = state.promise
        now = Row(
            "bands",
            {
                **key,
                "first_ns": heard_ns,
                "heard_ns": heard_ns,
                "at_ns": at_ns,
                "is_alarm": state.alarm,
                "promise_per_day": None if promise is None else _finite(promise.per_day),
                "promise_low": None if promise is None else _finite(promise.low),
                "promise_high": None if promise is None else _finite(promise.high),
                "events_last_day": state.events_last_day,
                # As it came, which was checked: to write it anew would double what it costs.
                "state": data.decode(),
            },
            is_old,
        )
        about: dict[str, Any] = {"heard_ns": heard_ns}
        if not is_old:
            about["ahead_s"] = round((at_ns - heard_ns) / _NS, 3)
        observer = Row("observers", self._observer(node, heard_ns, about).values, is_old)
        return [now, observer, *self._kept_state(key, state, at_ns, heard_ns)]

    def _like_before(self, topic: str, data: bytes, heard_ns: int) -> str:
        """Return the node of a state that says nothing new but figures; '' for what is to be read.

        To read one costs twenty times as much as to look for what matters in it, and thousands a
        second may come.
        """
        known = self._looks.get(topic)
        if known is not None:
            node, look, read_ns = known
            if 0 <= heard_ns - read_ns < _READ_NS and look == [mark in data for mark in _MARKS]:
                return node
        return ""

    def _kept_state(
        self, key: dict[str, str], state: ObserverState, at_ns: int, heard_ns: int
    ) -> list[Row]:
        condition = condition_of(state)
        if not self._is_worth((*key.values(),), condition, heard_ns):
            return []
        values = {
            **key,
            "at_ns": at_ns,
            "heard_ns": heard_ns,
            "level_dbfs": _finite(state.level_dbfs),
            "noise_floor_dbfs": _finite(state.noise_floor_dbfs),
            "speed": _finite(state.speed),
            "duty": _finite(state.duty),
            "n_dropped": state.n_dropped,
            "events_last_day": state.events_last_day,
            "condition": _text(condition),
        }
        return [Row("states", values)]

    def _is_worth(self, about: tuple[str, ...], what: object, now_ns: int) -> bool:
        """Return whether what is known of something is to have a row of its own now."""
        before, at_ns = self._kept.get(about, (None, -_EVERY_NS))
        # By the hours of UTC, which is how the hours are counted in which something was heard.
        is_hour = now_ns // _EVERY_NS != at_ns // _EVERY_NS
        if not is_hour and (what == before or abs(now_ns - at_ns) < _LEAST_NS):
            return False
        self._kept[about] = what, now_ns
        self._kept.move_to_end(about)
        if len(self._kept) > _MOST_KNOWN:
            self._kept.popitem(last=False)
        return True

    def _event(self, node: str, data: bytes, heard_ns: int) -> list[Row]:
        message = parse_event(data)
        event = message.event
        same(message.node, node)
        checked(_BAND, event.band)
        values = {
            "broker": self._broker,
            "node": node,
            "id": checked(_EVENT_ID, event.event_id),
            "sequence": message.sequence,
            "first_ns": heard_ns,
            "heard_ns": heard_ns,
            "band": event.band,
            "kind": event.kind,
            "incident": event.alert.incident,
            "is_alert": event.alert.is_on,
            "why_not": event.alert.reason,
            "is_over": event.event_type is EventType.END,
            "lower_hz": _finite(event.freq_lower_hz),
            "upper_hz": _finite(event.freq_upper_hz),
            "severity_db": _finite(event.severity_db),
            "sureness": _finite(event.sureness),
            "start_ns": time_of(event.start_ns),
            "end_ns": time_of(event.end_ns),
            "message": _text(event_payload(message)),
        }
        return [Row("events", values)]

    def _verdict(self, site: str, data: bytes, heard_ns: int, is_old: bool) -> list[Row]:
        if not data:
            return []
        verdict = parse_verdict(data)
        same(verdict.site, site)
        at_ns = time_of(verdict.utc_ns)
        if is_old:
            heard_ns = min(heard_ns, at_ns)
        payload = {k: v for k, v in decode(data).items() if k not in _BY_SUBBAND}
        text = _text(payload)
        key = {"broker": self._broker, "site": site}
        told = {"status": verdict.status.value, "is_alarm": verdict.is_alarm}
        now = {**key, "heard_ns": heard_ns, "at_ns": at_ns, **told, "verdict": text}
        rows = [Row("sites", now, is_old)]
        mood = (*told.values(), verdict.units_missing, verdict.units_implausible)
        if self._is_worth(("twin", site), mood, heard_ns):
            numbers = {"score": _finite(verdict.score), "threshold": _finite(verdict.threshold)}
            values = {**key, "at_ns": at_ns, "heard_ns": heard_ns, **told, **numbers}
            rows.append(Row("verdicts", {**values, "n_units": verdict.n_units, "verdict": text}))
        return rows

    def _site_event(self, site: str, data: bytes, heard_ns: int) -> list[Row]:
        payload = decode(data)
        event = read_site_event(payload)
        same(event.site, site)
        values = {
            "broker": self._broker,
            "site": site,
            "id": checked(_EVENT_ID, event.event_id),
            "sequence": Fields.of(payload, SITE_EVENT_SCHEMA).integer("sequence"),
            "first_ns": heard_ns,
            "heard_ns": heard_ns,
            "band": event.band,
            "kind": event.kind,
            "is_over": event.event_type is EventType.END,
            "start_ns": time_of(event.start_ns),
            "end_ns": time_of(event.end_ns),
            "message": _text(payload),
        }
        return [Row("site_events", values)]

    def _request(self, node: str, command: str, data: bytes) -> None:
        """Note what is asked: the answer does not repeat which event it was about."""
        if command not in _COMMANDS:
            return
        request = parse_request(command, data)
        if request.transaction and request.id:
            self._requests[node, command, request.transaction] = request.id
            if len(self._requests) > _MOST_REQUESTS:
                self._requests.popitem(last=False)

    def _response(self, node: str, command: str, data: bytes, heard_ns: int) -> list[Row]:
        response = parse_response(data)
        if response.error or response.is_accepted:
            return []
        about = self._requests.pop((node, command, response.transaction), "")
        answer = response.data
        # What is in force has a name of its own; by it what comes again is known.
        name = answer.get("acknowledged") or answer.get("id") or answer.get("undone")
        values = {
            "broker": self._broker,
            "node": node,
            "command": command,
            "name": checked(_EVENT_ID, str(name)),
            "heard_ns": heard_ns,
            "event": about,
            "answer": _text(answer),
        }
        return [Row("actions", values)]

    def _refuse(self, reason: str, words: str, heard_ns: int) -> Row:
        self.refused[reason] = self.refused.get(reason, 0) + 1
        about = {"broker": self._broker, "reason": reason, "n": self.refused[reason]}
        return Row("refusals", {**about, "heard_ns": heard_ns, "words": brief(words, 200)})


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _text(payload: dict[str, Any]) -> str:
    return encode(payload).decode()
