"""One radio for several bands: it is tuned to each of them in turn."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

from edgespec.records import IqBlock, SourceInfo
from edgespec.sources.in_flight import InFlight
from edgespec.sources.source import TunableSource

__all__ = ["DwellSource", "Turn"]


@dataclass(frozen=True, slots=True)
class Turn:
    """Where a radio is tuned to in one of its turns, and how long it is listened to there.

    Of ``dwell_s``, what is lost of a turn is made up for; what settles comes before. A ``gain_db``
    of None is the one that the radio has.
    """

    center_freq_hz: float
    dwell_s: float
    gain_db: float | None = None


class DwellSource:
    """Tunes a radio to its turns, one after the other for ever, and hands out what is heard there.

    Samples are counted by the radio, across all turns. Of a band, that is of one turn, ::

        sample_start = end of its last block + n_away + n_dropped

    where ``n_away`` is heard elsewhere, or while the radio settles, and is no loss. Whatever was
    taken within ``settle_s`` of a retune is dropped, however long it was on its way: see
    :class:`InFlight`. So is what comes behind a reconnection, which is a loss of the turn that it
    falls into. Where a radio lost samples in other turns, and so may have counted wrongly, one of
    those that a band was away for is said to be dropped. A block never crosses a seam.

    Args:
        radio: open, and tuned to the first turn; closed with this source.
        turns: at least two.
        settle_s: None: what the radio says.
        clock: seconds, of a clock that never steps.

    Attributes:
        at: number of the turn that the last block was of.
        n_retunes: how often the radio was tuned elsewhere.
    """

    def __init__(
        self,
        radio: TunableSource,
        turns: Sequence[Turn],
        settle_s: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._radio = radio
        self.turns = tuple(turns)
        self.info: SourceInfo = replace(radio.info, center_freq_hz=turns[0].center_freq_hz)
        self._clock = clock
        self.settle_s = radio.settle_s if settle_s is None else settle_s
        self._in_flight = InFlight(self.info.sample_rate_hz)
        self.at = self._next = 0
        self.n_retunes = 0
        self._n_heard = [0] * len(turns)
        self._n_read = 0
        # Of each turn, the sample behind its last, and how many losses of the radio lay before it.
        self._ends: list[int | None] = [None] * len(turns)
        self._losses = [0] * len(turns)
        self._n_losses = self._n_reconnects = 0
        self._begin_turn(0)
        # The numbers of the radio's samples begin with what it gives first.
        self._good_from = self._n_settling

    @property
    def n_reconnects(self) -> int:
        """How often the radio was opened anew."""
        return self._radio.n_reconnects

    def share(self, center_freq_hz: float) -> float:
        """Return the share of the time since the start in which a centre was listened to."""
        turn = next(n for n, turn in enumerate(self.turns) if turn.center_freq_hz == center_freq_hz)
        return self._n_heard[turn] / max(self._n_read, 1)

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        """Fill ``out`` from the turn that goes on; see :class:`~edgespec.sources.source.Source`."""
        while True:
            if not self._n_left:
                self._retune()
            room = out[: min(len(out), self._n_left)]
            block = self._radio.read(room)
            if block is None:
                return None
            if self._is_good(block):
                return self._hand_out(block)

    def close(self) -> None:
        """Close the radio; a read in another thread returns."""
        self._radio.close()

    @property
    def _n_settling(self) -> int:
        return round(self.settle_s * self.info.sample_rate_hz)

    def _begin_turn(self, number: int) -> None:
        self._next = number
        self._n_left = max(1, round(self.turns[number].dwell_s * self.info.sample_rate_hz))
        self._is_begun = False

    def _retune(self) -> None:
        """Tune to the next turn, and wait for what is taken when that is sure to be done."""
        self._begin_turn((self._next + 1) % len(self.turns))
        self.n_retunes += 1
        turn = self.turns[self._next]
        self._radio.tune(turn.center_freq_hz, turn.gain_db)
        taken = self._in_flight.taken(self._clock()) if self.info.is_live else -math.inf
        self._good_from = round(max(self._n_read, taken)) + self._n_settling

    def _is_good(self, block: IqBlock) -> bool:
        """Whether all of a block was taken behind the retune."""
        self._n_read = block.sample_start + block.n_samples
        self._n_losses += block.n_dropped > 0
        if self._radio.n_reconnects != self._n_reconnects:
            # It may be tuned anywhere until it has taken what it was told.
            self._n_reconnects = self._radio.n_reconnects
            self._in_flight.restart()
            self._good_from = block.sample_start + self._n_settling
        self._in_flight.read(self._n_read, self._clock())
        return block.sample_start >= self._good_from

    def _hand_out(self, block: IqBlock) -> IqBlock:
        """Say of a block what lies between it and the last one of its turn."""
        at, end = self._next, self._ends[self._next]
        n_missing = 0 if end is None else block.sample_start - end
        n_dropped = n_missing
        if not self._is_begun:
            n_dropped = min(n_missing, 1) if self._losses[at] != self._n_losses else 0
        self.at, self._is_begun = at, True
        self._n_left -= block.n_samples
        self._n_heard[at] += block.n_samples
        self._ends[at], self._losses[at] = block.sample_start + block.n_samples, self._n_losses
        return replace(
            block,
            center_freq_hz=self.turns[at].center_freq_hz,
            n_dropped=n_dropped,
            n_away=n_missing - n_dropped,
        )
