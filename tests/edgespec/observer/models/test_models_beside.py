"""From the sender to the shadow over a real mosquitto: signed, unsigned, and played again."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from edgespec.cli import main
from edgespec.config import BandConfig, Config, DetectConfig, MqttConfig, NodeConfig, UpdatesConfig
from edgespec.inference.bundle import Bundle, read_bundle
from edgespec.observer.models import model_switch, models_beside
from edgespec.observer.models.examination import examine
from edgespec.observer.models.model_switch import ModelSwitch, open_switch
from edgespec.observer.models.models_beside import Beside, begin_models
from edgespec.observer.monitor import Radio
from edgespec.ops.publish import publish as send
from edgespec.updates.ed25519 import SigningKey, new_signing_key, text_of_key
from edgespec.updates.signature import Statement, sign_bundle
from edgespec.wire.model_offer import offer_of
from tests.edgespec.observer.models.test_shadow import candidate
from tests.made import band
from tests.made.broker import Broker, wait_for
from tests.made.tape import Tape, chain_for

pytest.importorskip("cryptography")


class Sign:
    """Signs bundles whose thresholds are so many times the usual ones."""

    def __init__(self, folder: Path, rng: np.random.Generator) -> None:
        self.key: SigningKey = new_signing_key(folder / "key.pem")
        self._folder, self._rng = folder, rng

    def made(self, times: float, version: int | None) -> Path:
        """Return where a bundle is; of no version: nobody has signed it."""
        bundle = candidate(self._folder, self._rng, times)
        if version is not None:
            its = Statement(version, "2026-01-01T00:00:00Z", "2099-01-01T00:00:00Z")
            content = sign_bundle(*read_bundle(bundle.path), [self.key], its)
            bundle.path.write_bytes(content)
        return bundle.path


class Node:
    """What looks after the models of an observer, without its monitor; keeps what it is told."""

    def __init__(self, config: Config, switch: ModelSwitch) -> None:
        self.config, self.switch = config, switch
        self.ran: list[Bundle | None] = []
        self.told: list[dict[str, Any]] = []

    def run(self, name: str, bundle: Bundle | None) -> None:
        """In place of a shadow."""
        self.ran.append(bundle)

    def models(self, name: str, payload: dict[str, Any]) -> None:
        """In place of the sink of the broker."""
        self.told.append(json.loads(json.dumps(payload)))

    def wait(self, condition: Callable[[dict[str, Any]], object], what: str) -> dict[str, Any]:
        wait_for(lambda: bool(self.told) and bool(condition(self.told[-1])), what)
        return self.told[-1]


@pytest.fixture
def sign(tmp_path: Path, rng: np.random.Generator) -> Sign:
    return Sign(tmp_path, rng)


@pytest.fixture
def node(
    broker: Broker,
    tmp_path: Path,
    rng: np.random.Generator,
    sign: Sign,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Node]:
    monkeypatch.setattr(model_switch, "_POLL_S", 0.05)
    monkeypatch.setattr(
        models_beside,
        "examine_apart",
        lambda view, bundle, content, stopping: examine(view, bundle),
    )
    config = Config(
        node=NodeConfig(state_dir=tmp_path / "state", computing="plain"),
        band=(BandConfig(id="b", backend="litert"),),
        detect=DetectConfig(detectors=("model", "zscore")),
        mqtt=MqttConfig(url=broker.url),
        updates=UpdatesConfig(trusted_keys=(text_of_key(sign.key.public),), fetch=True),
    )
    tape = Tape(band.cf32(band.noise(rng, 0.01)), is_live=True)
    made = Node(config, open_switch(config, [Radio("r", tape, [chain_for(tape, "b")])], {}))
    begin_models(config, made.switch, made, made)  # type: ignore[arg-type]
    yield made
    made.switch.close()


def publish(broker: Broker, path: Path, name: str = "b") -> Result:
    command = ["model", "publish", str(path), "--band", name, "--mqtt", broker.url, "--json"]
    return CliRunner().invoke(main, command)


def test_what_is_offered_runs_in_shadow_where_it_is_signed_and_new(
    node: Node, broker: Broker, sign: Sign, monkeypatch: pytest.MonkeyPatch
) -> None:
    # How fast this machine is now is another test's.
    monkeypatch.setattr("edgespec.observer.models.examination.MODEL_SHARE", 1e9)
    unsigned = publish(broker, sign.made(1.0, None))
    assert unsigned.exit_code == 0
    assert "nobody has signed" in unsigned.stderr
    told = node.wait(lambda said: said["problem"], "the refusal")
    assert "sign" in told["problem"]
    assert told["candidate"] is None
    done = publish(broker, sign.made(1.5, 2))
    assert done.exit_code == 0
    said = json.loads(done.stdout)
    told = node.wait(lambda it: it["candidate"] and not it["fetching"], "the candidate")
    assert told["candidate"] == said["model_sha256"]
    assert (told["problem"], told["fetching"], told["current"]) == ("", None, None)
    wait_for(lambda: bool(node.ran), "the shadow")
    (ran,) = node.ran
    assert ran is not None
    assert ran.sha256 == told["candidate"]
    # An older one is played again, by whoever may write there; it is not taken.
    assert publish(broker, sign.made(2.0, 1)).exit_code == 0
    told = node.wait(lambda said: said["problem"], "the refusal of the older one")
    assert "version" in told["problem"]
    assert told["candidate"] == ran.sha256


def test_one_under_the_id_of_another_is_not_taken(node: Node, broker: Broker, sign: Sign) -> None:
    """What was refused is refused by its id; whoever announces it under another gains nothing."""
    bundle, content = read_bundle(sign.made(1.0, 2))
    offer, pieces = offer_of("b", "other/../name", "a" * 64, content)
    send(node.config.mqtt, offer, pieces)
    told = node.wait(lambda said: said["problem"], "the refusal")
    assert f"it is the model {bundle.sha256[:12]}" in told["problem"]
    assert told["candidate"] is None


def test_one_that_the_configuration_names_stays_in_shadow(
    node: Node, sign: Sign, caplog: pytest.LogCaptureFixture
) -> None:
    bundle = sign.made(1.0, 2)
    named = replace(node.config, band=(replace(node.config.band[0], shadow=bundle),))
    store = node.switch.followed[0]._store
    sha256 = store.try_out("b", bundle.read_bytes(), "by a test").candidate
    Beside(named, node, None).try_out("b", sha256)  # type: ignore[arg-type]
    assert "lets" in caplog.text
    assert "run in shadow" in caplog.text


def test_what_is_fetched_in_vain_is_said(
    node: Node, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    named = (BandConfig(id="named", model=tmp_path / "x.edgespec"),)
    vain = replace(node.config, band=named, mqtt=MqttConfig(), updates=UpdatesConfig(fetch=True))
    begin_models(vain, ModelSwitch([]), node, None)  # type: ignore[arg-type]
    for words in ("set mqtt.url", "name a maker's key", "nothing is fetched for named"):
        assert words in caplog.text


def test_one_that_ran_in_shadow_is_promoted_or_given_up(
    node: Node, sign: Sign, tmp_path: Path
) -> None:
    path = tmp_path / "node.toml"
    path.write_text(f'[node]\nstate_dir = "{node.config.node.state_dir}"\n[[band]]\nid = "b"\n')

    def promote(*words: str) -> Result:
        return CliRunner().invoke(main, ["model", "promote", "-c", str(path), "--json", *words])

    assert promote().exit_code == 5
    store = node.switch.followed[0]._store
    first = store.try_out("b", sign.made(1.0, 1).read_bytes(), "by a test").candidate
    assert json.loads(promote().stdout)["current"] == first
    # Its key is not trusted any more: nobody promotes it by habit.
    plain = path.read_text()
    store.try_out("b", sign.made(1.2, 1).read_bytes(), "by a test")
    other = text_of_key(new_signing_key(tmp_path / "other.pem").public)
    path.write_text(f'{plain}[updates]\ntrusted_keys = ["{other}"]\n')
    found = promote()
    assert found.exit_code == 5
    assert "whom nobody here trusts" in found.stderr
    path.write_text(plain)
    second = store.try_out("b", sign.made(1.5, 2).read_bytes(), "by a test").candidate
    told = json.loads(promote("--drop").stdout)
    assert (told["current"], told["candidate"], told["refused"]) == (first, None, [second])
    node.wait(lambda said: said["refused"] == [second], "what the broker is told")
    nothing = promote("--drop")
    assert nothing.exit_code == 5
    assert "no model is tried in this band" in nothing.stderr


def test_who_names_no_broker_is_told_how(sign: Sign) -> None:
    found = CliRunner().invoke(main, ["model", "publish", str(sign.made(1.0, 1))])
    assert found.exit_code == 3
    assert "--mqtt URL" in found.output
    bad = MqttConfig(url="mqtt://127.0.0.1:1")
    words = ["model", "publish", str(sign.made(1.0, 1)), "--mqtt", str(bad.url), "--band", "a/b"]
    assert CliRunner().invoke(main, words).exit_code == 2
