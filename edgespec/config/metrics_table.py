"""The table of the configuration that says where figures are read by Prometheus."""

from dataclasses import dataclass, field

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
            pattern=r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9_.-]+):\d{1,5}",
            pattern_text="HOST:PORT, such as 127.0.0.1:9108",
            example="127.0.0.1:9108",
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def address(self) -> tuple[str, int] | None:
        """Host, without brackets, and port; None where nothing is given out."""
        if self.listen is None:
            return None
        host, _, port = self.listen.rpartition(":")
        return host.strip("[]"), int(port)
