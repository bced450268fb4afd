"""The page of an observer: what it watches, what it has told, what people say of it."""

import asyncio
import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.typedefs import Handler

from edgespec.alerts.actions import Actions
from edgespec.alerts.inbox import Inbox
from edgespec.board import Board
from edgespec.errors import UsageError
from edgespec.nearest import advice
from edgespec.web.feed_memory import BandLook, FeedMemory
from edgespec.web.guard import Guard
from edgespec.web.hub import Hub
from edgespec.web.live import look_on, refusal, show_band
from edgespec.web.past import MOST_HOURS, PastOfPage, parse_time
from edgespec.web.server import Page, check_names, fault, read_object
from edgespec.web.task import Task
from edgespec.wire.request import Request, parse_response
from edgespec.wire.text import PayloadError, encode

__all__ = ["open_page"]

T = TypeVar("T")

_STATUS_TOO_MANY = 429


def open_page(task: Task, memory: FeedMemory | None, guard: Guard) -> Page:
    """Return the page of an observer."""
    if memory is None:
        raise ValueError("the page of an observer shares its memory")
    observer = _ObserverPage(task, memory, guard)
    return Page("index.html", observer.routes(), observer.hub)


class _ObserverPage:
    def __init__(self, task: Task, memory: FeedMemory, guard: Guard) -> None:
        about = task.about
        self._task, self._memory, self._guard = task, memory, guard
        self._bands: list[dict[str, Any]] = about["bands"]
        self._names = [one["band"] for one in self._bands]
        state_dir = Path(about["state_dir"])
        self._past = PastOfPage(state_dir)
        self._actions = Actions(state_dir, self._names)
        self._inbox = Inbox(self._actions)
        self._states: dict[str, dict[str, Any]] = {}
        self._board = Board()
        self.hub = Hub(task.max_lookers, self._hear)
        # One at a time, whoever hangs up meanwhile: what looks into the past must not take the
        # board's processors.
        self._reader = ThreadPoolExecutor(1, "edgespec-past")

    def routes(self) -> web.RouteTableDef:
        table = web.RouteTableDef()
        for path, get, *names in (
            ("/api/node", self._node),
            ("/api/bands", self._list_bands),
            ("/api/state", self._state),
            ("/api/events", self._events, "band", "before", "limit"),
            ("/api/events/{id}/picture", self._picture),
            ("/api/incidents", self._incidents, "band", "days"),
            ("/api/history", self._history, "band", "hours"),
            ("/api/silenced", self._silenced),
            ("/api/live", self._live, "band"),
        ):
            table.get(path)(_asked_for(get, names))
        for path, post in (
            ("/api/events/{id}/acknowledge", self._acknowledge),
            ("/api/events/{id}/normal", self._learn),
            ("/api/mutes", self._mute),
            ("/api/undo", self._undo),
        ):
            table.post(path)(post)
        return table

    def _hear(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Take what the observer says; return what those who look are told, None for nothing."""
        if message["type"] == "band":
            # Whoever looks is told of other axes by the rows, and of another model by the state.
            self._bands[self._names.index(message["band"]["band"])] = message["band"]
            return None
        if message["type"] == "event":
            self._past.hear(message["event"])
            return {"type": "event", "event": self._past.shown(message["event"])}
        state = message["state"]
        self._states[state["band"]] = state
        return {"type": "state", "state": self._with_heat(state)}

    def _with_heat(self, state: dict[str, Any]) -> dict[str, Any]:
        heat = [celsius for _, celsius in self._board.read().temperatures_c]
        return {**state, "temperature_c": max(heat) if heat else None}

    async def _node(self, request: web.Request) -> web.Response:
        about, guard = self._task.about, self._guard
        return web.json_response(
            {
                "node": about["node"],
                "version": about["version"],
                "board": about["board"],
                "started": about["started"],
                "login": False,
                **guard.rights(request.cookies.get(guard.cookie_name)),
                "bands": self._names,
            }
        )

    async def _list_bands(self, request: web.Request) -> web.Response:
        return web.json_response(self._bands)

    async def _state(self, request: web.Request) -> web.Response:
        return web.json_response([self._with_heat(one) for one in self._states.values()])

    async def _events(self, request: web.Request) -> web.Response:
        query = request.query
        before = query.get("before")
        before_ns = None if before is None else parse_time("before", before)
        limit = round(_number("limit", query.get("limit", "50"), 1, 200))
        return await self._read(lambda: self._past.events(self._band(request), before_ns, limit))

    async def _picture(self, request: web.Request) -> web.StreamResponse:
        path = await asyncio.to_thread(self._past.picture, request.match_info["id"])
        if path is None:
            return fault(404, "there is no picture of this event")
        headers = {"Content-Type": "image/png", "Cache-Control": "private, max-age=3600"}
        return web.FileResponse(path, headers=headers)

    async def _incidents(self, request: web.Request) -> web.Response:
        asked = request.query.get("days")
        days = None if asked is None else _number("days", asked, 0, 4000)
        return await self._read(lambda: self._past.incidents(self._band(request), days))

    async def _history(self, request: web.Request) -> web.Response:
        hours = _number("hours", request.query.get("hours", "24"), 0.1, MOST_HOURS)
        band = self._band(request) or self._names[0]
        return await self._read(lambda: self._past.heat(band, hours))

    async def _live(self, request: web.Request) -> web.StreamResponse:
        band = self._band(request) or self._names[0]
        if (refused := refusal(request, self.hub, self._task.max_lookers)) is not None:
            return refused
        async with look_on(request, self.hub) as (socket, looker):
            look = BandLook(self._memory.band(self._names.index(band)))
            await show_band(socket, looker, look)
        return socket

    async def _silenced(self, request: web.Request) -> web.Response:
        # Whoever looks may see it: it is none of the requests that are bounded.
        return await self._read(lambda: {"said": "", "data": self._actions.do(Request("silenced"))})

    async def _acknowledge(self, request: web.Request) -> web.Response:
        await read_object(request)
        return await self._ask("ack", id=request.match_info["id"])

    async def _learn(self, request: web.Request) -> web.Response:
        told = await read_object(request, ("seconds",))
        return await self._ask(
            "normal", id=request.match_info["id"], duration_s=told.get("seconds")
        )

    async def _mute(self, request: web.Request) -> web.Response:
        names = ("id", "band", "kind", "lower_hz", "upper_hz")
        told = await read_object(request, (*names, "seconds"))
        about = {name: told.get(name) for name in names}
        return await self._ask("mute", **about, duration_s=told.get("seconds"))

    async def _undo(self, request: web.Request) -> web.Response:
        told = await read_object(request, ("id",))
        return await self._ask("undo", id=told.get("id"))

    async def _ask(self, command: str, **about: Any) -> web.Response:
        """Ask as the command line and the broker do, and return what is said."""
        try:
            data = encode({name: value for name, value in about.items() if value is not None})
        except PayloadError as error:
            return fault(400, str(error))
        answer = await asyncio.to_thread(self._inbox.answer, command, data)
        if answer is None:
            return fault(_STATUS_TOO_MANY, "too many requests", "one a second in the long run")
        response = parse_response(answer)
        if response.error:
            # Behind the page a length of time has another name.
            return fault(400, response.error.replace("duration_s", "seconds"))
        return web.json_response({"said": _words(command, response.data), "data": response.data})

    async def _read(self, read: Callable[[], Any]) -> web.Response:
        found = await asyncio.get_running_loop().run_in_executor(self._reader, read)
        return web.json_response(found)

    def _band(self, request: web.Request) -> str | None:
        """Return the band that is asked for.

        Raises:
            UsageError: there is no such band.
        """
        name = request.query.get("band")
        if name and name not in self._names:
            raise UsageError(f"band is {name[:60]!r}: {advice(name[:60], self._names)}")
        return name or None


def _asked_for(handler: Handler, names: Sequence[str]) -> Handler:
    """Return a handler whose addresses have these names behind their '?', and no others."""

    async def asked_for(request: web.Request) -> web.StreamResponse:
        check_names(request.query, names, "the address")
        return await handler(request)

    return asked_for


def _words(command: str, data: dict[str, Any]) -> str:
    """Return what was done, for people."""
    until = str(data.get("until") or "")[:19]
    how_long = f"until {until}Z" if until else "for ever"
    return {
        "ack": "acknowledged",
        "mute": f"muted {how_long}",
        "normal": f"normal here {how_long}",
        "undo": f"taken back: {data.get('undone', '')}",
    }[command]


def _number(name: str, text: str, least: float, most: float) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise UsageError(f"{name} is {text[:60]!r}; it must be {least:g} to {most:g}")
    return value
