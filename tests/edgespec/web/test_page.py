"""The page's server, as browsers and worse ask it."""

import asyncio
import socket
import struct
import time
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import pytest

from edgespec.alerts.decisions import DecisionsFile
from edgespec.alerts.incidents import events_folder
from edgespec.web.feed_memory import plane_of, stamp_of
from edgespec.web.plane_memory import BinLevels, PlaneMemory
from edgespec.wire.event import EventMessage, event_payload
from tests.made.broker import wait_for
from tests.made.event import event_of
from tests.made.page import TOKEN, Served, next_text, served, task_of
from tests.made.shown import AXES

HEAD = struct.Struct("<BBHId")


def told(event_id: str, **changes: Any) -> dict[str, Any]:
    """Return the message of an event as an observer says it to its page."""
    event = event_of(event_id=event_id, **changes)
    return {"type": "event", "event": event_payload(EventMessage(event, "roof", 0))}


def test_a_page_that_asks_for_nothing_is_read_only(tmp_path: Path) -> None:
    with served(task_of(tmp_path)) as page:
        status, headers, node = page.ask("/api/node")
        assert (status, node["node"], node["readonly"], node["csrf"]) == (200, "roof", True, None)
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["server"] == "edgespec"
        assert [one["band"] for one in page.ask("/api/bands")[2]] == ["lte", "ism"]
        status, _, said = page.ask("/api/mutes", {"band": "lte"})
        assert status == 403
        assert "web.read_only" in said["accepted"]
        assert page.ask("/api/state")[2] == page.ask("/api/incidents")[2] == []
        assert page.ask("/api/history?hours=2")[2]["level_db"] == []


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/api/node", {"Host": "evil.example"}, 403, "is not a name of this page"),
        ("/api/node?token=abc", {}, 400, "is refused"),
        ("/api/events?before=yesterday", {}, 400, "write a time"),
        ("/api/events?limit=9000", {}, 400, "1 to 200"),
        ("/api/events?before=9999-12-31", {}, 400, "between 1970 and 2262"),
        ("/api/events?before=0001-01-01", {}, 400, "between 1970 and 2262"),
        ("/api/history?hour=1", {}, 400, "did you mean 'hours'?"),
        ("/?x", {}, 400, "ends with its '/'"),
        ("/api/history?hours=nan", {}, 400, "0.1 to 744"),
        ("/api/history?band=lt", {}, 400, "'lte'"),
        ("/api/nothing", {}, 404, "nothing at"),
        ("/api/live", {}, 426, "takes a WebSocket"),
        ("/static/../server.py", {}, 404, ""),
        ("/static/%2e%2e%2fserver.py", {}, 404, ""),
        ("/api/events/..%2f..%2fx/picture", {}, 404, ""),
    ],
)
def test_what_is_asked_wrongly_is_explained(
    tmp_path: Path, path: str, headers: dict[str, str], status: int, words: str
) -> None:
    with served(task_of(tmp_path)) as page:
        found, _, said = page.ask(path, **headers)
        assert found == status
        assert words in said["error"]


def test_a_token_is_asked_for(tmp_path: Path) -> None:
    with served(task_of(tmp_path, token=TOKEN)) as page:
        for path in ("/api/node", "/api/live", "/api/events"):
            status, _, said = page.ask(path)
            assert (status, said["login"]) == (401, True)
        # Files hold no secret, and show the form.
        assert page.ask("/static/nothing")[0] == 404
        assert page.ask("/api/login", {"token": "wrong"})[0] == 401
        status, headers, _ = page.ask("/api/login", {"token": TOKEN})
        assert status == 200
        assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= {
            one.strip() for one in headers["set-cookie"].split(";")
        }
        assert page.ask("/api/node", Authorization=f"Bearer {TOKEN}")[0] == 200
        assert page.ask("/api/node", **page.log_in())[0] == 200


def test_people_answer_events_as_on_the_command_line(tmp_path: Path) -> None:
    with served(task_of(tmp_path, token=TOKEN, read_only=False)) as page:
        page.say(told("e-1"))
        browser = page.log_in()
        mute = {"band": "lte", "kind": "tone", "seconds": 60}
        for headers, status in (
            ({**browser, "X_CSRF_Token": "wrong"}, 403),
            ({"Cookie": browser["Cookie"]}, 403),
            ({**browser, "Origin": "http://evil.example"}, 403),
            ({**browser, "Origin": f"http://127.0.0.1:{page.port}"}, 200),
            ({"Authorization": f"Bearer {TOKEN}"}, 200),
        ):
            found, _, said = page.ask("/api/mutes", mute, **headers)
            assert (found, "said" in said) == (status, status == 200)
        mutes = DecisionsFile(events_folder(tmp_path)).read().mutes
        assert [(one.band, one.kind) for one in mutes] == [("lte", "tone")] * 2
        status, _, said = page.ask("/api/events/e-9/acknowledge", {}, **browser)
        assert (status, "e-9" in said["error"]) == (400, True)
        assert "no history is kept here" in said["error"]
        assert len(page.ask("/api/silenced", **browser)[2]["data"]["mutes"]) == 2
        # Whoever only looks at what is muted takes no turn from who says something.
        assert {page.ask("/api/silenced", **browser)[0] for _ in range(12)} == {200}
        assert page.ask("/api/undo", {}, **browser)[0] == 200
        assert len(page.ask("/api/silenced", **browser)[2]["data"]["mutes"]) == 1


@pytest.mark.parametrize(
    ("body", "kind", "status"),
    [
        (b"x" * 100_000, "application/json", 413),
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"[" * 10_000, "application/json", 400),
        (b"band=lte", "application/x-www-form-urlencoded", 400),
        (b'{"band": 7}', "application/json", 400),
        (b'{"seconds": 1e999, "band": "lte"}', "application/json", 400),
        (b"{}", "application/json", 400),
        (b'{"band": "lte", "second": 60}', "application/json", 400),
        (b'{"band": "\\ud800"}', "application/json", 400),
        (b'{"band": {"a": 1}}', "application/json", 400),
    ],
)
def test_a_body_that_is_none_is_refused(
    tmp_path: Path, body: bytes, kind: str, status: int
) -> None:
    with served(task_of(tmp_path, token=TOKEN, read_only=False)) as page:
        headers = {"Authorization": f"Bearer {TOKEN}", "Content_Type": kind}
        found, _, said = page.ask("/api/mutes", body, **headers)
        assert found == status
        assert said["error"]


def test_events_of_this_run_are_there_before_the_history_is(tmp_path: Path) -> None:
    with served(task_of(tmp_path)) as page:
        for number in range(3):
            page.say(told(f"e-{number}", at_s=60.0 * number))
        wait_for(lambda: len(page.ask("/api/events")[2]) == 3, "three events")
        found = page.ask("/api/events?limit=2&band=lte")[2]
        assert [one["id"] for one in found] == ["e-2", "e-1"]
        older = page.ask(f"/api/events?before={found[-1]['start']}")[2]
        assert [one["id"] for one in older] == ["e-0"]
        assert (older[0]["picture"], older[0]["acknowledged"]) == (None, False)
        assert page.ask("/api/events?band=ism")[2] == []


def test_what_fails_is_logged_without_what_was_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr("edgespec.web.past.PastOfPage.events", fail)
    with served(task_of(tmp_path)) as page:
        status, _, said = page.ask("/api/events?band=lte")
    assert (status, "its log says more" in said["error"]) == (500, True)
    assert caplog.messages == ["the page fails at /api/events: RuntimeError"]


def test_a_picture_is_found_by_its_event(tmp_path: Path) -> None:
    shelf = tmp_path / "evidence"
    shelf.mkdir()
    (shelf / "20261129-lte-e.png").write_bytes(b"\x89PNG")
    (shelf / "20261129-lte-e.sigmf-meta").write_text('{"annotations": [{"core:uuid": "e-1"}]}')
    with served(task_of(tmp_path)) as page:
        page.say(told("e-1"))
        wait_for(lambda: bool(page.ask("/api/events")[2]), "the event")
        url = page.ask("/api/events")[2][0]["picture"]
        status, headers, data = page.ask(url)
        assert (status, headers["content-type"], data) == (200, "image/png", b"\x89PNG")
        assert page.ask("/api/events/e-2/picture")[0] == 404


def lit(page: Served, band: int = 0) -> PlaneMemory:
    """Return the power plane of a band, as its worker writes it."""
    plane = PlaneMemory(plane_of(page.memory.band(band), 0))
    plane.tell(AXES)
    plane.tell_levels(BinLevels(np.full(AXES.n_columns, -70.0, np.float32), None))
    return plane


def test_rows_come_while_somebody_looks(tmp_path: Path) -> None:
    async def look(page: Served) -> None:
        plane = lit(page)
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{page.port}/api/live?band=lte") as browser,
        ):
            hello = await next_text(browser, "hello")
            assert hello["planes"]["power"] == {
                "id": 0, "n_bins": 16, "lower_hz": 8e8, "upper_hz": 8.1e8, "db_min": -124.0,
                "db_step": 0.5, "row_s": 1.0 / 60.0,
            }  # fmt: skip
            reference = await next_text(browser, "reference")
            assert reference["db"] == [-70.0] * 16
            assert reference["threshold_db"] is None
            assert stamp_of(page.memory.band(0))[0] > time.monotonic_ns()
            assert stamp_of(page.memory.band(1))[0] == 0
            for row in range(3):
                plane.put(row, 100.0 + row, np.full(16, 50 + row, np.uint8))
            rows = b""
            while len(rows) < 3 * 16:
                message = await browser.receive(60)
                if message.type is aiohttp.WSMsgType.BINARY:
                    number, _, n_rows, n_bins, utc_s = HEAD.unpack(message.data[:16])
                    assert (number, n_bins) == (0, 16)
                    assert utc_s == 100.0 + len(rows) / 16
                    assert len(message.data) == 16 + n_rows * n_bins
                    rows += message.data[16:]
            assert rows == bytes([50] * 16 + [51] * 16 + [52] * 16)
            page.say(told("e-1"))
            assert (await next_text(browser, "event"))["event"]["id"] == "e-1"

    with served(task_of(tmp_path)) as page:
        asyncio.run(look(page))


def test_one_who_reads_slowly_loses_rows_and_is_told_how_many(tmp_path: Path) -> None:
    async def look(page: Served) -> None:
        plane, n_written, n_seen, n_lost = lit(page), 0, 0, 0
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(f"http://127.0.0.1:{page.port}/api/live?band=lte") as browser,
        ):
            await next_text(browser, "reference")
            while not (n_seen and n_lost):
                # Faster than anybody is shown, sooner or later.
                for row in range(n_written, n_written + 2000):
                    plane.put(row, float(row), np.full(16, 9, np.uint8))
                n_written += 2000
                while n_seen + n_lost < n_written:
                    message = await browser.receive(60)
                    if message.type is aiohttp.WSMsgType.BINARY:
                        n_seen += HEAD.unpack(message.data[:16])[2]
                    else:
                        n_lost += message.json().get("n_rows", 0)
        assert n_seen + n_lost == n_written

    with served(task_of(tmp_path)) as page:
        asyncio.run(look(page))


def test_a_page_of_somebody_else_sees_nothing(tmp_path: Path) -> None:
    async def look(page: Served) -> int:
        async with aiohttp.ClientSession(headers={"Origin": "http://evil.example"}) as session:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await session.ws_connect(f"http://127.0.0.1:{page.port}/api/live?band=lte")
        return refused.value.status

    with served(task_of(tmp_path)) as page:
        assert asyncio.run(look(page)) == 403


def test_two_hundred_browsers_are_not_too_many_for_the_others(tmp_path: Path) -> None:
    async def look(page: Served) -> list[int]:
        url = f"http://127.0.0.1:{page.port}/api/live?band=lte"
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as session:
            refused, looking = [], []
            for _ in range(200):
                try:
                    looking.append(await session.ws_connect(url))
                except aiohttp.WSServerHandshakeError as error:
                    refused.append(error.status)
            assert len(looking) == 32
            async with session.get(f"http://127.0.0.1:{page.port}/api/node") as answer:
                assert answer.status == 200
            # Where one goes, another may come.
            await looking.pop().close()
            async with asyncio.timeout(60):
                while len(looking) < 32:
                    try:
                        looking.append(await session.ws_connect(url))
                    except aiohttp.WSServerHandshakeError:
                        await asyncio.sleep(0.05)
            for one in looking:
                await one.close()
        return refused

    with served(task_of(tmp_path)) as page:
        assert asyncio.run(look(page)) == [503] * 168


def test_connections_that_say_nothing_are_bounded(tmp_path: Path) -> None:
    with served(task_of(tmp_path)) as page:
        silent = [socket.create_connection(("127.0.0.1", page.port)) for _ in range(256)]
        wait_for(lambda: page.ask("/api/node")[0] == 503, "no refusal")
        assert page.ask("/api/node")[2]["error"] == "too many connections"
        for one in silent:
            one.close()
        wait_for(lambda: page.ask("/api/node")[0] == 200, "no answer")


def upgraded(port: int, *, n_buffer: int = 1 << 16) -> tuple[int, socket.socket]:
    """Return the status of one who wants to look, and his socket, from which nothing is read."""
    browser = socket.socket()
    browser.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, n_buffer)
    browser.connect(("127.0.0.1", port))
    browser.sendall(
        f"GET /api/live HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: "
        "Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
        "AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
    )
    return int(browser.recv(12).split()[1]), browser


def test_a_browser_that_stalls_is_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgespec.web.live._STALL_S", 0.5)
    with served(task_of(tmp_path, max_lookers=1)) as page:
        plane, values = lit(page), np.full(1024, 9, np.uint8)
        plane.tell(replace(AXES, number=2, n_columns=1024))
        status, stalled = upgraded(page.port, n_buffer=4096)
        assert status == 101
        rows = count()

        def finds_room() -> bool:
            for row in islice(rows, 250):
                plane.put(row, float(row), values)
            time.sleep(0.05)
            status, browser = upgraded(page.port)
            browser.close()
            # Until then nobody else finds room.
            assert status in (101, 503)
            return status == 101

        wait_for(finds_room, "the one that stalls is still there")
        stalled.close()
