"""From the maps of a segment with high scores to what is seen where in the band."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

import numpy as np

from edgespec.detect.added import FrameMeans, NormalPower
from edgespec.detect.any_band.detector import ANY_BAND
from edgespec.detect.detectors import MODEL_DETECTORS, RESIDUAL
from edgespec.detect.explained import are_explained
from edgespec.detect.normal import NormalMap, Standing
from edgespec.detect.reference import BinEwma, BinZScore, EnergyLevel
from edgespec.detect.regions import Region, find_regions, onset_of, region_at
from edgespec.detect.track import Evidence, Life, Sighting
from edgespec.records import Decision, FloatArray, Score
from edgespec.reference import Reference, below, under

__all__ = ["MODELS", "POWER", "Lookout"]

#: The site's own map: received power against what is normal here.
POWER = "power"
#: ... and the power of its quietest frames.
QUIET = "quiet"
#: Where ten times the normal power was added, traffic that comes and goes beside it is 10 dB
#: below; the quietest frames have little traffic to come.
STRONG_RATIO, QUIET_RATIO = 10.0, 1.0
#: A region beside the strongest one must reach the threshold by its own distance, with a margin.
ALONE_SHARE = 1.25
#: Of what is left of a cell over a horizon: .11 to .15 dB on real ones.
RESIDUAL_SPREAD_DB = 0.2
#: Detectors that compare with what a model expected.
MODELS = frozenset(MODEL_DETECTORS.values())
#: Of its threshold, from where on it is asked what a score that opened nothing is made of.
ASKED_SHARE = 0.3
#: Detectors that compare the bins with each other, by the power alone.
SHAPES = (BinZScore.name, BinEwma.name)


class Lookout:
    """Knows what maps are like on normal signal, and finds what is not.

    A model's error map is its own evidence; every other detector goes by the site's power map,
    since what they take away to be deaf to traffic is missing where the whole band has changed.

    Args:
        n_bins: width of the maps.
        spread_db: for each detector, the spread of every bin's mean error on normal signal.
    """

    def __init__(self, n_bins: int, spread_db: Mapping[str, FloatArray]) -> None:
        self._n_bins = n_bins
        self._spread_db = spread_db
        self.means = FrameMeans(n_bins)
        self.forget()

    def forget(self) -> None:
        """Forget what is normal: it is learnt again."""
        n_bins = self._n_bins
        self.power = NormalMap(n_bins)
        self._strong = NormalPower(n_bins, STRONG_RATIO)
        self._quiet = NormalPower(n_bins, QUIET_RATIO)
        self._errors: dict[str, NormalMap] = {}

    @property
    def normal(self) -> FloatArray | None:
        """Power of the bins in normal segments, linear; None where it is not known."""
        return self._strong.usual

    def learn(self, scores: tuple[Score, ...], target_dbfs: FloatArray) -> None:
        """Take a segment of the warm-up."""
        self.power.add(target_dbfs)
        self._learn_added(target_dbfs)
        for score in scores:
            if score.error_map_db is not None and score.detector in MODELS:
                self._errors_of(score.detector).add(score.error_map_db)

    def learn_anew(self, lessons: Iterable[tuple[tuple[Score, ...], FloatArray]]) -> None:
        """Learn from these segments in place of all others."""
        self.forget()
        for scores, target_dbfs in lessons:
            self.learn(scores, target_dbfs)

    def learn_more(self, scores: tuple[Score, ...], target_dbfs: FloatArray) -> None:
        """Take a segment without alarm where the warm-up was short.

        Once there are rows enough they stay: what grows too slowly to alarm is not normal.
        """
        if not self.power.is_full:
            self.power.add(target_dbfs)
        self._learn_added(target_dbfs)
        for score in scores:
            if score.error_map_db is not None and score.detector in MODELS:
                errors = self._errors_of(score.detector)
                if not errors.is_full:
                    errors.add(score.error_map_db)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what is normal."""
        self.power.shift(step_db)
        self._strong.shift(step_db)
        self._quiet.shift(step_db)

    def reference(self) -> Reference:
        """Return what is normal in every map."""
        found = under(POWER, self.power.reference()) | under(QUIET, self._quiet.reference())
        found |= under("strong", self._strong.reference())
        for name, errors in self._errors.items():
            found |= under(name, errors.reference())
        return found

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt."""
        for name, one in ((POWER, self.power), ("strong", self._strong), (QUIET, self._quiet)):
            one.take_reference(below(name, reference))
        for name in MODELS:
            if below(name, reference):
                self._errors_of(name).take_reference(below(name, reference))

    def finest(self, life: Life, within: Region, *, is_broad: bool) -> Region | None:
        """Return what an event added over its life within a region, by the finest map of it.

        By all power where it is far above normal, else by that of the quietest frames; None where
        neither shows it. Where most of the band has moved a little, its mean is surer of that.
        """
        if not life.n_segments:
            return None
        strong = self._strong.region(life.power, life.n_segments, within, is_broad=is_broad)
        if strong is not None or is_broad:
            return strong
        return self._quiet.region(life.quiet, life.n_segments, within)

    def of_cell(
        self,
        decision: Decision,
        target_dbfs: FloatArray,
        share: float,
        is_cells: Callable[[Region | None], bool],
    ) -> list[str]:
        """Return which detectors of power are high by what the wanted signal does.

        Args:
            decision: scores and thresholds.
            target_dbfs: ``(n_horizon, n_bins)``.
            share: of its threshold that a score must be above.
            is_cells: whether power that is not normal in a region, or in the band, is its own.
        """
        pairs = zip(decision.scores, decision.thresholds, strict=True)
        high = {score.detector for score, limit in pairs if score.value > share * limit}
        found = [EnergyLevel.name] if EnergyLevel.name in high and is_cells(None) else []
        shapes = [name for name in SHAPES if name in high]
        if shapes and self.power.is_known:
            standing = self.power.standing(target_dbfs)
            if are_explained(find_regions(standing), standing, is_cells):
                found += shapes
        return found

    def could_open(
        self,
        decision: Decision,
        target_dbfs: FloatArray,
        is_cells: Callable[[Region | None], bool],
        share: float = ASKED_SHARE,
    ) -> tuple[Score, ...]:
        """Return those of a segment's scores that would open an event, were they high enough.

        Asked of scores above so large a share of their thresholds.
        """
        deaf = self.of_cell(decision, target_dbfs, share, is_cells)
        return tuple([score for score in decision.scores if score.detector not in deaf])

    def _learn_added(self, target_dbfs: FloatArray) -> None:
        if not self._quiet.is_full:
            self.means.take(target_dbfs)
            self._strong.add(self.means.power)
            self._quiet.add(self.means.quiet)

    def _of_residual(self, score: Score) -> tuple[Standing, FloatArray] | None:
        """Return what is left of the cell against what is expected of it.

        A map of it is of the window that lies farthest out, and of its subbands alone.
        """
        map_db = score.error_map_db
        if map_db is None:
            return None
        excess_db = map_db.mean(axis=0)
        whole_db = float(excess_db.min())
        spread_db = np.full_like(excess_db, RESIDUAL_SPREAD_DB)
        return Standing(excess_db, spread_db, max(whole_db, 0.0), 0.0), map_db

    def evidence(
        self, decision: Decision, target_dbfs: FloatArray, share: float, muted: Collection[str]
    ) -> list[Evidence]:
        """Return what each map says, the surest first.

        Args:
            decision: scores and thresholds.
            target_dbfs: ``(n_horizon, n_bins)``.
            share: of its threshold that a score must be above.
            muted: detectors that are not asked now.
        """
        found: dict[str, Evidence] = {}
        pairs = zip(decision.scores, decision.thresholds, strict=True)
        hot = [
            (score, limit)
            for score, limit in pairs
            if score.value > share * limit and score.detector not in muted
        ]
        for score, threshold in sorted(hot, key=lambda pair: pair[1] / pair[0].value):
            by = self._map_of(score)
            if by in found:
                continue
            standing, map_db = None, target_dbfs
            left = self._of_residual(score) if by == RESIDUAL else None
            if left is not None:
                standing, map_db = left
            elif by == POWER:
                standing = self.power.standing(target_dbfs)
                map_db = target_dbfs - self.power.mean_db
            elif score.error_map_db is not None:
                standing = self._errors_of(by).standing(score.error_map_db)
                map_db = score.error_map_db
            found[by] = Evidence(
                by,
                standing,
                map_db,
                score.detector,
                score.value,
                threshold,
                score.value > threshold,
            )
        # The finest plane that shows it says where it is: subbands are some hundred kHz wide.
        return sorted(found.values(), key=lambda one: one.by == RESIDUAL)

    def sightings(self, evidence: list[Evidence], target_dbfs: FloatArray) -> list[Sighting]:
        """Return what is seen where: by the surest map all of it, by others what is new."""
        found: list[Sighting] = []
        doubtful: list[Sighting] = []
        self.means.take(target_dbfs)
        for number, one in enumerate(evidence):
            if one.standing is None:
                if not found:
                    found.append(self._whole_band(one, target_dbfs))
                continue
            regions = find_regions(one.standing)
            # As far out as the strongest region would have to be to alarm alone.
            least = ALONE_SHARE * _sigmas(one.standing, regions[0]) / one.ratio
            for rank, region in enumerate(regions):
                is_surest = number == 0 and rank == 0
                if rank and _sigmas(one.standing, region) < least:
                    continue
                finer = None
                if one.by == RESIDUAL:
                    finer = self._finer(one, region, target_dbfs)
                elif one.by == POWER and is_surest and not one.standing.level_db:
                    finer = self._quieter(one, region)
                if finer is not None:
                    found.append(finer)
                    continue
                if any(seen.has_place(one, region) for seen in found):
                    continue
                is_clear = self._stands_alone(one, region, target_dbfs)
                # Traffic has no part in what is left of a cell.
                is_surest |= rank == 0 and one.by == RESIDUAL and one.is_alarm
                if is_clear or (is_surest and one.by == RESIDUAL):
                    found.append(self._sighting(one, region, is_clear=is_clear))
                elif is_surest:
                    doubtful.append(self._sighting(one, region, is_clear=False))
        # Where a score would most likely come from is of use where nothing stands out.
        return found or doubtful

    def likely(self, sighting: Sighting) -> Sighting:
        """Return a sighting that nothing stands out in as one of what all power has done.

        The bin that is off most, of either sign, is that by chance.
        """
        standing, usual = sighting.evidence.standing, self._strong.usual
        if sighting.is_clear or sighting.evidence.by != POWER or standing is None or usual is None:
            return sighting
        sign = 1 if self.means.power.sum() >= usual.sum() else -1
        if sign == sighting.region.sign:
            return sighting
        region = region_at(standing, int((sign * standing.excess_db).argmax()))
        return replace(sighting, region=region)

    def _quieter(self, one: Evidence, region: Region) -> Sighting | None:
        """Return what the quietest frames show anywhere, where power shows nothing clearly.

        Of a sweep few frames show a part only: that is no evidence of another source.
        """
        if one.standing is None or one.standing.is_clear(region.peak_bin):
            return None
        whole = Region(0, self._n_bins - 1, 0, 1, 0.0)
        quiet = self._quiet.region(self.means.quiet, 1, whole)
        if quiet is None:
            return None
        return self._sighting(replace(one, by=QUIET, standing=None), quiet, is_clear=False)

    def _finer(self, one: Evidence, region: Region, target_dbfs: FloatArray) -> Sighting | None:
        """Return a region of the power map within one of subbands, if it stands out there, too.

        Subbands are some hundred kHz wide; where power shows it as well, its bins say the edges.
        """
        if not self.power.is_known:
            return None
        standing = self.power.standing(target_dbfs)
        inside = slice(region.lower_bin, region.upper_bin + 1)
        peak = region.lower_bin + int(standing.excess_db[inside].argmax())
        map_db = target_dbfs - self.power.mean_db
        if standing.excess_db[peak] <= 0.0 or not standing.is_clear(peak):
            quiet = self._quiet.region(self.means.quiet, 1, region)
            if quiet is None:
                return None
            one = replace(one, by=QUIET, standing=None, map_db=map_db)
            return self._sighting(one, quiet, is_clear=False)
        finer = replace(one, by=POWER, standing=standing, map_db=map_db)
        return self._sighting(finer, region_at(standing, peak), is_clear=True)

    def agrees(self, region: Region, target_dbfs: FloatArray) -> bool:
        """Return whether received power alone is clearly not normal where a model says so."""
        if not self.power.is_known:
            return True
        standing = self.power.standing(target_dbfs)
        inside = slice(region.lower_bin, region.upper_bin + 1)
        peak = region.lower_bin + int((region.sign * standing.excess_db[inside]).argmax())
        return region.sign * float(standing.excess_db[peak]) > 0 and standing.is_clear(peak)

    def _stands_alone(self, one: Evidence, region: Region, target_dbfs: FloatArray) -> bool:
        if one.standing is None or not one.standing.is_clear(region.peak_bin):
            return False
        return one.by in (POWER, RESIDUAL) or self.agrees(region, target_dbfs)

    def _sighting(self, one: Evidence, region: Region, *, is_clear: bool) -> Sighting:
        return Sighting(region, one, onset_of(one.map_db, region), is_clear)

    def _whole_band(self, one: Evidence, target_dbfs: FloatArray) -> Sighting:
        peak = int(target_dbfs.mean(axis=0).argmax())
        return Sighting(Region(0, self._n_bins - 1, peak, 1, 0.0), one, 0)

    def _map_of(self, score: Score) -> str:
        """Return whose map a detector goes by: its own until the site is known."""
        if score.detector in MODELS and score.error_map_db is not None:
            return score.detector
        # What breaks an envelope shows as what is left of a cell does: in channels, by no power.
        if score.detector == RESIDUAL or (
            score.detector == ANY_BAND and score.error_map_db is not None
        ):
            return RESIDUAL
        if self.power.is_known:
            return POWER
        return score.detector

    def _errors_of(self, name: str) -> NormalMap:
        errors = self._errors.get(name)
        if errors is None:
            errors = NormalMap(
                self._n_bins,
                self._spread_db.get(name),
                is_relative=True,
                has_level=name in MODELS,
            )
            self._errors[name] = errors
        return errors


def _sigmas(standing: Standing, region: Region) -> float:
    """Return how far out a region's peak is, in spreads."""
    return abs(region.excess_db) / float(standing.spread_db[region.peak_bin])
