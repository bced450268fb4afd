"""The routes of a central unit's page: its sites, and their verdicts as they come."""

from typing import Any

from aiohttp import web

from edgespec import __version__
from edgespec.web.feed_memory import FeedMemory
from edgespec.web.guard import Guard
from edgespec.web.hub import Hub
from edgespec.web.live import look_on, refusal, show_news
from edgespec.web.server import Page
from edgespec.web.task import Task

__all__ = ["open_page"]


class _Sites:
    """What is known of the sites: their maps, and the last verdict on each that is looked after."""

    def __init__(self, sites: list[dict[str, Any]]) -> None:
        self._sites = sites
        self._verdicts: dict[str, dict[str, Any]] = {}
        self._mine: set[str] = {site["name"] for site in sites}

    def hear(self, message: dict[str, Any]) -> dict[str, Any] | None:
        """Take what the central unit says and return what those who look are told."""
        if message["type"] == "verdict":
            self._verdicts[message["verdict"]["site"]] = message["verdict"]
        else:
            self._mine = set(message["sites"])
        return message

    def known(self) -> list[dict[str, Any]]:
        """Return the sites that this central unit looks after."""
        return [
            {**site, "verdict": self._verdicts.get(site["name"])}
            for site in self._sites
            if site["name"] in self._mine
        ]


def open_page(task: Task, memory: FeedMemory | None, guard: Guard) -> Page:
    """Return the page of a central unit.

    Args:
        task: ``about`` has ``node``, its id, and ``sites``, what maps need of them.
        memory: none is needed.
        guard: nor this: nothing can be changed.
    """
    sites, routes = _Sites(task.about["sites"]), web.RouteTableDef()
    hub = Hub(task.max_lookers, sites.hear)

    @routes.get("/api/node")
    async def node(request: web.Request) -> web.StreamResponse:
        told = {"node": task.about["node"], "version": __version__, "readonly": True, "csrf": None}
        return web.json_response(told)

    @routes.get("/api/site")
    async def site(request: web.Request) -> web.StreamResponse:
        return web.json_response(sites.known())

    @routes.get("/api/live")
    async def live(request: web.Request) -> web.StreamResponse:
        if (refused := refusal(request, hub, task.max_lookers)) is not None:
            return refused
        async with look_on(request, hub) as (socket, looker):
            await show_news(socket, looker)
        return socket

    return Page("site.html", routes, hub)
