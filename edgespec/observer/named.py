"""What a configuration names beside its sources, checked before anything is opened or compiled."""

from edgespec.alerts.facts import masks_of
from edgespec.alerts.rules import AlertRules
from edgespec.config import Config, MqttConfig
from edgespec.config.mask import Mask
from edgespec.inference.backends import check_backend
from edgespec.inference.bundle import load_bundle
from edgespec.observer.fixed_gain import check_gains

__all__ = ["check_broker", "check_named"]


def check_broker(settings: MqttConfig) -> None:
    """Check how the broker is to be reached; nothing is sent.

    Raises:
        ConfigError: its URL or a file of certificates or keys cannot be used.
    """
    has_files = settings.ca_file is not None or settings.cert_file is not None
    # TLS costs memory that who names neither need not pay.
    if settings.url is None and not has_files:
        return
    from edgespec.mqtt.link import Link, tls_of

    link = None if settings.url is None else Link.of(settings, "check")
    if has_files and (link is None or link.tls is None):
        tls_of(settings)


def check_named(config: Config) -> dict[str, Mask]:
    """Check what ``config`` names, and return the masks of its bands, by their ids.

    Raises:
        ConfigError: a rule names what is not there, a mask cannot be read, a calibrated band has no
            fixed gain, or the broker cannot be reached as it is named.
        ModelError: a runtime is unknown, or a candidate cannot be read.
    """
    AlertRules.of(config)
    masks = masks_of(config)
    check_gains(config)
    check_broker(config.mqtt)
    for band in config.band:
        check_backend(band.backend)
        if band.shadow is not None:
            load_bundle(band.shadow)
    return masks
