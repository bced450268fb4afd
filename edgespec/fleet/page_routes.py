"""The routes of a fleet's page: it reads the store, and asks observers over their brokers."""

import asyncio
import math
import re
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from aiohttp import web
from sqlalchemy import Connection

from edgespec import __version__
from edgespec.config import MqttConfig
from edgespec.decode import Decoder
from edgespec.errors import ConfigError, UsageError
from edgespec.fleet.overview import look, overview_payloads
from edgespec.fleet.past import EventsWanted, event_payload_of, fleet_actions, fleet_events
from edgespec.fleet.place import store_url
from edgespec.fleet.store import reading
from edgespec.mqtt.asking import ask_observer
from edgespec.nearest import advice
from edgespec.web.feed_memory import FeedMemory
from edgespec.web.guard import Guard
from edgespec.web.hub import Hub
from edgespec.web.live import look_on, refusal, show_news
from edgespec.web.past import parse_time
from edgespec.web.server import Page, check_names, fault, read_object
from edgespec.web.task import Task
from edgespec.wire.request import Request
from edgespec.wire.text import PayloadError

__all__ = ["open_page"]

_STATUS_TOO_MANY = 429
#: All who look see the same for so long: it costs the most of what is asked.
_FRESH_S = 3.0
#: An observer that does not answer for so long will not; so many are asked at once.
_ANSWER_S, _MOST_ASKED = 6.0, 4
_MOST_EVENTS = 200


def open_page(task: Task, memory: FeedMemory | None, guard: Guard) -> Page:
    """Return the page of a fleet.

    Args:
        task: ``about`` has ``store``, ``brokers`` by name as tables of ``[mqtt]``, ``node``,
            ``silent_s`` and ``days``.
        memory: none is needed.
        guard: who may do what.
    """
    fleet = _FleetPage(task, guard)
    return Page("fleet.html", fleet.routes(), fleet.hub)


class _FleetPage:
    def __init__(self, task: Task, guard: Guard) -> None:
        about = task.about
        self._task, self._guard = task, guard
        self._url = store_url(about["store"])
        self._brokers: Mapping[str, MqttConfig] = {
            name: Decoder(ConfigError).decode(MqttConfig, table, name)
            for name, table in about["brokers"].items()
        }
        self.hub = Hub(task.max_lookers, lambda message: message)
        # One at a time: what is asked of the past must not take the writer's processor.
        self._reader = ThreadPoolExecutor(1, "fleet-past")
        self._asker = ThreadPoolExecutor(_MOST_ASKED, "fleet-ask")
        self._n_asked = 0
        self._overview: tuple[float, list[dict[str, Any]]] = (-math.inf, [])

    def routes(self) -> web.RouteTableDef:
        table = web.RouteTableDef()
        table.get("/api/node")(self._node)
        table.get("/api/fleet")(self._fleet)
        table.get("/api/events")(self._events)
        table.get("/api/actions")(self._actions)
        table.get("/api/live")(self._live)
        for path, command, *names in (
            ("/api/events/{id}/acknowledge", "ack"),
            ("/api/events/{id}/normal", "normal", "seconds"),
            ("/api/mutes", "mute", "id", "band", "kind", "lower_hz", "upper_hz", "seconds"),
            ("/api/undo", "undo", "id"),
        ):
            table.post(path)(self._asking(command, names))
        return table

    async def _node(self, request: web.Request) -> web.Response:
        guard = self._guard
        return web.json_response(
            {
                "node": self._task.about["node"],
                "version": __version__,
                **guard.rights(request.cookies.get(guard.cookie_name)),
                "brokers": [*self._brokers],
                "days": self._task.about["days"],
            }
        )

    async def _fleet(self, request: web.Request) -> web.Response:
        check_names(request.query, (), "the address")
        about = self._task.about

        def overview(base: Connection) -> list[dict[str, Any]]:
            asked_s, found = self._overview
            if time.monotonic() - asked_s > _FRESH_S:
                found = [*overview_payloads(look(base, about["silent_s"], about["days"]))]
                self._overview = time.monotonic(), found
            return found

        return await self._read(overview)

    async def _events(self, request: web.Request) -> web.Response:
        query = request.query
        check_names(query, ("node", "before", "alerts", "limit"), "the address")
        before = query.get("before")
        before_ns = None if before is None else parse_time("before", before)
        limit = query.get("limit", "30")
        if not re.fullmatch("[0-9]{1,9}", limit) or not 1 <= int(limit) <= _MOST_EVENTS:
            raise UsageError(f"limit is {limit[:40]!r}; it must be 1 to {_MOST_EVENTS}")
        wanted = EventsWanted(
            query.get("node"), None, None, before_ns, query.get("alerts") == "1", int(limit)
        )
        return await self._read(
            lambda base: [event_payload_of(one) for one in fleet_events(base, wanted)]
        )

    async def _actions(self, request: web.Request) -> web.Response:
        check_names(request.query, (), "the address")
        return await self._read(fleet_actions)

    async def _live(self, request: web.Request) -> web.StreamResponse:
        if (refused := refusal(request, self.hub, self._task.max_lookers)) is not None:
            return refused
        async with look_on(request, self.hub) as (socket, looker):
            await show_news(socket, looker)
        return socket

    def _asking(self, command: str, names: list[str]) -> Callable[[web.Request], Any]:
        """Return what asks an observer to do something, and says what it answers."""

        async def ask(request: web.Request) -> web.Response:
            told = await read_object(request, ("broker", "node", *names))
            settings = self._settings(str(told.pop("broker", "")))
            node = str(told.pop("node", ""))
            if "seconds" in told:
                told["duration_s"] = told.pop("seconds")
            about = {**request.match_info, **told}
            try:
                asked = Request(command, **about)
            except (PayloadError, TypeError) as error:
                return fault(400, str(error).replace("duration_s", "seconds"))
            if self._n_asked >= _MOST_ASKED:
                return fault(_STATUS_TOO_MANY, "others are being asked", "try again in a moment")
            self._n_asked += 1
            try:
                answer = await asyncio.get_running_loop().run_in_executor(
                    self._asker, ask_observer, settings, node, asked, _ANSWER_S
                )
            finally:
                self._n_asked -= 1
            return web.json_response({"said": f"{node} has done it: {command}", "data": answer})

        return ask

    def _settings(self, broker: str) -> MqttConfig:
        if broker not in self._brokers:
            raise UsageError(
                f"broker is {broker[:60]!r}: {advice(broker[:60], [*self._brokers])}; another "
                "fleet's program looks after others"
            )
        return self._brokers[broker]

    async def _read(self, ask: Callable[[Connection], Any]) -> web.Response:
        def read() -> Any:
            with reading(self._url) as base:
                return ask(base)

        found = await asyncio.get_running_loop().run_in_executor(self._reader, read)
        return web.json_response(found)
