"""What a configuration names is refused by the check and by the observer alike, before the work."""

from dataclasses import replace
from pathlib import Path

import pytest

from edgespec.config import BandConfig, Config, MqttConfig, NodeConfig, SourceConfig
from edgespec.errors import EdgespecError
from edgespec.observer import startup
from edgespec.observer.startup import check_config, open_observer
from edgespec.ops import bench
from edgespec.twin.service.openings import require_url

NOWHERE = Path("/nowhere/at/all")


@pytest.mark.parametrize(
    ("mqtt", "band", "says"),
    [
        ({"url": "foo://x"}, {}, "mqtt://[user:password@]host"),
        ({"ca_file": NOWHERE}, {}, "mqtt.ca_file is '/nowhere/at/all'"),
        ({"url": "mqtts://x", "ca_file": NOWHERE}, {}, "mqtt.ca_file is '/nowhere/at/all'"),
        ({"url": "mqtts://x", "cert_file": NOWHERE}, {}, "/nowhere/at/all"),
        ({}, {"backend": "x"}, "backend 'x' is unknown"),
        ({}, {"shadow": NOWHERE}, "/nowhere/at/all"),
    ],
)
def test_the_check_and_the_observer_say_the_same(
    mqtt: dict[str, object],
    band: dict[str, object],
    says: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = Config(node=NodeConfig(state_dir=tmp_path), source=(SourceConfig(uri="sim:lte-dl"),))
    check_config(config)
    bad = replace(config, mqtt=replace(MqttConfig(), **mqtt), band=(replace(BandConfig(), **band),))

    def opened(*_: object, **__: object) -> None:
        raise AssertionError("something was opened")

    monkeypatch.setattr(startup, "open_radio", opened)
    monkeypatch.setattr(bench, "open_band_source", opened)
    asks = [check_config, open_observer]
    # No candidate runs in a bench.
    asks += [] if "shadow" in band else [lambda one: bench.bench(one, 1.0)]
    for ask in asks:
        with pytest.raises(EdgespecError) as refused:
            ask(bad)
        assert says in str(refused.value)


def test_a_central_unit_looks_at_its_broker_first() -> None:
    with pytest.raises(EdgespecError, match=r"mqtt://\[user:password@\]host"):
        require_url(MqttConfig(url="foo://x"))
