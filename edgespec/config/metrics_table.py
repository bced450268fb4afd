"""The table of the configuration that says where figures are read by Prometheus."""

from dataclasses import dataclass, field

from edgespec.config.address import host_and_port, listens_at
from edgespec.option import about, check_record

__all__ = ["MetricsConfig"]


@dataclass(frozen=True, slots=True)
class MetricsConfig:
    """Where Prometheus, or who speaks as it does, reads the figures of the observer."""

    listen: str | None = field(
        default=None,
        metadata=about(
            "Address at which figures are given out, to anybody who reaches it; without it, none "
            "are. It needs the extra edgespec[prometheus]",
            **listens_at("127.0.0.1:9108"),
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def address(self) -> tuple[str, int] | None:
        """Host, without brackets, and port; None where nothing is given out."""
        return None if self.listen is None else host_and_port(self.listen)
