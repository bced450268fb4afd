"""The table of the configuration that says whose models are taken."""

from dataclasses import dataclass, field

from edgespec.option import about, check_record

__all__ = ["UpdatesConfig"]

_KEY = {
    "pattern": r"ed25519:[A-Za-z0-9+/]{43}=",
    "pattern_text": "a public key as `edgespec model key` prints it, ed25519: and 44 characters",
}


@dataclass(frozen=True, slots=True)
class UpdatesConfig:
    """Whose models are taken. Verifying signatures needs the extra ``edgespec[updates]``."""

    trusted_keys: tuple[str, ...] = field(
        default=(),
        metadata=about(
            "Public keys whose signatures of models count; it needs the extra edgespec[updates]",
            example=("ed25519:11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",),
            **_KEY,
        ),
    )
    require_signature: bool | None = field(
        default=None,
        metadata=about(
            "Whether a model must be signed by one of them to be installed; default: as soon as "
            "there is one. What comes over the broker always must",
            example=True,
        ),
    )

    fetch: bool = field(
        default=False,
        metadata=about(
            "Whether models that are offered at the broker (`edgespec model publish`) are fetched, "
            "checked, and run in shadow beside the bands that name no model"
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)

    @property
    def needs_signature(self) -> bool:
        """Whether a model that nobody has signed is refused."""
        if self.require_signature is None:
            return bool(self.trusted_keys)
        return self.require_signature
