"""The table of the configuration that says what is watched."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from edgespec.computing import AUTO, Computing
from edgespec.errors import ConfigError
from edgespec.level_scale import LevelScale
from edgespec.option import ID, MOST_HZ, SITE_ID, about, check_record

__all__ = ["BandConfig"]


@dataclass(frozen=True, slots=True)
class BandConfig:
    """A band that is watched: which source shows it and which model knows it."""

    id: str = field(default="band0", metadata=about("Name of the band in events", **ID))
    source: str = field(default="radio0", metadata=about("Id of the source that shows it", **ID))
    center_freq_hz: float | None = field(
        default=None,
        metadata=about(
            "Middle of the band, where it is a part of what the source shows: as wide as the "
            "model's rate, of which the source's is a whole number of times; else the widest part "
            "there, without a model; or, with source.dwell_s, where the "
            "radio is tuned to in its turn; default: all that the source shows",
            unit="Hz",
            above=0,
            maximum=MOST_HZ,
            example=806e6,
        ),
    )
    dwell_s: float | None = field(
        default=None,
        metadata=about(
            "How long the radio listens to this band in its turn; default: source.dwell_s",
            unit="s",
            minimum=1.0,
            maximum=3600.0,
            example=20.0,
        ),
    )
    gain_db: float | None = field(
        default=None,
        metadata=about(
            "Fixed gain of the radio in this band's turn, with source.dwell_s; default: "
            "source.gain_db",
            unit="dB",
            minimum=-200,
            maximum=200,
            example=25.0,
        ),
    )
    model: Path | None = field(
        default=None,
        metadata=about(
            "Bundle NAME.edgespec; default: the installed one, else the shipped one, each at the "
            "rate it was made for; none at others",
            example="cell.edgespec",
        ),
    )
    shadow: Path | None = field(
        default=None,
        metadata=about(
            "Bundle that runs beside the model in a process apart and alarms nobody: `edgespec "
            "model shadow` tells what it would have told",
            example="candidate.edgespec",
        ),
    )
    cell_models: tuple[Path, ...] = field(
        default=(),
        metadata=about(
            "Bundles that edgespec adapt made in single cells, each taken when the observer is in "
            "its cell; those in the state directory's models are, too",
            example=("lte-123.edgespec",),
        ),
    )
    backend: str = field(
        default="auto",
        metadata=about("Runtime of the model; auto takes the fastest here", **ID),
    )
    subbands: int = field(
        default=8,
        metadata=about(
            "Equal parts of the band whose received power is reported to the site",
            minimum=1,
            maximum=128,
        ),
    )
    rss_every_s: float = field(
        default=1.0,
        metadata=about(
            "Longest time between two reports of it; above 1, between them only levels that "
            "moved are told",
            unit="s",
            minimum=1.0,
            maximum=600.0,
        ),
    )
    rss_step_db: float = field(
        default=5.0,
        metadata=about(
            "Change of a level that is told at once where rss_every_s is above 1; of a mean over "
            "some seconds a third of it",
            unit="dB",
            minimum=0.1,
            maximum=60.0,
        ),
    )
    computing: str = field(
        default=AUTO,
        metadata=about(
            "How spectra and scores are computed; auto takes compiled loops where Numba is "
            "installed, plain spares the memory of a compiler on small boards",
            choices=(AUTO, *Computing),
        ),
    )
    site: str | None = field(
        default=None,
        metadata=about(
            "Site whose central unit is told the received power of this band; default: node.site",
            example="hall-1",
            **SITE_ID,
        ),
    )
    full_scale_dbm: float | None = field(
        default=None,
        metadata=about(
            "Calibration: power at the antenna that reads 0 dBFS at this gain; without it, levels "
            "are told in dBFS",
            unit="dBm",
            minimum=-200,
            maximum=100,
            example=-30.0,
        ),
    )
    antenna_factor_db: float | None = field(
        default=None,
        metadata=about(
            "Field strength at the antenna over the voltage at its end of the cable; with it and "
            "full_scale_dbm, levels are told in dBuV/m",
            unit="dB/m",
            minimum=-100,
            maximum=200,
            example=24.0,
        ),
    )
    calibrated: str | None = field(
        default=None,
        metadata=about(
            "Day of that calibration, whose age is shown",
            pattern=r"\d{4}-\d\d-\d\d",
            pattern_text="a day such as 2026-11-28",
            example="2026-11-28",
        ),
    )

    mask: Path | None = field(
        default=None,
        metadata=about(
            "Table (CSV) of what should be here: start, stop, what, and where wanted max_dbfs or "
            "max_dbm, min_dbfs or min_dbm, hours; or a band plan of gqrx, SDR++ or SDR#",
            example="mask.csv",
        ),
    )

    def __post_init__(self) -> None:
        check_record(self)
        if self.calibrated is not None:
            _check_day(self.calibrated)

    @property
    def level_scale(self) -> LevelScale:
        """What a level in dBFS is at the receiver, or at the antenna."""
        day = None if self.calibrated is None else date.fromisoformat(self.calibrated)
        return LevelScale(self.full_scale_dbm, self.antenna_factor_db, day)


def _check_day(text: str) -> None:
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ConfigError(
            f"calibrated is {text!r}, which is no day; write it as 2026-11-28"
        ) from None
