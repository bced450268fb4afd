"""The detector for any band, hop by hop: its parts, and what they say together."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.any_band.modulus import Modulus, choose_channels
from converter.lab.measures.hops.any_band.peaks import Peaks
from converter.lab.measures.hops.any_band.scenes import Scenes
from converter.lab.measures.hops.hop_scorer import Place
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.records import IqBlock

__all__ = ["AnyBandHops"]

_NAN = float("nan")
_LENGTHS = (1, 4, 16)
#: Shares of the warm-up: until channels are chosen, until all is learnt, until normal values are.
_CHOSEN, _LEARNT, _FITTED = 0.125, 0.5, 0.75
#: The tail of a part begins at this quantile of its normal values; its mean excess is at least so
#: many dB, and an alarm once in 1000 hops lies so many of them above it.
_TAIL, _LEAST_DB, _ONE_IN_1000 = 0.8, 0.3, 5.3
_N_SEARCHED = 40


@dataclass(slots=True)
class _Site:
    """What is known of an observer's band; each list is emptied when it has been learnt from."""

    n_warmup: int
    lengths: tuple[int, ...]
    n_hops: int = 0
    searched: list[NDArray[np.complex64]] = field(default_factory=list)
    frames_db: list[NDArray[np.float32]] = field(default_factory=list)
    normal: list[list[float]] = field(default_factory=list)
    modulus: Modulus | None = None
    scenes: Scenes | None = None
    peaks: Peaks | None = None
    scale: NDArray[np.float64] | None = None


class AnyBandHops:
    """How far a hop lies above all that was heard in the warm-up, by four parts in dB.

    ``scenes``: of its spectrogram above the nearest known scene; ``peak`` and ``fill``: of its
    peaks and floors; ``modulus``: of what breaks a constant envelope. ``any-band`` is the largest
    of ``(x - max(u, 0)) / b - 5.3`` over the parts: u is the 80% quantile of a part's normal values
    in the third quarter of the warm-up, b the mean excess over it. NaN while it is learnt.
    """

    columns: tuple[str, ...] = (
        "score:scenes",
        "score:peak",
        "score:fill",
        "score:modulus",
        "score:any-band",
    )

    def __init__(self) -> None:
        self._front_end: FrontEnd | None = None
        self._place: Place | None = None
        self._site = _Site(8, _LENGTHS)

    def begin(self, place: Place) -> None:
        """Begin at another observer."""
        self._place = place
        self._site = _Site(max(place.n_warmup, 8), (*_LENGTHS, place.recipe.hop_frames))
        self._front_end = FrontEnd(
            place.recipe.framing, place.sample_format, max_block_samples=place.hop_samples
        )

    def score(self, block: IqBlock) -> Sequence[float]:
        """Return the scores of the hop."""
        if self._front_end is None or self._place is None:
            return (_NAN,) * len(self.columns)
        self._front_end.reset()
        frames_db = self._front_end.process(block).power_dbfs.copy()
        samples = self._place.sample_format.to_complex(block.samples)
        site = self._site
        site.n_hops += 1
        share = site.n_hops / site.n_warmup
        if site.scenes is None or site.peaks is None or site.modulus is None:
            self._learn(frames_db, samples, share)
            return (_NAN,) * len(self.columns)
        parts = [
            max(site.scenes.distances_db(frames_db)),
            *site.peaks.above_db(frames_db),
            site.modulus.above_db(samples),
        ]
        if site.scale is None:
            site.normal.append(parts)
            if share >= _FITTED and len(site.normal) > 1:
                site.scale, site.normal = _tails(np.array(site.normal)), []
            return (*parts, _NAN)
        together = (np.array(parts) - site.scale[0]) / site.scale[1]
        return (*parts, float(together.max()) - _ONE_IN_1000)

    def _learn(
        self, frames_db: NDArray[np.float32], samples: NDArray[np.complex64], share: float
    ) -> None:
        site = self._site
        site.frames_db.append(frames_db)
        if site.modulus is None:
            if len(site.searched) < _N_SEARCHED:
                site.searched.append(samples)
            if share >= _CHOSEN:
                site.modulus, site.searched = Modulus(choose_channels(site.searched)), []
        else:
            site.modulus.learn(samples)
        if share >= _LEARNT and site.modulus is not None:
            site.peaks = Peaks(site.frames_db)
            site.scenes = Scenes(np.concatenate(site.frames_db), site.lengths)
            site.frames_db = []

    def snapshot(self) -> Any:
        """Return a copy of what is known; what was learnt for good is shared."""
        site = self._site
        shared: dict[int, Any] = {id(part): part for part in (site.scenes, site.peaks)}
        return deepcopy(site, shared)

    def restore(self, state: Any) -> None:
        """Go on from it."""
        shared: dict[int, Any] = {id(part): part for part in (state.scenes, state.peaks)}
        self._site = deepcopy(state, shared)


def _tails(normal: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return where the tail of each part begins, and its mean excess, ``(2, n_parts)``."""
    scale = np.empty((2, normal.shape[1]))
    for part, values in enumerate(normal.T):
        scale[:, part] = 0.0, _LEAST_DB
        # A part that has nothing to look at says -inf.
        if np.isfinite(values).all():
            low = float(np.quantile(values, _TAIL))
            above = values[values > low] - low
            mean = float(above.mean()) if len(above) else 0.0
            scale[:, part] = max(low, 0.0), max(mean, _LEAST_DB)
    return scale
