"""The detector for bands without a cell: it learns the rhythm of a band, then says what is new."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from edgespec.detect.any_band import plain
from edgespec.detect.any_band.arithmetic import Arithmetic
from edgespec.detect.any_band.bursts import Bursts
from edgespec.detect.any_band.channels import Channel
from edgespec.detect.any_band.envelope import Envelope
from edgespec.detect.any_band.known import PARTS, Heard, Known
from edgespec.detect.any_band.tails import Tails
from edgespec.detect.any_band.waiting import Waiting
from edgespec.records import FloatArray, Geometry, Score
from edgespec.reference import Reference, below, under

__all__ = ["ANY_BAND", "THRESHOLD", "AnyBand", "Rhythm"]

#: Its name among the detectors.
ANY_BAND = "any-band"
#: Of its scores, where the site is not calibrated.
THRESHOLD = 12.0
#: Bursts that tell the rhythm of a band in which there are any.
MANY_BURSTS = 100
#: It is a band of bursts from so many on: who comes once, and stays or goes, makes none of it.
_SOME_BURSTS = 3
#: Of what is learnt from, two of three hops teach what is known, the third how it varies.
_N_STAGES, _N_KNOWN = 3, 2
_LEAST_HOPS = 12
#: In what is kept.
_ENVELOPE = "envelope"


@dataclass(frozen=True, slots=True)
class Rhythm:
    """How many hops are learnt from at least, and where bursts stay rare at most."""

    least_hops: int
    most_hops: int


class AnyBand:
    """How far a hop lies above all that was heard of a band, with no model of what that is.

    Two parts, each in dB above what is known (:class:`~edgespec.detect.any_band.known.Known`): the
    highest *peak* over runs of 1 to all bins and 1 or 8 frames, and the highest floor, which what
    *fills* a gap raises. Each is put in units of how far normal signal goes
    (:class:`~edgespec.detect.any_band.tails.Tails`), and the larger is the score. Where samples are
    heard, too, so does what breaks the constant *envelope* of a channel that has one.

    It learns until it has heard the band's rhythm: for the least time, and where there are bursts
    until there were :data:`MANY_BURSTS` of them, or for the longest time. What comes shortly before
    or in an alarm of any detector is not learnt. After that nothing is learnt any more: who comes
    slowly does not become normal.

    Args:
        geometry: of the segments.
        rhythm: how long it learns.
        delay_hops: hops that wait for an alarm before they are learnt.
        arithmetic: how it computes.
        hop_samples: of a hop; 0: no samples are heard.

    Attributes:
        parts_db: of the last hop, float64 ``(2,)``, while what is known stays; a buffer.
    """

    def __init__(
        self,
        geometry: Geometry,
        rhythm: Rhythm,
        delay_hops: int = 0,
        arithmetic: Arithmetic = plain,
        hop_samples: int = 0,
    ) -> None:
        self.rhythm = rhythm
        self._envelope: Envelope | None = None
        if hop_samples:
            self._envelope = Envelope(
                geometry, hop_samples, rhythm.least_hops, delay_hops, arithmetic
            )
        self._heard = Heard(geometry, arithmetic)
        self._known = Known(geometry, arithmetic)
        self._waiting = Waiting(delay_hops, self._heard.levels_db.shape, len(PARTS))
        self._tails = Tails()
        self._bursts = Bursts(geometry.n_bins)
        self.parts_db = np.full(len(PARTS), np.nan)
        self.reset()

    def reset(self) -> None:
        """Forget the band."""
        self._known.clear()
        self._waiting.clear()
        self._tails.clear()
        self._bursts.clear()
        if self._envelope is not None:
            self._envelope.reset()
        # Hops of both stages, and of the first; the latter is 0 until it is over.
        self.n_learnt = self._n_known = 0
        self.is_settled = False
        self.parts_db[:] = np.nan

    @property
    def n_bursts(self) -> int:
        """Bursts that were heard while it learnt what is known."""
        return self._bursts.n_heard

    @property
    def channels(self) -> tuple[Channel, ...]:
        """Channels with a constant envelope that are watched, the strongest first."""
        return () if self._envelope is None else self._envelope.channels

    @property
    def is_bursty(self) -> bool:
        """Whether the band is one of bursts, as far as it is known."""
        return self.n_bursts >= _SOME_BURSTS

    @property
    def n_hops_left(self) -> int:
        """Hops that are still to be learnt from at least; 0 where bursts alone are missing."""
        if self.is_settled:
            return 0
        if self._n_known:
            return self._n_wanted - self.n_learnt
        return max(self.rhythm.least_hops - self.n_learnt, 0)

    @property
    def _n_wanted(self) -> int:
        return self._n_known * _N_STAGES // _N_KNOWN

    def hear(self, samples: NDArray[np.generic]) -> None:
        """Take the samples of a hop, complex64 ``(n,)`` or integers ``(n, 2)``, before its horizon.

        They may be left out.
        """
        if self._envelope is not None:
            self._envelope.hear(samples)

    def take(self, target_db: FloatArray, *, is_alarm: bool) -> Score | None:
        """Return the score of a horizon ``(n_horizon, n_bins)``, None while it learns.

        With ``is_alarm`` nothing is learnt of it. A score of what breaks an envelope has a map of
        where it does, in dB over what is known; the buffer is written again with the next one.
        """
        heard, envelope = self._heard, self._envelope
        heard.take(target_db)
        if self._n_known:
            self._known.write_above_db(heard, self.parts_db)
        if envelope is not None:
            envelope.take()
        if self.is_settled:
            value = self._tails.score(self.parts_db)
            if envelope is not None and (broken := envelope.score()) > value:
                return Score(ANY_BAND, broken, envelope.map_db)
            return Score(ANY_BAND, value)
        if is_alarm:
            self._waiting.clear()
            if envelope is not None:
                envelope.pause()
            return None
        if envelope is not None:
            envelope.learn(is_known=self._n_known > 0)
        old = self._waiting.swap(heard.levels_db, self.parts_db if self._n_known else None)
        if old is not None:
            self._learn(*old)
        return None

    def _learn(
        self,
        levels_db: FloatArray,
        parts_db: NDArray[np.float64] | None,
    ) -> None:
        self.n_learnt += 1
        if parts_db is not None:
            self._tails.learn(parts_db)
            if self.n_learnt >= self._n_wanted:
                self._tails.settle()
                if self._envelope is not None:
                    self._envelope.settle()
                self.is_settled = True
            return
        self._known.learn(levels_db)
        self._bursts.take(levels_db)
        n, rhythm = self.n_learnt * _N_STAGES // _N_KNOWN, self.rhythm
        has_rhythm = not self.n_bursts or self.n_bursts >= MANY_BURSTS or n >= rhythm.most_hops
        if has_rhythm and n >= max(rhythm.least_hops, _LEAST_HOPS):
            self._n_known = self.n_learnt
            self._waiting.clear()
            if self._envelope is not None:
                self._envelope.pause()

    def margin_db(self, part: str, threshold: float) -> float:
        """Return from how many dB above what is known a part alarms at a threshold."""
        return self._tails.margin_db(part, threshold)

    def follow(self, step_db: float) -> None:
        """Take a step of the receiver's gain into what was learnt."""
        self._known.follow(step_db)
        self._waiting.follow(step_db)
        self._bursts.follow(step_db)
        if self._envelope is not None:
            self._envelope.follow(step_db)

    def reference(self) -> Reference:
        """Return what was learnt, once it is settled; empty while it learns."""
        if not self.is_settled:
            return {}
        counts = np.array([self.n_learnt, self.n_bursts], np.float64)
        own = {**self._known.reference(), **self._tails.reference(), "counts": counts}
        if self._envelope is None:
            return own
        return own | under(_ENVELOPE, self._envelope.reference())

    def take_reference(self, reference: Reference) -> None:
        """Go by what another one learnt.

        Raises:
            LookupError: something is missing.
            ValueError: something is of another shape, or not finite.
        """
        self.reset()
        counts = reference["counts"]
        if counts.shape != (2,) or not np.isfinite(counts).all() or counts.min() < 0:
            raise ValueError("it was not learnt from as many hops as it says")
        self._known.take_reference(reference)
        self._tails.take_reference(reference)
        if self._envelope is not None:
            self._envelope.take_reference(below(_ENVELOPE, reference))
        self.n_learnt, self._bursts.n_heard = (int(count) for count in counts)
        self._n_known = self.n_learnt
        self.is_settled = True
