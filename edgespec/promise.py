"""What an observer promises of its false events."""

from dataclasses import dataclass

__all__ = ["Promise"]


@dataclass(frozen=True, slots=True)
class Promise:
    """So many false events a day, by a calibration at the site.

    By ``signal_s`` of normal signal, heard up to ``utc_ns``, they lie between ``low`` and ``high``
    with a probability of 90%, as long as it goes on like that.
    """

    per_day: float
    low: float
    high: float
    signal_s: float
    utc_ns: int
