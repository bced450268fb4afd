"""How many sums fit into the vector registers that Numba compiles for."""

from edgespec.jit.vectors import sums_in_registers, vector_bits

__all__ = ["NARROW", "TILE_COLUMNS", "TILE_ROWS", "WIDE", "sums_at"]

#: Gates of one block of 16 units. Every width is a multiple of it, so that blocks stay whole.
NARROW = 64


def sums_at(bits: int) -> int:
    """Return how many float32 sums the registers hold in vectors of ``bits``; 0: the widest."""
    widest = vector_bits()[0]
    return sums_in_registers(bits or widest, widest)


#: So many sums at a time of one vector and a matrix,
WIDE = sums_at(0)
#: or of so many vectors, in so many columns.
TILE_ROWS = 4
TILE_COLUMNS = WIDE // TILE_ROWS
