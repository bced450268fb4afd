"""`edgespec monitor` as a service: systemd and who is notified hear of it."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.made import band, tiny_network
from tests.made.manager import Manager
from tests.made.observer import run, write_config
from tests.made.web_server import WebServer, answer


@pytest.mark.slow_without_jit
def test_systemd_and_a_webhook_are_told(
    tmp_path: Path, rng: np.random.Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = band.write_sigmf(
        tmp_path / "tone", band.cu8(band.with_tone(band.noise(rng, 1.2), 0.6, 0.9))
    )
    config = write_config(tmp_path / "edgespec.toml")
    # The socket fills up after some datagrams that nobody reads: one state is enough.
    with WebServer(answer(200)) as server, Manager(tmp_path) as manager:
        with config.open("a") as file:
            file.write(f'[[notify]]\nurl = "{server.url}"\nends = true\n[alarm]\nstate_s = 3600\n')
        monkeypatch.setenv("NOTIFY_SOCKET", manager.address)
        model = tiny_network.bundle().path
        code, observer = run(
            "monitor", "-c", config, "--source", recording, "--model", model, "--json"
        )
        assert (code, observer.errors) == (0, "")
        said = manager.take()
        told = [json.loads(request.body)["event_type"] for request in server.received]
    assert said[:3] == ["STATUS=waiting for samples", "READY=1", "WATCHDOG=1"]
    assert said[-2:] == ["STOPPING=1", "STATUS=ending"]
    assert told[1:] == ["end"]
    assert observer.lines.states[-1]["n_untold"] == 0
