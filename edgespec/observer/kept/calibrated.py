"""What an observer was calibrated to at its site, kept for its next runs: one file a band."""

import json
import logging
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from edgespec.decode import Decoder, read_bounded
from edgespec.detect.calibration import Calibration
from edgespec.detect.detectors import ONE_OF_THEM
from edgespec.detect.rules import EventRules
from edgespec.dsp.stream import is_near_range, is_near_rate
from edgespec.errors import ModelError
from edgespec.newfile import replace_file
from edgespec.observer.kept.band_file import LearntKind, learnt_file
from edgespec.observer.kept.kept_cells import file_of_cell, tidy_up
from edgespec.promise import Promise
from edgespec.tail import MOST_SHAPE, Tail

__all__ = [
    "KeptCalibration",
    "Setting",
    "calibration_path",
    "load_calibration",
    "promised",
    "save_calibration",
]

_LOG = logging.getLogger(__name__)
_SCHEMA = "edgespec.calibration/1"
_ADVICE = "calibrate again with `edgespec calibrate`"
_MAX_BYTES = 1_000_000
#: From one sweep to the next the first three of a stream say the time, often in whole seconds.
_SWEEP_S, _SWEEP_TOLERANCE = 0.5, 0.25
_DECODER = Decoder(ModelError, advice=_ADVICE)


@dataclass(frozen=True, slots=True)
class Setting:
    """What scores depend on beside the signal: with another of these, a calibration says nothing.

    A gain of None is that of a source which sets it itself, or has none.
    """

    source: str
    gain_db: float | None
    lower_hz: float
    upper_hz: float
    model_sha256: str
    k: int
    n: int
    hop_s: float

    def differs_from(self, other: "Setting") -> str:
        """Return in which words it is another; '' where it is the same.

        A radio may round its rate otherwise at the next start.
        """
        mine, its = (self.lower_hz, self.upper_hz), (other.lower_hz, other.upper_hz)
        for what, is_same, now, then in (
            ("source", self.source == other.source, self.source, other.source),
            ("gain", self.gain_db == other.gain_db, self.gain_db, other.gain_db),
            ("frequency range", is_near_range(mine, its), mine, its),
            (
                "model",
                self.model_sha256 == other.model_sha256,
                self.model_sha256[:12],
                other.model_sha256[:12],
            ),
            ("k of n", self.rules == other.rules, (self.k, self.n), (other.k, other.n)),
            ("hop", self._is_near_hop(other.hop_s), self.hop_s, other.hop_s),
        ):
            if not is_same:
                return f"its {what} was {then}, now it is {now}"
        return ""

    def _is_near_hop(self, hop_s: float) -> bool:
        if min(self.hop_s, hop_s) > _SWEEP_S:
            return abs(self.hop_s - hop_s) <= _SWEEP_TOLERANCE * max(self.hop_s, hop_s)
        return is_near_rate(self.hop_s, hop_s)

    @property
    def rules(self) -> EventRules:
        """When an event opens."""
        return EventRules(self.k, self.n)


@dataclass(frozen=True, slots=True)
class KeptCalibration:
    """A calibration, when it was made, and with what.

    ``cell`` is the label of that which was there all along, '' where there was none, or several.
    """

    utc_ns: int
    setting: Setting
    calibration: Calibration
    cell: str = ""


def calibration_path(folder: Path, band: str) -> Path:
    """Return the file of a band; those of its cells lie beside it."""
    return learnt_file(LearntKind.CALIBRATION, folder, band)


def save_calibration(path: Path, kept: KeptCalibration) -> None:
    """Write it beside the file, then in its place; that of a cell is kept as the cell's, too.

    Raises:
        OSError: it cannot be written; the old one is untouched.
    """
    content = json.dumps({"schema": _SCHEMA, **asdict(kept)}).encode()
    if kept.cell:
        replace_file(file_of_cell(path, kept.cell), content)
        tidy_up(path)
    replace_file(path, content)


def load_calibration(path: Path) -> KeptCalibration | None:
    """Return what was kept, None where there is nothing or nothing that can be read."""
    if not path.exists():
        return None
    try:
        text = read_bounded(path, ModelError, _ADVICE, _MAX_BYTES)
        kept = _DECODER.from_json(KeptCalibration, text, _SCHEMA, str(path))
        if not kept.calibration.detectors:
            raise ModelError(f"{path} says nothing of any detector; {_ADVICE}")
        for one in kept.calibration.detectors:
            for tail in (one.tail, *one.drawn):
                _check(tail, path)
    except ModelError as error:
        _LOG.warning("%s: it is not used", error)
        return None
    return kept


def promised(
    path: Path,
    setting: Setting,
    per_day: float,
    usual: Mapping[str, float],
    band: str,
    cell: str = "",
) -> tuple[dict[str, float], Promise | None]:
    """Return the thresholds of a band and what they promise, by its calibration.

    The ``usual`` ones, and no promise, where it was never calibrated, or with another setting, or
    in another cell than that of the label ``cell``; '' is not known yet. Detectors that a
    calibration says nothing of keep theirs.
    """
    kept = load_calibration(file_of_cell(path, cell)) if cell else None
    kept = kept or load_calibration(path)
    if kept is None:
        return dict(usual), None
    if cell and kept.cell not in ("", cell):
        said = "band %s: it was calibrated in cell %s, not in %s, with the usual thresholds; %s"
        _LOG.warning(said, band, kept.cell, cell, _ADVICE)
        return dict(usual), None
    differs = setting.differs_from(kept.setting)
    if differs:
        _LOG.warning("band %s: its calibration is not used: %s; %s", band, differs, _ADVICE)
        return dict(usual), None
    calibration = kept.calibration
    found = calibration.thresholds(per_day, usual)
    new = set(usual) - set(found)
    if ONE_OF_THEM & set(found):
        # The others had nothing to say there.
        new -= ONE_OF_THEM
    if new:
        _LOG.warning(
            "band %s: its calibration says nothing of %s, with the usual threshold; %s",
            *(band, ", ".join(sorted(new)), _ADVICE),
        )
    expected = calibration.expected(found)
    promise = Promise(per_day, expected.low, expected.high, calibration.signal_s, kept.utc_ns)
    return {name: found.get(name, value) for name, value in usual.items()}, promise


def _check(tail: Tail, path: Path) -> None:
    if min(tail.rate, tail.scale, tail.shape) < 0.0 or tail.shape > MOST_SHAPE:
        raise ModelError(f"{path} has a tail that is none ({tail}); {_ADVICE}")
