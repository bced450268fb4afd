"""Transmitters that should be on the air and are not."""

import numpy as np
from numpy.typing import NDArray

from edgespec.twin.expected import Expectation
from edgespec.twin.level_kind import MEASURED

__all__ = ["Silence", "dominated"]

FloatArray = NDArray[np.float64]

#: A transmitter is judged by levels that would fall by this much without it, in dB.
_DOMINANT_DB = 10.0

#: A little less of all power than what falls by that without it: 0.9.
_DOMINANT_SHARE = 0.89

#: Share of such levels that must be nearer to its absence than to its presence.
_AGREEING = 0.8

#: Share below which a silent transmitter is heard again.
_STILL = 0.2


def dominated(expectation: Expectation) -> NDArray[np.bool_]:
    """Return where a transmitter gives nine tenths of all power: bool ``(n_transmitters, n_units,
    n_subbands)``."""
    parts_mw = expectation.parts_mw
    return np.asarray(parts_mw > _DOMINANT_SHARE * (parts_mw.sum(axis=0) + expectation.noise_mw))


class Silence:
    """Follows which active transmitters are not heard.

    At least two units must say so, and four fifths of all levels that the transmitter dominates:
    one unit that went deaf silences no transmitter. It is heard again when less than a fifth say
    so: a source that begins meanwhile covers only some of them.
    """

    def __init__(self) -> None:
        self._silent: tuple[str, ...] = ()

    def is_possible(self, lowest_db: float) -> bool:
        """Whether a snapshot whose lowest residual is this may say that any is or was silent."""
        return lowest_db < -0.5 * _DOMINANT_DB or bool(self._silent)

    def update(
        self, expectation: Expectation, residual_db: FloatArray, kind: NDArray[np.uint8]
    ) -> tuple[int, ...]:
        """Return the indices of silent transmitters for one snapshot; usually none.

        ``residual_db`` ``(n_units, n_subbands)`` is against all transmitters.
        """
        measured = kind == MEASURED
        silent = []
        # Of many transmitters few dominate anything, and only these can be missed.
        for index in np.flatnonzero(dominated(expectation).any(axis=(1, 2))).tolist():
            transmitter = expectation.transmitters[index]
            without_dbm, _ = expectation.without((index,))
            fall_db = expectation.level_dbm - without_dbm
            judged = (fall_db > _DOMINANT_DB) & measured[:, None]
            absent = judged & (residual_db < -0.5 * fall_db)
            share = absent.sum() / max(judged.sum(), 1)
            was_silent = transmitter.id in self._silent
            enough = absent.any(axis=1).sum() >= 2
            if enough and share >= (_STILL if was_silent else _AGREEING):
                silent.append(index)
        self._silent = tuple(expectation.transmitters[index].id for index in silent)
        return tuple(silent)
