"""A calibration in words and numbers, and kept for the next run of the observer."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgespec.config import Config
from edgespec.detect.calibration import WITHIN, Calibration, Expected, calibrate
from edgespec.errors import ConfigError, ModelError
from edgespec.newfile import unwritable
from edgespec.observer.kept.calibrated import KeptCalibration, calibration_path, save_calibration
from edgespec.ops.calibration.listen import HeardBand, listen
from edgespec.screen.progress import Tell
from edgespec.screen.table import Column, Table
from edgespec.units import format_duration

__all__ = ["CalibratedBand", "calibrate_bands", "concluded"]


_COLUMNS = (
    Column("detector"),
    Column("threshold", True),
    Column("before", True),
    Column("highest score heard"),
)


@dataclass(frozen=True, slots=True)
class CalibratedBand:
    """What a band came to, what follows for ``per_day`` false events, and where that is kept.

    A ``path`` of None: nowhere.
    """

    heard: HeardBand
    calibration: Calibration
    per_day: float
    path: Path | None

    @property
    def thresholds(self) -> dict[str, float]:
        """Those that keep the promise."""
        return self.calibration.thresholds(self.per_day, self.heard.usual)

    @property
    def expected(self) -> Expected:
        """False events a day at these thresholds."""
        return self.calibration.expected(self.thresholds)

    @property
    def expected_before(self) -> Expected:
        """False events a day at those that were in force."""
        return self.calibration.expected(self.heard.thresholds)

    def as_json(self) -> dict[str, Any]:
        """Return an object of schema ``edgespec.calibrated/1``."""
        expected, thresholds = self.expected, self.thresholds
        return {
            "schema": "edgespec.calibrated/1",
            "band": self.heard.band,
            "signal_s": self.calibration.signal_s,
            "n_events": self.heard.n_events,
            "false_events_per_day": self.per_day,
            "expected": {"per_day": expected.per_day, "low": expected.low, "high": expected.high},
            "expected_before": self.expected_before.per_day,
            "needed_s": self.calibration.needed_s(expected),
            "detectors": {
                one.name: {
                    "threshold": thresholds[one.name],
                    "threshold_before": self.heard.thresholds[one.name],
                    "highest": one.highest,
                    "highest_at_s": self._highest_at_s(one.name),
                    "expected_per_day": one.rate_at(thresholds[one.name]),
                    "shape": one.tail.shape,
                }
                for one in self.calibration.detectors
            },
            "kept": None if self.path is None else str(self.path),
        }

    def as_text(self, width: int | None = None) -> str:
        """Return lines for people."""
        heard, thresholds, expected = self.heard, self.thresholds, self.expected
        rows = [
            (
                one.name,
                f"{thresholds[one.name]:.2f}",
                f"{heard.thresholds[one.name]:.2f}",
                f"{one.highest:.2f} after {_duration(self._highest_at_s(one.name))}",
            )
            for one in self.calibration.detectors
        ]
        lines = [
            f"band {heard.band}: {_duration(self.calibration.signal_s)} of normal signal",
            *Table(_COLUMNS, rows, width, indent=2).lines(),
        ]
        before = self.expected_before
        lines.append(
            f"  expected: {_rate(expected.per_day)} false events a day "
            f"({_rate(expected.low)} to {_rate(expected.high)}); "
            f"with the thresholds before: {_rate(before.per_day)}"
        )
        needed_s = self.calibration.needed_s(expected)
        if needed_s > self.calibration.signal_s:
            lines.append(
                f"  to know that within a factor of {WITHIN:g}, about "
                f"{_duration(needed_s)} of normal signal are needed: --duration"
            )
        lowest = self.calibration.thresholds(self.per_day)
        held_up = [name for name, value in thresholds.items() if value > lowest[name]]
        if held_up:
            lines.append(
                f"  {', '.join(held_up)}: nearer to the usual threshold than the tail says, since "
                f"so much signal says little of {self.per_day:g} a day; "
                f"{_duration(self.calibration.trusted_s(self.per_day))} would: --duration"
            )
        if heard.n_events:
            lines.append(
                f"  {heard.n_events} events were raised meanwhile and are taken to be normal here: "
                "if one was not, calibrate again without it"
            )
        if self.path is not None:
            lines.append(f"  kept in {self.path}: the next edgespec monitor uses it")
        return "\n".join(lines)

    def _highest_at_s(self, name: str) -> float:
        column = self.heard.blocks[:, self.heard.names.index(name)]
        return float(column.argmax() * self.heard.block_s)


def calibrate_bands(
    config: Config,
    recordings: Sequence[str],
    duration_s: float | None,
    per_day: float,
    tell: Tell,
    stop: Callable[[Callable[[], None]], None] = lambda stop: None,
) -> list[CalibratedBand]:
    """Hear normal signal, and keep for every band what it says of its false events.

    Args:
        config: of the observer.
        recordings: URIs that are heard in place of its source.
        duration_s: so much of each is enough; None: all.
        per_day: false events that are bearable.
        tell: told of the progress.
        stop: given what ends the hearing early.

    Raises:
        ConfigError: several sources and a recording, or what was found cannot be kept.
        ModelError: the signal was too short.
        EdgespecError: as :func:`edgespec.observer.radio_opening.open_radio`.
    """
    if recordings and len(config.source) > 1:
        names = ", ".join(source.id for source in config.source)
        raise ConfigError(
            f"the configuration has several sources ({names}), and a recording is of one: "
            "calibrate with a configuration of that one"
        )
    return [
        concluded(config, heard, per_day)
        for heard in listen(config, recordings, duration_s, tell, stop)
    ]


def concluded(
    config: Config, heard: HeardBand, per_day: float, *, is_kept: bool = True
) -> CalibratedBand:
    """Return what follows from what a band came to, and keep it, if it is to be.

    Raises:
        ConfigError: it cannot be kept.
        ModelError: the signal was too short.
    """
    try:
        calibration = calibrate(heard.names, heard.blocks, heard.block_s)
    except ModelError as error:
        raise ModelError(f"band {heard.band}: {error}") from None
    path = calibration_path(config.node.state_dir, heard.band)
    try:
        kept = KeptCalibration(time.time_ns(), heard.setting, calibration, heard.cell)
        if is_kept:
            save_calibration(path, kept)
    except OSError as error:
        raise unwritable(path, error) from error
    return CalibratedBand(heard, calibration, per_day, path if is_kept else None)


def _duration(seconds: float) -> str:
    if seconds == float("inf"):
        return "more than days"
    return format_duration(seconds)


def _rate(per_day: float) -> str:
    return f"{per_day:.3g}"
