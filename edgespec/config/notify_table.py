"""The table of the configuration that says who is notified of an alert."""

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from edgespec.errors import ConfigError
from edgespec.option import MOST_S, about, check_record

__all__ = ["NotifyConfig"]


@dataclass(frozen=True, slots=True)
class NotifyConfig:
    """One who is notified of alerts, beside the broker."""

    to: str = field(
        default="webhook",
        metadata=about(
            "How: by POST of the event as JSON, by a message of ntfy, or by a command that reads "
            "the event on its standard input",
            choices=("webhook", "ntfy", "command"),
        ),
    )
    url: str | None = field(
        default=None,
        # Who knows it may write there.
        repr=False,
        metadata=about(
            "Where a webhook or ntfy is reached, with the topic",
            pattern=r"https?://[!-~]+",
            pattern_text="an address that begins with http:// or https://",
            example="https://ntfy.example.org/topic",
            secret=True,
        ),
    )
    token_file: Path | None = field(
        default=None,
        metadata=about(
            "File that holds the token that webhook or ntfy asks for (Authorization: Bearer)",
            example="/run/secrets/ntfy",
            holds_secret=True,
        ),
    )
    ca_file: Path | None = field(
        default=None,
        metadata=about(
            "Certificates, in PEM, that may sign the server's; of the system where none is named",
            example="/etc/edgespec/ca.pem",
        ),
    )
    command: tuple[str, ...] = field(
        default=(),
        # Its arguments may be passwords.
        repr=False,
        metadata=about(
            "Command and arguments, without a shell",
            example=("/usr/local/bin/siren", "--on"),
            secret=True,
        ),
    )
    evidence: bool = field(
        default=False,
        metadata=about(
            "Whether a command waits for the recording around the alert, whose path it finds in "
            "EDGESPEC_EVIDENCE"
        ),
    )
    picture: bool = field(
        default=False,
        metadata=about(
            "Whether it is told once more with the picture of an alert, once that is drawn: an "
            "attachment of ntfy, a form with the parts event and picture of a webhook, a path in "
            "EDGESPEC_PICTURE of a command"
        ),
    )
    ends: bool = field(default=False, metadata=about("Whether the end of an alert is told, too"))
    tests: bool = field(
        default=False,
        metadata=about("Whether the tests that a band makes of itself are told, too"),
    )
    timeout_s: float = field(
        default=10.0,
        metadata=about(
            "How long one attempt, or the command, may take", unit="s", minimum=0.01, maximum=86_400
        ),
    )
    give_up_s: float = field(
        default=600.0,
        metadata=about("For how long attempts are repeated", unit="s", minimum=0, maximum=MOST_S),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if self.url is None:
            return
        try:
            parts = urlsplit(self.url)
            is_one = bool(parts.hostname) and (parts.port or 1) > 0 and "@" not in parts.netloc
        except ValueError:
            is_one = False
        if not is_one:
            raise ConfigError(
                "url is a secret that is not accepted; it must be http(s)://HOST[:PORT]/PATH "
                "without a user: a token belongs into token_file"
            )

    def check_whole(self, name: str) -> None:
        """Check that what ``to`` needs is there.

        Raises:
            ConfigError: it is not; ``name`` is what the table is called.
        """
        needed = "command" if self.to == "command" else "url"
        if not getattr(self, needed):
            raise ConfigError(f"{name} is to {self.to!r} but has no {needed}; give it one")
        if self.ca_file is not None and not (self.url or "").startswith("https://"):
            raise ConfigError(
                f"{name}.ca_file is given, but its url is none of https://: write https://, or "
                "leave ca_file out"
            )
