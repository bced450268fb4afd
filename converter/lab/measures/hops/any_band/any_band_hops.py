"""The device's detector for any band by its frames, its parts, and constant modulus beside it."""

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from converter.lab.measures.hops.any_band.modulus import Modulus, choose_channels
from converter.lab.measures.hops.hop_scorer import Place
from edgespec.computing import Computing
from edgespec.detect.any_band.arithmetic import open_arithmetic
from edgespec.detect.any_band.detector import AnyBand, Rhythm
from edgespec.detect.any_band.known import PARTS
from edgespec.dsp.spectrogram import FrontEnd
from edgespec.records import IqBlock

__all__ = ["AnyBandHops"]

_NAN = float("nan")
#: Shares of the warm-up: until channels are chosen, until their normal levels are learnt, and
#: until the device's detector has learnt its own.
_CHOSEN, _LEARNT, _SETTLED = 0.125, 0.5, 0.75
_N_SEARCHED = 40


@dataclass(slots=True)
class _Site:
    """What is known of an observer's band; the list is emptied when it has been learnt from."""

    n_warmup: int
    detector: AnyBand | None = None
    n_hops: int = 0
    searched: list[NDArray[np.complex64]] = field(default_factory=list)
    modulus: Modulus | None = None


class AnyBandHops:
    """``any-band`` of the device, which hears the frames alone here, its parts, and ``modulus``.

    The latter came before the device's part for constant envelopes: how far what breaks one lies
    above the highest of the first half of the warm-up, in dB. NaN while it is learnt.
    """

    columns: tuple[str, ...] = (
        *(f"score:{part}" for part in PARTS),
        "score:modulus",
        "score:any-band",
    )

    def __init__(self) -> None:
        self._front_end: FrontEnd | None = None
        self._place: Place | None = None
        self._site = _Site(8)

    def begin(self, place: Place) -> None:
        """Begin at another observer."""
        self._place = place
        n_warmup = max(place.n_warmup, 8)
        n_hops = round(_SETTLED * n_warmup)
        arithmetic = open_arithmetic(Computing.named("auto"))
        detector = AnyBand(place.recipe.geometry, Rhythm(n_hops, n_hops), 0, arithmetic)
        self._site = _Site(n_warmup, detector)
        self._front_end = FrontEnd(
            place.recipe.framing, place.sample_format, max_block_samples=place.hop_samples
        )

    def score(self, block: IqBlock) -> Sequence[float]:
        """Return the scores of the hop."""
        site = self._site
        if self._front_end is None or self._place is None or site.detector is None:
            return (_NAN,) * len(self.columns)
        self._front_end.reset()
        frames_db = self._front_end.process(block).power_dbfs
        site.n_hops += 1
        found = site.detector.take(frames_db, is_alarm=False)
        modulus_db = self._modulus_db(self._place.sample_format.to_complex(block.samples))
        together = _NAN if found is None else found.value
        return (*site.detector.parts_db.tolist(), modulus_db, together)

    def _modulus_db(self, samples: NDArray[np.complex64]) -> float:
        site, share = self._site, self._site.n_hops / self._site.n_warmup
        if site.modulus is None:
            if len(site.searched) < _N_SEARCHED:
                site.searched.append(samples)
            if share >= _CHOSEN:
                site.modulus, site.searched = Modulus(choose_channels(site.searched)), []
            return _NAN
        if share <= _LEARNT:
            site.modulus.learn(samples)
            return _NAN
        return site.modulus.above_db(samples)

    def snapshot(self) -> Any:
        """Return a copy of what is known; what was learnt for good is shared."""
        return deepcopy(self._site, self._shared(self._site))

    def restore(self, state: Any) -> None:
        """Go on from it."""
        self._site = deepcopy(state, self._shared(state))

    def _shared(self, site: _Site) -> dict[int, Any]:
        settled = site.detector is not None and site.detector.is_settled
        return {id(site.detector): site.detector} if settled else {}
