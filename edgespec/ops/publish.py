"""``edgespec model publish``: a bundle is offered at the broker, in pieces, to every observer."""

import time
import uuid
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from edgespec.flags import CONFIG_OPTION, JSON_OPTION, MQTT_OPTION

if TYPE_CHECKING:
    from edgespec.config import MqttConfig
    from edgespec.wire.model_offer import ModelOffer

__all__ = ["model_publish", "publish"]

_LONGEST_S = 60.0


@click.command("publish")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--band", default="band0", show_default=True, metavar="ID", help="For which band.")
@CONFIG_OPTION
@MQTT_OPTION
@JSON_OPTION
def model_publish(
    path: Path, band: str, config_path: Path | None, mqtt: str | None, as_json: bool
) -> None:
    """Offer a signed bundle at the broker.

    It is offered to every observer that has a band of this id.

    Observers with updates.fetch fetch it, check it as `edgespec model install` does, and let it run
    in shadow. The broker keeps it until another one is offered for the band.
    """
    from edgespec.config import load_config, override
    from edgespec.errors import ConfigError, UsageError
    from edgespec.inference.bundle import read_bundle
    from edgespec.updates.signature import read_signature
    from edgespec.wire.model_offer import offer_of
    from edgespec.wire.text import encode

    config = override(load_config(config_path), mqtt=mqtt)
    if config.mqtt.url is None:
        raise ConfigError("no broker is named: add --mqtt URL or mqtt.url to the configuration")
    if not band or set(band) & set("/+#\0"):
        raise UsageError(f"--band is {band!r}: give the id of a band, as in the configuration")
    bundle, content = read_bundle(path)
    signature = read_signature(bundle)
    if signature is None:
        click.echo(f"caution: nobody has signed {path}: no observer will take it", err=True)
    signed = None if signature is None else signature.signed
    if signed is not None and signed.bands and band not in signed.bands:
        raise UsageError(
            f"--band is {band!r}, and {path} was signed for {', '.join(signed.bands)}: no observer "
            "would take it there; name one of those, or have it signed for this one, too"
        )
    offer, pieces = offer_of(
        band,
        bundle.manifest.name,
        bundle.sha256,
        content,
        None if signed is None else signed.version,
        None if signed is None else signed.expires_utc,
    )
    publish(replace(config.mqtt, client_id=None), offer, pieces)
    if as_json:
        told = {"schema": "edgespec.publish/1", "band": band, "model_sha256": bundle.sha256}
        click.echo(encode({**told, "n_bytes": len(content), "n_pieces": len(pieces)}))
    else:
        click.echo(
            f"{offer.name} {bundle.sha256[:12]} is offered for the band {band}: {len(content)} "
            f"bytes in {len(pieces)} pieces"
        )


def publish(settings: "MqttConfig", offer: "ModelOffer", pieces: Sequence[bytes]) -> None:
    """Let the broker keep a model: its pieces first, and nothing of the one offered before.

    Raises:
        ConfigError: the broker's URL cannot be used.
        BrokerError: it cannot be reached, refuses, or does not confirm.
    """
    from edgespec.errors import BrokerError
    from edgespec.inference.bundle import MAX_BUNDLE_BYTES
    from edgespec.mqtt.link import Link
    from edgespec.mqtt.retained import gather_retained
    from edgespec.mqtt.session import Session
    from edgespec.screen.progress import Progress
    from edgespec.wire.model_offer import encode_offer, parse_offer
    from edgespec.wire.text import PayloadError
    from edgespec.wire.topics import ModelTopics

    topics = ModelTopics(settings.topic_prefix)
    place = topics.offer(offer.band)
    kept = gather_retained(settings, [place]).get(place)
    try:
        before = None if kept is None else parse_offer(kept, MAX_BUNDLE_BYTES)
    except PayloadError:
        before = None

    def flush(session: Session) -> None:
        """Wait until the broker has confirmed all that was sent."""
        until_s = time.monotonic() + _LONGEST_S
        while session.unacked:
            if time.monotonic() > until_s:
                raise BrokerError(f"the broker does not confirm within {_LONGEST_S:g} s")
            session.poll(None, 0.1)

    link = Link.of(settings, f"edgespec-publish-{uuid.uuid4().hex[:8]}")
    with Progress("publishing") as progress, Session(link) as session:
        for number, piece in enumerate(pieces):
            topic = topics.piece(offer.band, offer.content_sha256, number)
            session.publish(topic, piece, qos=1, retain=True)
            flush(session)
            progress.at(f"piece {number + 1} of {len(pieces)}", (number + 1) / len(pieces))
        session.publish(place, encode_offer(offer), qos=1, retain=True)
        if before is not None and before.content_sha256 != offer.content_sha256:
            for number in range(len(before.pieces)):
                topic = topics.piece(offer.band, before.content_sha256, number)
                session.publish(topic, b"", qos=1, retain=True)
                flush(session)
        flush(session)
