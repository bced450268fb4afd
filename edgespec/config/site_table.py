"""The table of the configuration that says what is told of slow changes at a site."""

from dataclasses import dataclass, field

from edgespec.option import about, check_record

__all__ = ["SiteConfig"]


@dataclass(frozen=True, slots=True)
class SiteConfig:
    """What is told of levels that move too slowly for a detector."""

    watch: bool = field(
        default=True,
        metadata=about("Whether levels are compared with what they were when the site was new"),
    )
    drift_db: float = field(
        default=3.0,
        metadata=about(
            "Least change of a level over ten minutes that is a drift; where a site varies more by "
            "itself, that counts",
            unit="dB",
            minimum=1,
            maximum=60,
        ),
    )
    floor_db: float = field(
        default=3.0,
        metadata=about(
            "Least rise of the noise floor, for ten seconds, that is told",
            unit="dB",
            minimum=1,
            maximum=60,
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
