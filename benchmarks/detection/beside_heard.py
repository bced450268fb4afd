"""What zscore, energy and any-band come to, hop by hop, and the events of any set of them.

Who watches while any-band calibrates also says what it learns nothing from: so there is one
any-band for each set of those. Who is heard beside it afterwards changes no score.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import Computing
from edgespec.config import DetectConfig
from edgespec.detect.any_band.arithmetic import open_arithmetic as open_any_band_arithmetic
from edgespec.detect.any_band.detector import THRESHOLD, AnyBand, Rhythm
from edgespec.detect.arithmetic import open_arithmetic
from edgespec.detect.rules import EventRules
from edgespec.framing import Recipe
from edgespec.inference.bundle import load_bundle, shipped_bundle_path
from edgespec.observer.scoring.basis import Basis
from edgespec.observer.scoring.scorer import Scorer
from edgespec.records import FloatArray, Segment

__all__ = ["SETS", "UNTIL_BURSTS", "BandEvent", "Ear", "Heard", "Opening", "events_of"]

#: Sets of detectors beside any-band, by name.
#: The last one goes without energy as soon as any-band has heard that there are bursts.
UNTIL_BURSTS = "zscore, energy until bursts"
SETS: dict[str, tuple[str, ...]] = {
    "none": (),
    "energy": ("energy",),
    "zscore": ("zscore",),
    "zscore, energy": ("zscore", "energy"),
    UNTIL_BURSTS: ("zscore", "energy"),
}
_NAMES = ("zscore", "energy")
_DETECT = DetectConfig(detectors=_NAMES)
#: As on the device.
_DELAY_HOPS = _DETECT.n + 1


@dataclass(frozen=True, slots=True)
class BandEvent:
    """An event: the hops it opened at and ended behind, and whether any-band calibrated then."""

    opened: int
    ended: int
    detector: str
    ratio: float
    is_calibrating: bool


class Opening:
    """Opens an event as the device does: k of n hops, hysteresis, hold-off.

    Args:
        rules: these.
        hop_s: seconds from one hop to the next.
    """

    def __init__(self, rules: EventRules, hop_s: float) -> None:
        self._rules, self._hop_s = rules, hop_s
        self._recent: deque[bool] = deque(maxlen=rules.n)
        self._quiet_s = 0.0
        self.is_open = False

    def take(self, ratio: float) -> bool:
        """Return whether an event opens at a hop; NaN where it is not scored.

        Args:
            ratio: largest score over its threshold.
        """
        self._recent.append(ratio > 1.0)
        if self.is_open:
            if ratio > self._rules.hysteresis:
                self._quiet_s = 0.0
                return False
            self._quiet_s += self._hop_s
            self.is_open = self._quiet_s < self._rules.hold_off_s
            return False
        if ratio > 1.0 and sum(self._recent) >= self._rules.k:
            self.is_open, self._quiet_s = True, 0.0
        return self.is_open


@dataclass(slots=True)
class Heard:
    """Scores over thresholds of each hop: of the others, and of any-band by who watches before.

    NaN where there is none yet. ``is_bursty`` is what that any-band had said of the band before.
    """

    hop_s: float
    others: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _NAMES})
    any_band: dict[str, list[float]] = field(default_factory=dict)
    is_bursty: dict[str, list[bool]] = field(default_factory=dict)

    @property
    def n_hops(self) -> int:
        """Hops that were heard."""
        return len(self.others[_NAMES[0]])

    def watched(self, meanwhile: str) -> NDArray[np.bool_]:
        """Return which hops any-band watches, where a set watches before."""
        return np.isfinite(np.array(self.any_band[meanwhile]))


class Ear:
    """Listens to the segments of a band.

    Args:
        recipe: of the frames.
        warmup_s: of the others.
        rhythm_s: that any-band learns, least and most.
        sets: who watches before it is known, by names of :data:`SETS`.
    """

    def __init__(
        self,
        recipe: Recipe,
        warmup_s: float,
        rhythm_s: tuple[float, float],
        sets: Sequence[str] = tuple(SETS),
    ) -> None:
        geometry, computing = recipe.geometry, Computing.named("auto")
        hop_s = geometry.hop_s
        basis = Basis.without_bundle(recipe, _DETECT, load_bundle(shipped_bundle_path()))
        self._limits = dict(basis.thresholds)
        self._scorer = Scorer(
            None, _NAMES, geometry, int(np.ceil(warmup_s / hop_s)), basis.smallest_std,
            open_arithmetic(computing),
        )  # fmt: skip
        rhythm = Rhythm(*(round(seconds / hop_s) for seconds in rhythm_s))
        arithmetic = open_any_band_arithmetic(computing)
        rules = EventRules(_DETECT.k, _DETECT.n, _DETECT.hysteresis, _DETECT.hold_off_s)
        self._learning = {
            name: (AnyBand(geometry, rhythm, _DELAY_HOPS, arithmetic), Opening(rules, hop_s))
            for name in sets
        }
        self.heard = Heard(hop_s)
        for name in sets:
            self.heard.any_band[name], self.heard.is_bursty[name] = [], []

    def take(self, segment: Segment) -> None:
        """Take the next segment."""
        scores = self._scorer.score(segment)
        now = {score.detector: score.value for score in scores} if self._scorer.is_warm else {}
        ratios = {name: now.get(name, np.nan) / self._limits[name] for name in _NAMES}
        for name, ratio in ratios.items():
            self.heard.others[name].append(ratio)
        for name, (detector, opening) in self._learning.items():
            found = detector.take(segment.target, is_alarm=opening.is_open)
            self.heard.any_band[name].append(np.nan if found is None else found.value / THRESHOLD)
            self.heard.is_bursty[name].append(detector.is_bursty)
            if found is None:
                watches = [
                    one
                    for one in SETS[name]
                    if not (name == UNTIL_BURSTS and one == "energy" and detector.is_bursty)
                ]
                opening.take(max((ratios[one] for one in watches), default=np.nan))


def events_of(heard: Heard, meanwhile: str, beside: str) -> list[BandEvent]:
    """Return the events of a band where one set watches first, and another beside any-band."""
    any_band = np.array(heard.any_band[meanwhile])
    is_known = np.isfinite(any_band)
    nothing = np.full(len(any_band), np.nan)

    is_bursty = np.array(heard.is_bursty[meanwhile])

    def row_of(name: str) -> FloatArray:
        watches = np.where(is_known, name in SETS[beside], name in SETS[meanwhile])
        if name == "energy":
            has_limit = np.where(is_known, beside == UNTIL_BURSTS, meanwhile == UNTIL_BURSTS)
            watches &= ~(is_bursty & has_limit)
        return np.where(watches, np.array(heard.others[name]), nothing)

    names = ("any-band", *_NAMES)
    rows = np.stack([any_band, *(row_of(name) for name in _NAMES)])
    rows[np.isnan(rows)] = -np.inf
    highest, who = rows.max(axis=0), rows.argmax(axis=0)
    opening = Opening(
        EventRules(_DETECT.k, _DETECT.n, _DETECT.hysteresis, _DETECT.hold_off_s), heard.hop_s
    )
    found: list[BandEvent] = []
    opened: int | None = None
    for hop, ratio in enumerate(highest):
        if opening.take(float(ratio)):
            opened = hop
        if opened is not None and not opening.is_open:
            found.append(_event(opened, hop, who, highest, is_known, names))
            opened = None
    if opened is not None:
        found.append(_event(opened, len(highest), who, highest, is_known, names))
    return found


def _event(
    opened: int,
    ended: int,
    who: NDArray[np.intp],
    highest: FloatArray,
    is_known: NDArray[np.bool_],
    names: Sequence[str],
) -> BandEvent:
    most = float(highest[opened:ended].max())
    name = names[int(who[opened])]
    return BandEvent(opened, ended, name, round(most, 2), not is_known[opened])
