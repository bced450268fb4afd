"""The HTTP server of a page: what is the same whatever the page is about.

Files, log-in, and who may ask for what; bounds on size, time and number of everything. The routes
of a page are in its own module, see :data:`APPS`.
"""

import asyncio
import importlib
import logging
import mimetypes
import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from edgespec.door import brief
from edgespec.errors import EdgespecError, UsageError
from edgespec.nearest import advice
from edgespec.web.feed_memory import FeedMemory
from edgespec.web.guard import COOKIE_S, CSRF_HEADER, Guard
from edgespec.web.hub import Hub
from edgespec.web.task import Task

__all__ = ["APPS", "Page", "check_names", "fault", "make_app", "read_object", "serve"]

_LOG = logging.getLogger(__name__)
#: Modules with the routes of a page, by its name; each has ``open_page(task, memory, guard)``.
APPS = {
    "observer": "edgespec.web.observer_page",
    "site": "edgespec.web.site_page",
    "fleet": "edgespec.fleet.page_routes",
}
_FILES = Path(__file__).parent / "page"
_MOST_BODY_BYTES = 16_384
#: Longest message of whoever began the process.
_MOST_MESSAGE_BYTES = 1 << 20
#: Connections at once, beyond which nobody is listened to; a browser has six.
_MOST_CONNECTIONS = 256
_IDLE_S, _BODY_S, _END_S = 15.0, 10.0, 1.0
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data: blob:; base-uri 'none'; form-action 'self'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Server": "edgespec",
}


class Page:
    """What a module of routes gives: they are added to the server, and told what is new.

    Args:
        index: name of the file that ``/`` shows.
        routes: of everything below ``/api``.
        hub: of those who look.
    """

    def __init__(self, index: str, routes: web.RouteTableDef, hub: Hub) -> None:
        self.index, self.routes, self.hub = index, routes, hub


def fault(status: int, error: str, accepted: str = "", **more: Any) -> web.Response:
    """Return an answer that says what was wrong, and what is accepted."""
    return web.json_response({"error": error, "accepted": accepted, **more}, status=status)


def check_names(names: Iterable[str], known: Sequence[str], what: str) -> None:
    """See that nothing is asked for that would not be looked at.

    Raises:
        UsageError: there is a name that is not known.
    """
    for name in names:
        if name not in known:
            hint = advice(name[:60], known) if known else "there is nothing to say here"
            raise UsageError(f"{what} has {name[:60]!r}: {hint}")


async def read_object(request: web.Request, known: Sequence[str] = ()) -> dict[str, Any]:
    """Return the JSON object of a request's body, empty where there is none.

    Args:
        request: of a browser.
        known: names that it may have.

    Raises:
        UsageError: it is something else, or has other names.
    """
    async with asyncio.timeout(_BODY_S):
        data = await request.read()
    if not data:
        return {}
    if request.content_type != "application/json":
        raise UsageError(f"the body is {request.content_type[:60]!r}; send application/json")
    try:
        found = await request.json()
    except (ValueError, RecursionError):
        raise UsageError("the body is no JSON: send an object") from None
    if not isinstance(found, dict):
        raise UsageError("the body is no JSON object: send one")
    check_names(found, known, "the body")
    for name, value in found.items():
        if isinstance(value, dict | list):
            raise UsageError(f"{name} is a list or an object: send a text or a number")
    return found


def make_app(task: Task, page: Page, guard: Guard) -> web.Application:
    """Return the application of a page."""
    app = web.Application(
        middlewares=[_explaining, _guarding(guard)], client_max_size=_MOST_BODY_BYTES
    )
    app.on_response_prepare.append(_add_headers)

    async def index(request: web.Request) -> web.StreamResponse:
        if request.query_string:
            return fault(
                400, "the page's address ends with its '/': a token behind it would stay in "
                "histories and logs", "the path alone",
            )  # fmt: skip
        return _file(page.index)

    async def static(request: web.Request) -> web.StreamResponse:
        return _file(request.match_info["name"])

    async def log_in(request: web.Request) -> web.StreamResponse:
        told = await read_object(request, ("token",))
        cookie = guard.log_in(str(told.get("token", "")))
        if cookie is None:
            return fault(
                401,
                "this is not the token, or there were too many wrong ones: then wait a minute",
                "the token in web.token_file",
            )
        answer = web.json_response({"said": "welcome"})
        is_secure = request.headers.get("X-Forwarded-Proto", request.scheme) == "https"
        answer.set_cookie(
            guard.cookie_name, cookie, max_age=COOKIE_S, httponly=True, samesite="Strict",
            secure=is_secure, path="/",
        )  # fmt: skip
        return answer

    app.router.add_get("/", index)
    app.router.add_get("/static/{name}", static)
    app.router.add_post("/api/login", log_in)
    app.add_routes(page.routes)
    return app


def _file(name: str) -> web.StreamResponse:
    """Return a file of the page: they lie in one folder, and nothing else is given out."""
    known = (
        {path.name: path for path in _FILES.iterdir() if path.suffix != ".py"}
        if (_FILES.is_dir())
        else {}
    )
    path = known.get(name)
    if path is None:
        return fault(404, f"there is no file {name[:60]!r}")
    kind = "text/javascript" if path.suffix == ".js" else mimetypes.guess_type(name)[0]
    headers = {"Content-Type": kind or "application/octet-stream", "Cache-Control": "no-cache"}
    return web.FileResponse(path, headers=headers)


def _guarding(guard: Guard) -> Middleware:
    """Return what lets a request through, or says why it does not."""

    @web.middleware
    async def guarding(request: web.Request, handler: Handler) -> web.StreamResponse:
        host = request.headers.get("Host", "")
        if wrong := guard.url_fault(request.raw_path):
            return fault(400, wrong, "the path alone")
        if wrong := guard.host_fault(host):
            return fault(403, wrong, "web.hosts")
        changes = request.method not in ("GET", "HEAD")
        is_told = changes or "Upgrade" in request.headers
        if is_told and (wrong := guard.origin_fault(request.headers.get("Origin"), host)):
            return fault(403, wrong, "the page itself")
        path, cookie = request.path, request.cookies.get(guard.cookie_name)
        if path == "/api/login" or not path.startswith("/api/"):
            return await handler(request)
        if not guard.is_known(cookie, request.headers.get("Authorization")):
            return fault(401, "the page asks for a token", "log in, or a Bearer token", login=True)
        if wrong := guard.url_fault(request.raw_path, is_known=True):
            return fault(400, wrong, "the path alone")
        if changes:
            if guard.read_only:
                return fault(
                    403,
                    "nothing can be changed at this page",
                    "web.read_only = false with a web.token_file",
                )
            if not guard.is_own_form(cookie, request.headers.get(CSRF_HEADER)):
                return fault(403, f"{CSRF_HEADER} is missing or wrong", "csrf of /api/node")
        return await handler(request)

    return guarding


@web.middleware
async def _explaining(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Say in JSON what went wrong, whatever it was."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        words = {
            404: f"there is nothing at {brief(request.path, 60)}",
            405: f"{request.method} is not for {brief(request.path, 60)}",
            413: f"the body is longer than {_MOST_BODY_BYTES} bytes",
        }
        return fault(error.status, words.get(error.status, error.reason))
    except TimeoutError:
        return fault(408, f"the body did not come within {_BODY_S:g} s")
    except UsageError as error:
        return fault(400, str(error))
    except EdgespecError as error:
        return fault(503, str(error))
    except Exception as error:
        # What was asked for is not logged, nor what an error may repeat of it.
        resource = request.match_info.route.resource
        where = "nowhere" if resource is None else resource.canonical
        _LOG.error("the page fails at %s: %s", where, type(error).__name__)
        if "Upgrade" in request.headers:
            raise
        return fault(500, "the page fails at this: its log says more", "tell the authors")


async def _add_headers(request: web.Request, response: web.StreamResponse) -> None:
    response.headers.update(_HEADERS)
    response.headers.setdefault("Cache-Control", "no-store")


class _Refusal(asyncio.BaseProtocol):
    """Says to one connection too many that it is one."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        body = b'{"error":"too many connections","accepted":"another time"}'
        transport.write(
            b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\n"
            b"Connection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body)
        )
        transport.close()


async def serve(
    task: Task,
    listening: socket.socket,
    channel: socket.socket,
    memory: FeedMemory | None = None,
    before: Sequence[bytes] = (),
) -> None:
    """Serve a page until whoever began it ends.

    Args:
        task: what it was told first.
        listening: where browsers call.
        channel: messages of whoever began it; its end is ours.
        memory: that is shared with it.
        before: messages of before.
    """
    guard = Guard(task.host, task.token, read_only=task.read_only, hosts=task.hosts)
    page: Page = importlib.import_module(APPS[task.app]).open_page(task, memory, guard)
    for message in before:
        page.hub.hear(message)
    runner = web.AppRunner(
        make_app(task, page, guard),
        access_log=None,
        keepalive_timeout=_IDLE_S,
        shutdown_timeout=_END_S,
        handler_cancellation=True,
    )
    await runner.setup()
    handlers, loop, ended = runner.server, asyncio.get_running_loop(), asyncio.Event()
    assert handlers is not None

    def begin() -> asyncio.BaseProtocol:
        if len(handlers.connections) >= _MOST_CONNECTIONS:
            return _Refusal()
        return handlers()

    def hear() -> None:
        try:
            message = channel.recv(_MOST_MESSAGE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            message = b""
        if message:
            page.hub.hear(message)
        else:
            ended.set()

    channel.setblocking(False)
    loop.add_reader(channel, hear)
    server = await loop.create_server(begin, sock=listening)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(channel)
        channel.close()
        server.close()
        await page.hub.end(_END_S)
        await runner.cleanup()
