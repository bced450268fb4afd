"""When the slots of a cell begin, on the count of samples of a stream."""

import math

from edgespec.lte.numerology import SLOTS_PER_FRAME

__all__ = ["SlotClock"]


class SlotClock:
    """Slot ``k`` behind the anchor begins at ``whole + part + k step`` samples.

    The anchor is kept as a whole number and a part, so no month of samples costs precision; and
    where a slot begins does not depend on what else is asked of the clock, or when.

    Args:
        start: sample where a radio frame begins, with its fraction.
        step: samples from slot to slot.

    Attributes:
        whole: sample of the anchor.
        part: fraction of a sample that it lies behind it.
        step: samples from slot to slot.
        passed: slots since the anchor.
        number: place of the next slot in the frame, 0 to 19.
    """

    def __init__(self, start: float, step: float) -> None:
        self.whole = math.floor(start)
        self.part = start - self.whole
        self.step = step
        self.passed = 0
        self.number = 0

    def begin_of(self, n_later: int) -> int:
        """Return the sample that the slot so many after the next begins in."""
        return self.whole + math.floor(self.part + (self.passed + n_later) * self.step)

    def n_until(self, sample: int) -> int:
        """Return how many slots, the next first, begin in ``sample`` or before."""
        room = sample - self.whole + 1 - self.part
        n = max(math.ceil(room / self.step) - self.passed, 0)
        # A quotient is rounded; what counts is where the slot is said to begin.
        while n and self.begin_of(n - 1) > sample:
            n -= 1
        while self.begin_of(n) <= sample:
            n += 1
        return n

    def advance(self, n_slots: int) -> None:
        """Go on by some slots."""
        self.passed += n_slots
        self.number = (self.number + n_slots) % SLOTS_PER_FRAME

    def move(self, samples: float, step: float) -> None:
        """Make the next slot the anchor, put it so much later, and take another step."""
        offset = self.part + self.passed * self.step
        shift = math.floor(offset)
        part = offset - shift + samples
        carry = math.floor(part)
        self.whole += shift + carry
        self.part = part - carry
        self.step = step
        self.passed = 0

    def skip_to(self, sample: int) -> int:
        """Make the first slot that begins in ``sample`` or later the next; return how many passed.

        Negative where slots before the present one are the next again.
        """
        n = math.ceil((sample - self.whole - self.part) / self.step) - self.passed
        self.advance(n)
        return n
