"""From what a converter reads to what arrives at an antenna, and how long ago that was known."""

from dataclasses import dataclass
from datetime import date

from edgespec.units import utc_day

__all__ = ["UNCALIBRATED", "LevelScale"]

#: Of a voltage in dBuV over 50 ohms and a power in dBm: ``10 log10(50 * 1e-3 / (1e-6) ** 2)``.
_DBUV_OF_DBM = 106.99
#: A receiver drifts: after a year it is worth another look.
_OLD_DAYS = 365


@dataclass(frozen=True, slots=True)
class LevelScale:
    """``full_scale_dbm`` is the power at the receiver that reads 0 dBFS; None: not calibrated.

    ``antenna_factor_db`` (1/m) is the field strength over the voltage at the receiver, with cable;
    None: not known. ``calibrated`` is the day of the calibration, None: not said. ``gain_db`` is
    the gain that levels are read at, None: not fixed, or not known.
    """

    full_scale_dbm: float | None = None
    antenna_factor_db: float | None = None
    calibrated: date | None = None
    gain_db: float | None = None

    def dbm(self, level_dbfs: float) -> float | None:
        """Return a power at the receiver in thousandths of a decibel; None where nobody knows."""
        return None if self.full_scale_dbm is None else round(level_dbfs + self.full_scale_dbm, 3)

    def dbuv_m(self, level_dbfs: float) -> float | None:
        """Return the field strength at the antenna, as :meth:`dbm`."""
        return round(level_dbfs + self.offset_db, 3) if self.unit == "dBuV/m" else None

    def text(self, level_dbfs: float) -> str:
        """Return a level for people, in :attr:`unit`."""
        return f"{level_dbfs + self.offset_db:.1f} {self.unit}"

    @property
    def offset_db(self) -> float:
        """What is added to a level in dBFS."""
        if self.full_scale_dbm is None:
            return 0.0
        if self.antenna_factor_db is None:
            return self.full_scale_dbm
        return self.full_scale_dbm + _DBUV_OF_DBM + self.antenna_factor_db

    @property
    def unit(self) -> str:
        """Of a level with :attr:`offset_db`: dBFS, dBm, or dBuV/m where the antenna is known."""
        if self.full_scale_dbm is None:
            return "dBFS"
        return "dBm" if self.antenna_factor_db is None else "dBuV/m"

    def age_days(self, utc_ns: int) -> int | None:
        """Return how many days ago the calibration was at a time; None where nobody knows.

        A time of 0 is one that a recording does not tell, and one before the calibration is that of
        a clock that is not set yet.
        """
        if self.calibrated is None or not utc_ns:
            return None
        age = (utc_day(utc_ns) - self.calibrated).days
        return age if age >= 0 else None

    def age_text(self, utc_ns: int) -> str:
        """Return for people how old levels' calibration was at a time; '' without one."""
        if self.full_scale_dbm is None:
            return ""
        if self.calibrated is None:
            return "calibrated, nobody says when (band.calibrated)"
        age = self.age_days(utc_ns)
        if age is None:
            return f"calibrated on {self.calibrated.isoformat()}"
        old = ": calibrate again" if age > _OLD_DAYS else ""
        return f"calibrated {age} day{'s' * (age != 1)} before{old}"


UNCALIBRATED = LevelScale()
