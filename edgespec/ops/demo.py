"""The first evening: a simulated cell, an interferer, and its alarm received over MQTT."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from edgespec.alarm.console import TableSink
from edgespec.alarm.listener import Listener
from edgespec.config import Config, MqttConfig, override
from edgespec.errors import QualityError
from edgespec.ops.local_broker import LocalBroker
from edgespec.records import Event
from edgespec.startup import open_observer
from edgespec.units import format_hz

__all__ = ["run_demo"]

#: When the interferer is on, as shares of the demo.
_FROM, _TO = 0.4, 0.7
_RECEIVE_S = 5.0


def run_demo(
    mqtt_url: str | None,
    duration_s: float,
    say: Callable[[str], None],
    stop_on_signals: Callable[[Callable[[], None]], None],
) -> None:
    """Watch for ``duration_s`` and check that the alarm came back from the broker.

    Args:
        mqtt_url: broker; None starts one on this machine for the time of the demo.
        duration_s: length of the demo in seconds of real time.
        say: prints a line.
        stop_on_signals: makes signals call a function.

    Raises:
        BrokerError: no broker is given and none can be started, or it does not answer.
        QualityError: the interferer was not reported, or its alarm did not arrive.
    """
    start_s, stop_s = _FROM * duration_s, _TO * duration_s
    uri = (
        "sim:lte-dl?seed=7&snr_db=20&bits=8&kind=wideband&bandwidth_hz=600e3&offset_hz=900e3"
        f"&isr_db=0&start_s={start_s:g}&stop_s={stop_s:g}&duration_s={duration_s:g}&realtime=1"
    )
    with ExitStack() as stack:
        if mqtt_url is None:
            broker = stack.enter_context(LocalBroker())
            mqtt_url = broker.url
            say(f"started {broker.name} for this demo at {mqtt_url}")
        state_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="edgespec-")))
        config = _config(uri, mqtt_url, state_dir)
        topic = f"{config.mqtt.topic_prefix}/{config.node.id}/#"
        listener = stack.enter_context(Listener(config.mqtt, f"{topic[:-1]}events"))
        host, port = listener.address
        say(f"watch it yourself:  mosquitto_sub -h {host} -p {port} -v -t '{topic}'")
        say(
            f"a 5 MHz LTE-like cell is on the air; at {start_s:g} s an interferer of 600 kHz, "
            f"as strong as the cell, appears for {stop_s - start_s:g} s"
        )
        published: list[Event] = []
        console = TableSink(sys.stdout)
        observer = open_observer(
            config, [console], require_broker_s=10.0, on_event=published.append
        )
        console.header(observer.source.info, observer.bundle.manifest.name, config)
        stop_on_signals(observer.monitor.stop)
        observer.monitor.run()
        received = listener.gather(len(published), _RECEIVE_S)
    _judge(published, received, say)


def _config(uri: str, mqtt_url: str, state_dir: Path) -> Config:
    config = override(Config(), source=uri, mqtt=mqtt_url)
    return replace(
        config,
        node=replace(config.node, id="demo", state_dir=state_dir),
        mqtt=replace(config.mqtt or MqttConfig(), url=mqtt_url),
        alarm=replace(config.alarm, state_s=1.0),
    )


def _judge(
    published: list[Event], received: list[dict[str, object]], say: Callable[[str], None]
) -> None:
    """Say what happened, or raise if the demo did not show what it is for."""
    if not published:
        raise QualityError(
            "the demo ended without an alarm: the interferer was not detected; please report it "
            "with the output of 'edgespec doctor'"
        )
    if len(received) < len(published):
        raise QualityError(
            f"{len(published)} event messages were published but only {len(received)} came back "
            "from the broker: check it with 'edgespec doctor --mqtt URL'"
        )
    first = published[0]
    say(
        f"received over MQTT: {len(received)} messages, the first "
        f"{1e3 * first.latency_s:.1f} ms after its last sample: "
        f"{format_hz(first.freq_lower_hz)} to {format_hz(first.freq_upper_hz)}"
    )
