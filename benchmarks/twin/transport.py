"""What it costs to hear a report: ``python -m benchmarks.twin.transport``.

A broker made of bytes sends the reports of a site at once, and what hears them counts the processor
time of its thread: a session as central units have it, paho by its public interface alone, and
gmqtt and aiomqtt where they are installed (extra ``bench``). Then a session hears snapshots, and
each is judged and its verdict written as a central unit does it.
"""

import asyncio
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from itertools import chain
from typing import Any

import click
import numpy as np
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from benchmarks import record
from benchmarks.fleet.yard import DISTURBANCE, learn
from benchmarks.twin.hall import SITE
from converter.report.markdown_table import markdown_table
from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.twin.central import SiteTwin
from edgespec.twin.service.fleet import VirtualSite
from edgespec.twin.site import load_site
from edgespec.twin.trained import TrainedTwin
from edgespec.wire.rss import ENCODERS, parse_rss
from edgespec.wire.topics import rss_topic
from edgespec.wire.verdict import encode_verdict

__all__ = ["main"]

_TOPICS = "edgespec/+/rss/+"
_HOST = "127.0.0.1"
_QUIET_S = 60.0
_NS = 1_000_000_000


@contextmanager
def sending(messages: bytes, n_times: int) -> Iterator[int]:
    """Take one connection of MQTT 5 and one subscription, then send; yield the port."""
    listener = socket.create_server((_HOST, 0))

    def send() -> None:
        with suppress(OSError), listener.accept()[0] as link:
            link.recv(65536)
            link.sendall(b"\x20\3\0\0\0")
            # Of what is asked, the number is sent back: it is granted.
            asked = link.recv(65536)
            link.sendall(b"\x90\4" + asked[2:4] + b"\0\0")
            for _ in range(n_times):
                link.sendall(messages)
            while link.recv(65536):
                pass

    thread = threading.Thread(target=send, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        thread.join(_QUIET_S)
        listener.close()


class Count:
    """Counts messages, and the processor time of the thread that hears them after the first."""

    def __init__(self, n_expected: int) -> None:
        self.n = 0
        self._n_expected = n_expected
        self._begun_ns = self._ended_ns = 0
        self._until_s = time.monotonic() + _QUIET_S

    def hear(self, *_: object) -> int:
        """Take a message."""
        if not self.n:
            self._begun_ns = time.thread_time_ns()
        self.n += 1
        if self.n == self._n_expected:
            self._ended_ns = time.thread_time_ns()
        return 0

    @property
    def is_over(self) -> bool:
        """Whether all have come, or it takes too long."""
        return self.n >= self._n_expected or time.monotonic() > self._until_s

    @property
    def us(self) -> float:
        """Microseconds a message."""
        if self.n < self._n_expected:
            raise click.ClickException(f"{self.n} of {self._n_expected} reports were heard")
        return (self._ended_ns - self._begun_ns) / 1e3 / (self.n - 1)


def by_session(port: int, count: Count) -> None:
    """Hear by a session."""
    settings = MqttConfig(url=f"mqtt://{_HOST}:{port}", protocol="5")
    with Session(Link.of(settings, "ear")) as session:
        session.listen(count.hear)
        session.ask([_TOPICS])
        while not count.is_over:
            session.poll(None, 1.0)


def by_paho(port: int, count: Count) -> None:
    """Hear by paho, which looks for the network when there is nothing more to read."""
    client = Client(CallbackAPIVersion.VERSION2, protocol=MQTTProtocolVersion.MQTTv5)
    client.on_message = count.hear
    client.on_connect = lambda *_: client.subscribe(_TOPICS)
    client.connect(_HOST, port)
    while not count.is_over:
        n_before = count.n
        client.loop_read()
        if count.n == n_before:
            client.loop_write()
            select.select([client.socket()], [], [], 1.0)
    client.disconnect()


def by_gmqtt(port: int, count: Count) -> None:
    """Hear by gmqtt."""

    async def hear() -> None:
        client = import_module("gmqtt").Client("ear")
        client.on_message = count.hear
        await client.connect(_HOST, port)
        client.subscribe(_TOPICS)
        while not count.is_over:
            await asyncio.sleep(0.01)
        await client.disconnect()

    asyncio.run(hear())


def by_aiomqtt(port: int, count: Count) -> None:
    """Hear by aiomqtt."""
    aiomqtt = import_module("aiomqtt")

    async def hear() -> None:
        protocol = aiomqtt.ProtocolVersion.V5
        async with aiomqtt.Client(_HOST, port, protocol=protocol) as client:
            await client.subscribe(_TOPICS)
            async for _ in client.messages:
                count.hear()
                if count.is_over:
                    return

    asyncio.run(hear())


WAYS: dict[str, Callable[[int, Count], None]] = {
    "edgespec": by_session,
    "paho-mqtt": by_paho,
    "gmqtt": by_gmqtt,
    "aiomqtt": by_aiomqtt,
}


def judged(form: str, n_snapshots: int, learnt: TrainedTwin) -> float:
    """Return what a report costs that is heard, read, taken and judged, us; each has a verdict."""
    site = load_site(SITE)
    twin = SiteTwin(site, trained=learnt)
    # What the first snapshot loads is no matter of a report.
    for report in VirtualSite(site, DISTURBANCE, np.random.default_rng(0)).reports(0, 0.0):
        twin.accept(report, report.utc_ns)
    twin.advance(1)
    count = Count(n_snapshots * len(site.unit))
    n_verdicts = 0

    def hear(topic: str, data: bytes) -> None:
        nonlocal n_verdicts
        report = parse_rss(data, topic.split("/")[1], site.name)
        twin.accept(report, report.utc_ns)
        if (count.n + 1) % len(site.unit) == 0:
            for verdict in twin.advance(report.utc_ns + 1):
                encode_verdict(verdict, "central", "dBm", dict(twin.counts))
                n_verdicts += verdict.n_units == len(site.unit)
        count.hear()

    with (
        sending(b"".join(reports(form, n_snapshots)), 1) as port,
        Session(Link.of(MqttConfig(url=f"mqtt://{_HOST}:{port}", protocol="5"), "ear")) as session,
    ):
        session.listen(hear)
        session.ask([_TOPICS])
        while not count.is_over:
            session.poll(None, 1.0)
    if n_verdicts < n_snapshots:
        raise click.ClickException(f"{n_verdicts} verdicts on {n_snapshots} snapshots")
    return count.us


def reports(form: str, n_snapshots: int = 1) -> list[bytes]:
    """Return the messages of some seconds of the example site."""
    site = VirtualSite(load_site(SITE), DISTURBANCE, np.random.default_rng(1))
    said = []
    for report in chain.from_iterable(
        site.reports(k * _NS, 0.0) for k in range(1, n_snapshots + 1)
    ):
        topic = rss_topic("edgespec", report.node, report.site).encode()
        body = struct.pack(">H", len(topic)) + topic + b"\0" + ENCODERS[form](report)
        n_low, n_high = len(body) % 128, len(body) // 128
        head = bytes([0x30, n_low | 0x80, n_high] if n_high else [0x30, n_low])
        said.append(head + body)
    return said


@click.command(help=__doc__)
@click.option("--reports", "n_reports", default=20_000, show_default=True)
@click.option("--repeats", default=3, show_default=True)
@click.option("--save/--no-save", default=True, show_default=True)
def main(n_reports: int, repeats: int, save: bool) -> None:
    """Measure and write the result."""
    ways = {
        name: way
        for name, way in WAYS.items()
        if name in ("edgespec", "paho-mqtt") or find_spec(name) is not None
    }
    rows: list[dict[str, Any]] = []
    for form in ENCODERS:
        said = reports(form)
        n_times = n_reports // len(said)
        taken: dict[str, list[float]] = {name: [] for name in ways}
        for _ in range(repeats):
            for name, way in ways.items():
                count = Count(n_times * len(said))
                with sending(b"".join(said), n_times) as port:
                    way(port, count)
                taken[name].append(count.us)
        n_bytes = round(sum(map(len, said)) / len(said))
        for name, us in taken.items():
            rows.append({"payload": form, "bytes": n_bytes, "by": name, "us": round(min(us), 2)})
            click.echo(rows[-1])
    learnt = learn(load_site(SITE), 400)
    whole = {
        form: round(min(judged(form, n_reports // 24, learnt) for _ in range(repeats)), 1)
        for form in ENCODERS
    }
    told = "; ".join(
        f"as {form} {us} us, {1e6 / us:,.0f} reports a second and core"
        for form, us in whole.items()
    )
    columns = ("payload", "bytes a message", "heard by", "us a message")
    table = markdown_table(columns, [tuple(row.values()) for row in rows], right_from=1)
    text = f"Processor time, the least of {repeats} runs of {n_reports:,} messages.\n\n{table}"
    text += (
        "\n\nHeard by a session, read, taken into its snapshot of twelve and judged with it, the "
        f"verdict written, a report costs {told}."
    )
    if save:
        machine = record.facts(["paho-mqtt", "gmqtt", "aiomqtt"])
        result = {"machine": machine, "rows": rows, "judged_us": whole}
        record.save("transport", "What it costs to hear a report", result, text, room="twin")
    click.echo(text)


if __name__ == "__main__":
    main()
