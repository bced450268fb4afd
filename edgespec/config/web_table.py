"""The table of the configuration that says where the page is, and who may do what there."""

from dataclasses import dataclass, field
from pathlib import Path

from edgespec.config.address import host_and_port, is_loopback, listens_at
from edgespec.errors import ConfigError
from edgespec.option import about, check_record

__all__ = ["WebConfig"]


@dataclass(frozen=True, slots=True)
class WebConfig:
    """A page to look at in a browser."""

    listen: str | None = field(
        default=None,
        metadata=about(
            "Address of the page; without it, there is none. An address beyond this machine takes "
            "a token_file. It needs the extra edgespec[web]",
            **listens_at("127.0.0.1:8080"),
        ),
    )
    token_file: Path | None = field(
        default=None,
        metadata=about(
            "File with the token that the page asks for, 16 characters or more; it is made, for "
            "its owner alone, where it is not there",
            example="/var/lib/edgespec/web-token",
            holds_secret=True,
        ),
    )
    read_only: bool = field(
        default=True,
        metadata=about(
            "Whether nothing can be acknowledged, muted or called normal there; false takes a "
            "token_file"
        ),
    )
    hosts: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Names by which browsers may reach the page beside addresses and the name of this "
            "machine, such as that of a reverse proxy",
            pattern=r"[A-Za-z0-9_.-]{1,253}",
            pattern_text="names of hosts, without a port",
            example=("observer.example.org",),
        ),
    )
    max_lookers: int = field(
        default=32,
        metadata=about("Browsers that may look at the same time", minimum=1, maximum=256),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if self.token_file is not None or self.listen is None:
            return
        advice = "name a token_file, which is made where it is not there"
        if not is_loopback(host_and_port(self.listen)[0]):
            raise ConfigError(
                f"web.listen is {self.listen!r}, which others than this machine may reach, and "
                f"there is no web.token_file: {advice}, or listen at 127.0.0.1"
            )
        if not self.read_only:
            raise ConfigError(
                f"web.read_only is false, and there is no web.token_file: {advice}, or leave "
                "read_only out"
            )

    @property
    def address(self) -> tuple[str, int] | None:
        """Host, without brackets, and port; None where there is no page."""
        return None if self.listen is None else host_and_port(self.listen)
