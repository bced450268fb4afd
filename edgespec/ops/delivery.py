"""How long an alarm takes from the last sample to the broker's confirmation."""

import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from edgespec.alarm.mqtt import MqttSink
from edgespec.alarm.outbox.spool import Spool
from edgespec.config import Config
from edgespec.errors import BrokerError
from edgespec.observer.latency import LatencyHistogram
from edgespec.records import Change, Event, EventType

__all__ = ["time_delivery"]

_CONNECT_S = 5.0
_CONFIRM_S = 10.0
#: The sink is asked this often whether the broker has confirmed: the resolution of the figure.
_POLL_S = 5e-5


def time_delivery(
    config: Config, one_hop: Callable[[], None], n_alarms: int = 50
) -> LatencyHistogram:
    """Return the times from a block of samples to the confirmed message (PUBACK of QoS 1).

    Every round begins when a block is received, runs it through the path and then publishes one
    message as if it had raised an alarm. They go to the topics of the node ``NODE-bench``, say
    ``kind: bench``, and are ends of events, so nobody is alarmed.

    Args:
        config: names the broker.
        one_hop: runs a block through the path.
        n_alarms: how many messages to send.

    Raises:
        BrokerError: the broker does not answer or does not confirm.
    """
    histogram = LatencyHistogram()
    with tempfile.TemporaryDirectory() as folder:
        sink = MqttSink(
            config.mqtt,
            f"{config.node.id}-bench"[-64:],
            [config.source[0].id],
            [config.band[0].id],
            {},
            Spool(Path(folder) / "spool", config.mqtt.spool_max_bytes),
        )
        try:
            sink.wait_connected(_CONNECT_S)
            for number in range(n_alarms):
                begun_ns = time.monotonic_ns()
                one_hop()
                sink.event(replace(_END, event_id=f"bench-{number}", band=config.band[0].id))
                _wait_confirmed(sink)
                histogram.add(time.monotonic_ns() - begun_ns)
        finally:
            sink.close()
    return histogram


def _wait_confirmed(sink: MqttSink) -> None:
    deadline_s = time.monotonic() + _CONFIRM_S
    while sink.waiting:
        if time.monotonic() > deadline_s:
            raise BrokerError(
                f"the broker did not confirm a message within {_CONFIRM_S:g} s: "
                f"{sink.problem or 'it gives no reason'}"
            )
        time.sleep(_POLL_S)


_END = Event(
    event_id="",
    event_type=EventType.END,
    band="",
    start_ns=0,
    end_ns=0,
    sample_start=0,
    n_samples=0,
    freq_lower_hz=0.0,
    freq_upper_hz=0.0,
    peak_freq_hz=0.0,
    peak_dbfs=0.0,
    change=Change.GAIN,
    excess_db=0.0,
    severity_db=0.0,
    detector="bench",
    score=0.0,
    threshold=1.0,
    sureness=0.0,
    kind="bench",
)
