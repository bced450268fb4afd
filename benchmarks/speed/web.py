"""What the page costs: ``python -m benchmarks.speed.web``.

The observer, a block at a time: a hop of 25 frames, 6.4 ms, and 13 slots beside a cell of 25
subbands. Nobody looks, and somebody does; both come on top of what the band computes anyway. And
the page's own process, by its processor time while some look at 60 rows a second of 128 columns.
"""

import asyncio
import os
import socket
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import click
import numpy as np

from benchmarks import record
from benchmarks.speed.turns import turns_by_bins
from converter.report.markdown_table import markdown_table
from edgespec.detect.scan.site import Site
from edgespec.dsp.prefix.slots import PrefixSlots
from edgespec.grid import Grid, Span
from edgespec.records import Spectrogram
from edgespec.web.axes import Axes
from edgespec.web.feed import BandFeed
from edgespec.web.feed_memory import BandLook, FeedMemory, plane_of
from edgespec.web.page_process import PageProcess
from edgespec.web.plane_memory import PlaneMemory
from edgespec.web.task import Task

__all__ = ["main", "make_calls", "server_shares"]

_N_BINS = (128, 512, 1024)
_FRAME_S, _N_FRAMES = 2.56e-4, 25
_N_SUBBANDS, _N_SLOTS, _SLOT_TICKS = 25, 13, 960
_NEVER_NS = 1 << 62
_ROWS_HZ, _N_LOOKERS = 60.0, (0, 1, 2, 8, 32)


def make_calls(n_bins: int) -> dict[str, Callable[[int], object]]:
    """Return what is done with the block of a number, by plane and by whether somebody looks."""
    rng = np.random.default_rng(20261129)
    power = rng.normal(-70.0, 5.0, (_N_FRAMES, n_bins)).astype(np.float32)
    ticks, flags = np.empty(_N_FRAMES, np.int64), np.zeros(_N_FRAMES, np.uint8)
    steps = np.arange(_N_FRAMES) * 256
    grid = Grid(np.arange(n_bins) * 1e4, 1e4, 256, 256 / _FRAME_S)
    places, bands = np.ones((20, _N_SUBBANDS)), np.ones(_N_SUBBANDS)
    site = Site(places, 0.1 * places, places, 10.0 * bands, 1.0, bands, 0.1)
    left = rng.gamma(10.0, 0.1, (_N_SLOTS, _N_SUBBANDS)).astype(np.float32)
    slot_grid = Grid(np.arange(_N_SUBBANDS) * 1.8e5, 1.8e5, _SLOT_TICKS, 1.92e6)
    slot_places = np.arange(_N_SLOTS)
    slot_steps = slot_places * _SLOT_TICKS

    def frames(number: int) -> Spectrogram:
        start = number * _N_FRAMES * 256
        np.add(steps, start, out=ticks)
        span = Span(start, _N_FRAMES * 256, 0, 1)
        return Spectrogram(power, flags, ticks, grid, span, is_whole=True)

    def slots(number: int) -> PrefixSlots:
        start = number * _N_SLOTS * _SLOT_TICKS
        span = Span(start, _N_SLOTS * _SLOT_TICKS, 0, 1)
        return PrefixSlots(
            left, left, slot_places, flags[:_N_SLOTS], slot_steps + start, 0.0, slot_grid, span
        )

    calls: dict[str, Callable[[int], object]] = {
        "power, the record of a block alone": frames,
        "residual, the record of a block alone": slots,
    }
    for whether, until_ns in (("nobody looks", 0), ("somebody looks", _NEVER_NS)):
        memory = FeedMemory(1).band(0)
        BandLook(memory).look(until_ns)
        feed = BandFeed(memory)

        def of_power(number: int, own: BandFeed = feed) -> object:
            return own.power(frames(number))

        def of_residual(number: int, own: BandFeed = feed) -> object:
            return own.residual(slots(number), site)

        calls[f"power, {whether}"] = of_power
        calls[f"residual, {whether}"] = of_residual
    return calls


def server_shares(measure_s: float) -> list[dict[str, Any]]:
    """Return which share of a core the page's process takes, by how many look."""
    memory, ended = FeedMemory(1), Flag()
    plane = PlaneMemory(plane_of(memory.band(0), 0))
    plane.tell(Axes(1, 128, 8e8, 8.1e8, -124.0, 0.5, 1.0 / _ROWS_HZ))

    def write() -> None:
        begun_s, values, row = time.monotonic(), np.full(128, 99, np.uint8), 0
        while not ended.wait(max(0.0, begun_s + row / _ROWS_HZ - time.monotonic())):
            plane.put(row, row / _ROWS_HZ, values)
            row += 1

    listening = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listening.getsockname()[1]}/api/live?band=b"
    with tempfile.TemporaryDirectory() as folder:
        about = {"state_dir": str(Path(folder)), "bands": [{"band": "b"}]}
        task = Task("observer", "127.0.0.1", about=about)
        with closing(PageProcess(listening, task, memory)) as process:
            writer = Thread(target=write, daemon=True)
            writer.start()
            found = [asyncio.run(_looked_at(url, process, n, measure_s)) for n in _N_LOOKERS]
            ended.set()
            writer.join()
    return found


async def _looked_at(url: str, process: PageProcess, n: int, measure_s: float) -> dict[str, Any]:
    """Let some look, and return what they got and what it took."""
    import aiohttp

    got = [0]

    async def read(browser: aiohttp.ClientWebSocketResponse) -> None:
        async for message in browser:
            got[0] += len(message.data) if message.type is aiohttp.WSMsgType.BINARY else 0

    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        async with session.get(url.partition("/api")[0] + "/api/bands") as answer:
            await answer.read()
        browsers = [await session.ws_connect(url) for _ in range(n)]
        reading = [asyncio.create_task(read(one)) for one in browsers]
        await asyncio.sleep(2.0)
        got[0] = 0
        begun_s, before_s = time.monotonic(), _cpu_s(process.pid)
        await asyncio.sleep(measure_s)
        wall_s, cpu_s = time.monotonic() - begun_s, _cpu_s(process.pid) - before_s
        n_bytes = got[0]
        for browser in browsers:
            await browser.close()
        await asyncio.gather(*reading)
    each = n_bytes / wall_s / n if n else 0.0
    return {"n_lookers": n, "core_share": cpu_s / wall_s, "bytes_s_each": each}


def _cpu_s(pid: int | None) -> float:
    """Return the processor time of a process so far."""
    ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")


@click.command()
@click.option("--rounds", "n_rounds", default=20, help="Turns of each.")
@click.option("--seconds", default=20.0, help="How long the process is watched for each count.")
@click.option("--save/--no-save", default=True, help="Write benchmarks/results.")
def main(n_rounds: int, seconds: float, save: bool) -> None:
    """Measure what the page costs a band, and its own process."""
    shares = server_shares(seconds)
    record.on_one_core()
    rows, table = turns_by_bins(make_calls, _N_BINS, n_rounds)
    text = markdown_table(["bins", "a block", "min us", "median us"], table)
    looked = [
        [one["n_lookers"], f"{one['core_share']:.1%}", f"{one['bytes_s_each'] / 1e3:.1f}"]
        for one in shares
    ]
    text += "\n\n" + markdown_table(["who look", "of a core", "kB/s each"], looked)
    click.echo(text)
    if save:
        title = "What the page costs"
        result = {"machine": record.facts(["aiohttp"]), "rows": rows, "server": shares}
        click.echo(record.save("web", title, result, text))


if __name__ == "__main__":
    main()
