"""The first evening: an interferer that a spectrogram does not show, and its alarm over MQTT."""

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from threading import Event as Flag

from edgespec.alarm.console import TableSink
from edgespec.alarm.listener import Listener
from edgespec.config import Config, MqttConfig, override
from edgespec.errors import QualityError
from edgespec.observer.startup import open_observer
from edgespec.ops.local_broker import LocalBroker
from edgespec.records import Event
from edgespec.units import format_hz

__all__ = ["run_demo"]

#: When the interferer is on, as shares of the demo; the warm-up must be over by then.
_FROM, _TO = 0.5, 0.8
#: Where it is, off the centre, and how strong. It is so wide that it adds 1 dB to a cell
#: without gaps; the cell's users differ by more.
_LOWER_HZ, _UPPER_HZ, _ISR_DB = 250e3, 1850e3, -10
_CELL = "load=1&user_groups=3&snr_db=20"
_PLACE = f"from {format_hz(_LOWER_HZ)} to {format_hz(_UPPER_HZ)} off its centre"
_RECEIVE_S = 5.0
#: Who finds an interferer, in words.
_FOUND_BY = {"residual": "by what is left when the cell is cancelled"}
_NEXT = """\
Go on with your own radio or recording:
  edgespec setup --band 806M             finds the radio, writes edgespec.toml
  edgespec doctor -c edgespec.toml       is everything there?
  edgespec calibrate -c edgespec.toml    how many false events a day?
  edgespec monitor -c edgespec.toml      watches; --source sigmf:FILE plays a recording
An RTL-SDR is watched by the detectors that need no model; README says how one is made."""


def run_demo(
    mqtt_url: str | None,
    duration_s: float,
    say: Callable[[str], None],
    stop_on_signals: Callable[[Callable[[], None]], None],
) -> None:
    """Watch for ``duration_s`` and check that the alarm came back from the broker.

    Args:
        mqtt_url: broker; None starts one on this machine for the time of the demo.
        duration_s: length of the demo in seconds of real time; a machine that is too slow for it
            takes longer and loses nothing.
        say: prints a line.
        stop_on_signals: makes signals call a function.

    Raises:
        BrokerError: no broker is given and none can be started, or it does not answer.
        QualityError: the interferer was not reported, or its alarm did not arrive.
    """
    start_s, stop_s = _FROM * duration_s, _TO * duration_s
    uri = (
        f"sim:lte-dl?seed=2&{_CELL}&bits=8&kind=wideband&bandwidth_hz={_UPPER_HZ - _LOWER_HZ:g}"
        f"&offset_hz={(_LOWER_HZ + _UPPER_HZ) / 2:g}&isr_db={_ISR_DB}&start_s={start_s:g}"
        f"&stop_s={stop_s:g}&duration_s={duration_s:g}&realtime=1&patient=1"
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
            f"a busy LTE cell of 5 MHz is on the air; at {start_s:g} s an interferer appears for "
            f"{stop_s - start_s:g} s, {_PLACE} and {-_ISR_DB} dB below the cell: a spectrogram "
            "hardly shows it"
        )
        published: list[Event] = []
        console = TableSink(sys.stdout)
        observer = open_observer(
            config, [console], require_broker_s=10.0, on_event=published.append
        )
        console.header(observer.bands, config)
        stopped = Flag()

        def stop() -> None:
            stopped.set()
            observer.monitor.stop()

        stop_on_signals(stop)
        observer.monitor.run()
        if stopped.is_set():
            say("stopped; the demo did not come to its end")
            return
        received = listener.gather(len(published), _RECEIVE_S)
    _judge(published, received, start_s * observer.bands[0].grid.tick_hz, say)


def _config(uri: str, mqtt_url: str, state_dir: Path) -> Config:
    config = override(Config(), source=uri, mqtt=mqtt_url)
    return replace(
        config,
        node=replace(config.node, id="demo", state_dir=state_dir),
        mqtt=replace(config.mqtt or MqttConfig(), url=mqtt_url),
        alarm=replace(config.alarm, state_s=1.0),
    )


def _judge(
    published: list[Event],
    received: list[dict[str, object]],
    start_sample: float,
    say: Callable[[str], None],
) -> None:
    """Say what happened since ``start_sample``, or raise if it was not what the demo is for."""
    caught = [
        event
        for event in published
        if event.freq_lower_hz < _UPPER_HZ
        and event.freq_upper_hz > _LOWER_HZ
        and event.sample_start + event.n_samples > start_sample
    ]
    if not caught:
        raise QualityError(
            "the demo ended without an alarm where the interferer was: it was not detected; please "
            "report it with the output of 'edgespec doctor'"
        )
    if len(received) < len(published):
        raise QualityError(
            f"{len(published)} event messages were published but only {len(received)} came back "
            "from the broker: check it with 'edgespec doctor --mqtt URL'"
        )
    first = caught[0]
    found_by = _FOUND_BY.get(first.detector, f"by its power ({first.detector})")
    lower, upper = (format_hz(round(x, -4)) for x in (first.freq_lower_hz, first.freq_upper_hz))
    say(
        f"It works: {1e3 * first.latency_s:.1f} ms after the last sample that was needed, the "
        f"interferer was found {found_by}: {lower} to {upper} (it is {_PLACE}). "
        f"{len(received)} messages came back over MQTT."
    )
    say(_NEXT)
