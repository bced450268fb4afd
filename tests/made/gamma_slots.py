"""Slots whose cell was cancelled, as a front end gives them: means of a few squares."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray

#: Symbols of a slot: the squares that a residual is the mean of.
N_SQUARES = 7


@dataclass(frozen=True, slots=True)
class Slots:
    """``residual`` and ``power`` float32 ``(n_slots, n_subbands)``, place in the frame, flags."""

    residual: FloatArray
    power: FloatArray
    place: NDArray[np.int64]
    flags: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.residual)

    def part(self, first: int, stop: int) -> "Slots":
        return Slots(
            self.residual[first:stop],
            self.power[first:stop],
            self.place[first:stop],
            self.flags[first:stop],
        )

    def louder(self, step_db: float) -> "Slots":
        """Return what a receiver with more gain gives."""
        ratio = np.float32(10.0 ** (step_db / 10.0))
        return replace(self, residual=self.residual * ratio, power=self.power * ratio)

    def with_interferer(self, level: float, lower: int = 0, stop: int | None = None) -> "Slots":
        """Return the slots with a steady power in some subbands, and no fluctuation of its own."""
        here = slice(lower, stop)
        residual, power = self.residual.copy(), self.power.copy()
        residual[:, here] += np.float32(level)
        power[:, here] += np.float32(level)
        return replace(self, residual=residual, power=power)


def made_slots(
    rng: np.random.Generator,
    n_slots: int,
    n_subbands: int = 5,
    *,
    noise: float = 1e-4,
    leak: float = 4e-3,
    cell: float = 0.1,
    quiet_places: tuple[int, ...] = (),
    first_place: int = 0,
) -> Slots:
    """Return slots of a cell with bursts of traffic over 10 dB; it is silent at quiet places."""
    place = (np.arange(n_slots) + first_place) % 20
    traffic: NDArray[Any] = cell * 10.0 ** rng.uniform(-1.0, 0.0, (n_slots, 1))
    sent = np.where(np.isin(place, quiet_places)[:, None], 0.0, traffic)
    chance = rng.gamma(N_SQUARES, 1.0 / N_SQUARES, (2, n_slots, n_subbands))
    residual = (noise + leak * sent) * chance[0]
    power = sent * np.ones(n_subbands) + noise * chance[1]
    return Slots(
        residual.astype(np.float32),
        power.astype(np.float32),
        place,
        np.zeros(n_slots, np.uint8),
    )
