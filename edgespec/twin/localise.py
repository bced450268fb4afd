"""Where a source is, how strong, and on which subbands: the posterior over the cells."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.detectors.detectors import thinned
from edgespec.twin.detectors.likelihood import CellEvidence, Likelihood
from edgespec.twin.detectors.window import Window
from edgespec.twin.expected import Expectation, sector_fall_db
from edgespec.twin.level_kind import MEASURED
from edgespec.twin.plausibility.contradicted import Contradicted
from edgespec.twin.propagation.path_gain import CellGrid
from edgespec.twin.site import Site
from edgespec.twin.walk.posterior import Fixer, n_held
from edgespec.wire.position import Position

__all__ = ["Localiser", "Source"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

#: Evidence of a subband above which a source is in it, in nats: 10 to 1.
_HIT = 2.3

#: What is more than a source that sends everywhere must be likelier by this, in nats: 20 to 1.
_PREFERRED = 3.0

#: Beams are tried in these directions with this width, from about so many cells.
_AZIMUTHS_DEG = np.arange(0.0, 360.0, 30.0)
_WIDTH_DEG = 65.0
_BEAM_CELLS = 160

#: What transmitters give is as much as the noise, or more: they occupy the subband.
_AS_MUCH_DB = 10.0 * np.log10(2.0)

#: A gain error nearer than this to the one before makes no difference, in dB.
_SAME_ERROR_DB = 0.1

#: A level this far below expectation is a hole.
_HOLE_DB = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """A probable source.

    ``is_hit`` bool ``(n_subbands,)``: where it transmits; ``power_dbm`` over these. ``weights``
    float64 ``(n_cells,)`` is the posterior over the ``cells``. ``moved`` is the index of the
    transmitter that it probably is, or None; ``azimuth_deg`` where it beams to, or None.
    """

    position: Position
    power_dbm: float
    is_hit: BoolArray
    weights: FloatArray
    cells: CellGrid
    moved: int | None = None
    azimuth_deg: float | None = None


class Localiser:
    """Searches all cells of a site; runs on an alarm only.

    Args:
        site: of the cells.
        grid: where a source may be.
        fixer: of a map that a walk taught: it knows how far each level may be off, and says where
            a source is in place of the likelihood of one ``gain_error_db`` for all.
    """

    def __init__(self, site: Site, grid: CellGrid, fixer: Fixer | None = None) -> None:
        self.grid = grid
        self._fixer = fixer
        limit_db = site.detect.implausible_db
        self._contradicted = None if fixer is None else Contradicted(fixer, limit_db)
        self._site = site
        self._noise_dbm = site.noise_floor_dbm - 10.0 * np.log10(site.n_subbands)
        self._gain_error_db = site.propagation.gain_error_db
        self._unit_db = np.zeros(len(site.unit))
        self._likelihood = self._listening(grid)
        self._coarse = thinned(grid, _BEAM_CELLS)
        self._beams: list[Likelihood] | None = None

    @property
    def contradicted(self) -> dict[int, str]:
        """Units that others contradict wherever a source was located by a walk's map, and why."""
        return self._contradicted.reasons if self._contradicted else {}

    def believe(self, unit_db: FloatArray, gain_error_db: float) -> None:
        """Locate from now on with what was learnt in place of what the site file says.

        Args:
            unit_db: float64 ``(n_units,)``: by how much more each unit hears of a source than it is
                taken to: than its noise says, or with a walk's map, than it heard then.
            gain_error_db: how far a path gain is usually off beyond that.
        """
        self._unit_db = unit_db.copy()
        if abs(gain_error_db - self._gain_error_db) > _SAME_ERROR_DB:
            self._gain_error_db = gain_error_db
            self._likelihood = self._listening(self.grid)
            self._beams = None

    def locate(
        self, window: Window, expectation: Expectation, bias_db: FloatArray | None = None
    ) -> Source:
        """Return what explains a window best: a source, one that beams, or a moved transmitter.

        ``bias_db`` float64 ``(n_units, n_subbands)`` is what the window's residuals are free of; a
        walk was heard with it.
        """
        source = self.source(window)
        moved = self.moved(window, expectation)
        if moved is not None:
            return moved
        walked = self._walked(window, source, bias_db)
        return walked or self.beam(window, source) or source

    def _levelled(self, window: Window) -> Window:
        """Return a window as if all units heard as much of a source as their noise says.

        One that hears less of it has so much more noise for it. Where transmitters are heard, the
        bias learnt there holds the unit's gain already.
        """
        is_noise = window.expected_dbm < self._noise_dbm + _AS_MUCH_DB
        less_db = np.where(is_noise, self._unit_db[:, None], 0.0)
        return replace(window, expected_dbm=window.expected_dbm - less_db)

    def source(self, window: Window) -> Source:
        """Return the source that explains a window best, if it sends everywhere alike."""
        evidence = self._likelihood.evidence(self._levelled(window))
        best = evidence.subbands[int(np.argmax(evidence.cells))]
        is_hit = best > _HIT
        return self._source(evidence, self.grid, is_hit if is_hit.any() else best == best.max())

    def moved(self, window: Window, expectation: Expectation) -> Source | None:
        """Return a transmitter that is elsewhere than the twin believes, if that explains more."""
        suspects = _leaving_holes(window, expectation)
        if not suspects:
            return None
        window = self._levelled(window)
        other = float(self._likelihood.evidence(window).cells.max())
        best: Source | None = None
        total_mw = expectation.parts_mw.sum(axis=0) + expectation.noise_mw
        for index in suspects:
            part_mw = expectation.parts_mw[index]
            occupied = part_mw.sum(axis=0) > 0.0
            kept = np.clip(1.0 - part_mw / total_mw, 0.0, 1.0)
            sent = expectation.transmitters[index].power_dbm - 10.0 * np.log10(occupied.sum())
            evidence = self._likelihood.evidence(window, kept, float(sent))
            cells = evidence.subbands[:, occupied].sum(axis=1, dtype=np.float64)
            if cells.max() > other + _PREFERRED:
                other = float(cells.max())
                best = self._source(evidence, self.grid, occupied, moved=index)
        return best

    def beam(self, window: Window, source: Source) -> Source | None:
        """Return the source as one that beams into one direction, if that explains more.

        It needs no pattern: a sector of 65 degrees in one of twelve directions stands for all.
        """
        if self._beams is None:
            isotropic = [self._listening(self._coarse)]
            self._beams = isotropic + [self._beaming(azimuth) for azimuth in _AZIMUTHS_DEG]
        window = self._levelled(window)
        scores, found = [], []
        for likelihood in self._beams:
            evidence = likelihood.evidence(window)
            cells = _of_place(evidence, source.is_hit)
            scores.append(cells.max() + np.log(np.exp(cells - cells.max()).mean()))
            found.append(evidence)
        best = int(np.argmax(scores[1:])) + 1
        everywhere = scores[0]
        beams = scores[best] + np.log(np.exp(np.array(scores[1:]) - scores[best]).mean())
        if beams < everywhere + _PREFERRED:
            return None
        azimuth_deg = float(_AZIMUTHS_DEG[best - 1])
        return self._source(found[best], self._coarse, source.is_hit, azimuth_deg=azimuth_deg)

    def _walked(self, window: Window, source: Source, bias_db: FloatArray | None) -> Source | None:
        """Return a source by the map of a walk, if there is one and its units were heard."""
        if self._fixer is None or self._contradicted is None:
            return None
        hit = source.is_hit
        usual_db = window.expected_dbm if bias_db is None else window.expected_dbm + bias_db
        noise_db = _sum_db(usual_db[:, hit])
        level_db = _sum_db((usual_db + window.residual_db)[:, hit])
        # A bound from below is no level.
        level_db = np.where(window.kind == MEASURED, level_db - self._unit_db, np.nan)
        noise_db = noise_db - self._unit_db
        if not np.isfinite(level_db[self._fixer.is_known]).any():
            return None
        fix = self._fixer.fix(level_db, noise_db)
        self._contradicted.update(fix.place_m, level_db, noise_db)
        weights = np.zeros(int(np.prod(self.grid.shape)))
        weights[fix.cells] = fix.weights
        x_m, y_m = fix.place_m
        height_m = self._site.propagation.source_height_m
        position = Position(float(x_m), float(y_m), height_m, fix.sigma_m, fix.area_m2)
        power_dbm = self._fixer.power_dbm + fix.offset_db
        return Source(position, power_dbm, hit, weights[self.grid.index], self.grid)

    def _listening(self, grid: CellGrid) -> Likelihood:
        site = self._site
        return Likelihood(grid, site.n_subbands, site.detect.source_power_dbm, self._gain_error_db)

    def _beaming(self, azimuth_deg: float) -> Likelihood:
        """Return the likelihood of sources that look into one direction."""
        line_m = self._site.units_xyz_m[None, :, :] - self._coarse.xyz_m[:, None, :]
        fall_db = sector_fall_db(line_m, float(azimuth_deg), _WIDTH_DEG)
        return self._listening(replace(self._coarse, gain_db=self._coarse.gain_db - fall_db))

    def _source(
        self,
        evidence: CellEvidence,
        grid: CellGrid,
        is_hit: BoolArray,
        moved: int | None = None,
        azimuth_deg: float | None = None,
    ) -> Source:
        """Return the source at the mean place under the posterior."""
        cells = _of_place(evidence, is_hit)
        weights = np.exp(cells - cells.max())
        weights /= weights.sum()
        place_m = weights @ grid.xyz_m
        spread_m2 = weights @ ((grid.xyz_m - place_m) ** 2).sum(axis=1)
        # Within a cell the place is uniform.
        sigma_m = float(np.sqrt(spread_m2 + grid.cell_m**2 / 6.0))
        power_mw = 10.0 ** (evidence.power_dbm[int(np.argmax(weights)), is_hit] / 10.0)
        return Source(
            Position(
                float(place_m[0]),
                float(place_m[1]),
                float(place_m[2]),
                sigma_m,
                n_held(np.sort(weights)[::-1]) * grid.cell_m**2,
            ),
            float(10.0 * np.log10(power_mw.sum())),
            is_hit,
            weights,
            grid,
            moved,
            azimuth_deg,
        )


def _sum_db(levels_db: FloatArray) -> FloatArray:
    """Return the power over subbands ``(n_units, n)``, ``(n_units,)``."""
    return np.asarray(10.0 * np.log10((10.0 ** (levels_db / 10.0)).sum(axis=1)))


def _of_place(evidence: CellEvidence, is_hit: BoolArray) -> FloatArray:
    """Return the evidence of each cell from the subbands that are hit.

    Wrong path gains are wrong alike in all subbands, so their evidence of the place is averaged and
    not added.
    """
    return np.asarray(evidence.subbands[:, is_hit].mean(axis=1, dtype=np.float64))


def _leaving_holes(window: Window, expectation: Expectation) -> list[int]:
    """Return the transmitters that are missed where they should be loudest, by two units or more.

    A transmitter that moved leaves a hole; a source beside the transmitters leaves none.
    """
    total_mw = expectation.parts_mw.sum(axis=0) + expectation.noise_mw
    is_low = (window.residual_db < -_HOLE_DB) & window.is_heard[:, None]
    rules = expectation.parts_mw > 0.5 * total_mw
    n_units = (rules & is_low).any(axis=2).sum(axis=1)
    return [int(index) for index in np.flatnonzero(n_units >= 2)]
