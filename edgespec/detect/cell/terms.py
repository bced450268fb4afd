"""Numbers that both ways of the arithmetic of a cell's watch share."""

__all__ = ["CLEAR", "FLOOR", "N_HISTORY", "N_LOOK", "N_PAST", "OFFSET", "TURNED"]

#: Where timing is off by so much, cosine of the angle between pilots, and the cell is heard so
#: clearly, the angle is turned back: samples lost unseen are no change of level.
TURNED, CLEAR = 0.88, 0.3
#: Slots that the forecast looks back to, and those that a step is looked for in.
N_PAST, N_LOOK = 8, 4
#: Rows without a deviation of their own.
N_HISTORY = N_PAST + N_LOOK - 1
#: The level is seen in log(level / usual + this): in a fade it is no longer compressed, where noise
#: and a moving channel would make any change possible.
OFFSET = 0.3
FLOOR = 0.05
