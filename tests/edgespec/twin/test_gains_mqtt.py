"""Gains that transmitters teach, over a real mosquitto: places told, state kept, a successor."""

import json
from contextlib import ExitStack
from dataclasses import replace

import numpy as np
import pytest

from edgespec.config import MqttConfig
from edgespec.mqtt.link import Link
from edgespec.mqtt.session import Session
from edgespec.twin.service.openings import TwinMaker
from edgespec.twin.state import TwinState
from edgespec.wire.handover import parse_saved
from edgespec.wire.rss import encode_rss
from edgespec.wire.topics import rss_topic
from edgespec.wire.transmitters import transmitters_payload
from tests.made.broker import Broker, Listener, wait_for
from tests.made.twin_fleet import NS, Running
from tests.made.twin_site import START_NS, World, hall, report

pytestmark = pytest.mark.slow_without_jit

N_TAUGHT = 40


class Hall:
    """A hall whose transmitters move and tell where they are; by a clock of its own."""

    def __init__(self, stack: ExitStack, url: str, world: World) -> None:
        self.world = world
        self._session = Session(Link.of(MqttConfig(url=url, keepalive_s=3600.0), "hall"))
        self._session.connect()
        stack.callback(self._session.close)
        self._interval_ns = round(world.site.detect.interval_s * NS)
        self._now_ns = START_NS - START_NS % self._interval_ns

    @property
    def now_ns(self) -> int:
        return self._now_ns

    def go(self, unit: Running, *, is_moving: bool) -> None:
        """Let an interval pass, all units report on it, and wait for the verdict."""
        site = self.world.site
        if is_moving:
            self.world.transmitters = tuple(
                replace(
                    one,
                    x_m=float(self.world.rng.uniform(2, 38)),
                    y_m=float(self.world.rng.uniform(2, 38)),
                )
                for one in site.transmitter
            )
            told = transmitters_payload(site.name, self.world.transmitters, self.now_ns)
            topic = f"edgespec/twin/{site.name}/transmitters"
            self._session.publish(topic, json.dumps(told).encode(), 1, retain=True)
        self._now_ns += self._interval_ns
        for number, levels_db in enumerate(self.world.levels_db()):
            one = report(site, number, self.now_ns, levels_db)
            self._session.publish(rss_topic("edgespec", one.node, site.name), encode_rss(one), 1)
        wait_for(lambda: not self._session.poll(None, 0.01) and not self._session.unacked, "taken")
        snapshot = self.now_ns // self._interval_ns - 1
        wait_for(lambda: unit.judged(snapshot), f"a verdict on snapshot {snapshot}")


def test_gains_are_learnt_kept_by_the_broker_and_taken_on(
    broker: Broker, listener: Listener, stack: ExitStack
) -> None:
    site = hall(interval_s=60.0, bias_db_per_hour=30.0)
    site = replace(site, propagation=replace(site.propagation, learn_gains=True, cell_m=2.0))
    world = World(site, np.random.default_rng(5), error_db=5.0)
    maker = TwinMaker({site.name: world.trained(100)})
    there = Hall(stack, broker.url, world)
    unit = Running(stack, broker.url, there, [site], make_twin=maker)
    for _ in range(N_TAUGHT):
        there.go(unit, is_moving=True)
    there.go(unit, is_moving=False)
    (note,) = unit.told.verdicts[-1].notes
    assert note.startswith("learnt from transmitters: ")
    unit.close()
    topic = f"twin/{site.name}/state"
    wait_for(lambda: bool(listener.on(topic)), "what was learnt comes from the broker")
    state = TwinState.from_bytes(parse_saved(listener.on(topic)[-1]).twin)
    assert state.gains is not None
    true_db = world._static_db[:, 0]
    off_db = (state.gains.unit_db - true_db) - np.median(state.gains.unit_db - true_db)
    assert np.sqrt(np.mean(off_db**2)) < 0.4 * np.std(true_db)
    # A successor has it from the broker, where the places that were told are, too.
    heir = Running(stack, broker.url, there, [site], "c-2", make_twin=maker)
    there.go(heir, is_moving=False)
    assert note in heir.told.verdicts[-1].notes
