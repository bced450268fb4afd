"""A radio for tests that plays one array at one centre, another at another: time goes on in all."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edgespec.observer.monitor import Monitor, Radio
from edgespec.records import IqBlock
from edgespec.sources.dwell import DwellSource, Turn
from tests.made.tape import Notebook, Tape, chain_for

__all__ = ["CENTERS_HZ", "TurningTape", "turning_monitor"]

#: Of the bands of :func:`turning_monitor`, which are called ``low`` and ``high``.
CENTERS_HZ = (806e6, 1806e6)


class TurningTape(Tape):
    """Plays the array of the centre that it is tuned to; they are equally long."""

    settle_s = 0.003
    n_reconnects = 0

    def __init__(self, air: dict[float, NDArray[np.complex64]], *, is_live: bool = False) -> None:
        first_hz, samples = next(iter(air.items()))
        super().__init__(samples, is_live=is_live)
        self.air = air
        self.info = replace(self.info, center_freq_hz=first_hz)

    def tune(self, center_freq_hz: float, gain_db: float | None = None) -> None:
        self.info = replace(self.info, center_freq_hz=center_freq_hz)
        self._samples = self.air[center_freq_hz]

    def read(self, out: NDArray[Any]) -> IqBlock | None:
        block = super().read(out)
        return block and replace(block, center_freq_hz=self.info.center_freq_hz)


def turning_monitor(
    signals: Sequence[NDArray[np.complex64]],
    dwells_s: Sequence[float],
    notebook: Notebook,
    *,
    is_live: bool = False,
    options: dict[str, Any] | None = None,
    **detect: Any,
) -> Monitor:
    """Return what watches two bands by turns; ``options`` are the monitor's."""
    tape = TurningTape(dict(zip(CENTERS_HZ, signals, strict=True)), is_live=is_live)
    turns = [Turn(hz, dwell_s) for hz, dwell_s in zip(CENTERS_HZ, dwells_s, strict=True)]
    source = DwellSource(tape, turns)
    chains = []
    for name, center_hz in zip(("low", "high"), CENTERS_HZ, strict=True):
        tape.info = replace(tape.info, center_freq_hz=center_hz)
        chains.append(chain_for(tape, name, **{"detectors": ("zscore",), **detect}))
    tape.info = replace(tape.info, center_freq_hz=CENTERS_HZ[0])
    radio = Radio("r0", source, chains, CENTERS_HZ)
    return Monitor([radio], [notebook], **{"state_s": 60.0, **(options or {})})
