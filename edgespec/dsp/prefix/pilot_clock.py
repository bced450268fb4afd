"""When radio frames begin and how fast the receiver's clock runs, by the angle between pilots."""

import cmath
import math

from edgespec.lte.numerology import FRAME_S

__all__ = ["PilotClock"]

#: No crystal drifts so far within a frame: samples were lost that nobody counted. One radio drops
#: six of them every 80 ms.
_JUMP_S = 0.4e-6
#: Two frames in a row agree on a jump within so much.
_SAME_S = 0.3e-6
#: Below this coherence no cell is heard, and the clock runs on as it did.
_LEAST_COHERENCE = 0.1
#: Frames over which the fit ends up averaging: multipath that moves is slower, and crystals are.
_MOST_FRAMES = 40


class PilotClock:
    """Follows the start of radio frames slowly.

    A symbol that arrives late by d turns the product of neighbouring pilots by ``2 pi d 90 kHz``.
    The straight line through all that was measured is kept by recursive least squares of a growing
    memory (Brookner 1998, sec. 1.2.10)::

        a = 2 (2 n + 1) / ((n + 1) (n + 2)),   b = 6 / ((n + 1) (n + 2))
        start += a d,   drift += b d / 10 ms

    with n the number of the frame, until it stops growing. What a frame says is so of its middle.
    The first frame moves the start alone: a search knows the drift better than that. So does a jump
    that two frames agree on; in the first of them it lies somewhere, so that is not looked at.

    Args:
        frame_start: sample at which the frame in hand begins; a fraction counts.
        frame_samples: nominal length of a frame.
        ppm: samples beyond the nominal ones, in millionths.
        spacing_hz: between two pilots.

    Attributes:
        is_frozen: it runs on and corrects nothing, as while an alarm is on.
        late_s: how much later than expected the last frame came.
        coherence: of the products of that frame, 0 to 1.
    """

    def __init__(
        self, frame_start: float, frame_samples: float, ppm: float, spacing_hz: float
    ) -> None:
        self.frame_start = frame_start
        self.ppm = ppm
        self.is_frozen = False
        self.late_s = 0.0
        self.coherence = 0.0
        self._frame_samples = frame_samples
        self._spacing_hz = spacing_hz
        self._n_frames = 0
        self._jump_s: float | None = None

    @property
    def stretch(self) -> float:
        """Samples of the stream for each nominal one."""
        return 1.0 + self.ppm * 1e-6

    def skip(self, n_frames: int) -> None:
        """Let frames pass of which nothing is known."""
        self.frame_start += n_frames * self._frame_samples * self.stretch

    def end_frame(self, product: complex, power: float) -> None:
        """Take the sums of a frame's active symbols, and go on to the next frame."""
        self.coherence = abs(product) / power if power > 0.0 else 0.0
        self.late_s = cmath.phase(product) / (2.0 * math.pi * self._spacing_hz)
        # What is not a number is not above either.
        if self.coherence >= _LEAST_COHERENCE and not self.is_frozen:
            self._follow()
        self.skip(1)

    def _follow(self) -> None:
        late_s, before_s = self.late_s, self._jump_s
        self._jump_s = None
        if self._n_frames == 0 or abs(late_s) < _JUMP_S:
            self._correct(late_s)
        elif before_s is not None and abs(late_s - before_s) < _SAME_S:
            self.frame_start += late_s / FRAME_S * self._frame_samples
        else:
            self._jump_s = late_s

    def _correct(self, late_s: float) -> None:
        n = self._n_frames
        below = (n + 1) * (n + 2)
        of_start = 2 * (2 * n + 1) / below
        of_drift = 6 / below if n else 0.0
        samples = late_s / FRAME_S * self._frame_samples
        self.frame_start += (of_start - of_drift / 2.0) * samples
        self.ppm += of_drift * late_s / FRAME_S * 1e6
        self._n_frames = min(n + 1, _MOST_FRAMES)
