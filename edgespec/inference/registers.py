"""How many sums fit into the vector registers that Numba compiles for."""

from numba.core.registry import cpu_target

__all__ = ["NARROW", "TILE_COLUMNS", "TILE_ROWS", "WIDE", "sums_in_registers"]

#: Gates of one block of 16 units. Every width is a multiple of it, so that blocks stay whole.
NARROW = 64


def sums_in_registers(features: str) -> int:
    """Return how many float32 sums the registers hold, with room left for what is added.

    That is half of them: 16 of 32 registers of 16 floats with AVX-512, 8 of 16 registers of 8
    floats with AVX2, 16 of 32 registers of 4 floats with NEON. ``features`` as LLVM lists them.
    """
    return 4 * NARROW if "+avx512f" in features.split(",") else NARROW


def _target_features() -> str:
    # By this, and not by the processor, Numba tells what it has in its cache: one answer for all
    # kernels that share one, whatever NUMBA_CPU_NAME says.
    _, _, features = cpu_target.target_context.codegen().magic_tuple()
    return str(features)


#: So many sums at a time of one vector and a matrix,
WIDE = sums_in_registers(_target_features())
#: or of so many vectors, in so many columns.
TILE_ROWS = 4
TILE_COLUMNS = WIDE // TILE_ROWS
