"""A band without a cell, in the place of one."""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from edgespec.records import FloatArray
from edgespec.simulate.faults import Fault
from edgespec.simulate.numerology import N_SUBCARRIERS, SYMBOL_SAMPLES
from edgespec.simulate.services.fm import Fm
from edgespec.simulate.services.gsm import Gsm
from edgespec.simulate.services.hoppers import Hoppers
from edgespec.simulate.services.meters import Meters
from edgespec.simulate.services.service import Service
from edgespec.simulate.services.transponders import Transponders

__all__ = ["SERVICES", "ServiceSender"]

#: Every service by its name in :class:`edgespec.simulate.config.SceneConfig`.
SERVICES: Mapping[str, Callable[[int], Service]] = {
    "gsm": Gsm,
    "fm": Fm,
    "meters": Meters,
    "hoppers": Hoppers,
    "transponders": Transponders,
}
#: The strongest transmission of a band, at which an ISR of 0 dB lies.
_POWER = np.ones((len(SYMBOL_SAMPLES), N_SUBCARRIERS), np.float32)


class ServiceSender:
    """Makes frames of 10 ms at 7.68 MS/s of one service; it knows no faults and does not fade."""

    def __init__(self, name: str, seed: int) -> None:
        self._service = SERVICES[name](seed)
        self._frame = 0

    def next_iq(self, faults: list[Fault], out: NDArray[np.complex64]) -> NDArray[np.complex64]:
        """Return the next frame, complex64 ``(76800,)``, which is ``out``."""
        out[:] = 0
        self._service.add_to(out, self._frame)
        self._frame += 1
        return out

    def next_power(self) -> FloatArray:
        """Return the power of its strongest transmission, whether it is on or not."""
        self._frame += 1
        return _POWER

    def skip(self) -> None:
        """Pass over the next frame."""
        self._frame += 1
