"""What a level of a unit is."""

__all__ = ["LOWER_BOUND", "MEASURED", "MISSING"]

#: Nothing, a value, or (of a saturated unit) a bound from below.
MISSING, MEASURED, LOWER_BOUND = 0, 1, 2
