"""Figures for Prometheus where the configuration asks for them."""

from typing import TYPE_CHECKING

from edgespec.config import MetricsConfig
from edgespec.errors import ConfigError

if TYPE_CHECKING:
    from edgespec.ops.metrics.server import MetricsServer

__all__ = ["open_metrics"]


def open_metrics(config: MetricsConfig) -> "MetricsServer | None":
    """Return what gives out figures; None where nobody asks.

    Raises:
        ConfigError: the library is not installed, or nothing can listen there.
    """
    address = config.address
    if address is None:
        return None
    try:
        from edgespec.ops.metrics.server import MetricsServer
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"metrics.listen is {config.listen!r}, which needs {error.name}: "
            "pip install 'edgespec[prometheus]', or leave it out"
        ) from None
    return MetricsServer(*address)
