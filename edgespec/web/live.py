"""What goes on now, to one browser: rows of a band's planes, events and states over a WebSocket.

A browser that reads slowly loses rows, is told how many, and costs no memory; one that stands
still is let go.
"""

import asyncio
import contextlib
import struct
import time
from collections.abc import AsyncIterator

from aiohttp import WSMsgType, web

from edgespec.web.axes import Axes
from edgespec.web.feed_memory import PLANES, BandLook
from edgespec.web.hub import Hub, Looker, as_text
from edgespec.web.plane_memory import Batch, BinLevels
from edgespec.web.server import fault

__all__ = ["look_on", "refusal", "show_band", "show_news"]

_NS = 1_000_000_000
#: Rows are sent so often, and the worker is told so often that somebody looks, and for how long.
_PERIOD_S, _STAMP_S, _LOOK_S = 1.0 / 30.0, 1.0, 4.0
#: How often what rows mean is looked at where none came.
_ABOUT_S = 0.5
#: One that takes nothing for so long is let go; one that answers no ping as well.
_STALL_S, _PING_S, _CLOSE_S = 20.0, 25.0, 0.5
#: So often it is looked whether one has gone to whom nothing is said.
_GONE_S = 1.0
_MOST_MESSAGE_BYTES = 1024
_GOODBYE = b"the server ends, or you were too slow"
_HEAD = struct.Struct("<BBHId")


@contextlib.asynccontextmanager
async def look_on(
    request: web.Request, hub: Hub
) -> AsyncIterator[tuple[web.WebSocketResponse, Looker]]:
    """Give a WebSocket and what waits for it, and close both.

    What a browser says is not listened to.
    """
    looker = Looker()
    hub.lookers.add(looker)
    socket = web.WebSocketResponse(
        compress=False, heartbeat=_PING_S, max_msg_size=_MOST_MESSAGE_BYTES, timeout=_CLOSE_S
    )
    try:
        await socket.prepare(request)
        reading = asyncio.create_task(_read(socket))
        try:
            # One that has gone, or stands still, is no news.
            with contextlib.suppress(ConnectionError, TimeoutError):
                yield socket, looker
        finally:
            reading.cancel()
            await _let_go(request, socket)
    finally:
        hub.lookers.discard(looker)


async def _let_go(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Close a socket with a word, and drop what still waits for one who takes nothing."""
    if request.transport is None:
        return
    try:
        if not socket.closed:
            with contextlib.suppress(TimeoutError, ConnectionError):
                async with asyncio.timeout(_CLOSE_S):
                    await socket.close(code=1001, message=_GOODBYE)
    finally:
        if request.transport is not None:
            request.transport.abort()


async def _read(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        if message.type in (WSMsgType.ERROR, WSMsgType.CLOSE):
            break


def refusal(request: web.Request, hub: Hub, most: int) -> web.Response | None:
    """Return what is said to one who cannot look; None to one who can."""
    if hub.is_full:
        return fault(503, f"{most} browsers look already", "close one, or raise web.max_lookers")
    if "Upgrade" not in request.headers:
        # A browser does not say why it was refused: it asks without a WebSocket, and hears it.
        return fault(426, "what is live takes a WebSocket", "Upgrade: websocket")
    return None


async def show_news(socket: web.WebSocketResponse, looker: Looker) -> None:
    """Say what is new, and nothing else, until the socket closes.

    Raises:
        TimeoutError: the browser takes nothing.
        ConnectionError: it has gone.
    """
    is_last = False
    while not socket.closed and not is_last:
        # What was said last is told yet.
        is_last = looker.is_over
        async with asyncio.timeout(_STALL_S):
            for text in looker.take():
                await socket.send_str(text)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_GONE_S):
                await looker.wait()


async def show_band(socket: web.WebSocketResponse, looker: Looker, look: BandLook) -> None:
    """Show a band until the socket closes.

    Raises:
        TimeoutError: the browser takes nothing.
        ConnectionError: it has gone.
    """
    told = _Told()
    stamp_s = about_s = float("-inf")
    while not socket.closed:
        # What was said last is told yet.
        now_s, is_last = time.monotonic(), looker.is_over
        if now_s - stamp_s >= _STAMP_S:
            stamp_s = now_s
            look.look(time.monotonic_ns() + round(_LOOK_S * _NS))
        async with asyncio.timeout(_STALL_S):
            taken = {name: reader.take() for name, reader in look.planes.items()}
            is_new = any(
                told.is_new(name, batch.axes)
                for name, (found, _) in taken.items()
                for batch in found
            )
            if is_new or now_s - about_s >= _ABOUT_S:
                about_s = now_s
                for text in told.news(look):
                    await socket.send_str(text)
            for number, (name, (batches, n_lost)) in enumerate(taken.items()):
                if n_lost:
                    said = {"type": "lost", "plane": name, "n_rows": n_lost}
                    await socket.send_str(as_text(said))
                for batch in batches:
                    if told.knows(name, batch.axes):
                        await socket.send_bytes(_packed(number, batch))
            for text in looker.take():
                await socket.send_str(text)
        if is_last:
            return
        await asyncio.sleep(max(0.0, now_s + _PERIOD_S - time.monotonic()))


class _Told:
    """What a browser knows of the rows."""

    def __init__(self) -> None:
        self._axes: dict[str, Axes] = {}
        self._levels: dict[str, int] = {}
        self._has_begun = False

    def is_new(self, name: str, axes: Axes) -> bool:
        return self._axes.get(name) != axes

    def knows(self, name: str, axes: Axes) -> bool:
        return self._axes.get(name) == axes

    def news(self, look: BandLook) -> list[str]:
        """Return what has changed of axes and levels, as messages."""
        found = {name: reader.about() for name, reader in look.planes.items()}
        axes = {name: about[0] for name, about in found.items() if about is not None}
        texts = []
        if axes != self._axes or not self._has_begun:
            self._axes, self._levels, self._has_begun = axes, {}, True
            texts.append(as_text({"type": "hello", "planes": _planes(axes)}))
        for name, about in found.items():
            levels = None if about is None else about[1]
            if levels is not None and self._levels.get(name) != levels.number:
                self._levels[name] = levels.number
                texts.append(as_text(_reference(name, levels)))
        return texts


def _planes(axes: dict[str, Axes]) -> dict[str, dict[str, object]]:
    return {
        name: {
            "id": list(PLANES).index(name),
            "n_bins": one.n_columns,
            "lower_hz": one.lower_hz,
            "upper_hz": one.upper_hz,
            "db_min": one.db_min,
            "db_step": one.db_step,
            "row_s": one.row_s,
        }
        for name, one in axes.items()
    }


def _reference(name: str, levels: BinLevels) -> dict[str, object]:
    threshold_db = levels.threshold_db
    return {
        "type": "reference",
        "plane": name,
        "db": _numbers(levels.reference_db.tolist()),
        "threshold_db": None if threshold_db is None else _numbers(threshold_db.tolist()),
    }


def _numbers(values: list[float]) -> list[float | None]:
    """Return what is finite to a hundredth, None for the rest."""
    return [round(one, 2) if abs(one) < 1e6 else None for one in values]


def _packed(plane: int, batch: Batch) -> bytes:
    head = _HEAD.pack(plane, 0, batch.n_rows, batch.axes.n_columns, batch.utc_s)
    return head + batch.values
