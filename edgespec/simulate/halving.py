"""A stream at half of its rate, for whoever wants only the middle of its band."""

import numpy as np
from numpy.typing import NDArray

from edgespec.computing import loops_are_quick

__all__ = ["Halver", "open_halver"]

ComplexArray = NDArray[np.complex64]

#: Of the Kaiser window (Oppenheim and Schafer 2010, sec. 7.5): 130 dB of attenuation.
_BETA = 0.1102 * (130.0 - 8.7)
#: With 47 taps it passes so much of the rate of the stream, and stops all that comes to lie there.
_MOST_PASSED = 0.3125


class Halver:
    """Filters frames and leaves out every second sample.

    What it gives of a frame begins ``late`` samples, at half of the rate, before its first one,
    and ends as many before its last one.
    """

    def __init__(self) -> None:
        from edgespec.simulate.halving_loops import N_PAIRS

        self.late = N_PAIRS
        self._odd = 2 * np.arange(N_PAIRS) + 1
        window = np.kaiser(4 * N_PAIRS - 1, _BETA)[2 * N_PAIRS :: 2]
        self._taps = (0.5 * np.sinc(self._odd / 2) * window).astype(np.float32)
        # Where two frames meet: as much as one sample is made of, of either side.
        self._n_kept = 4 * N_PAIRS - 1
        self._seam = np.zeros(2 * self._n_kept + 1, np.complex64)
        self._end = np.zeros(self._n_kept, np.complex64)
        self._frame = np.empty(0, np.complex64)

    def gain(self, turns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return its gain at frequencies, in turns a sample of the stream."""
        waves = np.cos(2 * np.pi * turns[:, None] * self._odd)
        out: NDArray[np.float64] = 0.5 + 2.0 * (waves @ self._taps.astype(np.float64))
        return out

    def take(self, frame: ComplexArray) -> None:
        """Go on with the next frame, which must stay as it is until all of it was given."""
        self._frame = frame
        self._seam[: self._n_kept] = self._end
        self._seam[self._n_kept :] = frame[: self._n_kept + 1]
        self._end[:] = frame[-self._n_kept :]

    def give(self, first: int, out: ComplexArray) -> None:
        """Fill ``out`` with what there is of the frame, from sample ``first`` on."""
        from edgespec.simulate.halving_loops import halve

        n_seam = min(max(2 * self.late - first, 0), len(out))
        halve(self._seam.view(np.int64)[2 * first :], self._taps, out[:n_seam].view(np.float32))
        begin = max(0, 2 * (first + n_seam) - self._n_kept)
        rest = out[n_seam:].view(np.float32)
        halve(self._frame.view(np.int64)[begin:], self._taps, rest)


def open_halver(passed: float) -> Halver | None:
    """Return what halves the rate without harm to the middle of the band, or None.

    ``passed`` is the highest frequency that counts, as a share of half of the rate. Without a
    compiler the filter would take longer than what it saves.
    """
    return Halver() if passed <= _MOST_PASSED and loops_are_quick() else None
